"""The facts of one person's progress, from the record and the tables of learning, for one viewer.

Only incidents that the viewer may see count. Cancelled incidents never count.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import Actor, Person
from incidents.engine.prompts import Prompt, PromptStatus
from incidents.escalation.tables import Escalation
from incidents.incident.incident import Incident, visible_to
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.roles import RoleAssignment
from incidents.incident.timeline import TimelineEntry
from incidents.learning.tables import Debrief, Observation
from incidents.policy.policy import COMMANDER, Policy
from incidents.record.entries import FileLinked, Marked, Pinned
from incidents.rights.stages import Stage, StageRecord, levels_from

EVIDENCE = (Marked.kind, Pinned.kind, FileLinked.kind)


class Participation(StrEnum):
    """What a person did in an incident; each incident counts once, by the most they did."""

    OBSERVED = "observed"
    ASSISTED = "assisted"
    LED = "led"


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A role that the person held, and their stage in it when they took it."""

    role_key: str
    stage: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A person's part in one incident; `to_evidence` is from declaration to the first evidence."""

    incident_id: uuid.UUID
    reference: str
    is_drill: bool
    severity_key: str
    services: tuple[str, ...]
    declared_at: datetime
    held: tuple[HeldRole, ...] = ()
    is_shadow: bool = False
    to_evidence: timedelta | None = None

    def participation(self, role_key: str = "") -> Participation:
        """Return the most they did; leading is holding this role (else command) at lead or solo.

        Holding a role at observe only counts as observing.
        """
        leading = role_key or COMMANDER
        if any(one.role_key == leading and one.stage >= Stage.LEAD for one in self.held):
            return Participation.LED
        if any(one.stage >= Stage.ASSIST for one in self.held):
            return Participation.ASSISTED
        return Participation.OBSERVED


@dataclass(frozen=True, slots=True)
class SentEscalation:
    """An escalation the person sent themselves; `score` is its completeness, 0 to 100."""

    incident_id: uuid.UUID
    at: datetime
    score: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A private question to the person, and whether they answered."""

    incident_id: uuid.UUID
    at: datetime
    is_answered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressFacts:
    """Everything that progress is counted from; each list is in order, earliest first."""

    parts: tuple[Part, ...] = ()
    escalations: tuple[SentEscalation, ...] = ()
    prompts: tuple[Asked, ...] = ()
    debriefs: tuple[Asked, ...] = ()
    # The incidents that are drills; all others are real.
    drills: frozenset[uuid.UUID] = frozenset()
    services: tuple[tuple[uuid.UUID, tuple[str, ...]], ...] = ()


async def gather_facts_of(
    session: AsyncSession,
    person: Person,
    records: Sequence[StageRecord],
    *,
    viewer: Actor,
    policy: Policy,
) -> ProgressFacts:
    """Return the facts of this person's progress that the viewer may see."""
    roles = await _roles(session, person.id)
    observed = await _observed(session, person.id)
    escalations = await _escalations(session, person.id)
    prompts = await _prompts(session, person.id)
    debriefs = await _debriefs(session, person.id)
    touched = {role.incident_id for role in roles} | observed
    touched |= {one.incident_id for one in escalations}
    touched |= {one.incident_id for one in (*prompts, *debriefs)}
    incidents = await _incidents(session, touched, workspace_id=person.workspace_id, viewer=viewer)
    held: dict[uuid.UUID, list[HeldRole]] = defaultdict(list)
    for role in roles:
        incident = incidents.get(role.incident_id)
        if incident is not None:
            levels = levels_from(person, records, policy=policy, at=role.started_at)
            stage = levels.stage(
                role_key=role.role_key,
                services=incident.services,
                severity_rank=incident.severity_rank,
            )
            held[incident.id].append(HeldRole(role.role_key, stage))
    evidence = await _first_evidence(session, held)
    parts = [
        _part(
            incident,
            held=held.get(incident.id, ()),
            is_shadow=incident.id in observed,
            evidence_at=evidence.get(incident.id),
        )
        for incident in incidents.values()
        if incident.id in held or incident.id in observed
    ]
    return ProgressFacts(
        parts=tuple(sorted(parts, key=lambda part: part.declared_at)),
        escalations=tuple(one for one in escalations if one.incident_id in incidents),
        prompts=tuple(one for one in prompts if one.incident_id in incidents),
        debriefs=tuple(one for one in debriefs if one.incident_id in incidents),
        drills=frozenset(one.id for one in incidents.values() if one.is_drill),
        services=tuple((one.id, tuple(one.services)) for one in incidents.values()),
    )


