"""Invitations to the incident channel, as the record knows them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from incidents.channel.entries import InviteRefused, RefusedInvite
from incidents.channel.insiders import find_gone
from incidents.core.people import PersonFacts, find_person, save_person
from incidents.core.sentences import Who
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import ById, save_participant


@dataclass(frozen=True, slots=True)
class Invited:
    """The result of one invitation; `error` is None if the person is in."""

    external_id: str
    error: str | None = None


async def record_invitations(
    uow: UnitOfWork, incident_id: uuid.UUID, *, channel_id: str, invited: Sequence[Invited]
) -> None:
    """Record who is invited (a private incident becomes visible to them) and who can't be.

    Records nothing if the incident has left that channel: it may continue without them.
    """
    incident = await uow.get_incident(ById(incident_id))
    if incident.channel_id != channel_id:
        return
    gone = await find_gone(uow.session, incident)
    refused: list[RefusedInvite] = []
    for one in invited:
        person = await find_person(
            uow.session, workspace_id=uow.workspace_id, external_id=one.external_id
        )
        if one.error is not None:
            # An id that we don't know may be an address or a group that matched nobody.
            whom = Who(person.name, person.id) if person is not None else Who(one.external_id)
            refused.append(RefusedInvite(person=whom, error=one.error))
            continue
        if one.external_id in gone:  # sight was taken back while they were being invited
            continue
        if person is None:
            person = await save_person(
                uow.session, PersonFacts(one.external_id), workspace_id=uow.workspace_id
            )
        await save_participant(
            uow.session, incident_id=incident.id, person_id=person.id, invited_at=uow.now
        )
    if refused:
        uow.record(incident, InviteRefused(refused=tuple(refused)))
