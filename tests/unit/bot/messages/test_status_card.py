"""The status card: what it shows at one glance, and which buttons it has in which status."""

import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.features.channel.status_card_view import more_form, status_card
from bot.slack.blocks import Message
from incidents.incident.cadence import UpdateView
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import IncidentView, PersonView, RoleView
from incidents.policy.channels import Bookmark
from incidents.policy.escalation import Service
from incidents.policy.policy import COMMANDER, COMMUNICATIONS_LEAD, Policy
from tests.policies import built_in
from tests.views import NOW, incident_view, update_view

ENDS_OR_HIDES = {"resolve_open", "cancel_open", "close_incident", "private_open"}


def role(key: str, name: str, person: str) -> RoleView:
    return RoleView(key, name, PersonView(uuid.uuid4(), person, person, "UTC"), NOW)


def told(text: str) -> UpdateView:
    return update_view(text, author_name="Carol <!here>")


def led(**changes: Any) -> IncidentView:
    roles = (
        role(COMMANDER, "Incident commander", "UBEN"),
        role(COMMUNICATIONS_LEAD, "Communications lead", "UCAROL"),
        role("scribe", "Scribe", "UDAVE"),
    )
    return replace(incident_view(roles=roles), **changes)


@pytest.fixture
def policy() -> Policy:
    bridge = Bookmark(title="Call bridge", url="https://meet.example.com/{reference}")
    known = built_in().policy
    return replace(
        known,
        services=(
            Service(
                key="checkout",
                name="Checkout <api>",
                tier=1,
                runbook_url="https://wiki.example.com/r",
                dashboard_url="https://g.example.com/d",
            ),
        ),
        bookmarks=(*known.bookmarks, bridge),
    )


def shown(message: Message) -> str:
    return json.dumps(message.payload()["blocks"], ensure_ascii=False)


def actions_of(message: Message) -> list[str]:
    (row,) = (block for block in message.payload()["blocks"] if block["type"] == "actions")
    return [element["action_id"] for element in row["elements"]]


def test_the_card_of_a_led_incident_tells_everything_at_one_glance(policy: Policy) -> None:
    view = led(
        impact="One card in five fails",
        services=("checkout",),
        latest_update=told("We roll back.\nThen we look <!channel>"),
        next_update_due_at=NOW + timedelta(minutes=30),
    )
    card = status_card(view, policy=policy)
    assert len(card.blocks) == 5
    at = int(NOW.timestamp())
    header, now, update, small, _ = (
        json.dumps(one.to_dict(), ensure_ascii=False) for one in card.blocks
    )
    assert "🟠 SEV2 · INC-12 Checkout errors" in header
    assert (
        f"*Investigating* · open <!date^{at}^since {{date_short_pretty}} {{time}} ({{ago}})" in now
    )
    assert "*Commander* <@UBEN> · *Communications* <@UCAROL>" in now
    assert "*Impact* One card in five fails" in now
    assert "*Services* Checkout &lt;api&gt;" in now
    assert (
        r"> We roll back.\n> Then we look &lt;!channel&gt;\nCarol &lt;!here&gt;, <!date" in update
    )
    assert f"next update due <!date^{at + 1_800}" in update
    for link in (
        "<https://wiki.example.com/r|Runbook>",
        "<https://g.example.com/d|Dashboard>",
        "<https://meet.example.com/INC-12|Call bridge>",
    ):
        assert link in small
        assert link in card.text
    assert "Scribe: <@UDAVE>" in small
    for said in ("One card in five fails", "<@UCAROL>", "We roll back.", "Checkout &lt;api&gt;"):
        assert said in card.text


def test_how_long_it_is_open_goes_on_by_itself_and_stands_still_once_it_is_over(
    policy: Policy,
) -> None:
    open_card = status_card(led(), policy=policy)
    assert "({ago})" in shown(open_card)
    over = led(status=IncidentStatus.RESOLVED, resolved_at=NOW + timedelta(minutes=42))
    assert "*Resolved* · after 42 min" in shown(status_card(over, policy=policy))
    assert "{ago}" not in shown(status_card(over, policy=policy))


def test_an_update_that_is_due_first_is_announced_on_the_card(policy: Policy) -> None:
    view = led(next_update_due_at=NOW)
    assert "No update yet · next update due" in shown(status_card(view, policy=policy))
    assert "update" not in shown(status_card(led(), policy=policy)).replace(
        "Post update", ""
    ).replace("update_open", "")


@pytest.mark.parametrize(
    ("view", "row"),
    [
        (
            incident_view(),
            ["role_take_command", "update_open", "escalate_open", "status_change", "more_open"],
        ),
        (led(), ["update_open", "escalate_open", "status_change", "note_open", "more_open"]),
        (
            led(status=IncidentStatus.RESOLVED, resolved_at=NOW),
            ["postmortem_write_open", "action_item_open", "reopen_open", "more_open"],
        ),
        (
            led(status=IncidentStatus.CLOSED, resolved_at=NOW),
            ["postmortem_write_open", "action_item_open", "reopen_open", "more_open"],
        ),
        (led(status=IncidentStatus.CANCELLED, cancelled_at=NOW), ["timeline_open"]),
    ],
    ids=["nobody leads", "led", "resolved", "closed", "cancelled"],
)
def test_four_buttons_and_more_follow_the_state(
    view: IncidentView, row: list[str], policy: Policy
) -> None:
    assert actions_of(status_card(view, policy=policy)) == row
    assert not ENDS_OR_HIDES & set(row)


@pytest.mark.parametrize(
    ("view", "ends"),
    [
        (led(), ENDS_OR_HIDES - {"close_incident"}),
        (led(is_private=True), {"resolve_open", "cancel_open"}),
        (led(status=IncidentStatus.RESOLVED), {"close_incident"}),
        (led(status=IncidentStatus.CLOSED), set()),
    ],
    ids=["open", "private", "resolved", "closed"],
)
def test_more_ends_or_hides_what_can_be_and_asks_before_it_closes(
    view: IncidentView, ends: set[str]
) -> None:
    rows = [one for one in more_form(view).to_dict()["blocks"] if one["type"] == "actions"]
    buttons = {one["action_id"]: one for row in rows for one in row["elements"]}
    assert ENDS_OR_HIDES & buttons.keys() == ends
    assert ("confirm" in buttons.get("close_incident", {})) == ("close_incident" in ends)
    card = status_card(view, policy=built_in().policy)
    assert not set(actions_of(card)) & buttons.keys(), "a button is in both places"
