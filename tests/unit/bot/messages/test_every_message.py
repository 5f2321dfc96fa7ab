"""Every kind of entry reads well in the channel, in direct messages and in files."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.features import all_features
from bot.features.channel.announcement import announcement
from bot.features.channel.status_card_view import more_form, status_card
from bot.features.checkins.feature import checkin_form
from bot.features.lifecycle.milestones import milestones_form
from bot.features.lifecycle.resolve import cancel_form, reopen_form
from bot.features.lifecycle.resolve_form import resolve_form
from bot.features.lifecycle.severity import severity_form
from bot.features.lifecycle.status import status_form
from bot.features.record.timeline_messages import note_form
from bot.features.updates.feature import update_fields
from bot.framework.arguments import from_value
from bot.framework.refusals import refusal_text
from bot.slack import blocks
from incidents.core.errors import NotPermitted
from incidents.core.sentences import PlainText, as_line
from incidents.engine import effects
from incidents.engine.entries import effect_words
from incidents.escalation.entries import ENTRIES as ESCALATION_ENTRIES
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.payload import Payload, decode, field_names
from incidents.incident.views import EntryView, IncidentView, PersonView
from incidents.policy.policy import Action
from incidents.record.corrections import CorrectedEntry
from incidents.record.timeline_view import tell
from incidents.registry.entries import ENTRY_TYPES
from tests.policies import built_in
from tests.views import NOW, entry_view, incident_view, said_directly, said_in_channel

LATER, BEFORE = "2026-03-02T10:00:00.000000Z", "2026-03-02T09:00:00.000000Z"
ALICE = PersonView(uuid.uuid4(), "U0000001", "Alice", "UTC")
BOB = {"id": str(uuid.uuid4()), "external_id": "U0000002", "name": "Bob"}
CAROL = {"id": str(uuid.uuid4()), "external_id": "U0000003", "name": "Carol"}
STATUSES = tuple(IncidentStatus)

# Example content; each kind takes the fields it has.
COMMON: dict[str, Any] = {
    "text": "The cache is cold",
    "reason": "It is worse",
    "due_at": BEFORE,
    "due_on": "2026-03-09",
    "number": 3,
    "version": 1,
    "status": "investigating",
    "severity": "SEV2",
    "title": "Checkout errors",
    "owner": BOB,
    "old": "triage",
    "new": "identified",
    "role": "communications_lead",
    "role_name": "Communications lead",
    "person": BOB,
    "previous": CAROL,
    "outgoing": CAROL,
    "incoming": BOB,
    "to": BOB,
    "how": "accepted",
    "person_id": BOB["id"],
    "person_external_id": BOB["external_id"],
    "person_name": "Bob",
    "checkin_id": str(uuid.uuid4()),
    "round": 1,
    "question": "Is the web tier healthy?",
    "answer": "more_time",
    "box_seconds": 600,
    "count": 2,
    "delay_seconds": 900,
    "snooze_seconds": 900,
    "until": LATER,
    "next_due_at": LATER,
    "next_update_due_at": LATER,
    "missed_at": BEFORE,
    "last_activity_at": BEFORE,
    "minutes": 1,
    "backup": None,
    "effect_id": str(uuid.uuid4()),
    "effect_kind": "refresh_status_card",
    "error": "not_in_channel",
    "channel_id": "C0000001",
    "channel_name": "inc-12",
    "old_channel_id": "C0000002",
    "sections": ["contributing_factors"],
    "format": "md",
    "author": CAROL,
    "target_kind": "note",
    "target_sequence": 4,
    "target_occurred_at": BEFORE,
    "milestones": {"mitigated_at": {"old": None, "new": BEFORE}},
}
SPECIAL: dict[str, dict[str, Any]] = {
    "update_reminded": {"to": [BOB], "step": "late"},
    "milestone_set": {"name": "impact_started_at", "old": None, "new": BEFORE},
    "status_changed": {"next_update_due_at": {"old": BEFORE, "new": LATER}},
    "severity_changed": {
        "old": "SEV3",
        "new": "SEV2",
        "is_worse": True,
        "next_update_due_at": {"old": LATER, "new": BEFORE},
    },
    "edited": {"changes": {"title": {"old": "Errors", "new": "Checkout errors"}}},
    "invite_refused": {"refused": [{"person": BOB, "error": "user_is_restricted"}]},
    "file_linked": {"name": "graph.png", "permalink": "https://x.slack.com/f"},
    "drill_started": {
        "scenario": "bad-deploy",
        "name": "Bad deploy",
        "level": "starter",
        "service": "Checkout",
        "briefing": "You are on call.\nThe page came at 12:05.",
        "limit_seconds": 2400,
        "junior": BOB,
        "mentor": CAROL,
        "checks": ["Logs of checkout"],
        "actions": ["Go back to 2.40.3"],
    },
    "drill_signal": {"signal": "page", "source": "Support lead", "is_question": True},
    "drill_checked": {"check": "logs", "name": "Logs", "output": "12:04 ERROR"},
    "drill_acted": {"action": "roll-back", "name": "Go back", "output": "started"},
    "drill_ended": {"how": "timed_out", "name": "Bad deploy"},
    "channel_renamed": {"old": "inc-12", "new": "inc-12-checkout"},
}

ESCALATION: dict[str, Any] = {
    "escalation_id": str(uuid.uuid4()),
    "author": CAROL,
    "template": "Database",
    "template_key": "database",
    "packet": {"ask": "Is it safe to fail over?", "answer_by": LATER, "changes_checked": True},
    "changed": ["ask", "answer_by"],
    "field": "evidence",
    "question": "",
    "asked_by": BOB,
    "to": ["Bob", "@database-oncall"],
    "people": [{"person": BOB, "call_id": str(uuid.uuid4())}],
    "skipped": [{"name": "Carol", "why": "not_in_private"}],
    "looking_up": ["@database-oncall"],
    "away": [{"person": BOB, "how": "do not disturb until 08:00 their time"}],
    "called": [{"person": BOB, "how": "no_answer"}, {"person": CAROL, "how": "passed_on"}],
    "because": "no_answer",
    "wait_seconds": 300,
    "waited_seconds": 900,
    "step": 2,
}
SPECIAL |= {
    one.kind: {name: ESCALATION[name] for name in field_names(one) & ESCALATION.keys()}
    for one in ESCALATION_ENTRIES
}
SPECIAL["escalated"]["to"] = "Bob"
SPECIAL["escalation_withdrawn"]["because"] = "withdrawn"

KINDS = (*ENTRY_TYPES, "of_another_version")

INNER = re.compile(r"\b[a-z]+_[a-z_]+\b")
RAW_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|(?<![@#<\w])[UC]0000\d+")
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:")
CODE = re.compile(r"`[^`]*`|<[^<>]*>")


def test_every_kind_has_its_own_words() -> None:
    assert [one for one in ENTRY_TYPES.values() if one.tell is Payload.tell] == []


def content_of(kind: str) -> dict[str, Any]:
    """Return example content for an entry of this kind: the fields of its payload."""
    known = field_names(ENTRY_TYPES[kind]) if kind in ENTRY_TYPES else COMMON.keys()
    common = {name: value for name, value in COMMON.items() if name in known}
    return {**common, **SPECIAL.get(kind, {})}


def entry(kind: str) -> EntryView:
    later = NOW + timedelta(seconds=1)
    return entry_view(kind, recorded_at=later, actor_id=ALICE.id, content=content_of(kind))


def incident(status: IncidentStatus = IncidentStatus.INVESTIGATING) -> IncidentView:
    return incident_view(
        reference="DRILL-1234",
        is_drill=True,
        is_private=True,
        impact="EU customers can't pay",
        resolution="Rolled back",
        status=status,
        declared_by=ALICE,
        impact_started_at=NOW,
        next_update_due_at=NOW,
        channel_id="C0000001",
    )


def assert_reads_well(text: str) -> None:
    """Assert that a text shows no internals."""
    said = CODE.sub(" ", text)
    assert text.strip()
    assert not INNER.search(said), f"an inner name in {text!r}"
    assert not re.search(r"\b(None|null|True|False)\b", said), f"a raw value in {text!r}"
    assert not RAW_ID.search(said), f"a raw id in {text!r}"
    assert not ISO.search(text), f"a raw instant in {text!r}"
    assert not re.search(r"[^.]\.\.(?!\.)|\b1 (minutes|hours|days|updates)\b", said), text


def texts_of(message: blocks.Message) -> Iterator[str]:
    for block in message.payload()["blocks"]:
        parts = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
        yield from (part["text"] for part in parts if part and isinstance(part.get("text"), str))


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]{3,}", CODE.sub(" ", text).casefold()))


def assert_buttons_work(message: blocks.Message) -> None:
    handled = {action for feature in all_features() for action in feature.actions}
    verbs = [verb for feature in all_features() for verb in feature.verbs]
    by_id = {name: verb for verb in verbs for name in (*verb.buttons, *verb.opened_by)}
    for block in message.payload()["blocks"]:
        row = block.get("elements", []) if block["type"] == "actions" else []
        assert len(row) <= 5
        primary = [element for element in row if element.get("style") == "primary"]
        assert primary in ([], row[:1]), "the primary action isn't the first"
        for element in (*row, *filter(None, [block.get("accessory")])):
            assert element["action_id"] in handled
            if element["action_id"] in by_id:
                for chosen in element.get("options", [element]):
                    from_value(by_id[element["action_id"]].arguments, chosen.get("value", ""))


@pytest.mark.parametrize("say", [said_in_channel, said_directly])
@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_reads_well_and_its_buttons_work(kind: str, say: Any) -> None:
    message = say(entry(kind), incident())
    assert_reads_well(message.text)
    for text in texts_of(message):
        assert_reads_well(text)
        assert words(text) <= words(message.text), "the fallback leaves something out"
    assert_buttons_work(message)


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_of_the_timeline_reads_well(kind: str) -> None:
    corrected = CorrectedEntry(
        id=uuid.uuid4(),
        sequence=7,
        kind=kind,
        occurred_at=NOW,
        recorded_at=NOW,
        actor_kind="person",
        actor_id=ALICE.id,
        actor_name="Alice",
        said=decode(kind, content_of(kind), ENTRY_TYPES),
    )
    assert_reads_well(as_line(tell(corrected), PlainText()))


@pytest.mark.parametrize("status", STATUSES)
def test_card_and_announcement_read_well_in_every_status(status: IncidentStatus) -> None:
    for message in (
        status_card(incident(status), policy=built_in().policy),
        announcement(incident(status)),
    ):
        assert_reads_well(message.text)
        for text in texts_of(message):
            assert_reads_well(text)
        assert_buttons_work(message)
    assert_buttons_work(blocks.Message("More", tuple(more_form(incident(status)).blocks)))


def test_titles_of_forms_are_not_cut() -> None:
    policy, view = built_in().policy, incident()
    forms = [
        status_form(view),
        severity_form(view, policy=policy),
        update_fields(view, initial_next=""),
        resolve_form(view, text="", now=NOW),
        reopen_form(incident(IncidentStatus.RESOLVED)),
        cancel_form(view),
        milestones_form(view),
        note_form(view),
        checkin_form(view, box=timedelta(minutes=10)),
    ]
    for form in forms:
        title = form.to_dict()["title"]["text"]
        assert len(title) <= 24
        assert not title.endswith("…"), title


def test_each_effect_has_words() -> None:
    kinds = [one.kind for one in vars(effects).values() if hasattr(one, "needs_channel")]
    assert len(kinds) > 10
    for kind in filter(None, kinds):
        assert effect_words(kind) != kind.replace("_", " "), kind


@pytest.mark.parametrize("needs", ["member", "responder", "communications_lead, U0000002"])
@pytest.mark.parametrize("action", [*Action, "answer_handoff"])
def test_a_refused_right_reads_well(action: str, needs: str) -> None:
    assert_reads_well(refusal_text(NotPermitted(action, needs), slash="/incident"))
