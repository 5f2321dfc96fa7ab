"""Observing: brings shadows into incidents, asks them at decisions, and asks for debriefs.

Everything depends on the current state alone, so running twice, late or after a restart gives the
same result. Private incidents and drills bring in no shadows, and an incident that becomes private
releases its shadows.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.ids import new_id
from incidents.core.people import Person, PersonFacts, PersonKind, save_person
from incidents.engine.prompts import PromptKind, ask, open_prompts, withdraw
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.entries import MovedToPrivate, SeverityChanged, StatusChanged
from incidents.incident.incident import Incident
from incidents.incident.payload import Payload, decode
from incidents.incident.role_entries import CommanderChanged
from incidents.incident.roles import RoleAssignment, current_roles, current_roles_in
from incidents.incident.timeline import TimelineEntry
from incidents.learning.events import DebriefAsked, DebriefHidden, ShadowBroughtIn, WatchingChanged
from incidents.learning.tables import (
    Debrief,
    Observation,
    observations_in,
    running_shadowings,
    with_debrief,
)
from incidents.policy.policy import Policy
from incidents.policy.references import PersonRef
from incidents.policy.shadowing import turns_on
from incidents.proposals.entries import ActionProposed
from incidents.rights.stages import is_named, people_named
from incidents.roles.entries import HandoffOffered, HandoffRequested

# After this long, "what would you do now?" no longer makes sense.
DECISION_LASTS: Final = timedelta(minutes=10)

# The entries that count as decisions, and their key in the question to shadows.
_DECISIONS: Final[Mapping[type[Payload], str]] = MappingProxyType(
    {
        StatusChanged: "status",
        SeverityChanged: "severity",
        HandoffOffered: "handoff",
        HandoffRequested: "handoff",
        CommanderChanged: "handoff",
        ActionProposed: "proposal",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """A person who follows a mentor, a role or a service, by arrangement or by schedule."""

    person_id: uuid.UUID
    mentor_id: uuid.UUID | None = None
    role_key: str | None = None
    service_key: str | None = None
    shadowing_id: uuid.UUID | None = None

    def is_called_by(self, incident: Incident, roles: Sequence[RoleAssignment]) -> bool:
        """Tell whether the incident involves the mentor, role or service that they follow."""
        if self.mentor_id is not None:
            return any(role.person_id == self.mentor_id for role in roles)
        if self.role_key is not None:
            return any(role.role_key == self.role_key for role in roles)
        return self.service_key in incident.services


async def observe(uow: UnitOfWork, incident: Incident, entry: TimelineEntry | None) -> None:
    """Bring in the incident's shadows, ask them at a decision, or end their observations."""
    if incident.is_private or incident.is_drill:
        await _let_go(uow, incident)
        if entry is not None and entry.kind == MovedToPrivate.kind:
            await _hide_debriefs(uow, incident)
        return
    if not incident.is_open:
        await _ask_for_debriefs(uow, incident)
        return
    await bring_in(uow, [incident], await followers(uow))
    if entry is not None:
        await _ask_at_decision(uow, incident, entry)


async def bring_in(
    uow: UnitOfWork, incidents: Iterable[Incident], following: Sequence[Follower]
) -> list[Observation]:
    """Bring followers into the incidents that they follow; return the new observations.

    It makes a fixed number of queries, however many incidents there are.
    """
    shared = {one.id: one for one in incidents if _may_be_watched(one)}
    if not shared or not following:
        return []
    roles = await current_roles_in(uow.session, shared)
    known = {
        (one.incident_id, one.person_id): one for one in await observations_in(uow.session, shared)
    }
    members = await _members(uow, following)
    brought: list[Observation] = []
    met_again: list[Observation] = []
    for incident in shared.values():
        held = roles.get(incident.id, ())
        working = {role.person_id for role in held}
        for follower in following:
            if follower.person_id in working or not follower.is_called_by(incident, held):
                continue
            place = (incident.id, follower.person_id)
            if place in known:
                met_again.append(known[place])
            elif follower.person_id in members:
                known[place] = _observation(uow, incident, follower)
                brought.append(known[place])
    await _resume(uow, met_again)
    for new in brought:
        uow.emit(
            ShadowBroughtIn(
                incident_id=new.incident_id,
                channel_effect_id=shared[new.incident_id].channel_effect_id,
                observation_id=new.id,
                person_id=new.person_id,
            )
        )
    return brought


