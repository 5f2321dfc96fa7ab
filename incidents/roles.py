"""Roles: who holds which role in an incident, and since when; at most one commander."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, Index, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.database import Base
from incidents.ids import new_id


class RoleAssignment(Base):
    """One person's time in one role of one incident."""

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
    """Return who holds which role now, in the order in which they took them."""
    query = (
        select(RoleAssignment)
        .where(RoleAssignment.incident_id == incident_id, RoleAssignment.ended_at.is_(None))
        .order_by(RoleAssignment.started_at, RoleAssignment.id)
    )
    return (await session.execute(query)).scalars().all()
