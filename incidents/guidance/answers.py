"""A guided person's answers: keep them, add them to the timeline by choice, or switch prompts off.

An answer is private. Only what its owner adds becomes a note, which reads like any other: their own
words or the plain fact, and nothing of the question. Such words are stored only in the note.
"""

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from incidents.core.errors import AlreadySo, InvalidInput, Superseded
from incidents.engine.prompts import (
    Prompt,
    PromptKind,
    PromptStatus,
    get_open_prompt,
    get_own_prompt,
    open_prompts,
    settle_answer,
    show,
    withdraw,
)
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.guidance.events import GuidanceAwaited
from incidents.guidance.guidance import end_guidance, has_enough
from incidents.guidance.tables import GuidanceRecord, find_record
from incidents.guidance.time_box import Progress
from incidents.incident.incident import ById, Incident, IncidentRef
from incidents.policy.guidance import ChecklistStep, StepAnswer
from incidents.policy.policy import Policy
from incidents.record.notes import add_note

# The fact behind an answer, for the timeline; *done* uses the step's own words.
FACTS: Final[Mapping[StepAnswer, str]] = MappingProxyType(
    {
        StepAnswer.RUNBOOK_FAILED: "The runbook didn't help.",
        StepAnswer.NO_RUNBOOK: "There is no runbook for this.",
        StepAnswer.BLAST_RADIUS_UNCLEAR: "It isn't clear yet how far the impact reaches.",
        StepAnswer.DATA_OR_SECURITY: "Data or security may be affected.",
    }
)


def find_step(data: Mapping[str, object], key: str, policy: Policy) -> ChecklistStep | None:
    """Return the step that a prompt is about, or None if the policy no longer has it."""
    checklist = policy.guidance.find_checklist(str(data.get("checklist", "")))
    return checklist.find_step(key) if checklist is not None else None


def fact_of(step: ChecklistStep | None, answer: str) -> str:
    """Return what an answer can add to the timeline, or "" if it states nothing."""
    if answer == StepAnswer.DONE:
        return (step.note or "") if step is not None else ""
    return FACTS.get(StepAnswer(answer), "") if answer in tuple(StepAnswer) else ""


async def answer_step(uow: UnitOfWork, prompt_id: uuid.UUID, answer: StepAnswer) -> Outcome:
    """Store the answer to a step; the next step follows, and a mentor if the answer calls for one.

    An answer also shows that the person is there. It withdraws an open "How is it going?", which
    would otherwise hold back the next step.

    Raises: IncidentNotFound; Superseded; AlreadySo.
    """
    prompt, incident = await get_open_prompt(uow, prompt_id)
    if prompt.kind != PromptKind.FIRST_FIFTEEN:
        raise Superseded("prompt")
    await settle_answer(uow, prompt, answer)
    asked = await open_prompts(
        uow.session, incident.id, person_id=prompt.person_id, kinds=(PromptKind.TIME_BOX,)
    )
    await withdraw(uow, asked)
    uow.emit(GuidanceAwaited(incident_id=incident.id, person_id=prompt.person_id))
    return Outcome("prompt_answered", None, {"prompt_id": str(prompt.id)})


async def add_answer(uow: UnitOfWork, prompt_id: uuid.UUID, *, text: str = "") -> Outcome:
    """Add an answer to the timeline as a note: in these words, or else as the plain fact.

    Raises: IncidentNotFound; NotPermitted; Superseded; AlreadySo when it is there already;
        InvalidInput when there is nothing to say.
    """
    prompt, incident = await get_own_prompt(uow, prompt_id)
    if prompt.kind != PromptKind.FIRST_FIFTEEN or prompt.status != PromptStatus.ANSWERED:
        raise Superseded("prompt")
    if prompt.data.get("is_noted"):
        raise AlreadySo("your answer", "on the timeline")
    fact = fact_of(find_step(prompt.data, prompt.key, uow.policy), prompt.answer or "")
    return await _note(uow, incident, prompt, text=text.strip() or fact)


async def report_progress(uow: UnitOfWork, prompt_id: uuid.UUID, *, text: str = "") -> Outcome:
    """Record that work goes on; a line of text, if given, becomes a note.

    Raises: IncidentNotFound; NotPermitted; Superseded; AlreadySo.
    """
    prompt, incident = await _get_time_box(uow, prompt_id)
    await settle_answer(uow, prompt, Progress.PROGRESS)
    uow.emit(GuidanceAwaited(incident_id=incident.id, person_id=prompt.person_id))
    if text.strip():
        return await _note(uow, incident, prompt, text=text)
    return Outcome("prompt_answered", None, {"prompt_id": str(prompt.id)})


async def say_stuck(uow: UnitOfWork, prompt_id: uuid.UUID) -> Outcome:
    """Store that the owner is stuck; if they then send a packet, that is an escalation.

    Raises: IncidentNotFound; Superseded; AlreadySo.
    """
    prompt, _ = await _get_time_box(uow, prompt_id)
    await settle_answer(uow, prompt, Progress.STUCK)
    return Outcome("prompt_answered", None, {"prompt_id": str(prompt.id)})


async def quiet(uow: UnitOfWork, prompt_id: uuid.UUID) -> Outcome:
    """Ask the owner nothing more in this incident, and tell nobody.

    Raises: IncidentNotFound; Superseded.
    """
    prompt, incident = await get_own_prompt(uow, prompt_id)
    return await _switch_off(uow, await _get_record(uow, incident, prompt.person_id))


async def switch_prompts(uow: UnitOfWork, ref: IncidentRef, *, on: bool) -> Outcome:
    """Switch the actor's own prompts in an incident off, or on again; *on* also asks for more.

    Raises: IncidentNotFound; Superseded when they have none; AlreadySo.
    """
    incident = await uow.get_incident(ref)
    if uow.actor.person_id is None:
        raise Superseded("no_prompts")
    record = await _get_record(uow, incident, uow.actor.person_id)
    if not on:
        return await _switch_off(uow, record)
    if record.quieted_at is None and not await has_enough(uow, record):
        raise AlreadySo("your prompts", "on")
    record.quieted_at, record.more_at = None, uow.now
    uow.emit(GuidanceAwaited(incident_id=incident.id, person_id=record.person_id))
    return Outcome("prompts_on", None, {})


async def _switch_off(uow: UnitOfWork, record: GuidanceRecord) -> Outcome:
    if record.quieted_at is not None:
        raise AlreadySo("your prompts", "off")
    record.quieted_at = uow.now
    await end_guidance(uow, record)
    return Outcome("prompts_off", None, {})


async def _get_record(uow: UnitOfWork, incident: Incident, person_id: uuid.UUID) -> GuidanceRecord:
    record = await find_record(uow.session, incident_id=incident.id, person_id=person_id)
    if record is None:
        raise Superseded("no_prompts")
    return record


async def _get_time_box(uow: UnitOfWork, prompt_id: uuid.UUID) -> tuple[Prompt, Incident]:
    prompt, incident = await get_open_prompt(uow, prompt_id)
    if prompt.kind != PromptKind.TIME_BOX:
        raise Superseded("prompt")
    return prompt, incident


async def _note(uow: UnitOfWork, incident: Incident, prompt: Prompt, *, text: str) -> Outcome:
    if not text:
        raise InvalidInput("note", "empty")
    outcome = await add_note(uow, ById(incident.id), text=text)
    prompt.data = {**prompt.data, "is_noted": True}
    await uow.flush()
    show(uow, prompt)
    return outcome
