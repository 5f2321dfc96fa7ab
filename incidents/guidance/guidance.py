"""Guidance: the first minutes step by step, the time box, and when both begin and end.

One function does it all: `look_after` runs after a change of the incident or an answer, and skips
what is already done. So it may run often, or late after an absence. Answers are in `answers.py`.
Prompts and answers belong to their owner (`prompts.py`); they reach neither the record nor
anybody else.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.engine.presence import absences_since
from incidents.engine.prompts import (
    Prompt,
    PromptKind,
    ask,
    open_prompts,
    prompts_of,
    show,
    withdraw,
)
from incidents.engine.reminders import Again, Reminder
from incidents.engine.unit_of_work import UnitOfWork
from incidents.guidance.call_mentor import (
    Reason,
    Why,
    announce_mentor_call,
    call_mentor,
    gather_reasons,
)
from incidents.guidance.events import GuidanceAwaited, GuidanceBegun
from incidents.guidance.tables import GuidanceRecord, find_record, guidance_id, guided_people
from incidents.guidance.time_box import (
    QUESTIONS,
    BoxStep,
    Progress,
    TimeBox,
    decide_time_box,
    last_news_at,
    questions_among,
)
from incidents.incident.facts import RoleFact
from incidents.incident.incident import Incident
from incidents.incident.roles import current_roles
from incidents.incident.views import IncidentView
from incidents.policy.guidance import Checklist
from incidents.policy.policy import Policy

# With a word about a mentor, six direct messages; then people ask for more, or are left in peace.
MOST_QUESTIONS: Final = 5


async def look_after(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> Again | None:
    """Begin, continue or end the guidance of the person that the reminder names."""
    record = await _keep_record(uow, incident, uuid.UUID(reminder.data["person_id"]))
    if record is None:
        return None
    step = await _ask_next_step(uow, incident, record)
    reasons = await gather_reasons(uow, incident, record)
    await announce_mentor_call(uow, incident, record, reasons, step=step)
    again_at = await call_mentor(uow, incident, record)
    return None if again_at is None else Again(due_at=again_at, data=dict(reminder.data))


async def keep_time_box(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> Again | None:
    """Ask how it goes, or call a mentor, if nothing new came within the time box."""
    found = await uow.session.get(GuidanceRecord, reminder.subject_id)
    if found is None or not found.is_running:
        return None
    record = await _keep_record(uow, incident, found.person_id)
    if record is None:
        return None
    prompts = await _questions(uow, record)
    box = await _gather_box(uow, incident, record, prompts)
    guidance = uow.policy.guidance
    decision = decide_time_box(
        box, length=guidance.time_box, unanswered=guidance.unanswered, now=uow.now
    )
    step = decision.step
    if step is BoxStep.ASK and await has_enough(uow, record):
        step = BoxStep.CALL  # nobody is left alone because we ask nothing more
    match step:
        case BoxStep.ASK:
            await _ask_how_it_goes(uow, incident, record, prompts)
        case BoxStep.CALL:
            why = Why.STUCK if box.is_stuck else Why.SILENCE
            reason = Reason(key=f"{why}:{prompts[-1].id}", why=why)
            await announce_mentor_call(uow, incident, record, [reason])
            uow.emit(GuidanceAwaited(incident_id=incident.id, person_id=record.person_id))
        case BoxStep.WAIT:
            pass
    return Again(due_at=decision.next_at)


async def will_welcome(
    session: AsyncSession,
    incident: IncidentView,
    *,
    person_id: uuid.UUID,
    since: datetime,
    policy: Policy,
    workspace_id: uuid.UUID,
) -> bool:
    """Tell whether the first step of their first minutes, asked `since` or yet to come, says it.

    It says which role they have.
    """
    guidance = policy.guidance
    if not guidance.enabled or not incident.is_open:
        return False
    if guidance.checklist_for(incident.services, incident.severity_key) is None:
        return False
    record = await find_record(session, incident_id=incident.id, person_id=person_id)
    if record is not None and record.quieted_at is not None:
        return False
    kind = PromptKind.FIRST_FIFTEEN
    asked = await prompts_of(session, incident.id, person_id=person_id, kind=kind)
    if asked:
        return asked[0].asked_at >= since
    guided = await guided_people(
        session,
        [RoleFact(role.role_key, role.person.id) for role in incident.roles],
        services=incident.services,
        severity_rank=incident.severity_rank,
        policy=policy,
        workspace_id=workspace_id,
    )
    return person_id in guided


async def end_guidance(uow: UnitOfWork, record: GuidanceRecord) -> None:
    """Stop asking: open questions lose their buttons, and unsent ones stay unsent."""
    record.ended_at = record.ended_at or uow.now
    owner, incident_id = record.person_id, record.incident_id
    waiting = await open_prompts(uow.session, incident_id, person_id=owner, kinds=QUESTIONS)
    told = await prompts_of(
        uow.session, incident_id, person_id=owner, kind=PromptKind.MENTOR_CALLED
    )
    await withdraw(uow, [*waiting, *told])


async def _end_with_incident(uow: UnitOfWork, record: GuidanceRecord) -> None:
    """End the guidance; if the person said they are stuck, stop offering to escalate."""
    await end_guidance(uow, record)
    owner, kind = record.person_id, PromptKind.TIME_BOX
    for prompt in await prompts_of(uow.session, record.incident_id, person_id=owner, kind=kind):
        if prompt.answer == Progress.STUCK:
            show(uow, prompt)


# -- the record -----------------------------------------------------------------------------


async def _keep_record(
    uow: UnitOfWork, incident: Incident, person_id: uuid.UUID
) -> GuidanceRecord | None:
    """Begin or end the person's guidance as the incident requires; return it if it runs."""
    record = await find_record(uow.session, incident_id=incident.id, person_id=person_id)
    if record is not None and record.quieted_at is not None:
        return None
    if not await _is_guided(uow, incident, person_id):
        if record is not None and record.ended_at is None:
            end = end_guidance if incident.is_open else _end_with_incident
            await end(uow, record)
        return None
    if record is None:
        record = GuidanceRecord(
            id=guidance_id(incident.id, person_id),
            workspace_id=uow.workspace_id,
            incident_id=incident.id,
            person_id=person_id,
            started_at=uow.now,
            ended_at=uow.now,
        )
        uow.session.add(record)
    if record.ended_at is not None:
        record.started_at, record.ended_at = uow.now, None
        await uow.flush()
        uow.emit(GuidanceBegun(incident_id=incident.id, guidance_id=record.id))
    return record


