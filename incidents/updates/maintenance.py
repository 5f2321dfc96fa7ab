"""Planned maintenance: a notice without an incident, which follows its times.

planned ──▶ running ──▶ done        by somebody, or planned ──▶ running at its start
   └───────────┴──────▶ cancelled   by somebody

At the planned end nothing changes by itself: only people know whether the work is done.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey
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
from incidents.storage.database import Base, storable, trimmed

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
    services: Mapped[list[str]] = mapped_column(JSON, default=list)
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
    UNSAID = "unsaid"


class Said(StrEnum):
    """What people must hear of a maintenance: an edited notice notifies nobody."""

    PLANNED = "planned"
    STARTED = "started"
    MOVED = "moved"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceChanged(FeatureEvent):
    """A notice changed: its reminder moves to `remind_at`, or ends.

    `news` is for its author; `says` is for everybody.
    """

    maintenance_id: uuid.UUID
    author_id: uuid.UUID
    remind_at: datetime | None = None
    is_over: bool = False
    news: MaintenanceNews | None = None
    says: Said | None = None
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
    services: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    started_at: datetime | None
    settled_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more will happen."""
        return self.status not in _NEXT

    def is_still(self, says: Said) -> bool:
        """Tell whether that is still so, and worth saying."""
        if says is Said.STARTED:
            return self.status is MaintenanceStatus.RUNNING
        return not self.is_over or says in {Said.DONE, Said.CANCELLED}


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
        services=tuple(row.services),
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
    services: tuple[str, ...] = (),
) -> Outcome:
    """Announce a maintenance; one whose start has passed is under way.

    Raises: NotPermitted, also for guests; InvalidInput for missing texts or impossible times.
    """
    await uow.permit(Action.POST_UPDATE)
    author = await get_acting_member(uow, Action.POST_UPDATE)
    if not uow.policy.announcement.enabled:
        raise InvalidInput("what", "can't be announced: the policy has no announcement channel")
    texts = _checked_texts(what=what, affected=affected, contact=contact)
    begin, end = _checked_times(uow, starts_at, ends_at)
    is_running = begin <= uow.now
    row = Maintenance(
        id=new_id(),
        workspace_id=uow.workspace_id,
        author_id=author.id,
        status=MaintenanceStatus.RUNNING if is_running else MaintenanceStatus.PLANNED,
        **texts,
        services=[storable(one) for one in services],
        starts_at=begin,
        ends_at=end,
        created_at=uow.now,
        started_at=begin if is_running else None,
    )
    uow.session.add(row)
    await uow.flush()
    await _log(uow, row, AuditKind.MAINTENANCE_PLANNED)
    _emit(uow, row, remind_at=end if is_running else begin, says=Said.PLANNED)
    return Outcome("maintenance_planned", None, {"maintenance_id": str(row.id)})


async def edit_maintenance(
    uow: UnitOfWork,
    maintenance_id: uuid.UUID,
    *,
    what: str,
    affected: str,
    contact: str,
    starts_at: datetime | None,
    ends_at: datetime | None,
    services: tuple[str, ...] = (),
) -> Outcome:
    """Change a maintenance that isn't over; one that has begun keeps its start.

    Raises: NotPermitted for others than its author and those with the right; Superseded;
    AlreadySo; InvalidInput.
    """
    row = await _get_locked(uow, maintenance_id)
    await permit_edit(uow, row)
    if MaintenanceStatus(row.status) not in _NEXT:
        raise AlreadySo("the maintenance", row.status)
    is_planned = row.status == MaintenanceStatus.PLANNED
    begin, end = _checked_times(uow, starts_at if is_planned else row.starts_at, ends_at)
    has_moved = (begin, end) != (row.starts_at, row.ends_at)
    for name, text in _checked_texts(what=what, affected=affected, contact=contact).items():
        setattr(row, name, text)
    row.services = [storable(one) for one in services]
    row.starts_at, row.ends_at = begin, end
    says = Said.MOVED if has_moved else None
    remind_at = (begin if is_planned else end) if has_moved else None
    _emit(uow, row, remind_at=remind_at, says=says)
    await _log(uow, row, AuditKind.MAINTENANCE_CHANGED)
    return Outcome("maintenance_edited", None, {"has_moved": has_moved})


