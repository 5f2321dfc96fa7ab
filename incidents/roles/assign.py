"""Assign and release roles; the commander's role changes hands in `command.py`."""

import uuid
from collections.abc import Collection

from sqlalchemy import select

from incidents.core.errors import AlreadySo, InvalidInput, Superseded
from incidents.core.people import system_actor
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, Incident, IncidentRef, lock_incident
from incidents.incident.lifecycle import STATUSES_GOING_ON
from incidents.incident.roles import (
    RoleAssignment,
    current_roles,
    find_commander,
    role_holders,
)
from incidents.people.assignable import Named, get_assignable, get_person, refuse_if_over
from incidents.policy.policy import COMMANDER, Action, Policy, Role
from incidents.roles.command import propose_commander
from incidents.roles.give import give_role, take_role_away
from incidents.roles.handoffs import (
    Handoff,
    HandoffStatus,
    find_pending_handoff,
    withdraw_handoff,
)
from incidents.roles.step_down import miss_commander, step_down


def get_role(policy: Policy, words: str) -> Role:
    """Return the role that these words name. Raises: InvalidInput with the known roles."""
    role = policy.find_role(" ".join(words.split()))
    if role is None:
        known = ", ".join(role.key for role in policy.roles)
        raise InvalidInput("role", "unknown", known, words)
    return role


async def assign_role(
    uow: UnitOfWork, ref: IncidentRef, *, role: str, person: Named, words: str = ""
) -> Outcome:
    """Assign a role; while there is a commander, a new one is only proposed.

    An exclusive role passes to its new holder, and its previous holder is told.

    Raises: NotPermitted; IncidentOver; AlreadySo; InvalidInput for an unknown role or for a person
        who can't take one; Superseded (see `propose_commander`).
    """
    wanted = get_role(uow.policy, role)
    if wanted.key == COMMANDER:
        return await propose_commander(uow, ref, person=person, words=words)
    incident = await uow.get_incident(ref)
    is_self = person.external_id == uow.actor.external_id
    await uow.permit(Action.CLAIM_ROLE if is_self else Action.ASSIGN_ROLE, incident)
    refuse_if_over(incident)
    nominee = await get_assignable(uow, person)
    holders = await role_holders(uow.session, incident.id, role_key=wanted.key)
    if any(holder.person_id == nominee.id for holder in holders):
        raise AlreadySo(wanted.name, nominee.name)
    replaced = holders[0] if wanted.exclusive and holders else None
    await give_role(uow, incident, role=wanted, person=nominee, replaced=replaced)
    data = {
        "reference": str(incident.reference),
        "role_key": wanted.key,
        "role_name": wanted.name,
        "person": nominee.name,
        "external_id": nominee.external_id,
    }
    return Outcome("assigned", incident.id, data)


async def claim_role(uow: UnitOfWork, ref: IncidentRef, *, role: str) -> Outcome:
    """Take a role that the actor saw as free.

    Raises: as `assign_role`; Superseded with the name of the person who now has an exclusive role.
    """
    wanted = get_role(uow.policy, role)
    incident = await uow.get_incident(ref)
    holders = await role_holders(uow.session, incident.id, role_key=wanted.key)
    others = [holder for holder in holders if holder.person_id != uow.actor.person_id]
    if wanted.exclusive and others and wanted.key != COMMANDER:
        person = await get_person(uow, others[0].person_id)
        raise Superseded("role", by=person.name)
    named = Named(uow.actor.external_id or "", uow.actor.name)
    return await assign_role(uow, ref, role=role, person=named)


async def release_role(uow: UnitOfWork, ref: IncidentRef, *, role: str) -> Outcome:
    """Give up a role; an actor who doesn't hold it ends it for all its holders.

    A commander steps down: see `step_down`.

    Raises: NotPermitted; IncidentOver; AlreadySo when nobody holds it; InvalidInput.
    """
    wanted = get_role(uow.policy, role)
    if wanted.key == COMMANDER:
        return await step_down(uow, ref)
    incident = await uow.get_incident(ref)
    refuse_if_over(incident)
    holders = await role_holders(uow.session, incident.id, role_key=wanted.key)
    own = [holder for holder in holders if holder.person_id == uow.actor.person_id]
    await uow.permit(Action.CLAIM_ROLE if own else Action.ASSIGN_ROLE, incident)
    if not holders:
        raise AlreadySo(wanted.name, "nobody")
    for holder in own or holders:
        await take_role_away(uow, incident, holder)
    data = {"reference": str(incident.reference), "role_name": wanted.name}
    return Outcome("released", incident.id, data)


async def end_roles_of(
    uow: UnitOfWork, ref: IncidentRef, *, person_id: uuid.UUID, reason: str = "left the workspace"
) -> Outcome:
    """End what somebody who left holds in one incident; for the system.

    Their roles end, and the handoff that they have a part in; if nobody leads, the backup is called.
    """
    incident = await lock_incident(
        uow.session, ref, workspace_id=uow.workspace_id, viewer=system_actor()
    )
    held = await current_roles(uow.session, incident.id)
    ended = [assignment for assignment in held if assignment.person_id == person_id]
    pending = await find_pending_handoff(uow.session, incident.id)
    is_awaited = pending is not None and person_id in pending.party_ids
    if pending is not None and is_awaited:
        await withdraw_handoff(uow, incident, pending)
    for assignment in ended:
        await take_role_away(uow, incident, assignment, reason=reason)
    led = any(assignment.role_key == COMMANDER for assignment in ended)
    is_missed = (led or is_awaited) and incident.is_open
    if is_missed and await find_commander(uow.session, incident.id) is None:
        await miss_commander(uow, incident)
    return Outcome("roles_ended", incident.id, {"count": len(ended)})


async def end_roles_of_departed(uow: UnitOfWork, person_ids: Collection[uuid.UUID]) -> None:
    """End the roles and handoffs of people who left the workspace; for the system."""
    if not person_ids:
        return
    going_on = (
        Incident.workspace_id == uow.workspace_id,
        Incident.status.in_(STATUSES_GOING_ON),
    )
    held = (
        select(RoleAssignment.incident_id, RoleAssignment.person_id)
        .join(Incident, Incident.id == RoleAssignment.incident_id)
        .where(
            *going_on,
            RoleAssignment.person_id.in_(person_ids),
            RoleAssignment.ended_at.is_(None),
        )
    )
    asked = [
        select(Handoff.incident_id, party)
        .join(Incident, Incident.id == Handoff.incident_id)
        .where(*going_on, party.in_(person_ids), Handoff.status == HandoffStatus.PENDING)
        for party in (Handoff.to_person_id, Handoff.proposed_by_id)
    ]
    found: set[tuple[uuid.UUID, uuid.UUID]] = set()
    for query in (held, *asked):
        rows = (await uow.session.execute(query)).all()
        found |= {(row[0], row[1]) for row in rows if row[1] is not None}
    for incident_id, person_id in sorted(found):
        await end_roles_of(uow, ById(incident_id), person_id=person_id)