async def _is_guided(uow: UnitOfWork, incident: Incident, person_id: uuid.UUID) -> bool:
    if not (incident.is_open and uow.policy.guidance.enabled):
        return False
    held = await current_roles(uow.session, incident.id)
    guided = await guided_people(
        uow.session,
        [RoleFact(role.role_key, role.person_id) for role in held],
        services=incident.services,
        severity_rank=incident.severity_rank,
        policy=uow.policy,
        workspace_id=uow.workspace_id,
    )
    return person_id in guided


# -- the first minutes ----------------------------------------------------------------------


async def _ask_next_step(
    uow: UnitOfWork, incident: Incident, record: GuidanceRecord
) -> Prompt | None:
    """Ask the checklist's next step, unless a question is still open: one at a time.

    Returns the step, if it is new.
    """
    checklist = _checklist(uow, incident, record)
    if checklist is None or await has_enough(uow, record):
        return None
    owner, kind = record.person_id, PromptKind.FIRST_FIFTEEN
    if await open_prompts(uow.session, incident.id, person_id=owner, kinds=QUESTIONS):
        return None
    asked = await prompts_of(uow.session, incident.id, person_id=owner, kind=kind)
    known = {prompt.key for prompt in asked}
    step = next((step for step in checklist.steps if step.key not in known), None)
    if step is None:
        return None
    data = {"checklist": checklist.key, **await _if_last(uow, record)}
    return await ask(uow, incident=incident, person_id=owner, kind=kind, key=step.key, data=data)


