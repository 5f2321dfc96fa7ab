"""Assign or end a role: the rows and the entry."""

from incidents.core.people import Person, who
from incidents.engine.acknowledgement import acknowledge
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident
from incidents.incident.role_entries import RoleAssigned, RoleEnded
from incidents.incident.roles import RoleAssignment, end_role, start_role
from incidents.people.assignable import call_in, get_person
from incidents.policy.policy import Role
from incidents.storage.database import trimmed


async def give_role(
    uow: UnitOfWork,
    incident: Incident,
    *,
    role: Role,
    person: Person,
    replaced: RoleAssignment | None = None,
) -> None:
    """Record that the person holds the role from now on, instead of `replaced`."""
    previous = None
    if replaced is not None:
        previous = who(await get_person(uow, replaced.person_id))
        await end_role(uow.session, replaced, now=uow.now)
    await start_role(
        uow.session, incident_id=incident.id, person_id=person.id, role=role, now=uow.now
    )
    await call_in(uow, incident, person)
    acknowledge(uow, incident)
    uow.record(
        incident,
        RoleAssigned(role=role.key, role_name=role.name, person=who(person), previous=previous),
    )


async def take_role_away(
    uow: UnitOfWork, incident: Incident, assignment: RoleAssignment, *, reason: str = ""
) -> None:
    """Record that the person no longer holds the role."""
    person = await get_person(uow, assignment.person_id)
    await end_role(uow.session, assignment, now=uow.now)
    uow.record(
        incident,
        RoleEnded(
            role=assignment.role_key,
            role_name=assignment.role_name,
            person=who(person),
            reason=trimmed(reason),
        ),
    )
