"""Who is guided in which incident: the rows, and the people that a change of the incident affects.

Guidance is for holders of a role who are below solo for that role and the incident's services,
while no unsupervised person holds the same role. Teams without stages have no guidance.
"""

import uuid
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import derived_id
from incidents.engine.rules import Recorded
from incidents.escalation.entries import Escalated, EscalationCompleted
from incidents.incident.entries import Edited, SeverityChanged, StatusChanged
from incidents.incident.facts import Facts, RoleFact
from incidents.incident.role_entries import CommanderChanged, RoleAssigned, RoleEnded
from incidents.policy.policy import Policy
from incidents.rights.stages import StageRecord, levels_of
from incidents.storage.database import Base

# Entries after which other people may be guided, or for another reason.
LOOKED_AT = frozenset(
    entry_type.kind
    for entry_type in (
        RoleAssigned,
        RoleEnded,
        CommanderChanged,
        StatusChanged,
        SeverityChanged,
        Edited,
        Escalated,
        EscalationCompleted,
    )
)


class GuidanceRecord(Base):
    """One person's guidance in an incident: since when, and whether they switched it off."""

    __tablename__ = "guidance_records"
    __table_args__ = (UniqueConstraint("incident_id", "person_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    checklist_key: Mapped[str | None]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    quieted_at: Mapped[datetime | None]
    # When they last asked for more questions.
    more_at: Mapped[datetime | None]

    @property
    def is_running(self) -> bool:
        """Tell whether the person is being guided now."""
        return self.ended_at is None and self.quieted_at is None


def guidance_id(incident_id: uuid.UUID, person_id: uuid.UUID) -> uuid.UUID:
    """Return the id of somebody's guidance in an incident, even before it exists."""
    return derived_id(incident_id, f"guidance:{person_id}")


async def find_record(
    session: AsyncSession, *, incident_id: uuid.UUID, person_id: uuid.UUID
) -> GuidanceRecord | None:
    """Return somebody's guidance in an incident, or None if there never was any."""
    return await session.get(GuidanceRecord, guidance_id(incident_id, person_id))


async def add_people_to_guide(session: AsyncSession, facts: Facts, recorded: Recorded) -> Facts:
    """Return the facts plus the people whose guidance needs a look after these entries."""
    policy, workspace_id = recorded.policy, recorded.workspace_id
    if not policy.guidance.enabled or LOOKED_AT.isdisjoint(recorded.kinds):
        return facts
    if not await _uses_stages(session, policy=policy, workspace_id=workspace_id):
        return facts
    query = select(GuidanceRecord.person_id).where(
        GuidanceRecord.incident_id == facts.incident_id, GuidanceRecord.ended_at.is_(None)
    )
    running = (await session.execute(query)).scalars()
    guided = await guided_people(
        session,
        facts.roles if facts.is_open else (),
        services=facts.services,
        severity_rank=facts.severity_rank,
        policy=policy,
        workspace_id=workspace_id,
    )
    return replace(facts, to_guide=tuple(dict.fromkeys((*running, *guided))))


async def guided_people(
    session: AsyncSession,
    held: Collection[RoleFact],
    *,
    services: Collection[str],
    severity_rank: int,
    policy: Policy,
    workspace_id: uuid.UUID,
) -> tuple[uuid.UUID, ...]:
    """Return the role holders who are guided: supervised, and without a senior in the same role."""
    supervised: dict[str, list[uuid.UUID]] = {}
    led = set()
    levels = {
        person_id: await levels_of(
            session, workspace_id=workspace_id, person_id=person_id, policy=policy
        )
        for person_id in dict.fromkeys(role.person_id for role in held)
    }
    for role in held:
        stage = levels[role.person_id].stage(
            role_key=role.role_key, services=services, severity_rank=severity_rank
        )
        if stage.following is None:
            led.add(role.role_key)
        else:
            supervised.setdefault(role.role_key, []).append(role.person_id)
    wanted = [people for role_key, people in supervised.items() if role_key not in led]
    return tuple(dict.fromkeys(person for people in wanted for person in people))


async def _uses_stages(session: AsyncSession, *, policy: Policy, workspace_id: uuid.UUID) -> bool:
    if policy.supervision.stages:
        return True
    query = select(StageRecord.id).where(StageRecord.workspace_id == workspace_id).limit(1)
    return (await session.execute(query)).first() is not None
