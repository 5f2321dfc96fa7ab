"""Live messages (cards, announcements): where they are in the chat service.

A message about an entry (`ENTRY`), in the channel or to a person, is live while it has buttons and
its request isn't over.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Select, UniqueConstraint, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.core.people import Person
from incidents.engine.outbox import EffectRow
from incidents.incident.facts import Facts
from incidents.storage.database import Base, insert_rows

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
    # Where the message was before it was posted again, as [channel id, ts]: replies stay there.
    earlier: Mapped[list[list[str]]] = mapped_column(JSON, default=list)
    posted_at: Mapped[datetime]
    # The ending that a message about an entry shows, if any.
    ending: Mapped[str | None]

    def threads_in(self, channel_id: str | None) -> list[str]:
        """Return the message in the channel that can be replied to, the newest first, by ts."""
        places = [[self.channel_id, self.message_ts], *reversed(self.earlier)]
        return [ts for place, ts in places if place == channel_id]


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
        row = PostedMessage(
            incident_id=incident_id, purpose=purpose, subject_id=subject_id, earlier=[]
        )
        session.add(row)
    elif row.message_ts != message_ts:
        row.earlier = [*row.earlier, [row.channel_id, row.message_ts]]
    row.channel_id = channel_id
    row.message_ts = message_ts
    row.posted_at = now
    row.ending = ending


def posted_places(progress: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return where an effect posted, as (channel id, ts), from its progress."""
    return [(place, ts) for place, ts in progress.get("posted", ())]


async def find_threads(
    session: AsyncSession, incident_id: uuid.UUID, *, channel_id: str | None
) -> Sequence[str]:
    """Return the messages in the channel that entries are or were posted under."""
    query = select(PostedMessage).where(
        PostedMessage.incident_id == incident_id, PostedMessage.purpose.in_(_ROOTS)
    )
    roots = (await session.execute(query.order_by(PostedMessage.message_ts))).scalars()
    return [ts for root in roots for ts in root.threads_in(channel_id)]


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


# -- one effect that tells many people ----------------------------------------------------------


class Delivery(Base):
    """One message to one of many people, whom one effect tells: settled once they have it, or get none."""

    __tablename__ = "deliveries"

    effect_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("effects.id", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    is_settled: Mapped[bool] = mapped_column(default=False)
    channel_id: Mapped[str | None]
    message_ts: Mapped[str | None]


async def list_deliveries(
    session: AsyncSession, *, effect_id: uuid.UUID, people: Sequence[uuid.UUID]
) -> None:
    """Fix whom an effect tells, before its first message."""
    rows = [{"effect_id": effect_id, "person_id": one, "is_settled": False} for one in people]
    await insert_rows(session, Delivery, rows)


async def next_delivery(
    session: AsyncSession, effect_id: uuid.UUID, *, after: uuid.UUID | None
) -> Person | None:
    """Return the first person, in the order of ids, whose message isn't settled; None at the end."""
    query = (
        select(Person)
        .join(Delivery, Delivery.person_id == Person.id)
        .where(Delivery.effect_id == effect_id, Delivery.is_settled.is_(False))
        .order_by(Delivery.person_id)
        .limit(1)
    )
    if after is not None:
        query = query.where(Delivery.person_id > after)
    return (await session.execute(query)).scalar_one_or_none()


async def settle_delivery(
    session: AsyncSession,
    *,
    effect_id: uuid.UUID,
    person_id: uuid.UUID,
    place: tuple[str, str] | None,
) -> None:
    """Note where a person has their message, as (channel id, ts), or None if they get none."""
    channel_id, ts = place or (None, None)
    row = (Delivery.effect_id == effect_id) & (Delivery.person_id == person_id)
    settled = update(Delivery).where(row)
    await session.execute(settled.values(is_settled=True, channel_id=channel_id, message_ts=ts))


async def delivered_places(
    session: AsyncSession, *of_effects: Any
) -> list[tuple[uuid.UUID, tuple[str, str]]]:
    """Return whom effects told and where, as (channel id, ts), given conditions on the effects."""
    query = (
        select(Delivery.person_id, Delivery.channel_id, Delivery.message_ts)
        .join(EffectRow, EffectRow.id == Delivery.effect_id)
        .where(*of_effects, Delivery.message_ts.is_not(None))
    )
    return [
        (row.person_id, (row.channel_id, row.message_ts)) for row in await session.execute(query)
    ]
