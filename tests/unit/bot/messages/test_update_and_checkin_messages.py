"""How updates, reminders, misses and questions about stale incidents read."""

import json
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.features.checkins import staleness
from bot.features.updates import feature as updates
from bot.features.updates import messages as update_messages
from bot.features.updates.feature import Update, update_form
from bot.framework.arguments import to_value
from bot.framework.entry_messages import told_message
from bot.slack.blocks import Message
from incidents.core.hash_chain import instant_text
from incidents.incident.incident import ById
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import EntryView, IncidentView
from tests.policies import built_in
from tests.views import NOW, entry_view, incident_view

NASTY = "<!channel> @here <@U1> `a \u202e" + "x" * 5_000
PERSON_ID = uuid.uuid4()
UPDATES = dict(updates.FEATURE.entries)


def incident(status: IncidentStatus = IncidentStatus.INVESTIGATING) -> IncidentView:
    return incident_view(
        title=f"Checkout {NASTY}", impact=NASTY, status=status, next_update_due_at=NOW
    )


def entry(content: dict[str, Any], kind: str = "update_snoozed") -> EntryView:
    return entry_view(kind, actor_id=PERSON_ID, actor_name=f"Alice {NASTY[:60]}", content=content)


DUE = instant_text(NOW - timedelta(minutes=15))
TO_CAROL = [{"id": str(PERSON_ID), "external_id": "U0CAROL", "name": "carol"}]
UPDATE = {
    "number": 3,
    "status": "identified",
    "severity": "SEV2",
    "text": NASTY,
    "impact": NASTY,
    "actions": "Rolling back",
    "next_steps": "Verify",
    "next_update_due_at": DUE,
}
MISSED = {"due_at": DUE, "next_due_at": instant_text(NOW + timedelta(minutes=15)), "count": 1}

CASES: list[tuple[Callable[[EntryView, IncidentView], Message], dict[str, Any], set[str]]] = [
    (UPDATES["update_posted"], UPDATE, set()),
    (UPDATES["update_reminded"], {"step": "due", "due_at": DUE, "to": TO_CAROL}, {"U0CAROL"}),
    (UPDATES["update_reminded"], {"step": "due", "due_at": DUE, "to": []}, set()),
    (UPDATES["update_reminded"], {"step": "late", "due_at": DUE, "to": TO_CAROL}, set()),
    (UPDATES["update_missed"], MISSED, set()),
    (UPDATES["update_missed"], {**MISSED, "is_bots": True, "count": 9}, set()),
    (UPDATES["update_missed"], {**MISSED, "is_last_call": True}, set()),
    (
        told_message,
        {"until": DUE, "delay_seconds": 900, "reason": NASTY},
        set(),
    ),
    (
        dict(staleness.FEATURE.entries)["stale_asked"],
        {"last_activity_at": DUE, "status": "mitigated"},
        set(),
    ),
]


@pytest.mark.parametrize(("render", "content", "mentioned"), CASES)
def test_only_the_addressees_are_pinged_whatever_people_typed(
    render: Callable[[EntryView, IncidentView], Message],
    content: dict[str, Any],
    mentioned: set[str],
) -> None:
    payload = render(entry(content), incident()).payload()
    everything = json.dumps(payload, ensure_ascii=False)
    assert set(re.findall(r"<@(\w+)", everything)) == mentioned
    assert "<!channel" not in everything
    assert "<!here" not in everything
    assert re.search(r"@here\b", everything) is None


@pytest.mark.parametrize(("render", "content", "mentioned"), CASES)
def test_the_fallback_text_begins_as_the_blocks_do(
    render: Callable[[EntryView, IncidentView], Message],
    content: dict[str, Any],
    mentioned: set[str],
) -> None:
    message = render(entry(content), incident())
    block = message.blocks[0].to_dict()
    shown = block.get("text") or block["elements"][0]
    assert shown["text"][:40] in message.text


def test_the_bot_admits_its_own_misses_and_the_last_call_says_so() -> None:
    own = UPDATES["update_missed"](entry({**MISSED, "is_bots": True}), incident())
    assert "my miss, not yours" in own.text
    last = UPDATES["update_missed"](entry({**MISSED, "is_last_call": True}), incident())
    assert "won't ask again" in last.text


def test_the_buttons_of_a_reminder_carry_the_incident_and_the_due_time() -> None:
    view = incident()
    message = UPDATES["update_reminded"](
        entry({"step": "due", "due_at": DUE, "to": [], "snooze_seconds": 900}), view
    )
    buttons = message.blocks[-1].to_dict()["elements"]
    assert [button["action_id"] for button in buttons] == [
        "update_open",
        "update_no_change",
        "update_snooze",
    ]
    assert buttons[2]["value"] == to_value(
        update_messages.Snooze(ById(view.id), timedelta(minutes=15), DUE)
    )


def test_forms_offer_only_what_is_possible_and_remember_their_incident() -> None:
    policy = built_in().policy
    view = incident(IncidentStatus.MITIGATED)
    asked = Update(ById(view.id), next_in="20m")
    form = update_form(view, asked, policy=policy, now=NOW)
    shown = form.view.to_dict()
    select = next(block for block in shown["blocks"] if block.get("block_id") == "status")
    values = [option["value"] for option in select["element"]["options"]]
    assert values == ["mitigated", "investigating", "identified"]
    resolved = update_form(incident(IncidentStatus.RESOLVED), asked, policy=policy, now=NOW)
    assert "next_in" not in {block.get("block_id") for block in resolved.view.to_dict()["blocks"]}
    named = updates.FEATURE.verbs[0].named(form)
    assert json.loads(named.private_metadata or "{}") == {
        "ref": str(view.id),
        "filled_in": form.given.filled_in,
    }
