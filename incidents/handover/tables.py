"""Shift handovers as rows: the note offered to the next person, and their questions.

pending ──▶ accepted     by the next person
        └─▶ withdrawn    by its author, or by the author's newer note

Only the two people may read a note: it may mention private incidents that both see.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.incident.views import PersonView, people_views
from incidents.storage.database import Base


class HandoverStatus(StrEnum):
    """The state of a note."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"


class NoteRating(StrEnum):
    """Whether the note was enough for the next person; for its author and their mentors."""

    CLEAR = "clear"
    ASKED = "asked"  # I had to ask


class Handover(Base):
    """One shift's note; `sections` are the author's texts by key, `rating` the next person's word."""

    __tablename__ = "handovers"
    __table_args__ = (
        Index("ix_handovers_to_person_id_status", "to_person_id", "status"),
        Index(
            "uq_handovers_pending",
            "from_person_id",
            unique=True,
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    from_person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    to_person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    status: Mapped[str] = mapped_column(default=HandoverStatus.PENDING)
    sections: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    # Why the note didn't reach the next person (the chat service's code).
    delivery_error: Mapped[str | None]
    rating: Mapped[str | None]
    rated_at: Mapped[datetime | None]


class HandoverQuestion(Base):
    """A question of the next person about a note, and the author's answer."""

    __tablename__ = "handover_questions"
    __table_args__ = (Index("ix_handover_questions_handover_id", "handover_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    handover_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("handovers.id"))
    text: Mapped[str]
    asked_at: Mapped[datetime]
    answer: Mapped[str | None]
    answered_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question about a note; `answer` is empty until the author answers."""

    id: uuid.UUID
    text: str
    asked_at: datetime
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverView:
    """A note as its two people read it."""

    id: uuid.UUID
    from_person: PersonView
    to_person: PersonView
    status: HandoverStatus
    sections: dict[str, str]
    created_at: datetime
    settled_at: datetime | None
    delivery_error: str
    rating: NoteRating | None
    questions: tuple[QuestionView, ...]

    @property
    def is_pending(self) -> bool:
        """Tell whether the note waits to be accepted."""
        return self.status is HandoverStatus.PENDING


async def get_handover_view(session: AsyncSession, handover_id: uuid.UUID) -> HandoverView:
    """Return the note as it is now. Raises: NoResultFound."""
    row = await session.get_one(Handover, handover_id)
    people = await people_views(session, {row.from_person_id, row.to_person_id})
    return HandoverView(
        id=row.id,
        from_person=people[row.from_person_id],
        to_person=people[row.to_person_id],
        status=HandoverStatus(row.status),
        sections={key: str(value) for key, value in row.sections.items()},
        created_at=row.created_at,
        settled_at=row.settled_at,
        delivery_error=row.delivery_error or "",
        rating=NoteRating(row.rating) if row.rating else None,
        questions=tuple(
            QuestionView(one.id, one.text, one.asked_at, one.answer or "")
            for one in await questions_of(session, row.id)
        ),
    )


async def questions_of(session: AsyncSession, handover_id: uuid.UUID) -> Sequence[HandoverQuestion]:
    """Return the questions about a note, in order."""
    query = (
        select(HandoverQuestion)
        .where(HandoverQuestion.handover_id == handover_id)
        .order_by(HandoverQuestion.asked_at, HandoverQuestion.id)
    )
    return (await session.execute(query)).scalars().all()


async def find_pending_handover(
    session: AsyncSession, from_person_id: uuid.UUID
) -> Handover | None:
    """Return this author's pending note, or None."""
    query = select(Handover).where(
        Handover.from_person_id == from_person_id, Handover.status == HandoverStatus.PENDING
    )
    return (await session.execute(query)).scalar_one_or_none()
