"""A commander steps down: nobody leads at once, and somebody is asked to."""

import uuid
from collections.abc import Collection

from incidents.core.errors import AlreadySo, NotPermitted
from incidents.core.people import Person
from incidents.core.sentences import Who
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.roles import RoleAssignment, find_commander, role_holders
from incidents.people.assignable import get_person, refuse_if_over
from incidents.policy.policy import DEPUTY
from incidents.roles.command import agree_to_request, offer_command, outcome_of
from incidents.roles.command_watch import call_backup
from incidents.roles.entries import CommanderMissing
from incidents.roles.give import take_role_away
from incidents.roles.handoffs import (
    Handoff,
    HandoffKind,
    HandoffStatus,
    find_pending_handoff,
    settle_agreed,
    withdraw_handoff,
)


async def step_down(uow: UnitOfWork, ref: IncidentRef) -> Outcome:
    """End the commander's role at once, and ask who comes next: the successor, else the backup.

    Somebody who has requested command for themselves takes it at once. Otherwise the successor is the
    nominee of the pending handoff, else the deputy. A nominee whose time to answer has run out may
    still accept, but the backup is called.

    Outcomes: moved, successor_asked, stepped_down.

    Raises: IncidentOver; NotPermitted unless the actor commands; AlreadySo when nobody commands.
    """
    incident = await uow.get_incident(ref)
    refuse_if_over(incident)
    commander = await find_commander(uow.session, incident.id)
    if commander is None:
        raise AlreadySo("commander", "nobody")
    if uow.actor.is_person and uow.actor.person_id != commander.person_id:
        person = await get_person(uow, commander.person_id)
        raise NotPermitted("give_up_command", needs=person.name)
    pending = await _find_answerable(uow, incident)
    if pending is not None and pending.is_asked_by_nominee(uow.now):
        return await agree_to_request(uow, incident, commander=commander, request=pending)
    await take_role_away(uow, incident, commander)
    successor = await _ask_successor(uow, incident, commander=commander, pending=pending)
    if successor is not None:
        return outcome_of("successor_asked", incident, person=successor)
    backup = await miss_commander(uow, incident)
    return outcome_of("stepped_down", incident, backup=backup.name if backup else "")


async def miss_commander(
    uow: UnitOfWork, incident: Incident, *, but: Collection[uuid.UUID | None] = ()
) -> Who | None:
    """Record that nobody is in command, and call the backup, unless it is one of `but`."""
    backup = await call_backup(uow, incident, but=but)
    if backup is not None:
        uow.record(incident, CommanderMissing(backup=backup))
    return backup


async def _find_answerable(uow: UnitOfWork, incident: Incident) -> Handoff | None:
    """Return the pending handoff; end it first if its nominee can't command any more."""
    pending = await find_pending_handoff(uow.session, incident.id)
    if pending is None or (await get_person(uow, pending.to_person_id)).is_active_member:
        return pending
    await withdraw_handoff(uow, incident, pending)
    return None


async def _ask_successor(
    uow: UnitOfWork,
    incident: Incident,
    *,
    commander: RoleAssignment,
    pending: Handoff | None,
) -> Person | None:
    """Ask the successor of a commander who has stepped down; return who it is, if anybody."""
    if pending is not None:
        successor = await get_person(uow, pending.to_person_id)
        if pending.kind == HandoffKind.OFFER:  # they have been asked already
            return successor if uow.now < pending.expires_at else None
        await settle_agreed(uow, incident, pending, HandoffStatus.AGREED)
    else:
        deputies = await role_holders(uow.session, incident.id, role_key=DEPUTY)
        people = [await get_person(uow, one.person_id) for one in deputies]
        others = [one for one in people if one.id != commander.person_id and one.is_active_member]
        if not others:
            return None
        successor = others[0]
    await offer_command(uow, incident, successor, commander=commander)
    return successor
