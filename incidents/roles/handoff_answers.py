"""Answers to a handoff: accepted, declined, withdrawn, or unanswered."""

import uuid

from incidents.core.errors import NotPermitted, Superseded
from incidents.core.people import Person
from incidents.engine.reminders import Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.role_entries import Move
from incidents.incident.roles import find_commander
from incidents.people.assignable import get_person, refuse_if_over
from incidents.roles.command import (
    decline_pending,
    move_command,
    outcome_of,
    take_command,
    withdraw_handoff,
)
from incidents.roles.handoffs import Handoff, HandoffKind, HandoffStatus, get_pending_handoff


async def accept_handoff(uow: UnitOfWork, ref: IncidentRef, *, handoff_id: uuid.UUID) -> Outcome:
    """Accept an offer or a request: command moves.

    Raises: Superseded with how the handoff ended; NotPermitted unless the actor was asked to
        answer; IncidentOver.
    """
    incident = await uow.get_incident(ref)
    handoff = await get_pending_handoff(uow.session, handoff_id, incident_id=incident.id)
    refuse_if_over(incident)
    if handoff.kind == HandoffKind.SUCCESSOR:
        return await take_command(uow, ref)
    await _check_answerer(uow, handoff)
    commander = await find_commander(uow.session, incident.id)
    if commander is None or handoff.to_person_id is None:
        raise Superseded("handoff_withdrawn")
    nominee = await get_person(uow, handoff.to_person_id)
    return await move_command(
        uow, incident, commander=commander, nominee=nominee, how=Move.ACCEPTED
    )


async def decline_handoff(uow: UnitOfWork, ref: IncidentRef, *, handoff_id: uuid.UUID) -> Outcome:
    """Decline a handoff, or withdraw it if the actor isn't the one to answer: the commander stays.

    Raises: Superseded with how the handoff ended; NotPermitted for people who have no part in it.
    """
    incident = await uow.get_incident(ref)
    handoff = await get_pending_handoff(uow.session, handoff_id, incident_id=incident.id)
    if uow.actor.person_id != handoff.answerer_id:
        if uow.actor.person_id not in handoff.party_ids:
            await _check_answerer(uow, handoff)
        await withdraw_handoff(uow, incident, handoff)
        return outcome_of("withdrawn", incident)
    return await decline_pending(uow, incident, handoff)


async def move_unanswered(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> None:
    """Move command because nobody answered; withdraw the handoff if it can't move any more."""
    handoff = await uow.session.get(Handoff, reminder.subject_id)
    if handoff is None or handoff.status != HandoffStatus.PENDING:
        return
    commander = await find_commander(uow.session, incident.id)
    nominee = await uow.session.get(Person, handoff.to_person_id) if handoff.to_person_id else None
    if (
        not incident.is_open
        or commander is None
        or commander.person_id != handoff.from_person_id
        or nominee is None
        or not nominee.is_active
    ):
        await withdraw_handoff(uow, incident, handoff)
        return
    await move_command(uow, incident, commander=commander, nominee=nominee, how=Move.UNANSWERED)


async def _check_answerer(uow: UnitOfWork, handoff: Handoff) -> None:
    if uow.actor.person_id == handoff.answerer_id:
        return
    # Anybody can take command that is offered to all, but only its parties can end the offer.
    person = await get_person(uow, handoff.answerer_id or handoff.from_person_id)
    raise NotPermitted("answer_handoff", needs=person.name)
