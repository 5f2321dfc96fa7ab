"""Who sees a private incident and why; let people in, and remove somebody."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import AlreadySo, InvalidInput, Newcomer
from incidents.core.people import Actor, Person, PersonKind, find_person, who
from incidents.core.sentences import Who
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.calls import silence
from incidents.escalation.tables import Escalation, escalations_of
from incidents.incident.incident import (
    ById,
    Incident,
    IncidentRef,
    Participant,
    find_participant,
    is_inside,
)
from incidents.incident.roles import current_roles, find_commander
from incidents.incident.views import IncidentView, PersonView, get_incident_view, person_view
from incidents.people.assignable import get_reachable, refuse_unknown
from incidents.people.entries import PeopleInvited, RemovalRefused, SightTakenBack
from incidents.people.sight import agree_to_open, let_in
from incidents.policy.policy import Action
from incidents.record.audit_log import AuditKind, audit
from incidents.roles.assign import end_roles_of
from incidents.scenarios.runs import refuse_outsiders
from incidents.storage.database import storable

MAX_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class InsiderView:
    """Somebody who sees a private incident, and why; `let_in_by` is None where nobody had to."""

    person: PersonView
    is_declarer: bool
    roles: tuple[str, ...]
    let_in_by: PersonView | None
    let_in_at: datetime | None
    in_channel_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InsidersView:
    """Who sees an incident; `expected` are agreed to and see it once an escalation gets to them."""

    incident: IncidentView
    people: tuple[InsiderView, ...] = ()
    expected: tuple[str, ...] = ()


async def get_insiders(
    session: AsyncSession, ref: IncidentRef, *, workspace_id: uuid.UUID, viewer: Actor
) -> InsidersView:
    """Return who sees a private incident; of a public one, nobody is listed.

    Raises: IncidentNotFound, also for those who don't see it.
    """
    incident = await get_incident_view(session, ref, workspace_id=workspace_id, viewer=viewer)
    if not incident.is_private:
        return InsidersView(incident=incident)
    row = await session.get_one(Incident, incident.id)
    roles = await current_roles(session, incident.id)
    people: list[InsiderView] = []
    for part, person in await find_insiders(session, row):
        by = await session.get(Person, part.let_in_by_id) if part.let_in_by_id else None
        people.append(
            InsiderView(
                person=person_view(person),
                is_declarer=person.id == row.declared_by_id,
                roles=tuple(role.role_name for role in roles if role.person_id == person.id),
                let_in_by=person_view(by) if by is not None else None,
                let_in_at=part.invited_at,
                in_channel_since=part.joined_at if part.is_in_channel else None,
            )
        )
    inside = {one.person.external_id for one in people}
    waiting = await escalations_of(session, incident.id, unanswered_only=True)
    expected = dict.fromkeys(one for each in waiting for one in each.opens_to)
    return InsidersView(
        incident=incident,
        people=tuple(people),
        expected=tuple(one for one in expected if one not in inside),
    )


async def find_insiders(
    session: AsyncSession, incident: Incident
) -> list[tuple[Participant, Person]]:
    """Return the active people of ours who see a private incident, by name."""
    query = (
        select(Participant, Person)
        .join(Person, Person.id == Participant.person_id)
        .where(
            Participant.incident_id == incident.id,
            Person.is_active,
            Person.kind.not_in((PersonKind.BOT, PersonKind.EXTERNAL)),
        )
        .order_by(Person.name, Person.id)
    )
    rows = (await session.execute(query)).all()
    return [(part, one) for part, one in rows if is_inside(incident, part, person_id=one.id)]


async def find_gone(session: AsyncSession, incident: Incident) -> frozenset[str]:
    """Return the ids in the chat service of people who left a private incident, or were removed.

    Nothing lets them in again by itself, not even the policy.
    """
    if not incident.is_private:
        return frozenset()
    query = (
        select(Person.external_id)
        .join(Participant, Participant.person_id == Person.id)
        .where(Participant.incident_id == incident.id, Participant.gone_at.is_not(None))
    )
    return frozenset((await session.execute(query)).scalars())


async def invite(
    uow: UnitOfWork, ref: IncidentRef, *, people: tuple[str, ...], reason: str = ""
) -> Outcome:
    """Let people into an incident and its channel, by their ids in the chat service.

    Raises: IncidentNotFound; NotPermitted; NotKnownYet; AlreadySo if all are in its channel;
        InvalidInput for nobody, bots, deactivated people, people of other workspaces, and for
        outsiders of a drill.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.INVITE, incident)
    if not people:
        raise InvalidInput("person", "empty", "invite @alice @bob")
    await refuse_unknown(uow, people)
    named = [await get_reachable(uow, one, field="person") for one in dict.fromkeys(people)]
    parts = [
        await find_participant(uow.session, incident_id=incident.id, person_id=one.id)
        for one in named
    ]
    if all(part is not None and part.is_in_channel for part in parts):
        raise AlreadySo("incident", f"open to {', '.join(one.name for one in named)}")
    if incident.is_private:
        newcomers = [
            Newcomer(person.external_id, person.name)
            for person, part in zip(named, parts, strict=True)
            if not is_inside(incident, part, person_id=person.id)
        ]
        await agree_to_open(uow, incident, newcomers)
    for person in named:
        await refuse_outsiders(uow.session, incident, person)
        await let_in(uow, incident, person, is_agreed=True, by=uow.actor.person_id)
    uow.record(incident, PeopleInvited(people=tuple(map(who, named)), reason=_text(reason)))
    names = [one.name for one in named]
    return Outcome("invited", incident.id, {"reference": str(incident.reference), "people": names})


