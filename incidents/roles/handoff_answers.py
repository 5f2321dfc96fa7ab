"""Answers to a handoff: accepted, declined, withdrawn, or none in time."""

import uuid
from dataclasses import replace
from datetime import timedelta

from incidents.core.errors import NotPermitted, Superseded
from incidents.engine.reminders import Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.role_entries import Move
from incidents.incident.roles import find_commander
from incidents.people.assignable import check_assignable, get_person, refuse_if_over
from incidents.roles.command import (
    agree_to_request,
    assume_command,
    decline_pending,
    move_command,
    outcome_of,
)
from incidents.roles.command_watch import call_backup
from incidents.roles.entries import HandoffUnanswered
from incidents.roles.handoffs import (
    Handoff,
    HandoffKind,
    HandoffStatus,
    entry_about,
    get_pending_handoff,
    withdraw_handoff,
)
from incidents.roles.step_down import miss_commander


async def accept_handoff(uow: UnitOfWork, ref: IncidentRef, *, handoff_id: uuid.UUID) -> Outcome:
    """Accept an offer, or agree to a request: command moves once its next holder has said yes.

    Raises: Superseded with how the handoff ended; NotPermitted unless the actor was asked to
        answer; InvalidInput if the nominee has left or become a guest since; IncidentOver.
    """
    incident = await uow.get_incident(ref)
    handoff = await get_pending_handoff(uow.session, handoff_id, incident_id=incident.id)
    refuse_if_over(incident)
    await _check_answerer(uow, handoff)
    commander = await find_commander(uow.session, incident.id)
    if handoff.kind == HandoffKind.REQUEST:
        if commander is None:
            raise Superseded("handoff_withdrawn")
        return await agree_to_request(uow, incident, commander=commander, request=handoff)
    nominee = await get_person(uow, handoff.to_person_id)
    check_assignable(nominee)
    if commander is None:
        return await assume_command(uow, incident, nominee)
    return await move_command(
        uow, incident, commander=commander, nominee=nominee, how=Move.ACCEPTED
    )


async def decline_handoff(uow: UnitOfWork, ref: IncidentRef, *, handoff_id: uuid.UUID) -> Outcome:
    """Decline a handoff, or withdraw it if the actor isn't the one to answer: the commander stays.

    If nobody leads, the backup is called.

    Raises: Superseded with how the handoff ended; NotPermitted for people who have no part in it.
    """
    incident = await uow.get_incident(ref)
    handoff = await get_pending_handoff(uow.session, handoff_id, incident_id=incident.id)
    if uow.actor.person_id != handoff.answerer_id:
        if uow.actor.person_id not in handoff.party_ids:
            await _check_answerer(uow, handoff)
        await withdraw_handoff(uow, incident, handoff)
        if handoff.from_person_id is not None:
            await _miss_successor(uow, incident, handoff)
        return outcome_of("withdrawn", incident)
    outcome = await decline_pending(uow, incident, handoff)
    await _miss_successor(uow, incident, handoff)
    return outcome


async def report_unanswered(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> None:
    """Tell the commander that nobody has answered, and call the policy's backup.

    Command stays where it is, and the handoff stays open for a late answer.
    """
    handoff = await uow.session.get(Handoff, reminder.subject_id)
    if handoff is None or handoff.status != HandoffStatus.PENDING:
        return
    nominee = await get_person(uow, handoff.to_person_id)
    if not incident.is_open or not nominee.is_active:
        await withdraw_handoff(uow, incident, handoff)
        await _miss_successor(uow, incident, handoff)
        return
    if await find_commander(uow.session, incident.id) is None:
        await miss_commander(uow, incident, but=handoff.party_ids)
        return
    unanswered = await entry_about(uow, handoff, HandoffUnanswered)
    minutes = round((uow.now - handoff.created_at) / timedelta(minutes=1))
    backup = await call_backup(uow, incident, but=handoff.party_ids)
    uow.record(incident, replace(unanswered, minutes=minutes, backup=backup))


async def _miss_successor(uow: UnitOfWork, incident: Incident, handoff: Handoff) -> None:
    """Call the backup if the handoff ended while nobody leads."""
    if incident.is_open and await find_commander(uow.session, incident.id) is None:
        await miss_commander(uow, incident, but=handoff.party_ids)


async def _check_answerer(uow: UnitOfWork, handoff: Handoff) -> None:
    if uow.actor.person_id == handoff.answerer_id:
        return
    person = await get_person(uow, handoff.answerer_id or handoff.to_person_id)
    raise NotPermitted("answer_handoff", needs=person.name)