def _may_be_watched(incident: Incident) -> bool:
    return incident.is_open and not incident.is_private and not incident.is_drill


async def _members(uow: UnitOfWork, following: Sequence[Follower]) -> frozenset[uuid.UUID]:
    """Return the followers who are active members, not guests or bots."""
    query = select(Person.id).where(
        Person.id.in_([one.person_id for one in following]),
        Person.is_active.is_(True),
        Person.kind == PersonKind.MEMBER,
    )
    return frozenset((await uow.session.execute(query)).scalars())


async def followers(uow: UnitOfWork) -> list[Follower]:
    """Return everybody who shadows now: first by arrangement, then by the policy's schedule."""
    rows = await running_shadowings(uow.session, workspace_id=uow.workspace_id, now=uow.now)
    arranged = [
        Follower(
            person_id=row.person_id,
            mentor_id=row.mentor_id,
            role_key=row.role_key,
            service_key=row.service_key,
            shadowing_id=row.id,
        )
        for row in rows
    ]
    return [*arranged, *await _scheduled(uow)]


def scheduled_people(policy: Policy, now: datetime) -> list[PersonRef]:
    """Return the people that the policy's schedule names for this day."""
    turns = list(turns_on(policy.shadowing, now.date()))
    named = [ref for turn in turns for ref in (turn.person, turn.mentor) if ref is not None]
    return list(dict.fromkeys(named))


async def save_looked_up(uow: UnitOfWork, people: Iterable[PersonFacts]) -> None:
    """Store people that the chat service found by their email addresses in the policy."""
    for facts in people:
        await save_person(uow.session, facts, workspace_id=uow.workspace_id)


async def unknown_refs(
    session: AsyncSession, refs: Sequence[PersonRef], *, workspace_id: uuid.UUID
) -> list[PersonRef]:
    """Return the people that the directory doesn't know yet."""
    known = await people_named(session, refs, workspace_id=workspace_id)
    ids, emails = {one.external_id for one in known}, {(one.email or "").lower() for one in known}
    return [
        ref for ref in refs if ref.user_id not in ids and (ref.email or "-").lower() not in emails
    ]


async def _scheduled(uow: UnitOfWork) -> list[Follower]:
    turns = turns_on(uow.policy.shadowing, uow.now.date())
    refs = scheduled_people(uow.policy, uow.now)
    people = await people_named(uow.session, refs, workspace_id=uow.workspace_id)
    found: list[Follower] = []
    for turn in turns:
        person, mentor = _named(people, turn.person), _named(people, turn.mentor)
        if person is None or (turn.mentor is not None and mentor is None):
            continue
        found.append(
            Follower(
                person_id=person.id,
                mentor_id=mentor.id if mentor else None,
                role_key=turn.role,
                service_key=turn.service,
            )
        )
    return found


def _named(people: Sequence[Person], ref: PersonRef | None) -> Person | None:
    return next((one for one in people if ref is not None and is_named(one, ref)), None)


async def _resume(uow: UnitOfWork, met_again: Sequence[Observation]) -> None:
    """Resume observing reopened incidents, unless the shadow had stopped by their own choice."""
    over = {one.id: one for one in met_again if one.ended_at is not None}
    resumed = [over[one] for one in await with_debrief(uow.session, over.keys())]
    for observation in resumed:
        observation.ended_at = None
    refresh_briefs(uow, resumed)


