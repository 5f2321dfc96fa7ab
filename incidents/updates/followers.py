"""Who gets news by direct message, and why: they follow what it is about, or the policy names them."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import Person, actor_of
from incidents.engine.rules import Recorded
from incidents.incident.entries import Declared, SeverityChanged, StatusChanged, UpdatePosted
from incidents.incident.facts import Facts
from incidents.incident.incident import ById, Incident, find_incident
from incidents.people.directory import find_group_members, find_people_named
from incidents.policy.policy import Policy
from incidents.policy.references import GroupRef, PersonRef
from incidents.policy.stakeholders import Stakeholders
from incidents.updates.maintenance import Maintenance
from incidents.updates.subscriptions import Follows, Subject, Subscription

_NEWS = frozenset({Declared.kind, UpdatePosted.kind, SeverityChanged.kind, StatusChanged.kind})


@dataclass(frozen=True, slots=True)
class Topic:
    """What news is about: the closest thing to follow, its services, and how bad it is, if that bad."""

    workspace_id: uuid.UUID
    subject: Subject
    services: tuple[str, ...]
    incident: Incident | None = None


def incident_topic(incident: Incident) -> Topic:
    """Return an incident as what news is about."""
    subject = Subject(Follows.INCIDENT, str(incident.id))
    return Topic(incident.workspace_id, subject, tuple(incident.services), incident)


def maintenance_topic(row: Maintenance) -> Topic:
    """Return a maintenance as what news is about: it has no severity, and everybody sees it."""
    subject = Subject(Follows.MAINTENANCE, str(row.id))
    return Topic(row.workspace_id, subject, tuple(row.services))


async def add_followers(session: AsyncSession, facts: Facts, recorded: Recorded) -> Facts:
    """Add to the facts, after an entry that may be news, whether somebody may follow the incident."""
    if _NEWS.isdisjoint(recorded.kinds) or facts.is_drill:
        return facts
    if recorded.policy.stakeholders or any(rule.tell for rule in recorded.policy.call):
        return replace(facts, has_followers=True)
    query = select(Subscription.id).where(
        Subscription.workspace_id == recorded.workspace_id, Subscription.is_on
    )
    found = (await session.execute(query.limit(1))).first()
    return replace(facts, has_followers=found is not None)


async def find_followers(session: AsyncSession, topic: Topic, *, policy: Policy) -> list[uuid.UUID]:
    """Return everybody who follows the topic, in the order of their ids; `find_reason` decides."""
    query = select(Subscription.person_id).where(
        Subscription.workspace_id == topic.workspace_id,
        Subscription.is_on,
        or_(*_conditions(topic, policy)),
    )
    found = set((await session.execute(query)).scalars())
    named = await _named_by_policy(session, topic, policy)
    people = await find_people_named(session, named, workspace_id=topic.workspace_id)
    return sorted(found | {person.id for person in people.values()}, key=str)


async def find_reason(
    session: AsyncSession, topic: Topic, person: Person, *, policy: Policy
) -> Subject | None:
    """Return why somebody gets news of the topic now, the closest reason; None if they don't.

    They have to be there, see the incident, and not have stopped.
    """
    if not person.is_active or not await _sees(session, topic, person):
        return None
    query = select(Subscription).where(
        Subscription.person_id == person.id, or_(*_conditions(topic, policy))
    )
    rows = {
        Subject(Follows(row.follows), row.subject): row.is_on
        for row in (await session.execute(query)).scalars()
    }
    if topic.subject in rows:
        return topic.subject if rows[topic.subject] else None
    order = list(Follows)
    followed = sorted((one for one in rows if rows[one]), key=lambda one: order.index(one.follows))
    if followed:
        return followed[0]
    by_policy = Subject(Follows.POLICY)
    is_named = person.external_id in await _named_by_policy(session, topic, policy)
    return by_policy if is_named and rows.get(by_policy, True) else None


async def _sees(session: AsyncSession, topic: Topic, person: Person) -> bool:
    if topic.incident is None:
        return True
    found = await find_incident(
        session, ById(topic.incident.id), workspace_id=topic.workspace_id, viewer=actor_of(person)
    )
    return found is not None


def _conditions(topic: Topic, policy: Policy) -> Iterable[ColumnElement[bool]]:
    """Yield the subscriptions that a topic fits; a severity means this one or worse."""
    incident = topic.incident
    reached = [
        one.key
        for one in policy.severities
        if incident is not None and one.rank >= incident.severity_rank
    ]
    fitting = {
        topic.subject.follows: [topic.subject.key],
        Follows.SERVICE: list(topic.services),
        Follows.SEVERITY: reached,
        Follows.POLICY: [""],
    }
    for follows, subjects in fitting.items():
        yield (Subscription.follows == follows) & Subscription.subject.in_(subjects)


async def _named_by_policy(session: AsyncSession, topic: Topic, policy: Policy) -> Sequence[str]:
    """Return the external ids of the people that the policy names for news of this topic."""
    refs = [ref for one in policy.stakeholders if _fits(one, topic, policy) for ref in one.who]
    if topic.incident is not None:
        rules = policy.rules_for(topic.incident.severity_key, topic.services)
        refs += [ref for rule in rules for ref in rule.tell]
    people = await find_people_named(
        session,
        [str(ref) for ref in refs if isinstance(ref, PersonRef)],
        workspace_id=topic.workspace_id,
    )
    groups = await find_group_members(
        session,
        [str(ref) for ref in refs if isinstance(ref, GroupRef)],
        workspace_id=topic.workspace_id,
    )
    members = (member for found in groups.values() for member in found)
    return list(dict.fromkeys([*(one.external_id for one in people.values()), *members]))


def _fits(one: Stakeholders, topic: Topic, policy: Policy) -> bool:
    severity = policy.find_severity(one.severity) if one.severity else None
    if severity is not None:
        incident = topic.incident
        if incident is None or incident.severity_rank > severity.rank:
            return False
    return not one.services or not set(one.services).isdisjoint(topic.services)
