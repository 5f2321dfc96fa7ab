"""People in requests and entries: who can take a role or be called in, and how to name them."""

import uuid
from dataclasses import dataclass

from incidents.core.errors import IncidentOver, InvalidInput
from incidents.core.people import (
    Person,
    PersonFacts,
    PersonKind,
    Workspace,
    find_person,
    save_person,
)
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident, save_participant
from incidents.incident.lifecycle import IncidentStatus
from incidents.scenarios.runs import refuse_outsiders


@dataclass(frozen=True, slots=True)
class Named:
    """A person as a request names them: by chat service id, perhaps with a name."""

    external_id: str
    name: str | None = None


async def get_assignable(uow: UnitOfWork, named: Named) -> Person:
    """Return a person who can take a role.

    An unknown person counts as a member until the background refresh learns more.

    Raises: InvalidInput for guests, people of other workspaces, bots and deactivated people.
    """
    person = await find_person(
        uow.session, workspace_id=uow.workspace_id, external_id=named.external_id
    )
    workspace = await uow.session.get(Workspace, uow.workspace_id)
    if workspace is not None and named.external_id == workspace.bot_external_id:
        raise InvalidInput("person", "a_bot")
    if person is None:
        facts = PersonFacts(named.external_id, name=named.name)
        return await save_person(uow.session, facts, workspace_id=uow.workspace_id)
    check_assignable(person)
    return person


def check_assignable(person: Person) -> None:
    """Return quietly if the person can take a role. Raises: InvalidInput with the reason."""
    if not person.is_active:
        raise InvalidInput("person", "deactivated")
    match PersonKind(person.kind):
        case PersonKind.BOT:
            raise InvalidInput("person", "a_bot")
        case PersonKind.GUEST | PersonKind.EXTERNAL:
            raise InvalidInput("person", "a_guest")
        case PersonKind.MEMBER:
            return


def refuse_if_over(incident: Incident) -> None:
    """Return quietly if roles can still change. Raises: IncidentOver once closed or cancelled."""
    if incident.lifecycle_status in {IncidentStatus.CLOSED, IncidentStatus.CANCELLED}:
        raise IncidentOver(incident.status)


async def get_person(uow: UnitOfWork, person_id: uuid.UUID) -> Person:
    """Return the person with our own id. Raises: NoResultFound."""
    return await uow.session.get_one(Person, person_id)


async def call_in(uow: UnitOfWork, incident: Incident, person: Person) -> None:
    """Make the person a participant, so that they see the incident even if it is private.

    Raises: InvalidInput for somebody who isn't part of a drill with a scenario.
    """
    await refuse_outsiders(uow.session, incident, person)
    await save_participant(
        uow.session, incident_id=incident.id, person_id=person.id, invited_at=uow.now
    )
