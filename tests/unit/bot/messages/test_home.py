"""The Home tab at its fullest: everything fits, leads on, and pings nobody."""

import json
import uuid
from dataclasses import replace
from datetime import date

import pytest

from bot.features import all_features
from bot.features.browse.home import home_blocks
from bot.framework.arguments import from_value
from incidents.browse.home import HomeView
from incidents.browse.lists import ListedIncident, ListPage, Scope
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import PersonView
from incidents.registry.waiting import MOST_OF_A_KIND, Waiting, WaitsFor
from tests.views import NOW

NASTY = "<!channel> <@U1>"
BEN = PersonView(uuid.uuid4(), "UBEN", NASTY, "UTC")


def listed(*, channel_id: str | None = "C1", is_led: bool = True) -> ListedIncident:
    return ListedIncident(
        id=uuid.uuid4(),
        reference="INC-12",
        title=NASTY,
        severity_name="SEV2",
        status=IncidentStatus.INVESTIGATING,
        is_private=False,
        channel_id=channel_id,
        declared_at=NOW,
        severity_rank=2,
        is_led=is_led,
    )


def waiting(what: WaitsFor) -> Waiting:
    return Waiting(
        what=what,
        subject_id=uuid.uuid4(),
        incident=None if what is WaitsFor.SHIFT else listed(),
        number=3,
        by=BEN,
        text=NASTY,
        due_on=date(2026, 3, 6),
    )


def page(scope: Scope, count: int) -> ListPage:
    return ListPage(scope, tuple(listed() for _ in range(count)), 1, 1, count)


FULL = HomeView(
    mine=replace(page(Scope.MINE, 10), total=12),
    open=page(Scope.OPEN, 10),
    recent=page(Scope.RECENT, 5),
)


def test_the_fullest_home_fits_and_says_that_it_is_cut() -> None:
    full = [waiting(what) for what in WaitsFor for _ in range(MOST_OF_A_KIND)]
    view = home_blocks(FULL, slash="/incident", waiting=full).to_dict()
    said = json.dumps(view, ensure_ascii=False)
    assert len(view["blocks"]) <= 100
    assert "cut here" not in said
    assert "I show 5 of a kind at most." in said
    assert "and 2 more: `/incident list mine`" in said
    fewer = home_blocks(FULL, slash="/incident", waiting=full[1:2]).to_dict()
    assert "of a kind" not in json.dumps(fewer)
    for ping in ("<!channel", "<@U1>"):
        assert ping not in said


@pytest.mark.parametrize("what", WaitsFor)
def test_everything_that_waits_has_a_button_that_works_or_its_channel(what: WaitsFor) -> None:
    verbs = [verb for feature in all_features() for verb in feature.verbs]
    by_id = {name: verb for verb in verbs for name in (*verb.buttons, *verb.opened_by)}
    view = home_blocks(FULL, slash="/incident", waiting=[waiting(what)]).to_dict()
    start = next(
        number
        for number, block in enumerate(view["blocks"])
        if block["type"] == "header" and block["text"]["text"] == "Waiting for you"
    )
    line = view["blocks"][start + 1]
    button = line.get("accessory")
    if button is None:
        assert "<#C1>" in line["text"]["text"]
    else:
        given = from_value(by_id[button["action_id"]].arguments, button["value"])
        assert given is not None
