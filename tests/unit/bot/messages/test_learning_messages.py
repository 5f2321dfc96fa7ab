"""How shadowing, debriefs, mentors' conversations and on-call handovers read, with any text."""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.features import all_features
from bot.features.handover import messages as handover_messages
from bot.features.learning import debriefs, mentoring, shadow_messages
from bot.slack import blocks
from incidents.engine.prompts import PromptKind, PromptStatus, PromptView
from incidents.handover.draft import (
    MOST,
    HandoverDraft,
    OpenEscalation,
    OpenIncident,
    PendingAction,
    ResolvedIncident,
    RiskyChange,
)
from incidents.handover.tables import HandoverStatus, HandoverView, NoteRating, QuestionView
from incidents.incident.views import EntryView, IncidentView, PersonView, RoleView
from incidents.learning.debriefs import DebriefView
from incidents.learning.mentoring import ConversationView
from incidents.learning.shadowing import OwnShadowings, ShadowingView, WatchedIncident
from incidents.proposals.tables import ProposalStatus
from tests.policies import built_in
from tests.unit.bot.messages.test_update_and_checkin_messages import NASTY
from tests.unit.bot.messages.test_update_and_checkin_messages import incident as nasty_incident
from tests.views import NOW, entry_view

POLICY = built_in().policy
ALICE = PersonView(uuid.uuid4(), "U0ALICE", f"Alice {NASTY[:60]}", "UTC")
BOB = PersonView(uuid.uuid4(), "U0BOB", f"Bob {NASTY[:60]}", "UTC")


def incident() -> IncidentView:
    role = RoleView("commander", "Incident commander", BOB, NOW)
    return replace(nasty_incident(), roles=(role,))


def shadowing(**changes: object) -> ShadowingView:
    return ShadowingView(
        **{  # type: ignore[arg-type]
            "id": uuid.uuid4(),
            "person": BOB,
            "mentor": ALICE,
            "role_name": "",
            "service_name": "",
            "until_at": NOW,
            "ended_at": None,
            "ended_by": None,
            **changes,
        }
    )


def decision(**changes: object) -> PromptView:
    return PromptView(
        **{  # type: ignore[arg-type]
            "id": uuid.uuid4(),
            "incident_id": uuid.uuid4(),
            "person_id": BOB.id,
            "kind": PromptKind.DECISION,
            "key": "x",
            "status": PromptStatus.ASKED,
            "asked_at": NOW,
            "answered_at": None,
            "answer": "",
            "text": "",
            "data": {"decision": "status", "to": "identified"},
            **changes,
        }
    )


def debrief(**changes: object) -> DebriefView:
    return DebriefView(
        **{  # type: ignore[arg-type]
            "id": uuid.uuid4(),
            "owner": BOB,
            "reference": "INC-12",
            "title": NASTY,
            "answers": ((NASTY, NASTY), ("Why?", "")),
            "decisions": (decision(text=NASTY, answered_at=NOW),),
            "shared_with": (ALICE,),
            "is_private_now": False,
            "written_at": NOW,
            **changes,
        }
    )


def conversation(view: IncidentView | None) -> ConversationView:
    return ConversationView(
        id=uuid.uuid4(),
        junior=BOB,
        mentor=ALICE,
        incident=view,
        channel_id="G1",
        is_active=True,
    )


def handover(status: HandoverStatus = HandoverStatus.PENDING) -> HandoverView:
    question = QuestionView(uuid.uuid4(), NASTY[:900], NOW, "")
    return HandoverView(
        id=uuid.uuid4(),
        from_person=ALICE,
        to_person=BOB,
        status=status,
        sections={"incidents": NASTY[:3000], "words": NASTY[:3000]},
        created_at=NOW,
        settled_at=None if status is HandoverStatus.PENDING else NOW,
        delivery_error="",
        rating=None,
        questions=(question, replace(question, answer=NASTY[:900])),
    )


def entry(kind: str, content: dict[str, object]) -> EntryView:
    return entry_view(kind, actor_id=BOB.id, actor_name=BOB.name, content=content)


def all_messages() -> Iterator[blocks.Message]:
    view, talk = incident(), conversation(incident())
    yield shadow_messages.brief_message(
        view, POLICY, followed="Alice", observation_id=str(uuid.uuid4())
    )
    yield shadow_messages.told_mentor(shadowing())
    yield shadow_messages.told_mentor(shadowing(ended_at=NOW, ended_by=ALICE))
    yield shadow_messages.told_shadow(shadowing(ended_at=NOW, ended_by=ALICE))
    for one in (shadowing(), shadowing(mentor=None, role_name="Scribe"), shadowing(until_at=None)):
        for count in (0, 1, 3):
            yield shadow_messages.started(one, brought_to=count)
    watched = WatchedIncident(
        observation_id=uuid.uuid4(),
        debrief_id=uuid.uuid4(),
        reference="INC-12",
        title=NASTY,
        channel_id="C1",
        is_running=False,
    )
    own = OwnShadowings(
        own=(shadowing(),),
        of_me=(shadowing(),),
        watched=(watched, replace(watched, is_running=True, debrief_id=None)),
    )
    yield shadow_messages.own_list(own, slash="/incident")
    yield shadow_messages.own_list(OwnShadowings(own=(), of_me=(), watched=()), slash="/incident")
    for kind in ("status", "severity", "handoff", "proposal", "something"):
        yield shadow_messages.decision_prompt(
            decision(data={"decision": kind, "to": NASTY}), view, POLICY
        )
    answered = decision(status=PromptStatus.ANSWERED, answered_at=NOW, text=NASTY)
    yield shadow_messages.decision_prompt(answered, view, POLICY)
    yield shadow_messages.decision_prompt(replace(answered, text=""), view, POLICY)
    yield shadow_messages.decision_prompt(decision(status=PromptStatus.WITHDRAWN), view, POLICY)
    for asked in (debrief(), debrief(shared_with=()), debrief(written_at=None, answers=())):
        for is_reminder in (False, True):
            yield debriefs.asked_message(asked, POLICY, is_reminder=is_reminder)
    yield debriefs.shared_message(debrief())
    yield mentoring.conversation_message(talk)
    yield mentoring.conversation_message(conversation(None))
    yield mentoring.conversation_message(conversation(replace(incident(), roles=())))
    packet: dict[str, object] = {"packet": {"ask": NASTY, "symptoms": NASTY}, "to": NASTY[:50]}
    words: dict[str, object] = {"text": NASTY, "risk": NASTY, "class_name": "Change"}
    asking: tuple[tuple[dict[str, object], str], ...] = (
        (packet, "escalated"),
        (packet, "escalation_completed"),
        ({"packet": {}}, "escalated"),
        (words, "action_proposed"),
        (words, "proposal_revised"),
    )
    for content, kind in asking:
        yield mentoring.forwarded_message(entry(kind, content), view, talk)
    yield from handover_notes()


