"""Calling the people of one step, and writing it down."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from incidents.core.errors import Superseded
from incidents.core.ids import derived_id, new_id
from incidents.core.people import Person
from incidents.engine.direct_messages import tell_entry
from incidents.engine.outbox import Planned
from incidents.engine.unit_of_work import UnitOfWork
from incidents.escalation.callees import Callees, find_callees
from incidents.escalation.effects import LookUpCallees
from incidents.escalation.tables import (
    CallStatus,
    Escalation,
    EscalationCall,
    EscalationStatus,
    EscalationStep,
    StepStatus,
    calls_of,
)
from incidents.escalation.targets import wait_of
from incidents.incident.incident import ById, Incident
from incidents.incident.roles import find_commander
from incidents.incident.timeline import EntryKind, TimelineEntry
from incidents.people.assignable import PersonContent, call_in, get_person, person_content
from incidents.people.directory import find_people_named


class Because(StrEnum):
    """Why a step is called."""

    FIRST = "first"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    UNAVAILABLE = "unavailable"
    CHOSEN = "chosen"
    REDIRECTED = "redirected"
    FOUND = "found"  # it was their turn before, and now we know who they are


async def get_escalation(uow: UnitOfWork, escalation_id: uuid.UUID) -> tuple[Incident, Escalation]:
    """Return the escalation and its incident, both as they are now, the incident locked.

    Raises: Superseded for one that isn't there; IncidentNotFound for whom it doesn't exist.
    """
    found = await uow.session.get(Escalation, escalation_id)
    if found is None or found.workspace_id != uow.workspace_id:
        raise Superseded("escalation_withdrawn")
    incident = await uow.get_incident(ById(found.incident_id))
    await uow.session.refresh(found)
    return incident, found


def about(escalation: Escalation) -> dict[str, object]:
    """Return how entries name an escalation."""
    return {"escalation_id": escalation.id, "number": escalation.number}


async def call_people(
    uow: UnitOfWork,
    incident: Incident,
    escalation: Escalation,
    step: EscalationStep,
    because: Because,
) -> tuple[Person, ...]:
    """Call whom the step means now, and write it down; return them, nobody if there is nobody."""
    found = await find_callees(uow, incident, escalation, step)
    is_first_time = step.called_at is None
    step.called_at = step.called_at or uow.now
    if is_first_time:
        escalation.position = step.position
    step.status = await _status_of(uow, step, found)
    step.skipped = [{"name": name, "why": why} for name, why in found.skipped]
    calls = await _add_calls(uow, incident, escalation, step, found.people)
    wait = step_wait(uow, incident, escalation, step)
    if calls:
        escalation.status = EscalationStatus.CALLING
        escalation.exhausted_at = None
        escalation.first_called_at = escalation.first_called_at or uow.now
        escalation.due_at = uow.now + wait
    await uow.flush()
    if is_first_time or calls or not found.unknown:
        content = await _content(uow, escalation, step, found, calls)
        timing = {"due_at": escalation.due_at, "wait_seconds": int(wait.total_seconds())}
        uow.record(
            incident,
            EntryKind.ESCALATION_CALLED,
            {**content, "because": because, **(timing if calls else {})},
        )
    if is_first_time and found.unknown:
        await _look_up(uow, incident, escalation, step)
    return tuple(found.people)


def step_wait(
    uow: UnitOfWork, incident: Incident, escalation: Escalation, step: EscalationStep
) -> timedelta:
    """Return how long is waited for the people of the step, under the present severity."""
    return wait_of(
        uow.policy,
        severity_key=incident.severity_key,
        template=uow.policy.escalation.find_template(escalation.template_key),
        step_wait=timedelta(seconds=step.wait_seconds) if step.wait_seconds else None,
    )


async def _status_of(uow: UnitOfWork, step: EscalationStep, found: Callees) -> StepStatus:
    if found.unknown:
        return StepStatus.LOOKING_UP
    calls = await calls_of(uow.session, step.escalation_id)
    is_called = found.people or any(call.step_id == step.id for call in calls)
    return StepStatus.CALLED if is_called else StepStatus.EMPTY


async def _add_calls(
    uow: UnitOfWork,
    incident: Incident,
    escalation: Escalation,
    step: EscalationStep,
    people: Sequence[Person],
) -> list[EscalationCall]:
    calls: list[EscalationCall] = []
    for person in people:
        # So that they can read what they are called for, in a private incident too.
        await call_in(uow, incident, person)
        call = EscalationCall(
            id=new_id(),
            escalation_id=escalation.id,
            step_id=step.id,
            person_id=person.id,
            status=CallStatus.OPEN,
            called_at=uow.now,
        )
        uow.session.add(call)
        calls.append(call)
    await uow.flush()
    return calls


async def _content(
    uow: UnitOfWork,
    escalation: Escalation,
    step: EscalationStep,
    found: Callees,
    calls: Sequence[EscalationCall],
) -> dict[str, object]:
    away: list[dict[str, str]] = []
    for call in await calls_of(uow.session, escalation.id):
        if call.away is not None and call.status == CallStatus.OPEN:
            person = await uow.session.get_one(Person, call.person_id)
            away.append({"name": person.name, "how": call.away})
    # On the record people stand by name, not by what the policy knows them by.
    known = await find_people_named(uow.session, step.names, workspace_id=uow.workspace_id)
    return {
        **about(escalation),
        "step": step.position,
        "to": [known[name].name if name in known else name for name in step.names],
        "people": [
            {**person_content(person), "call_id": call.id}
            for person, call in zip(found.people, calls, strict=True)
        ],
        "skipped": step.skipped,
        "looking_up": found.unknown,
        "away": away,
    }


async def _look_up(
    uow: UnitOfWork, incident: Incident, escalation: Escalation, step: EscalationStep
) -> None:
    effect = LookUpCallees(incident_id=incident.id, escalation_id=escalation.id, step_id=step.id)
    lane = f"{incident.id}:look_up:{step.id}"
    await uow.add_effects([Planned(derived_id(step.id, effect.kind), effect, lane)])


async def author_content(uow: UnitOfWork, escalation: Escalation) -> PersonContent | None:
    """Return how entries name the author; None where the bot sent it, for whomever."""
    if escalation.author_id is None or escalation.is_automatic:
        return None
    return person_content(await get_person(uow, escalation.author_id))


async def tell_quietly(
    uow: UnitOfWork, incident: Incident, escalation: Escalation, entry: TimelineEntry
) -> None:
    """Tell on whose behalf the bot sent it of an entry that doesn't name them.

    Authors that an entry names are told of it by `escalation_reactions`.
    """
    person_id = escalation.author_id
    if not escalation.is_automatic or person_id is None or person_id == uow.actor.person_id:
        return
    if entry.kind == EntryKind.ESCALATION_EXHAUSTED:
        commander = await find_commander(uow.session, incident.id)
        if commander is not None and commander.person_id == person_id:
            return  # as the commander they are told of this one anyway
    await tell_entry(uow, incident, entry, [person_id])
