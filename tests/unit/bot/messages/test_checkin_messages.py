"""How check-ins read: asked, accepted, timed out and answered."""

import json
import re
from typing import Any

import pytest

from bot.slack.blocks import Message
from incidents.checkins.entries import CheckinAnswered, CheckinAsked, CheckinDue, CheckinUnderstood
from incidents.core.ids import new_id
from incidents.core.sentences import Who
from incidents.incident.payload import Payload
from tests.views import NOW, entry_view, incident_view, said_directly, said_in_channel

NASTY = "<!channel> @here <@U1> `a \u202e" + "x" * 5_000
BOB = Who(NASTY[:60], new_id(), "U0BOB")
ABOUT: dict[str, Any] = {
    "checkin_id": new_id(),
    "round": 1,
    "person": BOB,
    "box_seconds": 600,
    "due_at": NOW,
}
ASKED = CheckinAsked(**ABOUT, question=NASTY)
DUE = CheckinDue(**ABOUT, question=NASTY)


def answered(answer: str, **more: Any) -> CheckinAnswered:
    return CheckinAnswered(**ABOUT, answer=answer, **more)


CASES: list[tuple[Payload, set[str], set[str]]] = [
    (ASKED, {"U0BOB"}, set()),
    (CheckinUnderstood(**ABOUT), set(), set()),
    (DUE, {"U0BOB"}, set()),
    (answered("done", text=NASTY), set(), set()),
    (answered("stuck"), set(), set()),
    (answered("more_time"), set(), set()),
]


def pinged(message: Message) -> set[str]:
    everything = json.dumps(message.payload(), ensure_ascii=False)
    assert "<!channel" not in everything
    assert "<!here" not in everything
    assert re.search(r"@here\b", everything) is None
    return set(re.findall(r"<@(\w+)", everything))


@pytest.mark.parametrize(("payload", "in_channel", "directly"), CASES)
def test_only_the_addressees_are_pinged_whatever_people_typed(
    payload: Payload, in_channel: set[str], directly: set[str]
) -> None:
    view = incident_view(title=f"Checkout {NASTY}")
    entry = entry_view(payload, actor_id=BOB.id, actor_name=NASTY[:60])
    assert pinged(said_in_channel(entry, view)) == in_channel
    assert pinged(said_directly(entry, view)) == directly


def test_an_answer_for_somebody_else_says_whose_it_is() -> None:
    entry = entry_view(answered("stuck"), actor_id=new_id())
    assert "*Alice* said that <@U0BOB> was stuck" in said_in_channel(entry, incident_view()).text


def test_the_buttons_carry_the_check_in_and_its_time_box() -> None:
    view = incident_view()
    message = said_directly(entry_view(DUE), view)
    buttons = message.blocks[-1].to_dict()["elements"]
    carried = {tuple(button["value"].split("|")[:3]) for button in buttons}
    assert carried == {(str(view.id), str(DUE.checkin_id), "1")}