async def take_sight_back(
    uow: UnitOfWork, ref: IncidentRef, *, person: str, reason: str = ""
) -> Outcome:
    """End somebody's sight of a private incident, and with it their rights and roles in it.

    The declarer, and who let somebody in, may take that back without the right, though not from the
    declarer. The commander hands off or is taken over first. Outcomes: taken_back; not_called, of
    somebody an escalation would have let in; public.

    Raises: IncidentNotFound; NotPermitted; InvalidInput for oneself, the commander, outsiders.
    """
    incident = await uow.get_incident(ref)
    data = {"reference": str(incident.reference)}
    if not incident.is_private:
        return Outcome("public", incident.id, data)
    found = await find_person(uow.session, workspace_id=uow.workspace_id, external_id=person)
    if found is not None and found.id == uow.actor.person_id:
        raise InvalidInput("person", "is you: leave the channel to stop seeing it")
    await _check_right(uow, incident, found)
    data["person"] = found.name if found is not None else person
    is_expected = await expect_no_more(uow, incident, person)
    part = await _part_of(uow, incident, found)
    if found is None or not is_inside(incident, part, person_id=found.id):
        if is_expected:
            return Outcome("not_called", incident.id, data)
        raise InvalidInput(
            "person", f"is somebody who doesn't see {incident.reference}, so nothing was changed"
        )
    held = await find_commander(uow.session, incident.id)
    if held is not None and held.person_id == found.id:
        problem = "commands this incident: somebody else has to take command first"
        raise InvalidInput("person", problem, "role commander me")
    (part or _new_part(uow, incident, found)).go(uow.now)
    await uow.flush()
    await silence(uow, incident, found)
    uow.record(incident, SightTakenBack(person=who(found), reason=_text(reason)))
    content = {"reference": str(incident.reference), "person_name": found.name}
    await audit(uow, AuditKind.SIGHT_TAKEN_BACK, content, subject_id=found.id)
    await end_roles_of(uow, ById(incident.id), person_id=found.id, reason="can't see it any more")
    left = len(await find_insiders(uow.session, incident))
    return Outcome("taken_back", incident.id, {**data, "people_left": left})


async def record_removal_refused(
    uow: UnitOfWork, incident_id: uuid.UUID, *, person: Who, by: Who, error: str
) -> None:
    """Record that the chat service didn't remove somebody from the private channel."""
    incident = await uow.get_incident(ById(incident_id))
    uow.record(incident, RemovalRefused(person=person, by=by, error=error))


async def _check_right(uow: UnitOfWork, incident: Incident, target: Person | None) -> None:
    actor_id = uow.actor.person_id
    is_declarers = target is not None and target.id == incident.declared_by_id
    part = await _part_of(uow, incident, target)
    is_own = incident.declared_by_id == actor_id or (
        part is not None and part.let_in_by_id == actor_id
    )
    if is_declarers or not is_own:
        await uow.permit(Action.UNINVITE, incident)


async def _part_of(
    uow: UnitOfWork, incident: Incident, person: Person | None
) -> Participant | None:
    if person is None:
        return None
    return await find_participant(uow.session, incident_id=incident.id, person_id=person.id)


def _new_part(uow: UnitOfWork, incident: Incident, person: Person) -> Participant:
    part = Participant(incident_id=incident.id, person_id=person.id)
    uow.session.add(part)
    return part


async def expect_no_more(uow: UnitOfWork, incident: Incident, external_id: str) -> bool:
    """Keep waiting escalations from letting this person in; tell whether one would have."""
    waiting: list[Escalation] = [
        one
        for one in await escalations_of(uow.session, incident.id, unanswered_only=True)
        if external_id in one.opens_to
    ]
    for one in waiting:
        one.opens_to = [kept for kept in one.opens_to if kept != external_id]
    return bool(waiting)


def _text(reason: str) -> str:
    return storable(reason).strip()[:MAX_REASON]