def handover_notes() -> Iterator[blocks.Message]:
    for status in HandoverStatus:
        for is_author in (False, True):
            for rating in (None, NoteRating.ASKED):
                note = replace(handover(status), rating=rating)
                yield handover_messages.note_message(note, is_author=is_author)
    rated = replace(handover(HandoverStatus.ACCEPTED), rating=NoteRating.ASKED)
    yield handover_messages.told_message(rated, "rated", None)
    for what in ("accepted", "asked", "answered", "reminder", "unaccepted", "undelivered"):
        note = handover()
        yield handover_messages.told_message(note, what, note.questions[1])


@pytest.mark.parametrize("message", list(all_messages()))
def test_nobody_is_pinged_by_what_people_typed_and_every_button_works(
    message: blocks.Message,
) -> None:
    payload = message.payload()
    everything = json.dumps(payload, ensure_ascii=False)
    assert set(re.findall(r"<@(\w+)", everything)) <= {"U0ALICE", "U0BOB"}
    assert "<!channel" not in everything
    assert re.search(r"@here\b", everything) is None
    assert len(message.text) > 20
    handled = {action for feature in all_features() for action in feature.actions}
    for block in payload["blocks"]:
        row = block.get("elements", []) if block["type"] == "actions" else []
        for element in (*row, *filter(None, [block.get("accessory")])):
            assert element["action_id"] in handled


def test_forms_fit_whatever_was_typed() -> None:
    note = handover()
    for form in (
        shadow_messages.shadow_form(POLICY, mentor="U0ALICE"),
        shadow_messages.decision_form(decision(data={"to": NASTY}), incident()),
        debriefs.debrief_form(debrief(), POLICY),
        handover_messages.next_form(),
        handover_messages.note_form({"incidents": NASTY * 2}, successor=BOB),
        handover_messages.ask_form(note),
        handover_messages.answer_form(note, note.questions[0]),
    ):
        form.validate_json()


def test_the_draft_is_plain_text_with_utc_times_and_counts_what_it_omits() -> None:
    now = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
    one = OpenIncident(
        reference="INC-1",
        title="Checkout\nerrors",
        severity_name="SEV2",
        status="triage",
        commander="",
        next_update_due_at=now + timedelta(minutes=30),
        is_snoozed=True,
    )
    draft = HandoverDraft(
        incidents=(one,) * (MOST + 2),
        resolved=(),
        changes=(
            RiskyChange(
                reference="INC-1",
                number=2,
                text="Restart the cache",
                class_name="Change",
                status=ProposalStatus.CARRIED_OUT,
                at=now - timedelta(days=1),
            ),
        ),
        escalations=(
            OpenEscalation(
                reference="INC-1",
                number=1,
                template_name="Database",
                since=now,
                is_exhausted=True,
            ),
        ),
        actions=(
            PendingAction(
                reference="INC-1",
                number=3,
                text="Alert on the queue",
                owner="",
                due_on=date(2026, 3, 3),
            ),
        ),
        shadowings=(),
    )
    sections = handover_messages.sections_of(draft, now=now)
    lines = sections["incidents"].splitlines()
    assert lines[0] == (
        "- INC-1 Checkout errors: SEV2, triage, no commander, next update 20:30 UTC, put off"
    )
    assert lines[-1] == "- and 2 more"
    assert sections["changes"] == (
        "- INC-1 proposal 2, Restart the cache (Change): carried out, 2026-03-01 20:00 UTC"
    )
    assert "nobody could be reached" in sections["escalations"]
    assert sections["actions"] == ("- INC-1 action 3: Alert on the queue (nobody, due 2026-03-03)")
    assert sections["shadowings"] == sections["words"] == ""


def test_what_was_resolved_says_when_and_after_how_long() -> None:
    now = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
    one = ResolvedIncident(
        reference="INC-2",
        title="Search\nis slow",
        severity_name="SEV3",
        at=now - timedelta(hours=3),
        after=timedelta(minutes=42),
    )
    draft = HandoverDraft(
        incidents=(), resolved=(one,), changes=(), escalations=(), actions=(), shadowings=()
    )
    sections = handover_messages.sections_of(draft, now=now)
    assert sections["resolved"] == "- INC-2 Search is slow: SEV3, resolved 17:00 UTC, after 42 min"
