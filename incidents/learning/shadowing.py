"""Starting and stopping a shadowing; `observing.py` decides which incidents it leads to."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import AlreadySo, InvalidInput, Superseded
from incidents.core.ids import new_id
from incidents.core.people import Person
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident
from incidents.incident.lifecycle import OPEN_STATUSES
from incidents.incident.views import PersonView, people_views
from incidents.learning.events import ShadowingChanged
from incidents.learning.observing import bring_in, end_watching, followers
from incidents.learning.tables import (
    Debrief,
    Observation,
    Shadowing,
    observations_of,
    shadowings_of,
)
from incidents.people.assignable import Named, get_acting_member, get_assignable
from incidents.policy.policy import Action, Policy, Role

LONGEST = timedelta(days=366)
EXAMPLE = "shadow @alice --until 2w"
# The most roles and services that a refusal names; a policy may have hundreds.
_MOST_NAMED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowTarget:
    """The mentor, role or service to follow; exactly one is set."""

    mentor: Named | None = None
    role_key: str | None = None
    service_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowingView:
    """A shadowing as its two people see it; without a mentor, one of the names is set."""

    id: uuid.UUID
    person: PersonView
    mentor: PersonView | None
    role_name: str
    service_name: str
    until_at: datetime | None
    ended_at: datetime | None
    ended_by: PersonView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedIncident:
    """An incident that a person observes as a shadow, or still owes a debrief for."""

    observation_id: uuid.UUID
    debrief_id: uuid.UUID | None
    reference: str
    title: str
    channel_id: str | None
    is_running: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnShadowings:
    """A person's shadowings: their own, those of which they are the mentor, and their incidents."""

    own: tuple[ShadowingView, ...]
    of_me: tuple[ShadowingView, ...]
    watched: tuple[WatchedIncident, ...]


def target_of(words: str, policy: Policy) -> ShadowTarget:
    """Return the role or service with this name. Raises: InvalidInput if there is neither."""
    wanted = " ".join(words.split())
    role: Role | None = policy.find_role(wanted)
    if role is not None:
        return ShadowTarget(role_key=role.key)
    service = policy.find_service(wanted)
    if service is not None:
        return ShadowTarget(service_key=service.key)
    roles, services = [one.key for one in policy.roles], [one.key for one in policy.services]
    known = [*roles, *services][:_MOST_NAMED]
    raise InvalidInput("shadow", "unknown", ", ".join(known), wanted)


async def start_shadowing(
    uow: UnitOfWork, target: ShadowTarget, *, until_at: datetime | None = None
) -> Outcome:
    """Follow a mentor, a role or a service from now on; for the same target only change the end.

    The shadow is brought into open incidents, and the mentor is told.

    Raises: NotPermitted; AlreadySo if nothing changes; InvalidInput without a target, for oneself,
        for somebody who can't mentor, or for an end in the past or more than a year away.
    """
    await uow.permit(Action.SHADOW)
    person = await get_acting_member(uow, Action.SHADOW)
    if until_at is not None and not uow.now < until_at <= uow.now + LONGEST:
        raise InvalidInput("until", "past" if until_at <= uow.now else "too_long", "2w")
    mentor = await get_assignable(uow, target.mentor) if target.mentor is not None else None
    if mentor is not None and mentor.id == person.id:
        raise InvalidInput("mentor", "yourself", EXAMPLE)
    key = _target_key(target, mentor)
    running = await _running(uow, person.id, key)
    if running is not None and running.until_at == until_at:
        raise AlreadySo("this shadowing", "running")
    shadowing = running or Shadowing(
        id=new_id(),
        workspace_id=uow.workspace_id,
        person_id=person.id,
        target=key,
        mentor_id=mentor.id if mentor else None,
        role_key=target.role_key,
        service_key=target.service_key,
        started_at=uow.now,
    )
    shadowing.until_at = until_at
    uow.session.add(shadowing)
    await uow.flush()
    if mentor is not None:
        uow.emit(ShadowingChanged(shadowing_id=shadowing.id, person_id=mentor.id))
    brought = await _bring_to_what_is_open(uow)
    data = {
        "shadowing_id": str(shadowing.id),
        "mentor": mentor.name if mentor else "",
        "mentor_external_id": mentor.external_id if mentor else "",
        "role_key": target.role_key or "",
        "service_key": target.service_key or "",
        "until_at": until_at.isoformat() if until_at else "",
        "brought_to": brought,
    }
    return Outcome("shadowing_started" if running is None else "shadowing_moved", None, data)


async def stop_shadowing(uow: UnitOfWork, shadowing_id: uuid.UUID | None = None) -> Outcome:
    """End one shadowing, as its shadow or mentor; without an id, end all of the actor's own.

    Raises: AlreadySo if there is none; NotPermitted for guests; Superseded if it has ended, or if
        it is somebody else's.
    """
    person = await get_acting_member(uow, Action.SHADOW)
    if shadowing_id is None:
        found = await shadowings_of(uow.session, person.id, now=uow.now)
        ending = [one for one in found if one.person_id == person.id]
        watched = await observations_of(uow.session, person.id, only_running=True)
        if not ending and not watched:
            raise AlreadySo("shadowing", "over")
        await end_watching(uow, watched)
    else:
        ending = [await _get_shadowing(uow, shadowing_id, person)]
    for shadowing in ending:
        await _end(uow, shadowing, by=person)
    return Outcome("shadowing_stopped", None, {"count": len(ending)})


