"""Roles: who holds which role in an incident, and since when; at most one commander.

This module has the rows and their queries. `incidents/roles/` assigns and ends roles and changes
the commander.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, Index, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.policy.policy import COMMANDER, Role
from incidents.storage.database import Base


class RoleAssignment(Base):
    """One person's period in one role of one incident."""

    __tablename__ = "role_assignments"
    __table_args__ = (
        Index("ix_role_assignments_incident_id", "incident_id"),
        Index(
            "uq_role_assignments_exclusive",
            "incident_id",
            "role_key",
            unique=True,
            sqlite_where=text("ended_at IS NULL AND is_exclusive"),
            postgresql_where=text("ended_at IS NULL AND is_exclusive"),
        ),
        Index(
            "uq_role_assignments_person",
            "incident_id",
            "role_key",
            "person_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    role_key: Mapped[str]
    role_name: Mapped[str]
    is_exclusive: Mapped[bool]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


async def current_roles(session: AsyncSession, incident_id: uuid.UUID) -> Sequence[RoleAssignment]:
    """Return the current assignments, in the order in which they began."""
    return (await session.execute(_CURRENT, {"incident": incident_id})).scalars().all()


async def current_roles_in(
    session: AsyncSession, incident_ids: Iterable[uuid.UUID]
) -> Mapping[uuid.UUID, Sequence[RoleAssignment]]:
    """Return the current assignments by incident; incidents without any are left out."""
    query = (
        select(RoleAssignment)
        .where(
            RoleAssignment.incident_id.in_(list(incident_ids)), RoleAssignment.ended_at.is_(None)
        )
        .order_by(RoleAssignment.started_at, RoleAssignment.id)
    )
    found: dict[uuid.UUID, list[RoleAssignment]] = {}
    for role in (await session.execute(query)).scalars():
        found.setdefault(role.incident_id, []).append(role)
    return found


# Built once: every message that shows an incident runs this query.
_CURRENT = (
    select(RoleAssignment)
    .where(RoleAssignment.incident_id == bindparam("incident"), RoleAssignment.ended_at.is_(None))
    .order_by(RoleAssignment.started_at, RoleAssignment.id)
)


async def role_holders(
    session: AsyncSession, incident_id: uuid.UUID, *, role_key: str
) -> list[RoleAssignment]:
    """Return the current assignments of one role, in the order in which they began."""
    held = await current_roles(session, incident_id)
    return [assignment for assignment in held if assignment.role_key == role_key]


async def roles_ever_held(
    session: AsyncSession, incident_id: uuid.UUID, *, person_id: uuid.UUID
) -> frozenset[str]:
    """Return the roles that the person holds or has held in the incident."""
    query = select(RoleAssignment.role_key).where(
        RoleAssignment.incident_id == incident_id, RoleAssignment.person_id == person_id
    )
    return frozenset((await session.execute(query)).scalars())


async def find_commander(session: AsyncSession, incident_id: uuid.UUID) -> RoleAssignment | None:
    """Return the current commander's assignment, or None."""
    holders = await role_holders(session, incident_id, role_key=COMMANDER)
    return holders[0] if holders else None


async def find_last_commander(
    session: AsyncSession, incident_id: uuid.UUID
) -> RoleAssignment | None:
    """Return the assignment of the person who commands, or else commanded last, or None."""
    query = (
        select(RoleAssignment)
        .where(RoleAssignment.incident_id == incident_id, RoleAssignment.role_key == COMMANDER)
        .order_by(RoleAssignment.started_at.desc(), RoleAssignment.id.desc())
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def start_role(
    session: AsyncSession,
    *,
    incident_id: uuid.UUID,
    person_id: uuid.UUID,
    role: Role,
    now: datetime,
) -> RoleAssignment:
    """Store that the person holds the role from `now` on."""
    assignment = RoleAssignment(
        id=new_id(),
        incident_id=incident_id,
        person_id=person_id,
        role_key=role.key,
        role_name=role.name,
        # There is one commander, even if a policy says the role isn't exclusive.
        is_exclusive=role.exclusive or role.key == COMMANDER,
        started_at=now,
    )
    session.add(assignment)
    await session.flush()
    return assignment


async def end_role(session: AsyncSession, assignment: RoleAssignment, *, now: datetime) -> None:
    """Store that the assignment ends now."""
    assignment.ended_at = now
    # Flush now: the unique index would refuse the successor's row if it were written first.
    await session.flush()
