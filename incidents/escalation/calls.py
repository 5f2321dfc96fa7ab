"""Call the people of one step, and record it."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

from incidents.core.errors import Superseded
from incidents.core.ids import new_id
from incidents.core.people import Person, system_actor, who
from incidents.core.sentences import Who
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.callees import Callees, find_callees
from incidents.escalation.entries import Called, EscalationCalled, LeftOut, Standing
from incidents.escalation.tables import (
    CallStatus,
    Escalation,
    EscalationCall,
    EscalationStatus,
    EscalationStep,
    StepStatus,
    Wanted,
    calls_of,
    escalations_of,
)
from incidents.escalation.targets import STANDS_IN
from incidents.incident.incident import ById, Incident
from incidents.paging.pages import (
    Page,
    Reached,
    end_pages,
    pages_of,
    reach_of_person,
    send_pages,
)
from incidents.people.assignable import get_person
from incidents.people.directory import find_people_named
from incidents.people.sight import let_in
from incidents.policy.escalation import EscalationTemplate, Relation
from incidents.policy.policy import Policy
from incidents.policy.waking.call import By
from incidents.scenarios.runs import refuse_outsiders


class Because(StrEnum):
    """Why a step is called."""

    FIRST = "first"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    UNAVAILABLE = "unavailable"
    CHOSEN = "chosen"
    REDIRECTED = "redirected"
    NO_SIGN = "no_sign"  # somebody acknowledged, and nothing shows that they have come
    PAGING_FAILED = "paging_failed"
    FOUND = "found"  # it was their turn earlier, and now we know who they are


async def get_escalation(uow: UnitOfWork, escalation_id: uuid.UUID) -> tuple[Incident, Escalation]:
    """Return the escalation and its incident as they are now, with the incident locked.

    Raises: Superseded for an unknown one; IncidentNotFound if it doesn't exist for the actor.
    """
    found = await uow.session.get(Escalation, escalation_id)
    if found is None or found.workspace_id != uow.workspace_id:
        raise Superseded("escalation_withdrawn")
    incident = await uow.get_incident(ById(found.incident_id))
    await uow.session.refresh(found)
    return incident, found


def is_reached_by(policy: Policy, page: Page, call: EscalationCall) -> bool:
    """Tell whether a page wakes whoever was called: their own, or that of their service."""
    if page.call_id is not None:
        return page.call_id == call.id
    through = Wanted.read(call.through or {})
    service = policy.find_service(through.service) if through.service else None
    if through.why != Relation.ON_CALL or service is None:
        return False
    return page.written in {str(one) for one in service.reach}


async def end_pages_for(
    uow: UnitOfWork, incident: Incident, escalation: Escalation, person: Person
) -> None:
    """End what wakes somebody who doesn't come; a service's page only if nobody else is called so."""
    calls = await calls_of(uow.session, escalation.id)
    theirs = [one for one in calls if one.person_id == person.id]
    others = [one for one in calls if one.person_id != person.id and one.status == CallStatus.OPEN]
    end_pages(
        uow,
        incident,
        [
            page
            for page in await pages_of(uow.session, escalation.id)
            if page.person_id == person.id
            or (
                any(is_reached_by(uow.policy, page, one) for one in theirs)
                and not any(is_reached_by(uow.policy, page, one) for one in others)
            )
        ],
    )


async def silence(uow: UnitOfWork, incident: Incident, person: Person) -> None:
    """End what still wakes somebody who can't see the incident any more."""
    for escalation in await escalations_of(uow.session, incident.id):
        await end_pages_for(uow, incident, escalation, person)


async def find_call(
    uow: UnitOfWork, escalation: Escalation, person: Person
) -> EscalationCall | None:
    """Return the person's latest call, or None."""
    calls = await calls_of(uow.session, escalation.id)
    return next((call for call in reversed(calls) if call.person_id == person.id), None)


def outcome_of(kind: str, incident: Incident, escalation: Escalation, **data: object) -> Outcome:
    """Return the outcome of a change of an escalation."""
    named = {
        "escalation_id": str(escalation.id),
        "number": escalation.number,
        "reference": str(incident.reference),
        "status": escalation.status,
    }
    return Outcome(kind, incident.id, {**named, **data})


