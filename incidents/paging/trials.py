"""Test pages: one row for each address of the person tested, outside any incident.

A trial is the test pages that were sent together; an address is over once it is answered or
refused, or after two minutes.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ForeignKey, Index, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.engine.plan import FeatureEvent
from incidents.storage.database import Base

# What isn't answered after this long won't be.
TRIAL_TIME: Final = timedelta(minutes=2)


class TrialPage(Base):
    """One test page; its id is the key in every attempt."""

    __tablename__ = "trial_pages"
    __table_args__ = (
        Index("ix_trial_pages_trial_id", "trial_id"),
        Index("ix_trial_pages_asked_by_id_created_at", "asked_by_id", "created_at"),
        Index("ix_trial_pages_pager_remote_id", "pager", "remote_id"),
        Index(
            "uq_trial_pages_running",
            "person_id",
            "pager",
            "address",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    trial_id: Mapped[uuid.UUID]
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    asked_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    pager: Mapped[str]
    address: Mapped[str]
    place: Mapped[int]
    remote_id: Mapped[str] = mapped_column(default="")
    # Why the pager hasn't taken it, in its own words.
    error: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    # Somebody acknowledged, declined or closed it there, and the pager told us.
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @property
    def written(self) -> str:
        """Return its address as the policy writes it."""
        return f"{self.pager}/{self.address}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialMoved(FeatureEvent):
    """Something happened in a trial; these of its pages are to be sent, and these to be ended."""

    trial_id: uuid.UUID
    sent: tuple[uuid.UUID, ...] = ()
    ended: tuple[uuid.UUID, ...] = ()


async def pages_of_trial(session: AsyncSession, trial_id: uuid.UUID) -> Sequence[TrialPage]:
    """Return the test pages sent together, in the order of the policy."""
    query = select(TrialPage).where(TrialPage.trial_id == trial_id).order_by(TrialPage.place)
    return (await session.execute(query)).scalars().all()


async def running_trials(session: AsyncSession, *, workspace_id: uuid.UUID) -> Sequence[TrialPage]:
    """Return the test pages that may still be answered."""
    query = select(TrialPage).where(
        TrialPage.workspace_id == workspace_id, TrialPage.ended_at.is_(None)
    )
    return (await session.execute(query.order_by(TrialPage.created_at))).scalars().all()


async def is_being_tested(session: AsyncSession, person_id: uuid.UUID) -> bool:
    """Tell whether a test of this person is running."""
    query = select(TrialPage.id).where(
        TrialPage.person_id == person_id, TrialPage.ended_at.is_(None)
    )
    return (await session.execute(query.limit(1))).scalar_one_or_none() is not None


async def trials_since(session: AsyncSession, asker_id: uuid.UUID, since: datetime) -> int:
    """Return how many trials this person has asked for since then."""
    query = select(func.count(func.distinct(TrialPage.trial_id))).where(
        TrialPage.asked_by_id == asker_id, TrialPage.created_at > since
    )
    return (await session.execute(query)).scalar_one()
