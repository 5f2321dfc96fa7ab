"""Shadowings, observations, debriefs and mentor conversations as rows.

A shadowing is its owner's arrangement; `target` names what they follow in one text, so that there
is one of each. An observation is one incident that a shadow was brought into. All are private to
the owner and their mentors, and not part of any incident's record.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.storage.database import Base


class Shadowing(Base):
    """A person who follows a mentor, a role or a service; exactly one of the three is set."""

    __tablename__ = "shadowings"
    __table_args__ = (
        Index("ix_shadowings_workspace_id_ended_at", "workspace_id", "ended_at"),
        Index(
            "uq_shadowings_running",
            "person_id",
            "target",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    target: Mapped[str]
    mentor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"), index=True)
    role_key: Mapped[str | None]
    service_key: Mapped[str | None]
    started_at: Mapped[datetime]
    # When it ends automatically; None: only when somebody stops it.
    until_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))


class Observation(Base):
    """One shadow in one incident; at most one row for each pair."""

    __tablename__ = "observations"
    __table_args__ = (UniqueConstraint("incident_id", "person_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    # None if the policy's schedule brought them in.
    shadowing_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("shadowings.id"))
    mentor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"), index=True)
    role_key: Mapped[str | None]
    service_key: Mapped[str | None]
    began_at: Mapped[datetime]
    # When the incident was over, or when they stopped observing.
    ended_at: Mapped[datetime | None]
    last_asked_at: Mapped[datetime | None]
    # Why they couldn't be invited to the channel (the chat service's code).
    invite_error: Mapped[str | None]


async def running_shadowings(
    session: AsyncSession, *, workspace_id: uuid.UUID, now: datetime
) -> Sequence[Shadowing]:
    """Return every running shadowing, earliest first."""
    query = (
        select(Shadowing)
        .where(
            Shadowing.workspace_id == workspace_id,
            Shadowing.ended_at.is_(None),
            or_(Shadowing.until_at.is_(None), Shadowing.until_at > now),
        )
        .order_by(Shadowing.started_at, Shadowing.id)
    )
    return (await session.execute(query)).scalars().all()


async def shadowings_of(
    session: AsyncSession, person_id: uuid.UUID, *, now: datetime
) -> Sequence[Shadowing]:
    """Return the running shadowings in which the person is the shadow or the mentor."""
    query = (
        select(Shadowing)
        .where(
            or_(Shadowing.person_id == person_id, Shadowing.mentor_id == person_id),
            Shadowing.ended_at.is_(None),
            or_(Shadowing.until_at.is_(None), Shadowing.until_at > now),
        )
        .order_by(Shadowing.started_at, Shadowing.id)
    )
    return (await session.execute(query)).scalars().all()


async def find_observation(
    session: AsyncSession, *, incident_id: uuid.UUID, person_id: uuid.UUID
) -> Observation | None:
    """Return a person's observation of an incident, or None."""
    query = select(Observation).where(
        Observation.incident_id == incident_id, Observation.person_id == person_id
    )
    return (await session.execute(query)).scalar_one_or_none()


async def observations_in(
    session: AsyncSession, incident_ids: Iterable[uuid.UUID]
) -> Sequence[Observation]:
    """Return all observations of these incidents."""
    query = select(Observation).where(Observation.incident_id.in_(list(incident_ids)))
    return (await session.execute(query)).scalars().all()


async def observations_of(
    session: AsyncSession, person_id: uuid.UUID, *, only_running: bool = False
) -> Sequence[Observation]:
    """Return a person's observations, earliest first."""
    query = (
        select(Observation)
        .where(Observation.person_id == person_id)
        .order_by(Observation.began_at, Observation.id)
    )
    if only_running:
        query = query.where(Observation.ended_at.is_(None))
    return (await session.execute(query)).scalars().all()


class Debrief(Base):
    """One shadow's answers after one incident; unwritten until `written_at` is set."""

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
    # Questions as they were asked, with the answers: [{"question": …, "answer": …}].
    answers: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    # Ids of its readers when it was last written.
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
    """Return the observations among these for which a debrief was asked, written or not."""
    if not observation_ids:
        return frozenset()
    query = select(Debrief.observation_id).where(Debrief.observation_id.in_(list(observation_ids)))
    return frozenset((await session.execute(query)).scalars())


class MentorConversation(Base):
    """A junior and their mentor in one incident; `channel_id` is None until Slack opened it."""

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
    """Return the pairs of a junior and a mentor in an incident, earliest first."""
    query = (
        select(MentorConversation)
        .where(MentorConversation.incident_id == incident_id)
        .order_by(MentorConversation.created_at, MentorConversation.id)
    )
    return (await session.execute(query)).scalars().all()
