"""Overrides that people make: somebody is on call instead of the person whose turn it is."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.core.people import Person
from incidents.on_call.shifts import Cover
from incidents.policy.references import ROTATION
from incidents.storage.database import Base

_SERVICE = "service"


class OnCallOverride(Base):
    """One override of a rotation, or of a service whose on-call isn't one.

    `subject` is `rotation/KEY` or `service/KEY`. Stopping it sets `until_at` to that moment.
    """

    __tablename__ = "on_call_overrides"
    __table_args__ = (
        Index("ix_on_call_overrides_workspace_id_until_at", "workspace_id", "until_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    subject: Mapped[str]
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    made_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    made_at: Mapped[datetime]
    since_at: Mapped[datetime]
    until_at: Mapped[datetime]


def rotation_subject(key: str) -> str:
    """Return the subject of overrides of a rotation."""
    return f"{ROTATION}/{key}"


def service_subject(key: str) -> str:
    """Return the subject of overrides of a service."""
    return f"{_SERVICE}/{key}"


async def overrides_after(
    session: AsyncSession, now: datetime, *, workspace_id: uuid.UUID
) -> Sequence[tuple[OnCallOverride, Person]]:
    """Return the overrides that aren't over, with their people, the newest last."""
    query = (
        select(OnCallOverride, Person)
        .join(Person, Person.id == OnCallOverride.person_id)
        .where(OnCallOverride.workspace_id == workspace_id, OnCallOverride.until_at > now)
        .order_by(OnCallOverride.made_at, OnCallOverride.id)
    )
    return [(row, person) for row, person in (await session.execute(query)).all()]


async def covers_after(
    session: AsyncSession, now: datetime, *, workspace_id: uuid.UUID
) -> dict[str, tuple[Cover, ...]]:
    """Return who stands in, now or later, by rotation or service; the newest last."""
    found: dict[str, tuple[Cover, ...]] = {}
    for row, person in await overrides_after(session, now, workspace_id=workspace_id):
        cover = Cover(who=person.external_id, since=row.since_at, until=row.until_at)
        found[row.subject] = (*found.get(row.subject, ()), cover)
    return found
