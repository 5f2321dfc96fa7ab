"""Planned maintenance: a notice without an incident, which follows its times.

planned ──▶ running ──▶ done        by somebody, or planned ──▶ running at its start
   └───────────┴──────▶ cancelled   by somebody

At the planned end nothing changes by itself: only people know whether the work is done.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.errors import AlreadySo, InvalidInput, Superseded
from incidents.core.hash_chain import instant_text
from incidents.core.ids import new_id
from incidents.core.people import Person
from incidents.engine.plan import FeatureEvent
from incidents.engine.reminders import Again, Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.views import PersonView, person_view
from incidents.people.assignable import get_acting_member
from incidents.policy.policy import Action
from incidents.record.audit_log import AuditKind, audit
from incidents.storage.database import Base, trimmed

MAX_TEXT = 500
LONGEST_AHEAD = timedelta(days=366)


class MaintenanceStatus(StrEnum):
    """The state of a maintenance."""

    PLANNED = "planned"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


_NEXT = {
    MaintenanceStatus.PLANNED: {MaintenanceStatus.RUNNING, MaintenanceStatus.CANCELLED},
    MaintenanceStatus.RUNNING: {MaintenanceStatus.DONE, MaintenanceStatus.CANCELLED},
}


class Maintenance(Base):
    """One notice: what is done from when until when, who is affected, and who to ask."""

    __tablename__ = "maintenances"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    status: Mapped[str] = mapped_column(default=MaintenanceStatus.PLANNED)
    what: Mapped[str]
    affected: Mapped[str]
    contact: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]


class MaintenanceNews(StrEnum):
    """What the author is told directly; the text of a notice isn't among it."""

    STARTED = "started"
    ENDS = "ends"
    UNPOSTED = "unposted"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceChanged(FeatureEvent):
    """A notice changed: its reminder moves to `remind_at`, or ends; `news` is for its author."""

    maintenance_id: uuid.UUID
    author_id: uuid.UUID
    remind_at: datetime | None = None
    is_over: bool = False
    news: MaintenanceNews | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceView:
    """A notice as people read it."""

    id: uuid.UUID
    author: PersonView
    status: MaintenanceStatus
    what: str
    affected: str
    contact: str
    starts_at: datetime
    ends_at: datetime
    started_at: datetime | None
    settled_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more will happen."""
        return self.status not in _NEXT


async def get_maintenance_view(session: AsyncSession, maintenance_id: uuid.UUID) -> MaintenanceView:
    """Return the notice as it is now. Raises: NoResultFound."""
    row = await session.get_one(Maintenance, maintenance_id)
    return MaintenanceView(
        id=row.id,
        author=person_view(await session.get_one(Person, row.author_id)),
        status=MaintenanceStatus(row.status),
        what=row.what,
        affected=row.affected,
        contact=row.contact,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        started_at=row.started_at,
        settled_at=row.settled_at,
    )


async def plan_maintenance(
    uow: UnitOfWork,
    *,
    what: str,
    affected: str,
    contact: str,
    starts_at: datetime | None,
    ends_at: datetime | None,
) -> Outcome:
    """Announce a maintenance; one whose start has passed is under way.

    Raises: NotPermitted, also for guests; InvalidInput for missing texts or impossible times.
    """
    await uow.permit(Action.POST_UPDATE)
    author = await get_acting_member(uow, Action.POST_UPDATE)
    if not uow.policy.announcement.enabled:
        raise InvalidInput("what", "can't be announced: the policy has no announcement channel")
    texts = {"what": trimmed(what), "affected": trimmed(affected)}
    for name, text in texts.items():
        if not text:
            raise InvalidInput(name, "empty")
    if starts_at is None or ends_at is None or ends_at <= max(starts_at, uow.now):
        raise InvalidInput("ends_at", "has to be after the beginning, and still to come")
    if ends_at > uow.now + LONGEST_AHEAD:
        raise InvalidInput("ends_at", "is more than a year away")
    is_running = starts_at <= uow.now
    row = Maintenance(
        id=new_id(),
        workspace_id=uow.workspace_id,
        author_id=author.id,
        status=MaintenanceStatus.RUNNING if is_running else MaintenanceStatus.PLANNED,
        **{name: text[:MAX_TEXT] for name, text in texts.items()},
        contact=trimmed(contact)[:MAX_TEXT],
        starts_at=starts_at,
        ends_at=ends_at,
        created_at=uow.now,
        started_at=starts_at if is_running else None,
    )
    uow.session.add(row)
    await uow.flush()
    await _log(uow, row, AuditKind.MAINTENANCE_PLANNED)
    _emit(uow, row, remind_at=ends_at if is_running else starts_at)
    return Outcome("maintenance_planned", None, {"maintenance_id": str(row.id)})


async def move_maintenance(
    uow: UnitOfWork, maintenance_id: uuid.UUID, *, to: MaintenanceStatus
) -> Outcome:
    """Start, finish or cancel a maintenance; for its author and those who may post updates.

    Raises: NotPermitted, also for guests; Superseded; AlreadySo.
    """
    row = await uow.session.get(
        Maintenance, maintenance_id, with_for_update=True, populate_existing=True
    )
    if row is None or row.workspace_id != uow.workspace_id:
        raise Superseded("maintenance")
    person = await get_acting_member(uow, Action.POST_UPDATE)
    if person.id != row.author_id:
        await uow.permit(Action.POST_UPDATE)
    if to not in _NEXT.get(MaintenanceStatus(row.status), ()):
        raise AlreadySo("the maintenance", row.status)
    row.status = to
    if to is MaintenanceStatus.RUNNING:
        row.started_at = uow.now
        late = row.ends_at <= uow.now
        _emit(uow, row, remind_at=None if late else row.ends_at)
    else:
        row.settled_at = uow.now
        _emit(uow, row, is_over=True)
    await _log(uow, row, AuditKind.MAINTENANCE_CHANGED)
    return Outcome("maintenance_changed", None, {"status": to.value})


async def follow_times(uow: UnitOfWork, reminder: Reminder) -> Again | None:
    """Begin a maintenance at its start, and ask its author at its end whether it is done.

    If the bot was away past both, the author gets only the question.
    """
    row = await uow.session.get(Maintenance, reminder.subject_id, with_for_update=True)
    if row is None or MaintenanceStatus(row.status) not in _NEXT:
        return None
    if row.status == MaintenanceStatus.PLANNED:
        row.status, row.started_at = MaintenanceStatus.RUNNING, row.starts_at
        await _log(uow, row, AuditKind.MAINTENANCE_CHANGED)
    if uow.now >= row.ends_at:
        _emit(uow, row, news=MaintenanceNews.ENDS)
        return None
    _emit(uow, row, news=MaintenanceNews.STARTED)
    return Again(due_at=row.ends_at)


async def note_unposted(uow: UnitOfWork, maintenance_id: uuid.UUID, *, problem: str) -> None:
    """Tell the author that the notice couldn't be posted."""
    row = await uow.session.get_one(Maintenance, maintenance_id)
    event = MaintenanceChanged(
        maintenance_id=row.id,
        author_id=row.author_id,
        news=MaintenanceNews.UNPOSTED,
        problem=problem,
    )
    uow.emit(event)


def _emit(
    uow: UnitOfWork,
    row: Maintenance,
    *,
    remind_at: datetime | None = None,
    is_over: bool = False,
    news: MaintenanceNews | None = None,
) -> None:
    uow.emit(
        MaintenanceChanged(
            maintenance_id=row.id,
            author_id=row.author_id,
            remind_at=remind_at,
            is_over=is_over,
            news=news,
        )
    )


async def _log(uow: UnitOfWork, row: Maintenance, kind: AuditKind) -> None:
    """Record the change without the notice's text, which the log couldn't forget."""
    content = {
        "maintenance_id": str(row.id),
        "status": str(row.status),
        "starts_at": instant_text(row.starts_at),
        "ends_at": instant_text(row.ends_at),
    }
    await audit(uow, kind, content)