def _observation(uow: UnitOfWork, incident: Incident, follower: Follower) -> Observation:
    observation = Observation(
        id=new_id(),
        workspace_id=uow.workspace_id,
        incident_id=incident.id,
        person_id=follower.person_id,
        shadowing_id=follower.shadowing_id,
        mentor_id=follower.mentor_id,
        role_key=follower.role_key,
        service_key=follower.service_key,
        began_at=uow.now,
    )
    uow.session.add(observation)
    return observation


# -- at decisions ---------------------------------------------------------------------------


async def _ask_at_decision(uow: UnitOfWork, incident: Incident, entry: TimelineEntry) -> None:
    payload = decode(entry.kind, entry.content or {}, uow.rules.entry_types).payload
    decision = _DECISIONS.get(type(payload))
    if decision is None or uow.now - entry.recorded_at > DECISION_LASTS:
        return
    new = payload.new if isinstance(payload, StatusChanged | SeverityChanged) else ""
    working = {role.person_id for role in await current_roles(uow.session, incident.id)}
    for observation in await observations_in(uow.session, [incident.id]):
        person_id = observation.person_id
        is_theirs = person_id in working or person_id == entry.actor_id
        if observation.ended_at is not None or is_theirs or not _may_ask(uow, observation):
            continue
        observation.last_asked_at = uow.now
        await ask(
            uow,
            incident=incident,
            person_id=person_id,
            kind=PromptKind.DECISION,
            key=str(entry.id),
            data={"decision": decision, "to": new},
        )


def _may_ask(uow: UnitOfWork, observation: Observation) -> bool:
    last = observation.last_asked_at
    return last is None or uow.now - last >= uow.policy.shadowing.ask_every


# -- the end --------------------------------------------------------------------------------


async def _ask_for_debriefs(uow: UnitOfWork, incident: Incident) -> None:
    observations = await observations_in(uow.session, [incident.id])
    watching = [one for one in observations if one.ended_at is None]
    asked = await with_debrief(uow.session, [one.id for one in watching])
    await end_watching(uow, watching)
    for observation in watching:
        if observation.id not in asked:
            _ask_for_debrief(uow, incident, observation)


async def end_watching(uow: UnitOfWork, observations: Sequence[Observation]) -> None:
    """End these observations: the bot asks nothing more, and the briefs say so."""
    for observation in observations:
        observation.ended_at = uow.now
        asked = await open_prompts(
            uow.session,
            observation.incident_id,
            person_id=observation.person_id,
            kinds=(PromptKind.DECISION,),
        )
        await withdraw(uow, asked)
    refresh_briefs(uow, observations)


def refresh_briefs(uow: UnitOfWork, observations: Iterable[Observation]) -> None:
    """Update the briefs of these observations, which began or ended."""
    for one in observations:
        uow.emit(
            WatchingChanged(
                incident_id=one.incident_id, observation_id=one.id, person_id=one.person_id
            )
        )


def _ask_for_debrief(uow: UnitOfWork, incident: Incident, observation: Observation) -> None:
    debrief = Debrief(
        id=new_id(),
        workspace_id=uow.workspace_id,
        incident_id=incident.id,
        observation_id=observation.id,
        owner_id=observation.person_id,
        answers=[],
        shared_with=[],
        asked_at=uow.now,
    )
    uow.session.add(debrief)
    uow.emit(
        DebriefAsked(incident_id=incident.id, debrief_id=debrief.id, owner_id=debrief.owner_id)
    )


async def _let_go(uow: UnitOfWork, incident: Incident) -> None:
    """End the observation of an incident that they may no longer see; tell nobody."""
    observations = await observations_in(uow.session, [incident.id])
    await end_watching(uow, [one for one in observations if one.ended_at is None])


async def _hide_debriefs(uow: UnitOfWork, incident: Incident) -> None:
    """Stop asking for debriefs of an incident that has become private."""
    query = select(Debrief).where(Debrief.incident_id == incident.id)
    for debrief in (await uow.session.execute(query)).scalars().all():
        uow.emit(
            DebriefHidden(incident_id=incident.id, debrief_id=debrief.id, owner_id=debrief.owner_id)
        )
