"""Live messages (cards, announcements): where they are in the chat service."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.storage.database import Base


class PostedMessage(Base):
    """One live message: what it is for (`purpose`), what it is about, and where it is."""

    __tablename__ = "posted_messages"
    __table_args__ = (UniqueConstraint("purpose", "subject_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    # None for messages that belong to no incident.
    incident_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    purpose: Mapped[str]
    subject_id: Mapped[uuid.UUID]
    channel_id: Mapped[str]
    message_ts: Mapped[str]
    posted_at: Mapped[datetime]


async def find_posted(
    session: AsyncSession, *, purpose: str, subject_id: uuid.UUID
) -> PostedMessage | None:
    """Return where the message is, or None if it wasn't posted yet."""
    given = {"of_purpose": purpose, "of_subject": subject_id}
    return (await session.execute(_FIND, given)).scalar_one_or_none()


_FIND = select(PostedMessage).where(
    PostedMessage.purpose == bindparam("of_purpose"),
    PostedMessage.subject_id == bindparam("of_subject"),
)


async def save_posted(
    session: AsyncSession,
    *,
    incident_id: uuid.UUID | None,
    purpose: str,
    subject_id: uuid.UUID,
    channel_id: str,
    message_ts: str,
    now: datetime,
) -> None:
    """Remember where the message is now.

    Call it once per transaction and message: a second call wouldn't find the unwritten row.
    """
    row = await find_posted(session, purpose=purpose, subject_id=subject_id)
    if row is None:
        row = PostedMessage(incident_id=incident_id, purpose=purpose, subject_id=subject_id)
        session.add(row)
    row.channel_id = channel_id
    row.message_ts = message_ts
    row.posted_at = now