async def stop_watching(uow: UnitOfWork, observation_id: uuid.UUID) -> Outcome:
    """End the actor's observation of one incident; they may stay in its channel.

    Raises: Superseded if it isn't theirs or has ended.
    """
    observation = await uow.session.get(Observation, observation_id, with_for_update=True)
    if observation is None or observation.person_id != uow.actor.person_id:
        raise Superseded("shadowing")
    if observation.ended_at is not None:
        raise Superseded("shadowing")
    await end_watching(uow, [observation])
    return Outcome("watching_stopped", None, {})


async def own_shadowings(
    session: AsyncSession, person_id: uuid.UUID, *, policy: Policy, now: datetime
) -> OwnShadowings:
    """Return the shadowings in which the person is the shadow or the mentor."""
    rows = await shadowings_of(session, person_id, now=now)
    views = [await view_of_shadowing(session, row, policy=policy) for row in rows]
    return OwnShadowings(
        own=tuple(view for view in views if view.person.id == person_id),
        of_me=tuple(view for view in views if view.person.id != person_id),
        watched=await _watched(session, person_id),
    )


async def view_of_shadowing(
    session: AsyncSession, row: Shadowing, *, policy: Policy
) -> ShadowingView:
    """Return a shadowing as its two people see it."""
    wanted = {row.person_id, row.mentor_id, row.ended_by_id} - {None}
    people = await people_views(session, [one for one in wanted if one is not None])
    role = policy.find_role(row.role_key) if row.role_key else None
    service = policy.find_service(row.service_key) if row.service_key else None
    return ShadowingView(
        id=row.id,
        person=people[row.person_id],
        mentor=people.get(row.mentor_id) if row.mentor_id else None,
        role_name=role.name if role else (row.role_key or ""),
        service_name=service.name if service else (row.service_key or ""),
        until_at=row.until_at,
        ended_at=row.ended_at,
        ended_by=people.get(row.ended_by_id) if row.ended_by_id else None,
    )


async def _watched(session: AsyncSession, person_id: uuid.UUID) -> tuple[WatchedIncident, ...]:
    query = (
        select(Observation, Incident, Debrief)
        .join(Incident, Incident.id == Observation.incident_id)
        .outerjoin(Debrief, Debrief.observation_id == Observation.id)
        # Incidents that became private are no longer visible to them.
        .where(Observation.person_id == person_id, Incident.is_private.is_(False))
        .order_by(Observation.began_at)
    )
    found: list[WatchedIncident] = []
    for observation, incident, asked in (await session.execute(query)).all():
        debrief: Debrief | None = asked  # an outer join: there may be none
        is_owed = debrief is not None and not debrief.is_written
        if observation.ended_at is not None and not is_owed:
            continue
        found.append(
            WatchedIncident(
                observation_id=observation.id,
                debrief_id=debrief.id if debrief is not None and is_owed else None,
                reference=str(incident.reference),
                title=incident.title,
                channel_id=incident.channel_id,
                is_running=observation.ended_at is None,
            )
        )
    return tuple(found)


def _target_key(target: ShadowTarget, mentor: Person | None) -> str:
    if mentor is not None:
        return f"person:{mentor.id}"
    if target.role_key:
        return f"role:{target.role_key}"
    if target.service_key:
        return f"service:{target.service_key}"
    raise InvalidInput("shadow", "empty", EXAMPLE)


async def _running(uow: UnitOfWork, person_id: uuid.UUID, target: str) -> Shadowing | None:
    query = (
        select(Shadowing)
        .where(
            Shadowing.person_id == person_id,
            Shadowing.target == target,
            Shadowing.ended_at.is_(None),
        )
        .with_for_update()
    )
    found = (await uow.session.execute(query)).scalar_one_or_none()
    if found is not None and found.until_at is not None and found.until_at <= uow.now:
        found.ended_at = found.until_at
        await uow.flush()  # first, or the unique index would refuse the next one
        return None
    return found


async def _get_shadowing(uow: UnitOfWork, shadowing_id: uuid.UUID, person: Person) -> Shadowing:
    row = await uow.session.get(Shadowing, shadowing_id, with_for_update=True)
    if row is None or row.workspace_id != uow.workspace_id:
        raise Superseded("shadowing")
    if person.id not in {row.person_id, row.mentor_id}:
        # The same answer as if there were no such shadowing.
        raise Superseded("shadowing")
    if row.ended_at is not None:
        raise Superseded("shadowing")
    return row


async def _end(uow: UnitOfWork, shadowing: Shadowing, *, by: Person) -> None:
    shadowing.ended_at, shadowing.ended_by_id = uow.now, by.id
    query = select(Observation).where(
        Observation.shadowing_id == shadowing.id, Observation.ended_at.is_(None)
    )
    await end_watching(uow, (await uow.session.execute(query)).scalars().all())
    if shadowing.mentor_id is not None:
        uow.emit(ShadowingChanged(shadowing_id=shadowing.id, person_id=shadowing.mentor_id))
    if by.id != shadowing.person_id:
        uow.emit(ShadowingChanged(shadowing_id=shadowing.id, person_id=shadowing.person_id))


async def _bring_to_what_is_open(uow: UnitOfWork) -> int:
    """Bring the actor into the open incidents that they now follow; return how many are new."""
    query = (
        select(Incident)
        .where(
            Incident.workspace_id == uow.workspace_id,
            Incident.status.in_(OPEN_STATUSES),
            Incident.is_private.is_(False),
            Incident.is_drill.is_(False),
        )
        .order_by(Incident.id)
    )
    open_incidents = (await uow.session.execute(query)).scalars()
    own = [one for one in await followers(uow) if one.person_id == uow.actor.person_id]
    return len(await bring_in(uow, open_incidents, own))