def _part(
    incident: Incident,
    *,
    held: Iterable[HeldRole],
    is_shadow: bool,
    evidence_at: datetime | None,
) -> Part:
    late = evidence_at is None or evidence_at < incident.declared_at
    return Part(
        incident_id=incident.id,
        reference=str(incident.reference),
        is_drill=incident.is_drill,
        severity_key=incident.severity_key,
        services=tuple(incident.services),
        declared_at=incident.declared_at,
        held=tuple(held),
        is_shadow=is_shadow,
        to_evidence=None if late or evidence_at is None else evidence_at - incident.declared_at,
    )


async def _roles(session: AsyncSession, person_id: uuid.UUID) -> Sequence[RoleAssignment]:
    query = (
        select(RoleAssignment)
        .where(RoleAssignment.person_id == person_id)
        .order_by(RoleAssignment.started_at, RoleAssignment.id)
    )
    return (await session.execute(query)).scalars().all()


async def _observed(session: AsyncSession, person_id: uuid.UUID) -> set[uuid.UUID]:
    query = select(Observation.incident_id).where(
        Observation.person_id == person_id,
        # Shadows who couldn't be invited to the channel saw nothing.
        Observation.invite_error.is_(None),
    )
    return set((await session.execute(query)).scalars())


async def _escalations(session: AsyncSession, person_id: uuid.UUID) -> list[SentEscalation]:
    query = (
        select(Escalation)
        # Escalations that the bot sent for them don't show how they ask for help.
        .where(Escalation.author_id == person_id, Escalation.is_automatic.is_(False))
        .order_by(Escalation.created_at, Escalation.id)
    )
    return [
        SentEscalation(row.incident_id, row.created_at, row.score)
        for row in (await session.execute(query)).scalars()
    ]


async def _prompts(session: AsyncSession, person_id: uuid.UUID) -> list[Asked]:
    query = (
        select(Prompt)
        .where(
            Prompt.person_id == person_id,
            Prompt.status.not_in((PromptStatus.WITHDRAWN, PromptStatus.TOLD)),
            Prompt.delivery_error.is_(None),
        )
        .order_by(Prompt.asked_at, Prompt.id)
    )
    return [
        Asked(row.incident_id, row.asked_at, row.answered_at is not None)
        for row in (await session.execute(query)).scalars()
    ]


async def _debriefs(session: AsyncSession, person_id: uuid.UUID) -> list[Asked]:
    query = (
        select(Debrief).where(Debrief.owner_id == person_id).order_by(Debrief.asked_at, Debrief.id)
    )
    return [
        Asked(row.incident_id, row.asked_at, row.is_written)
        for row in (await session.execute(query)).scalars()
    ]


async def _incidents(
    session: AsyncSession,
    incident_ids: Iterable[uuid.UUID],
    *,
    workspace_id: uuid.UUID,
    viewer: Actor,
) -> dict[uuid.UUID, Incident]:
    wanted = tuple(incident_ids)
    if not wanted:
        return {}
    query = select(Incident).where(
        Incident.workspace_id == workspace_id,
        Incident.id.in_(wanted),
        Incident.status != IncidentStatus.CANCELLED,
        visible_to(viewer),
    )
    return {incident.id: incident for incident in (await session.execute(query)).scalars()}


async def _first_evidence(
    session: AsyncSession, incident_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, datetime]:
    wanted = tuple(incident_ids)
    if not wanted:
        return {}
    query = (
        select(TimelineEntry.incident_id, func.min(TimelineEntry.occurred_at))
        .where(TimelineEntry.incident_id.in_(wanted), TimelineEntry.kind.in_(EVIDENCE))
        .group_by(TimelineEntry.incident_id)
    )
    return {row[0]: row[1] for row in (await session.execute(query)).all()}
