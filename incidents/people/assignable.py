"""People in requests and entries: who can take a role or be called in, and how to name them.

Before somebody new gets a role, a call or a task, or sees an incident, the chat service is asked who
they are. No use case waits for that: it raises `NotKnownYet`, and runs again once they are known.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from incidents.core.errors import IncidentOver, InvalidInput, NotKnownYet, NotPermitted
from incidents.core.people import Person, PersonKind, Workspace, find_person
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident
from incidents.incident.lifecycle import IncidentStatus
from incidents.people.sight import let_in
from incidents.scenarios.runs import refuse_outsiders


@dataclass(frozen=True, slots=True)
class Named:
    """A person as a request names them: by chat service id, perhaps with a name."""

    external_id: str
    name: str | None = None


async def get_assignable(uow: UnitOfWork, named: Named) -> Person:
    """Return a person who can take a role.

    Raises: NotKnownYet; InvalidInput for guests, people of other workspaces, bots and deactivated
        people.
    """
    person = await get_known(uow, named.external_id, field="person")
    check_assignable(person)
    return person


def check_assignable(person: Person) -> None:
    """Return quietly if the person can take a role.

    Raises: NotKnownYet; InvalidInput with the reason.
    """
    if not person.is_active:
        raise InvalidInput("person", "deactivated")
    match PersonKind(person.kind):
        case PersonKind.UNKNOWN:
            raise NotKnownYet((person.external_id,))
        case PersonKind.BOT:
            raise InvalidInput("person", "a_bot")
        case PersonKind.GUEST | PersonKind.EXTERNAL:
            raise InvalidInput("person", "a_guest")
        case PersonKind.MEMBER:
            return


async def get_known(uow: UnitOfWork, external_id: str, *, field: str) -> Person:
    """Return a person if we know whether they belong here. Raises: NotKnownYet; InvalidInput."""
    workspace = await uow.session.get(Workspace, uow.workspace_id)
    if workspace is not None and external_id == workspace.bot_external_id:
        raise InvalidInput(field, "a_bot")
    person = await find_person(uow.session, workspace_id=uow.workspace_id, external_id=external_id)
    if person is None or person.kind == PersonKind.UNKNOWN:
        raise NotKnownYet((external_id,))
    return person


async def get_reachable(uow: UnitOfWork, external_id: str, *, field: str) -> Person:
    """Return a person who can be called, given a task, or shown an incident: guests too.

    Raises: NotKnownYet; InvalidInput for people of other workspaces, bots and deactivated people.
    """
    person = await get_known(uow, external_id, field=field)
    why = why_not_reachable(person)
    if why is not None:
        raise InvalidInput(field, why)
    return person


def why_not_reachable(person: Person) -> str | None:
    """Return the reason (a key) why the person can't be called or shown an incident, or None."""
    if person.kind == PersonKind.BOT:
        return "a_bot"
    if not person.is_active:
        return "deactivated"
    return "a_stranger" if person.kind == PersonKind.EXTERNAL else None


async def refuse_unknown(uow: UnitOfWork, external_ids: Iterable[str]) -> None:
    """Return quietly if all are known. Raises: NotKnownYet, with all who aren't."""
    unknown = [
        external_id
        for external_id in dict.fromkeys(external_ids)
        if (
            person := await find_person(
                uow.session, workspace_id=uow.workspace_id, external_id=external_id
            )
        )
        is None
        or person.kind == PersonKind.UNKNOWN
    ]
    if unknown:
        raise NotKnownYet(tuple(unknown))


def refuse_if_over(incident: Incident) -> None:
    """Return quietly if roles can still change. Raises: IncidentOver once closed or cancelled."""
    if incident.lifecycle_status in {IncidentStatus.CLOSED, IncidentStatus.CANCELLED}:
        raise IncidentOver(incident.status)


async def get_person(uow: UnitOfWork, person_id: uuid.UUID) -> Person:
    """Return the person with our own id. Raises: NoResultFound."""
    return await uow.session.get_one(Person, person_id)


async def get_acting_person(uow: UnitOfWork, action: str) -> Person:
    """Return the person who acts. Raises: NotPermitted for an actor that isn't a person."""
    if uow.actor.person_id is None:
        raise NotPermitted(action, needs="member")
    return await get_person(uow, uow.actor.person_id)


async def get_acting_member(uow: UnitOfWork, action: str) -> Person:
    """Return the member who acts, locked. Raises: NotPermitted for anybody else.

    The lock makes simultaneous requests of one person run one after the other; rows that only
    reference the person don't wait.
    """
    if uow.actor.person_id is None or uow.actor.person_kind is not PersonKind.MEMBER:
        raise NotPermitted(action, needs="member")
    return await uow.session.get_one(
        Person, uow.actor.person_id, with_for_update={"key_share": True}
    )


async def call_in(uow: UnitOfWork, incident: Incident, person: Person) -> None:
    """Make the person a participant, so that they see the incident even if it is private.

    Before a private incident opens to them, the actor is asked (`people/sight.py`).

    Raises: InvalidInput for somebody who isn't part of a drill with a scenario.
    """
    await refuse_outsiders(uow.session, incident, person)
    await let_in(uow, incident, person)
