"""Whether Sitrep itself was there for people: heartbeats, and the absences between them.

It is away while no process runs, and while none can hear people (no connection, no database).
People aren't blamed for reminders that never came: a missed update counts as the bot's if the bot
was away at that moment. After an absence in which it may have missed something, it reads the
channels of open incidents.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.engine.entries import WasAway
from incidents.engine.events import CameBack
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, open_in_channels
from incidents.incident.timeline import TimelineEntry
from incidents.storage.database import Base

BEAT_EVERY = timedelta(seconds=15)
# A restart is quicker than this and doesn't count as an absence.
AWAY_AFTER = timedelta(seconds=60)
# The chat service delivers an event again until 5 minutes after the first time, then no more.
REDELIVERED_FOR = timedelta(minutes=5)
# A channel hears of one absence in this time, however often we are restarted.
SAY_AGAIN_AFTER = timedelta(minutes=30)


class Heartbeat(Base):
    """When a process last served the workspace; several processes share the row."""

    __tablename__ = "heartbeats"

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    beaten_at: Mapped[datetime]


class Absence(Base):
    """A period in which no process served the workspace; found when one does again."""

    __tablename__ = "absences"
    __table_args__ = (Index("ix_absences_workspace_id_until_at", "workspace_id", "until_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    from_at: Mapped[datetime]
    until_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Away:
    """One absence, as a value for rules."""

    from_at: datetime
    until_at: datetime

    def covers(self, moment: datetime) -> bool:
        """Tell whether the moment is in the absence; at `from_at` the bot was still running."""
        return self.from_at < moment <= self.until_at


def was_away(absences: Iterable[Away], moment: datetime) -> bool:
    """Tell whether the bot was away at the moment."""
    return any(absence.covers(moment) for absence in absences)


async def come_back(uow: UnitOfWork) -> Outcome:
    """Beat at startup; a long silence since the last beat becomes an absence."""
    row = await _heartbeat(uow)
    silence = uow.now - row.beaten_at
    if silence > AWAY_AFTER:
        absence = Absence(
            id=new_id(),
            workspace_id=uow.workspace_id,
            from_at=row.beaten_at,
            until_at=uow.now,
        )
        uow.session.add(absence)
        if silence > REDELIVERED_FOR:
            found = (await uow.session.execute(open_in_channels(uow.workspace_id))).scalars()
            uow.emit(CameBack(absence_id=absence.id, incident_ids=tuple(one.id for one in found)))
    row.beaten_at = max(row.beaten_at, uow.now)
    await uow.flush()
    return Outcome("back", data={"away_seconds": int(max(silence.total_seconds(), 0))})


async def beat(uow: UnitOfWork) -> Outcome:
    """Record that the bot is still running."""
    row = await _heartbeat(uow)
    row.beaten_at = max(row.beaten_at, uow.now)
    await uow.flush()
    return Outcome("beaten")


async def note_absence(
    uow: UnitOfWork,
    incident_id: uuid.UUID,
    *,
    absence_id: uuid.UUID,
    is_complete: bool,
    error: str = "",
) -> None:
    """Record in an incident how long Sitrep was away, once what it missed there has been read."""
    absence = await uow.session.get_one(Absence, absence_id)
    incident = await uow.get_incident(ById(incident_id))
    earlier = select(TimelineEntry.id).where(
        TimelineEntry.incident_id == incident.id,
        TimelineEntry.kind == WasAway.kind,
        TimelineEntry.recorded_at > uow.now - SAY_AGAIN_AFTER,
    )
    entry = WasAway(
        from_at=absence.from_at,
        until_at=absence.until_at,
        is_complete=is_complete,
        is_repeat=(await uow.session.execute(earlier)).first() is not None,
        error=error,
    )
    uow.record(incident, entry, occurred_at=absence.until_at)


async def absences_since(
    session: AsyncSession, since: datetime, *, workspace_id: uuid.UUID
) -> tuple[Away, ...]:
    """Return the absences that ended after this instant, earliest first."""
    query = (
        select(Absence)
        .where(Absence.workspace_id == workspace_id, Absence.until_at > since)
        .order_by(Absence.until_at)
    )
    rows = (await session.execute(query)).scalars()
    return tuple(Away(row.from_at, row.until_at) for row in rows)


async def _heartbeat(uow: UnitOfWork) -> Heartbeat:
    query = select(Heartbeat).where(Heartbeat.workspace_id == uow.workspace_id).with_for_update()
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is None:
        row = Heartbeat(workspace_id=uow.workspace_id, beaten_at=uow.now)
        uow.session.add(row)
        await uow.flush()
    return row