async def has_enough(uow: UnitOfWork, record: GuidanceRecord) -> bool:
    """Tell whether the person got so many questions that the next waits until they ask for it."""
    return await _count_questions(uow, record) >= MOST_QUESTIONS


async def _if_last(uow: UnitOfWork, record: GuidanceRecord) -> dict[str, object]:
    """Return the data of the next question: whether it is the last before they ask for more."""
    return {"is_last": True} if await _count_questions(uow, record) + 1 >= MOST_QUESTIONS else {}


async def _count_questions(uow: UnitOfWork, record: GuidanceRecord) -> int:
    query = select(func.count()).where(
        Prompt.incident_id == record.incident_id,
        Prompt.person_id == record.person_id,
        Prompt.kind.in_(QUESTIONS),
    )
    if record.more_at is not None:
        query = query.where(Prompt.asked_at >= record.more_at)
    return (await uow.session.execute(query)).scalar_one()


def _checklist(uow: UnitOfWork, incident: Incident, record: GuidanceRecord) -> Checklist | None:
    """Return the checklist they began with, or the one that fits if they haven't begun."""
    guidance = uow.policy.guidance
    found = guidance.find_checklist(record.checklist_key) if record.checklist_key else None
    found = found or guidance.checklist_for(incident.services, incident.severity_key)
    record.checklist_key = found.key if found is not None else None
    return found


# -- the time box ---------------------------------------------------------------------------


async def _gather_box(
    uow: UnitOfWork, incident: Incident, record: GuidanceRecord, prompts: Sequence[Prompt]
) -> TimeBox:
    away = await absences_since(uow.session, record.started_at, workspace_id=uow.workspace_id)
    called = await prompts_of(
        uow.session, incident.id, person_id=record.person_id, kind=PromptKind.MENTOR_CALLED
    )
    by_silence = [item for item in called if item.data["why"] in {Why.SILENCE, Why.STUCK}]
    return TimeBox(
        started_at=record.started_at,
        news_at=await last_news_at(uow.session, incident.id),
        present_since=max((absence.until_at for absence in away), default=record.started_at),
        questions=questions_among(prompts),
        called_at=max((x.asked_at for x in by_silence if not x.data["is_left"]), default=None),
        in_vain_at=max((x.asked_at for x in by_silence if x.data["is_left"]), default=None),
        is_stuck=await _is_stuck(uow, incident, record, prompts),
    )


async def _is_stuck(
    uow: UnitOfWork, incident: Incident, record: GuidanceRecord, prompts: Sequence[Prompt]
) -> bool:
    """Tell whether the person's last answer is that they are stuck, and nothing new came since.

    An escalation that they send themselves is on the record, so it counts as new.
    """
    answered = [prompt for prompt in prompts if prompt.answered_at is not None]
    last = max(answered, key=lambda prompt: prompt.answered_at or record.started_at, default=None)
    if last is None or last.answer != Progress.STUCK:
        return False
    news_at = await last_news_at(uow.session, incident.id)
    return news_at is None or last.answered_at is None or news_at < last.answered_at


async def _questions(uow: UnitOfWork, record: GuidanceRecord) -> list[Prompt]:
    """Return the questions to the person since their guidance began, in order."""
    found = [
        prompt
        for kind in QUESTIONS
        for prompt in await prompts_of(
            uow.session, record.incident_id, person_id=record.person_id, kind=kind
        )
        if prompt.asked_at >= record.started_at
    ]
    return sorted(found, key=lambda prompt: prompt.asked_at)


async def _ask_how_it_goes(
    uow: UnitOfWork, incident: Incident, record: GuidanceRecord, prompts: Sequence[Prompt]
) -> None:
    """Ask how it goes, and withdraw the earlier such question, so only one is open."""
    kind = PromptKind.TIME_BOX
    earlier = [prompt for prompt in prompts if prompt.kind == kind]
    await withdraw(uow, earlier)
    asked = await prompts_of(uow.session, incident.id, person_id=record.person_id, kind=kind)
    number = str(len(asked) + 1)
    await ask(
        uow,
        incident=incident,
        person_id=record.person_id,
        kind=kind,
        key=number,
        data=await _if_last(uow, record),
    )
