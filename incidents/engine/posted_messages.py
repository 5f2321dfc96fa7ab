"""Where messages that are kept current in place (cards, announcements) stand in the chat service.

So do messages about an entry (`ENTRY`), in the channel and to people, from when they offer
buttons until what they ask for is over.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, Select, UniqueConstraint, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.incident.timeline import EntryKind
from incidents.storage.database import Base

ENTRY = "entry"

# Entries after which what an earlier message asks for may be over: it loses its buttons then.
MAY_END = frozenset(
    {
        EntryKind.STATUS_CHANGED,
        EntryKind.MOVED_TO_PRIVATE,
        EntryKind.UPDATE_POSTED,
        EntryKind.UPDATE_SNOOZED,
        EntryKind.UPDATE_MISSED,
        EntryKind.STALE_ASKED,
        EntryKind.STALE_ANSWERED,
        EntryKind.ROLE_ASSIGNED,
        EntryKind.COMMANDER_CHANGED,
        EntryKind.CHECKIN_UNDERSTOOD,
        EntryKind.CHECKIN_DUE,
        EntryKind.CHECKIN_ANSWERED,
        EntryKind.ESCALATION_TAKEN,
        EntryKind.ESCALATION_WITHDRAWN,
        EntryKind.ESCALATION_COMPLETED,
        EntryKind.PROPOSAL_REVISED,
        EntryKind.PROPOSAL_APPROVED,
        EntryKind.PROPOSAL_DECLINED,
        EntryKind.APPROVAL_LAPSED,
        EntryKind.PROPOSAL_EXPIRED,
        EntryKind.BREAK_GLASS,
        EntryKind.PROPOSAL_CARRIED_OUT,
        EntryKind.PROPOSAL_ABANDONED,
        EntryKind.OBJECTIONS_ENDED,
        EntryKind.POSTMORTEM_DRAFTED,
        EntryKind.POSTMORTEM_OWNER_SET,
        EntryKind.POSTMORTEM_PUBLISHED,
        EntryKind.ACTION_ITEM_ASSIGNED,
        EntryKind.ACTION_ITEM_DONE,
        EntryKind.DRILL_ENDED,
        EntryKind.EFFECT_RETRIED,
        EntryKind.CHANNEL_OPENED,
        EntryKind.CHANNEL_LINKED,
        EntryKind.CHANNEL_UNARCHIVED,
        EntryKind.BOT_RETURNED,
    }
)


class PostedMessage(Base):
    """One message of ours: what it is for (`purpose`), about what, and where it stands."""

    __tablename__ = "posted_messages"
    __table_args__ = (UniqueConstraint("purpose", "subject_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    # None for what belongs to the workspace and no incident.
    incident_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    purpose: Mapped[str]
    subject_id: Mapped[uuid.UUID]
    channel_id: Mapped[str]
    message_ts: Mapped[str]
    posted_at: Mapped[datetime]
    # What a message about an entry says of how it ended, as far as it has.
    ending: Mapped[str | None]


async def find_posted(
    session: AsyncSession, *, purpose: str, subject_id: uuid.UUID
) -> PostedMessage | None:
    """Return where the message stands, or None if it wasn't posted yet."""
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
    """Remember where the message stands now.

    Once in a transaction for the same message: it isn't written yet, so a second isn't found.
    """
    row = await find_posted(session, purpose=purpose, subject_id=subject_id)
    if row is None:
        row = PostedMessage(incident_id=incident_id, purpose=purpose, subject_id=subject_id)
        session.add(row)
    row.channel_id = channel_id
    row.message_ts = message_ts
    row.posted_at = now
    row.ending = ending


def entry_purpose(person_id: uuid.UUID | None) -> str:
    """Return the purpose of a message about an entry, to one person or (None) to the channel."""
    return f"{ENTRY}:{person_id}" if person_id is not None else ENTRY


def reader_of(message: PostedMessage) -> uuid.UUID | None:
    """Return whom a message about an entry was sent to; None for the channel's."""
    _, _, person_id = message.purpose.partition(":")
    return uuid.UUID(person_id) if person_id else None


async def may_have_ended(
    session: AsyncSession, incident_id: uuid.UUID, kinds: Iterable[str]
) -> bool:
    """Tell whether entries of these kinds may end what messages about earlier ones ask for."""
    if MAY_END.isdisjoint(kinds):
        return False
    query = select(_of_entries(incident_id).exists())
    return bool((await session.execute(query)).scalar_one())


async def entry_messages(session: AsyncSession, incident_id: uuid.UUID) -> Sequence[PostedMessage]:
    """Return the messages about entries of an incident that are still kept current."""
    query = _of_entries(incident_id).order_by(PostedMessage.posted_at)
    return (await session.execute(query)).scalars().all()


def _of_entries(incident_id: uuid.UUID) -> Select[PostedMessage]:
    return select(PostedMessage).where(
        PostedMessage.incident_id == incident_id, PostedMessage.purpose.startswith(ENTRY)
    )
