"""Live messages (cards, announcements): where they are in the chat service.

A message about an entry (`ENTRY`), in the channel or to a person, is live while it has buttons and
its request isn't over.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Select, UniqueConstraint, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.incident.facts import Facts
from incidents.storage.database import Base

ENTRY = "entry"
# A reply to the announcement about an entry; it stays as it is, unless it is erased.
NEWS = "news"
# The live messages in the channel that entries answer.
STATUS_CARD = "status_card"
ESCALATION_CARD = "escalation_card"
PROPOSAL_CARD = "proposal"
_ROOTS = (STATUS_CARD, ESCALATION_CARD, PROPOSAL_CARD)


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
    # The ending that a message about an entry shows, if any.
    ending: Mapped[str | None]


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
    ending: str | None = None,
) -> None:
    """Remember where the message is now."""
    await session.flush()  # it may have been remembered in this transaction
    row = await find_posted(session, purpose=purpose, subject_id=subject_id)
    if row is None:
        row = PostedMessage(incident_id=incident_id, purpose=purpose, subject_id=subject_id)
        session.add(row)
    row.channel_id = channel_id
    row.message_ts = message_ts
    row.posted_at = now
    row.ending = ending


def posted_places(progress: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return where an effect posted, as (channel id, ts), from its progress: also to followers."""
    sent = [(place, ts) for _, place, ts in progress.get("sent", ())]
    return [*((place, ts) for place, ts in progress.get("posted", ())), *sent]


async def find_threads(
    session: AsyncSession, incident_id: uuid.UUID, *, channel_id: str | None
) -> Sequence[str]:
    """Return the messages in the channel that entries are posted under."""
    query = select(PostedMessage.message_ts).where(
        PostedMessage.incident_id == incident_id,
        PostedMessage.purpose.in_(_ROOTS),
        PostedMessage.channel_id == channel_id,
    )
    return (await session.execute(query.order_by(PostedMessage.message_ts))).scalars().all()


def entry_purpose(person_id: uuid.UUID | None) -> str:
    """Return the purpose of a message about an entry, to one person or (None) to the channel."""
    return f"{ENTRY}:{person_id}" if person_id is not None else ENTRY


def reader_of(message: PostedMessage) -> uuid.UUID | None:
    """Return who got a message about an entry; None if it was posted in the channel."""
    _, _, person_id = message.purpose.partition(":")
    return uuid.UUID(person_id) if person_id else None


async def add_entry_messages(session: AsyncSession, facts: Facts) -> Facts:
    """Add to the facts whether the incident has live messages about entries."""
    query = select(_of_entries(facts.incident_id).exists())
    return replace(facts, has_entry_messages=bool((await session.execute(query)).scalar_one()))


async def entry_messages(
    session: AsyncSession, incident_id: uuid.UUID, *, message_id: uuid.UUID | None = None
) -> Sequence[PostedMessage]:
    """Return the messages about entries of an incident that are still kept current, or one."""
    query = _of_entries(incident_id).order_by(PostedMessage.posted_at)
    if message_id is not None:
        query = query.where(PostedMessage.id == message_id)
    return (await session.execute(query)).scalars().all()


def _of_entries(incident_id: uuid.UUID) -> Select[PostedMessage]:
    return select(PostedMessage).where(
        PostedMessage.incident_id == incident_id, PostedMessage.purpose.startswith(ENTRY)
    )
