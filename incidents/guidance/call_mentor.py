"""Ask a mentor to join somebody who is guided: the reasons, the notice to them, the escalation.

Only recorded facts decide: the severity, answers to the checklist, the confidence of their own
packet, unanswered questions. What people write never does. To others it is an ordinary escalation;
only the guided person learns the reason.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import Person
from incidents.engine.prompts import Prompt, PromptKind, PromptStatus, ask, prompts_of
from incidents.engine.unit_of_work import UnitOfWork
from incidents.escalation.callees import takes_part
from incidents.escalation.entries import packet_in
from incidents.escalation.escalate import EscalationDraft, escalate
from incidents.escalation.prefill import prefill
from incidents.escalation.tables import EscalationStatus, calls_of, escalations_of
from incidents.escalation.targets import (
    LadderInputs,
    PersonTarget,
    build_ladder,
    get_template,
    pick_service,
)
from incidents.guidance.tables import GuidanceRecord
from incidents.incident.entries import SeverityChanged
from incidents.incident.incident import ById, Incident
from incidents.incident.roles import RoleAssignment, current_roles
from incidents.incident.timeline import TimelineEntry
from incidents.policy.guidance import Triggers
from incidents.rights.acting_stage import is_supervised_in
from incidents.rights.stages import mentors_of

# Older facts don't count: people have acted on them, or they no longer hold.
FRESH: Final = timedelta(hours=1)
# How long the call waits for its notice to reach the guided person.
FIRST_WORD: Final = timedelta(seconds=15)
# A neutral wording: its readers don't learn why the bot asked.
_ASK: Final = "Please take a look: what should we check or do next?"


class Why(StrEnum):
    """Why the bot asks a mentor to join, for its notice; some values are names of answers."""

    SEVERITY = "severity"
    CONFIDENCE = "confidence"
    SILENCE = "silence"
    STUCK = "stuck"
    RUNBOOK_FAILED = "runbook_failed"
    NO_RUNBOOK = "no_runbook"
    BLAST_RADIUS_UNCLEAR = "blast_radius_unclear"
    DATA_OR_SECURITY = "data_or_security"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason to ask a mentor to join; `key` is the fact behind it, so it counts only once."""

    key: str
    why: Why


@dataclass(frozen=True, slots=True)
class StatedFact:
    """An answer or a packet's confidence: what was chosen, about what, and when."""

    source_id: uuid.UUID
    value: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerFacts:
    """Recorded facts that may call for a mentor; `severity_at`: since when it has this severity."""

    severity_rank: int
    severity_at: datetime
    answers: tuple[StatedFact, ...] = ()
    confidences: tuple[StatedFact, ...] = ()


def find_reasons(facts: TriggerFacts, triggers: Triggers, *, now: datetime) -> tuple[Reason, ...]:
    """Return the reasons that the policy accepts, stated ones first."""
    since = now - FRESH
    reasons = [
        Reason(f"answer:{fact.source_id}", Why(fact.value))
        for fact in facts.answers
        if fact.value in triggers.answers and fact.value in tuple(Why) and fact.at >= since
    ]
    reasons += [
        Reason(f"packet:{fact.source_id}", Why.CONFIDENCE)
        for fact in facts.confidences
        if fact.value in triggers.confidence and fact.at >= since
    ]
    worst = triggers.severity_rank
    if worst is not None and facts.severity_rank <= worst and facts.severity_at >= since:
        reasons.append(Reason(f"severity:{facts.severity_rank}", Why.SEVERITY))
    return tuple(reasons)


async def announce_mentor_call(
    uow: UnitOfWork,
    incident: Incident,
    record: GuidanceRecord,
    reasons: Sequence[Reason],
    *,
    step: Prompt | None = None,
) -> None:
    """Tell the guided person, for the first new reason, that the bot asks their mentor to join.

    A new `step` of their first minutes says it, too: then it is one message.
    The notice comes before the call (`call_mentor`), so they don't learn it from the channel. In a
    private incident, or with nobody to call, the notice only suggests asking somebody. No notice is
    sent for a reason for which they already have help.
    """
    known = {prompt.key for prompt in await _words(uow, record)}
    mentors = await _mentors(uow, record)
    for reason in reasons:
        if reason.key in known or await _has_help(uow, incident, record, reason.why, mentors):
            continue
        draft = await _draft(uow, incident, record, mentors)
        data: dict[str, object] = {"why": reason.why, "is_left": draft is None}
        if draft is not None:
            people = [await uow.session.get_one(Person, one) for one in mentors[:1]]
            data["asked"] = [person.external_id for person in people]
        notice = await ask(
            uow,
            incident=incident,
            person_id=record.person_id,
            kind=PromptKind.MENTOR_CALLED,
            key=reason.key,
            data=data,
            status=PromptStatus.TOLD,
            is_shown=step is None or draft is None,
        )
        if step is not None and draft is not None:
            step.data = {**step.data, **data, "notice_id": str(notice.id)}
            await uow.flush()
        return


