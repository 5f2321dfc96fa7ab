"""Debriefs: what a shadow takes from an incident, written once it is over, shared with the mentor.

Private to the owner and those it is shared with: a table of its own, and no word of it anywhere
else.
"""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.database import Base
from incidents.ids import new_id


class Debrief(Base):
    """One shadow's answers after one incident; asked first, written when `written_at` is set."""

    __tablename__ = "debriefs"
    __table_args__ = (
        UniqueConstraint("observation_id"),
        Index("ix_debriefs_owner_id_asked_at", "owner_id", "asked_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
    observation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("observations.id"))
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    # Each a question as it was put, and what was answered: [{"question": …, "answer": …}].
    answers: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    # Ids of the people it is shared with, as they were when it was last written.
    shared_with: Mapped[list[str]] = mapped_column(JSON, default=list)
    asked_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    written_at: Mapped[datetime | None]

    @property
    def is_written(self) -> bool:
        """Tell whether its owner has written it."""
        return self.written_at is not None


async def with_debrief(
    session: AsyncSession, observation_ids: Collection[uuid.UUID]
) -> frozenset[uuid.UUID]:
    """Return those of these observations for which a debrief was asked, written or not."""
    if not observation_ids:
        return frozenset()
    query = select(Debrief.observation_id).where(Debrief.observation_id.in_(list(observation_ids)))
    return frozenset((await session.execute(query)).scalars())