async def permit_edit(uow: UnitOfWork, row: Maintenance) -> None:
    """Return quietly for the author and those who may edit others'. Raises: NotPermitted."""
    person = await get_acting_member(uow, Action.EDIT_MAINTENANCE)
    if person.id != row.author_id:
        await uow.permit(Action.EDIT_MAINTENANCE)


def _checked_texts(*, what: str, affected: str, contact: str) -> dict[str, str]:
    texts = {"what": trimmed(what), "affected": trimmed(affected)}
    for name, text in texts.items():
        if not text:
            raise InvalidInput(name, "empty")
    texts["contact"] = trimmed(contact)
    return {name: text[:MAX_TEXT] for name, text in texts.items()}


def _checked_times(
    uow: UnitOfWork, starts_at: datetime | None, ends_at: datetime | None
) -> tuple[datetime, datetime]:
    if starts_at is None or ends_at is None or ends_at <= max(starts_at, uow.now):
        raise InvalidInput("ends_at", "has to be after the beginning, and still to come")
    if ends_at > uow.now + LONGEST_AHEAD:
        raise InvalidInput("ends_at", "is more than a year away")
    return starts_at, ends_at


async def _get_locked(uow: UnitOfWork, maintenance_id: uuid.UUID) -> Maintenance:
    row = await uow.session.get(
        Maintenance, maintenance_id, with_for_update=True, populate_existing=True
    )
    if row is None or row.workspace_id != uow.workspace_id:
        raise Superseded("maintenance")
    return row


async def move_maintenance(
    uow: UnitOfWork, maintenance_id: uuid.UUID, *, to: MaintenanceStatus
) -> Outcome:
    """Start, finish or cancel a maintenance; for its author and those who may post updates.

    Raises: NotPermitted, also for guests; Superseded; AlreadySo.
    """
    row = await _get_locked(uow, maintenance_id)
    person = await get_acting_member(uow, Action.POST_UPDATE)
    if person.id != row.author_id:
        await uow.permit(Action.POST_UPDATE)
    if to not in _NEXT.get(MaintenanceStatus(row.status), ()):
        raise AlreadySo("the maintenance", row.status)
    row.status = to
    if to is MaintenanceStatus.RUNNING:
        row.started_at = uow.now
        late = row.ends_at <= uow.now
        _emit(uow, row, remind_at=None if late else row.ends_at, says=Said.STARTED)
    else:
        row.settled_at = uow.now
        _emit(uow, row, is_over=True, says=Said(to.value))
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
    _emit(uow, row, news=MaintenanceNews.STARTED, says=Said.STARTED)
    return Again(due_at=row.ends_at)


async def note_unposted(
    uow: UnitOfWork,
    maintenance_id: uuid.UUID,
    *,
    problem: str,
    news: MaintenanceNews = MaintenanceNews.UNPOSTED,
) -> None:
    """Tell the author that the notice, or news of it, couldn't be posted."""
    row = await uow.session.get_one(Maintenance, maintenance_id)
    _emit(uow, row, news=news, problem=problem)


def _emit(
    uow: UnitOfWork,
    row: Maintenance,
    *,
    remind_at: datetime | None = None,
    is_over: bool = False,
    news: MaintenanceNews | None = None,
    says: Said | None = None,
    problem: str = "",
) -> None:
    uow.emit(
        MaintenanceChanged(
            maintenance_id=row.id,
            author_id=row.author_id,
            remind_at=remind_at,
            is_over=is_over,
            news=news,
            says=says,
            problem=problem,
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
