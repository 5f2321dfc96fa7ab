"""What giving somebody a role comes to: who can take one, the rows, the entry that says so."""

from incidents.core.people import Person
from incidents.engine.acknowledgement import acknowledge
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident
from incidents.incident.roles import RoleAssignment, end_role, start_role
from incidents.incident.timeline import EntryKind
from incidents.people.assignable import call_in, get_person, person_content
from incidents.policy.policy import Role
from incidents.storage.database import storable


async def give_role(
    uow: UnitOfWork,
    incident: Incident,
    *,
    role: Role,
    person: Person,
    replaced: RoleAssignment | None = None,
) -> None:
    """Write down that the person holds the role from now on, in place of `replaced`."""
    previous = None
    if replaced is not None:
        previous = person_content(await get_person(uow, replaced.person_id))
        await end_role(uow.session, replaced, now=uow.now)
    await start_role(
        uow.session, incident_id=incident.id, person_id=person.id, role=role, now=uow.now
    )
    await call_in(uow, incident, person)
    acknowledge(uow, incident)
    uow.record(
        incident,
        EntryKind.ROLE_ASSIGNED,
        {
            "role": role.key,
            "role_name": role.name,
            "person": person_content(person),
            "previous": previous,
        },
    )


async def take_role_away(
    uow: UnitOfWork, incident: Incident, assignment: RoleAssignment, *, reason: str = ""
) -> None:
    """Write down that the person no longer holds the role."""
    person = await get_person(uow, assignment.person_id)
    await end_role(uow.session, assignment, now=uow.now)
    content = {
        "role": assignment.role_key,
        "role_name": assignment.role_name,
        "person": person_content(person),
        "reason": storable(reason).strip(),
    }
    uow.record(incident, EntryKind.ROLE_ENDED, content)
