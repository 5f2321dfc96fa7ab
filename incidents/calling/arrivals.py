"""Signs of work: somebody who was called joins, writes or presses, and their pager falls silent.

Coming isn't saying "I'm on it": who called people by name still waits for that, and the ladder
waits once more as long as a step does. A call that the bot made by its rules is answered by it.
"""

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.calling.entries import CalledPersonCame
from incidents.core.people import Person, who
from incidents.engine.unit_of_work import UnitOfWork
from incidents.escalation.answers import take
from incidents.escalation.calls import is_reached_by, step_wait
from incidents.escalation.events import NextStepTimed
from incidents.escalation.tables import (
    UNANSWERED,
    CallStatus,
    Escalation,
    EscalationCall,
    EscalationStatus,
    EscalationStep,
)
from incidents.incident.incident import Incident
from incidents.paging.pages import acknowledge_pages, pages_of


async def come(uow: UnitOfWork, incident: Incident, *, is_answer: bool = False) -> bool:
    """Note that the actor has come, if somebody called them here; tell whether that is news.

    `is_answer`: they have just answered a call, in their own words.
    """
    person_id = uow.actor.person_id
    if person_id is None or not incident.is_open:
        return False
    query = (
        select(EscalationCall, Escalation)
        .join(Escalation, Escalation.id == EscalationCall.escalation_id)
        .where(
            Escalation.incident_id == incident.id,
            Escalation.status.in_(UNANSWERED),
            EscalationCall.person_id == person_id,
            EscalationCall.status == CallStatus.OPEN,
            EscalationCall.arrived_at.is_(None),
        )
    )
    found = (await uow.session.execute(query)).all()
    for call, escalation in found:
        await _arrive(uow, incident, escalation, call, is_answer=is_answer)
    return bool(found)


async def _arrive(
    uow: UnitOfWork,
    incident: Incident,
    escalation: Escalation,
    call: EscalationCall,
    *,
    is_answer: bool,
) -> None:
    call.arrived_at = uow.now
    if escalation.is_automatic and escalation.author_id != call.person_id and not is_answer:
        await take(uow, escalation.id)
        return
    pages = await pages_of(uow.session, escalation.id)
    acknowledge_pages(uow, incident, [one for one in pages if is_reached_by(uow.policy, one, call)])
    due_at = None
    if escalation.status == EscalationStatus.CALLING and escalation.due_at is not None:
        step = await uow.session.get_one(EscalationStep, call.step_id)
        due_at = max(escalation.due_at, uow.now + step_wait(uow, incident, escalation, step))
        escalation.due_at = due_at
        uow.emit(NextStepTimed(escalation_id=escalation.id, due_at=due_at), incident)
    person = await uow.session.get_one(Person, call.person_id)
    uow.record(
        incident,
        CalledPersonCame(
            escalation_id=escalation.id, number=escalation.number, person=who(person), until=due_at
        ),
    )


async def is_called(
    session: AsyncSession, *, channel_id: str, external_id: str, workspace_id: uuid.UUID
) -> bool:
    """Tell whether a call to this person waits in the channel's incident: a look before a change."""
    query = (
        select(EscalationCall.id)
        .join(Escalation, Escalation.id == EscalationCall.escalation_id)
        .join(Incident, Incident.id == Escalation.incident_id)
        .join(Person, Person.id == EscalationCall.person_id)
        .where(
            Incident.workspace_id == workspace_id,
            Incident.channel_id == channel_id,
            Person.external_id == external_id,
            Escalation.status.in_(UNANSWERED),
            EscalationCall.status == CallStatus.OPEN,
            EscalationCall.arrived_at.is_(None),
        )
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none() is not None