async def call_mentor(
    uow: UnitOfWork, incident: Incident, record: GuidanceRecord
) -> datetime | None:
    """Escalate for the notices that arrived; return when to look again for the others.

    A notice that doesn't arrive delays the call by `FIRST_WORD` at most.
    """
    again_at = None
    for prompt in await _words(uow, record):
        is_old = prompt.asked_at < max(record.started_at, uow.now - FRESH)
        if prompt.data["is_left"] or "escalation_id" in prompt.data or is_old:
            continue
        if not prompt.is_settled and prompt.asked_at + FIRST_WORD > uow.now:
            again_at = prompt.asked_at + FIRST_WORD
            continue
        mentors = await _mentors(uow, record)
        escalation_id = None
        if not await _has_help(uow, incident, record, Why(prompt.data["why"]), mentors):
            draft = await _draft(uow, incident, record, mentors)
            if draft is not None:
                outcome = await escalate(uow, ById(incident.id), draft)
                escalation_id = outcome.data["escalation_id"]
        # Stored even if help came meanwhile: the notice is settled either way.
        prompt.data = {**prompt.data, "escalation_id": escalation_id}
        await uow.flush()
    return again_at


async def gather_reasons(
    uow: UnitOfWork, incident: Incident, record: GuidanceRecord
) -> tuple[Reason, ...]:
    """Return the reasons that follow from the record and the person's answers now."""
    facts = await _gather_trigger_facts(uow.session, incident, record)
    return find_reasons(facts, uow.policy.guidance.triggers, now=uow.now)


async def _mentors(uow: UnitOfWork, record: GuidanceRecord) -> tuple[uuid.UUID, ...]:
    return await mentors_of(
        uow.session, workspace_id=uow.workspace_id, person_id=record.person_id, policy=uow.policy
    )


async def _draft(
    uow: UnitOfWork, incident: Incident, record: GuidanceRecord, mentors: Sequence[uuid.UUID]
) -> EscalationDraft | None:
    """Return the escalation to send, or None if the bot may call nobody by itself."""
    if incident.is_private:
        return None
    if incident.is_drill:
        # A drill calls nobody from outside.
        mentors = [one for one in mentors if await takes_part(uow.session, incident, one)]
    packet = replace(await prefill(uow.session, incident), ask=_ASK)
    draft = EscalationDraft(packet=packet, on_behalf_of_id=record.person_id)
    if mentors:
        return replace(draft, target=PersonTarget(person_id=mentors[0]))
    inputs = LadderInputs(
        policy=uow.policy,
        severity_key=incident.severity_key,
        template=get_template(uow.policy, ""),
        service=pick_service(uow.policy, "", affected=incident.services),
    )
    return draft if build_ladder(inputs, None) and not incident.is_drill else None


async def _has_help(
    uow: UnitOfWork,
    incident: Incident,
    record: GuidanceRecord,
    why: Why,
    mentors: Sequence[uuid.UUID],
) -> bool:
    """Tell whether a mentor is there or called or, for most reasons, somebody else is."""
    held = await current_roles(uow.session, incident.id)
    if any(role.person_id in mentors for role in held):
        return True
    under_way = [
        one
        for one in await escalations_of(uow.session, incident.id)
        if one.status in {EscalationStatus.CALLING, EscalationStatus.TAKEN}
    ]
    for one in under_way:
        calls = await calls_of(uow.session, one.id)
        if any(call.person_id in mentors for call in calls):
            return True
    match why:
        case Why.CONFIDENCE:
            # A packet is on its way, but it calls none of their mentors.
            return False
        case Why.SEVERITY:
            if await _has_senior(uow, incident, held):
                return True
    return any(one.author_id == record.person_id for one in under_way)


async def _has_senior(uow: UnitOfWork, incident: Incident, held: Sequence[RoleAssignment]) -> bool:
    """Tell whether anybody who holds a role isn't supervised."""
    for person_id in {role.person_id for role in held}:
        if not await is_supervised_in(
            uow.session, incident, person_id=person_id, policy=uow.policy
        ):
            return True
    return False


async def _words(uow: UnitOfWork, record: GuidanceRecord) -> list[Prompt]:
    """Return every notice that told the person about a mentor's call, in order."""
    return await prompts_of(
        uow.session, record.incident_id, person_id=record.person_id, kind=PromptKind.MENTOR_CALLED
    )


async def _gather_trigger_facts(
    session: AsyncSession, incident: Incident, record: GuidanceRecord
) -> TriggerFacts:
    query = select(func.max(TimelineEntry.recorded_at)).where(
        TimelineEntry.incident_id == incident.id,
        TimelineEntry.kind == SeverityChanged.kind,
    )
    changed_at = (await session.execute(query)).scalar_one_or_none()
    prompts = await prompts_of(
        session, incident.id, person_id=record.person_id, kind=PromptKind.FIRST_FIFTEEN
    )
    return TriggerFacts(
        severity_rank=incident.severity_rank,
        severity_at=max(changed_at or record.started_at, record.started_at),
        answers=tuple(
            StatedFact(prompt.id, prompt.answer, prompt.answered_at)
            for prompt in prompts
            if prompt.answer is not None and prompt.answered_at is not None
        ),
        confidences=await _confidences(session, incident, record),
    )


async def _confidences(
    session: AsyncSession, incident: Incident, record: GuidanceRecord
) -> tuple[StatedFact, ...]:
    """Return the confidence in the packets that the person sent, as they read now."""
    found: list[StatedFact] = []
    for one in await escalations_of(session, incident.id):
        if one.author_id != record.person_id or one.is_automatic or one.packet_entry_id is None:
            continue
        entry = await session.get(TimelineEntry, one.packet_entry_id)
        if entry is not None and entry.content is not None:
            confidence = packet_in(entry.content).confidence
            found.append(StatedFact(one.id, confidence, entry.recorded_at))
    return tuple(found)
