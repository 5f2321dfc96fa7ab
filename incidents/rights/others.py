"""Who else may do something in an incident: people the policy means first, each member last."""

import uuid
from collections.abc import Iterable

from sqlalchemy import ColumnElement, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import Actor, PeopleGroup, Person, PersonKind, actor_of
from incidents.incident.incident import ById, Incident, Participant, find_incident
from incidents.incident.roles import current_roles
from incidents.policy.policy import Action, Policy
from incidents.policy.references import Grantee, GroupRef, PersonRef, RoleRef, Standing
from incidents.rights.decide import decide, gather_standing, managers_named
from incidents.rights.stages import Mentorship, StageRecord

MOST_NAMED = 3
# Of each kind of candidate: each costs about ten queries.
MOST_ASKED = 20


async def who_else_may(
    session: AsyncSession,
    actor: Actor,
    action: Action,
    *,
    incident: Incident,
    policy: Policy,
) -> list[str]:
    """Return the names of up to three other members who may do this and see the incident.

    The nearest there are: people the policy names, else responders, else other members.
    """
    is_listed = exists().where(StageRecord.person_id == Person.id)
    # Seniors are people with a recorded stage; peers mostly have none.
    likely = ~is_listed if Standing.SENIOR in policy.rights.who_may(action) else is_listed
    others = (
        select(Person)
        .where(
            Person.workspace_id == incident.workspace_id,
            Person.is_active.is_(True),
            Person.kind == PersonKind.MEMBER,
            Person.id != actor.person_id,
        )
        .order_by(likely, Person.name, Person.id)
        .limit(MOST_ASKED)
    )
    if incident.is_private:
        others = others.where(_takes_part(incident))
    found: list[str] = []
    for nearest in await _nearest_first(session, action, incident=incident, policy=policy):
        for person in (await session.execute(others.where(nearest))).scalars().all():
            if await _may(session, person, action, incident=incident, policy=policy):
                found.append(person.name)
            if len(found) == MOST_NAMED:
                break
        if found:
            break
    return found


async def _may(
    session: AsyncSession, person: Person, action: Action, *, incident: Incident, policy: Policy
) -> bool:
    viewer, workspace_id = actor_of(person), incident.workspace_id
    ref = ById(incident.id)
    if await find_incident(session, ref, workspace_id=workspace_id, viewer=viewer) is None:
        return False
    facts = await gather_standing(
        session, viewer, incident=incident, policy=policy, workspace_id=workspace_id
    )
    return decide(viewer, action, facts, rights=policy.rights).is_allowed


async def _nearest_first(
    session: AsyncSession, action: Action, *, incident: Incident, policy: Policy
) -> list[ColumnElement[bool]]:
    """Return conditions for who may: one for each kind of candidate."""
    who = policy.rights.who_may(action)
    held = await current_roles(session, incident.id)
    keys = {one.key for one in who if isinstance(one, RoleRef)}
    refs = [one for one in who if isinstance(one, PersonRef | GroupRef)]
    if Standing.MANAGER in who:
        refs += managers_named(policy, incident.services)
    if Standing.MENTOR in who:
        refs += [mentor for seed in policy.supervision.mentors for mentor in seed.mentors]
    named = [
        Person.id.in_([role.person_id for role in held if role.role_key in keys]),
        await _meant(session, refs, workspace_id=incident.workspace_id),
    ]
    if Standing.MENTOR in who:
        named.append(Person.id.in_(select(Mentorship.mentor_id)))
    found = [or_(*named)]
    if Standing.RESPONDER in who:
        in_channel = select(Participant.person_id).where(
            Participant.incident_id == incident.id, Participant.is_in_channel
        )
        roles = [role.person_id for role in held]
        found.append(or_(Person.id.in_(roles), Person.id.in_(in_channel)))
    if {Standing.ANYONE, Standing.PEER, Standing.SENIOR} & set(who):
        found.append(true())
    return found


def _takes_part(incident: Incident) -> ColumnElement[bool]:
    taking_part = select(Participant.person_id).where(Participant.incident_id == incident.id)
    return or_(Person.id.in_(taking_part), Person.id == incident.declared_by_id)


async def _meant(
    session: AsyncSession, refs: Iterable[Grantee], *, workspace_id: uuid.UUID
) -> ColumnElement[bool]:
    """Return the condition for the people the policy names, alone or in a group."""
    people = [one for one in refs if isinstance(one, PersonRef)]
    groups = [one.group_id or one.handle for one in refs if isinstance(one, GroupRef)]
    query = select(PeopleGroup).where(
        PeopleGroup.workspace_id == workspace_id,
        or_(PeopleGroup.external_id.in_(groups), PeopleGroup.handle.in_(groups)),
    )
    members = [
        external_id
        for group in (await session.execute(query)).scalars()
        for external_id in group.member_external_ids.split()
    ]
    ids = [one.user_id for one in people if one.user_id] + members
    emails = [one.email.lower() for one in people if one.email]
    return or_(Person.external_id.in_(ids), func.lower(Person.email).in_(emails))
