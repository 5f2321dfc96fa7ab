"""The group conversation of a junior who leads or responds, and the mentor beside them.

One row for each incident and pair; it makes sure that the conversation is opened once.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.database import Base
from incidents.ids import new_id


class MentorConversation(Base):
    """A junior and their mentor in one incident; `channel_id` once the chat service opened it."""

    __tablename__ = "mentor_conversations"
    __table_args__ = (UniqueConstraint("incident_id", "junior_id", "mentor_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
    junior_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    mentor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    created_at: Mapped[datetime]
    channel_id: Mapped[str | None]
    opened_at: Mapped[datetime | None]
    # When the mentor took over from the junior.
    taken_over_at: Mapped[datetime | None]


async def conversations_in(
    session: AsyncSession, incident_id: uuid.UUID
) -> Sequence[MentorConversation]:
    """Return the pairs of a junior and a mentor in an incident, the earliest first."""
    query = (
        select(MentorConversation)
        .where(MentorConversation.incident_id == incident_id)
        .order_by(MentorConversation.created_at, MentorConversation.id)
    )
    return (await session.execute(query)).scalars().all()
