"""Rows for marked messages, and for the marks of each person; they hold no text.

Slack may report things out of order: the later of marking and removing counts, by the chat
service's clock, in whatever order they arrive.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.core.people import Person
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident
from incidents.storage.database import Base


class MarkSource(StrEnum):
    """How somebody put a message on the timeline."""

    REACTION = "reaction"
    PIN = "pin"
    SHORTCUT = "shortcut"


class CaptureStatus(StrEnum):
    """How far a message is on its way to the timeline."""

    PENDING = "pending"
    RECORDED = "recorded"
    WITHDRAWN = "withdrawn"
    DROPPED = "dropped"


class CapturedMessage(Base):
    """A marked message, and the entry it became; it holds no text."""

    __tablename__ = "captured_messages"
    __table_args__ = (UniqueConstraint("workspace_id", "channel_id", "message_ts"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"), index=True)
    channel_id: Mapped[str]
    message_ts: Mapped[str]
    status: Mapped[str] = mapped_column(default=CaptureStatus.PENDING)
    entry_id: Mapped[uuid.UUID | None] = mapped_column(index=True, default=None)
    drop_reason: Mapped[str | None] = mapped_column(default=None)
    captured_at: Mapped[datetime]


class Mark(Base):
    """One person's mark on a message."""

    __tablename__ = "marks"
    __table_args__ = (UniqueConstraint("captured_message_id", "person_id", "source"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    captured_message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("captured_messages.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    source: Mapped[str]
    marked_at: Mapped[datetime]
    removed_at: Mapped[datetime | None] = mapped_column(default=None)


@dataclass(frozen=True, slots=True)
class MessageKey:
    """A message's channel and timestamp, as the chat service names them."""

    channel_id: str
    ts: str


async def find_captured(
    session: AsyncSession, message: MessageKey, *, workspace_id: uuid.UUID
) -> CapturedMessage | None:
    """Return the captured message, or None if nobody marked it."""
    query = select(CapturedMessage).where(
        CapturedMessage.workspace_id == workspace_id,
        CapturedMessage.channel_id == message.channel_id,
        CapturedMessage.message_ts == message.ts,
    )
    return (await session.execute(query)).scalar_one_or_none()


async def get_captured(uow: UnitOfWork, incident: Incident, message: MessageKey) -> CapturedMessage:
    """Return the captured message, creating it if needed."""
    found = await find_captured(uow.session, message, workspace_id=uow.workspace_id)
    if found is not None:
        return found
    captured = CapturedMessage(
        id=new_id(),
        workspace_id=uow.workspace_id,
        incident_id=incident.id,
        channel_id=message.channel_id,
        message_ts=message.ts,
        status=CaptureStatus.DROPPED,
        captured_at=uow.now,
    )
    uow.session.add(captured)
    await uow.flush()
    return captured


async def add_mark(
    uow: UnitOfWork, captured: CapturedMessage, source: MarkSource, *, at: datetime
) -> bool:
    """Store the actor's mark; return False if we already know that it was removed later."""
    whose = true() if source is MarkSource.PIN else Mark.person_id == uow.actor.person_id
    query = select(Mark.id).where(
        Mark.captured_message_id == captured.id, Mark.source == source, whose, Mark.removed_at > at
    )
    if (await uow.session.execute(query)).first() is not None:
        return False
    await save_mark(uow, captured, source, marked_at=at, removed_at=None)
    return True


async def save_mark(
    uow: UnitOfWork,
    captured: CapturedMessage,
    source: MarkSource,
    *,
    marked_at: datetime,
    removed_at: datetime | None,
) -> None:
    """Store the current state of the actor's mark: made, or removed."""
    if uow.actor.person_id is None:
        return
    query = select(Mark).where(
        Mark.captured_message_id == captured.id,
        Mark.person_id == uow.actor.person_id,
        Mark.source == source,
    )
    mark = (await uow.session.execute(query)).scalar_one_or_none()
    if mark is None:
        mark = Mark(
            id=new_id(),
            captured_message_id=captured.id,
            person_id=uow.actor.person_id,
            source=source,
        )
        uow.session.add(mark)
    mark.marked_at, mark.removed_at = marked_at, removed_at
    await uow.flush()


@dataclass(frozen=True, slots=True)
class KnownMark:
    """A mark as we know it; `is_closed`: a correction withdrew its entry, and the emoji stayed."""

    ts: str
    external_id: str
    source: str
    is_standing: bool
    is_closed: bool

    @property
    def is_known(self) -> bool:
        """Tell whether seeing it on the message is no news."""
        return self.is_standing or self.is_closed


async def marks_in(
    session: AsyncSession, channel_id: str, *, workspace_id: uuid.UUID
) -> tuple[KnownMark, ...]:
    """Return all marks on messages of a channel."""
    query = (
        select(
            CapturedMessage.message_ts,
            Person.external_id,
            Mark.source,
            Mark.marked_at,
            Mark.removed_at,
        )
        .join(Mark, Mark.captured_message_id == CapturedMessage.id)
        .join(Person, Person.id == Mark.person_id)
        .where(
            CapturedMessage.workspace_id == workspace_id, CapturedMessage.channel_id == channel_id
        )
    )
    return tuple(
        KnownMark(
            ts=row.message_ts,
            external_id=row.external_id,
            source=row.source,
            is_standing=row.removed_at is None,
            is_closed=row.removed_at == row.marked_at,
        )
        for row in await session.execute(query)
    )


async def standing_marks(session: AsyncSession, captured: CapturedMessage) -> Sequence[Mark]:
    """Return the marks that nobody removed, in the order in which they were made."""
    query = (
        select(Mark)
        .where(Mark.captured_message_id == captured.id, Mark.removed_at.is_(None))
        .order_by(Mark.marked_at, Mark.id)
    )
    return (await session.execute(query)).scalars().all()