async def call_people(
    uow: UnitOfWork,
    incident: Incident,
    escalation: Escalation,
    step: EscalationStep,
    because: Because,
) -> tuple[Person, ...]:
    """Call the people that the step means now, record it, and return them."""
    found = await find_callees(uow, incident, escalation, step)
    is_first_time = step.called_at is None
    step.called_at = step.called_at or uow.now
    if is_first_time:
        escalation.position = step.position
    step.status = await _status_of(uow, step, found)
    step.skipped = [{"name": name, "why": why} for name, why in found.skipped]
    calls = await _add_calls(uow, incident, escalation, step, found)
    if does_page(uow.policy, incident, escalation):
        await send_pages(
            uow,
            incident,
            escalation_id=escalation.id,
            step_id=step.id,
            reached=reached_by(uow.policy, found.people, calls),
        )
    wait = step_wait(uow, incident, escalation, step)
    if calls:
        escalation.status = EscalationStatus.CALLING
        escalation.exhausted_at = None
        escalation.first_called_at = escalation.first_called_at or uow.now
        escalation.due_at = uow.now + wait
    await uow.flush()
    if is_first_time or calls or not found.unknown:
        called = await _entry(uow, escalation, step, found, calls)
        looked_up = step.id if is_first_time and found.unknown else None
        called = replace(called, because=because, look_up_step_id=looked_up)
        if calls:
            seconds = int(wait.total_seconds())
            called = replace(called, due_at=escalation.due_at, wait_seconds=seconds)
        # Who declares hasn't called anybody: the policy's rules have.
        by_rule = escalation.is_automatic and because is Because.FIRST
        uow.record(incident, called, actor=system_actor() if by_rule else None)
    return tuple(found.people)


def does_page(policy: Policy, incident: Incident, escalation: Escalation) -> bool:
    """Tell whether an escalation wakes people: an urgent one, or where a rule of `call` pages."""
    rules = policy.rules_for(incident.severity_key, incident.services)
    return escalation.is_urgent or any(one.call and one.by is By.PAGE for one in rules)


def reached_by(
    policy: Policy, people: Sequence[Person], calls: Sequence[EscalationCall]
) -> list[Reached]:
    """Return how pagers reach the people called: a service's on-call by its own addresses, once."""
    reached: dict[object, Reached] = {}
    for person, call in zip(people, calls, strict=True):
        through = Wanted.read(call.through or {})
        service = policy.find_service(through.service) if through.service else None
        reach = reach_of_person(policy, person)
        # The pager's schedule doesn't know who stands in, so their own addresses come first.
        is_service = through.why == Relation.ON_CALL or (through.why == STANDS_IN and not reach)
        if is_service and service is not None and service.reach:
            reached[service.key] = Reached(reach=service.reach)
        else:
            reached[person.id] = Reached(reach=reach, person_id=person.id, call_id=call.id)
    return list(reached.values())


def step_wait(
    uow: UnitOfWork, incident: Incident, escalation: Escalation, step: EscalationStep
) -> timedelta:
    """Return how long to wait for the people of the step, under the current severity."""
    return wait_of(
        uow.policy,
        severity_key=incident.severity_key,
        template=uow.policy.escalation.find_template(escalation.template_key),
        step_wait=timedelta(seconds=step.wait_seconds) if step.wait_seconds else None,
    )


def wait_of(
    policy: Policy,
    *,
    severity_key: str,
    template: EscalationTemplate | None,
    step_wait: timedelta | None,
) -> timedelta:
    """Return how long to wait for a step: set by it, its template, the severity or the policy."""
    severity = policy.find_severity(severity_key)
    said = (
        step_wait,
        template.wait if template else None,
        severity.escalation_wait if severity else None,
    )
    return next((wait for wait in said if wait is not None), policy.escalation.wait)


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
    found: Callees,
) -> list[EscalationCall]:
    calls: list[EscalationCall] = []
    for person in found.people:
        # So that they can read what it is about, even in a private incident: that was agreed to.
        await refuse_outsiders(uow.session, incident, person)
        await let_in(uow, incident, person, is_agreed=True, by=escalation.author_id)
        call = EscalationCall(
            id=new_id(),
            escalation_id=escalation.id,
            step_id=step.id,
            person_id=person.id,
            status=CallStatus.OPEN,
            through=found.through[person.external_id].to_json(),
            called_at=uow.now,
        )
        uow.session.add(call)
        calls.append(call)
    await uow.flush()
    return calls


async def _entry(
    uow: UnitOfWork,
    escalation: Escalation,
    step: EscalationStep,
    found: Callees,
    calls: Sequence[EscalationCall],
) -> EscalationCalled:
    away: list[Standing] = []
    for call in await calls_of(uow.session, escalation.id):
        if call.away is not None and call.status == CallStatus.OPEN:
            person = await uow.session.get_one(Person, call.person_id)
            away.append(Standing(person=who(person), how=call.away))
    # The record shows people by name, not by the policy's ids and addresses.
    known = await find_people_named(uow.session, step.names, workspace_id=uow.workspace_id)
    return EscalationCalled(
        escalation_id=escalation.id,
        number=escalation.number,
        step=step.position,
        to=tuple(known[name].name if name in known else name for name in step.names),
        people=tuple(
            Called(person=who(person), call_id=call.id)
            for person, call in zip(found.people, calls, strict=True)
        ),
        skipped=tuple(LeftOut(name=name, why=why) for name, why in found.skipped),
        looking_up=tuple(found.unknown),
        away=tuple(away),
    )


async def author_of(uow: UnitOfWork, escalation: Escalation) -> Who | None:
    """Return the author as entries name them; None if the bot sent it for somebody."""
    if escalation.author_id is None or escalation.is_automatic:
        return None
    return who(await get_person(uow, escalation.author_id))
