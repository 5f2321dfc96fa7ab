"""Reminders: dated rows that survive a restart; when one is due, the rule of its kind runs."""

import functools
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import JSON, ForeignKey, Index, Table, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.storage.database import Base, insert_rows


class ReminderStatus(StrEnum):
    """The state of a reminder."""

    PENDING = "pending"
    FIRED = "fired"
    CANCELLED = "cancelled"


class ReminderKind(StrEnum):
    """What a reminder is about."""

    UPDATE_DUE = "update_due"
    COMMANDER_MISSING = "commander_missing"
    STALE = "stale"
    HANDOFF_UNANSWERED = "handoff_unanswered"
    CHECKIN_DUE = "checkin_due"
    POSTMORTEM_DUE = "postmortem_due"
    CHANNEL_ARCHIVE = "channel_archive"
    DEBRIEF_UNWRITTEN = "debrief_unwritten"
    HANDOVER_UNACCEPTED = "handover_unaccepted"
    SCENARIO_STEP = "scenario_step"
    RENEWAL_DUE = "renewal_due"
    MENTOR_UNANSWERED = "mentor_unanswered"
    ESCALATION_UNANSWERED = "escalation_unanswered"
    PACKET_UNRATED = "packet_unrated"
    PROMPT_STEP = "prompt_step"
    PROPOSAL_UNANSWERED = "proposal_unanswered"
    PROPOSAL_EXPIRES = "proposal_expires"
    RESULT_MISSING = "result_missing"
    OBJECTIONS_END = "objections_end"
    TIME_BOX = "time_box"
    MAINTENANCE_DUE = "maintenance_due"
    PAGE_NOT_ACCEPTED = "page_not_accepted"
    TRIAL_DUE = "trial_due"


class Reminder(Base):
    """One reminder at one instant; at most one is pending per kind and subject."""

    __tablename__ = "reminders"
    __table_args__ = (
        Index("ix_reminders_status_due_at", "status", "due_at"),
        Index("ix_reminders_workspace_id_settled_at", "workspace_id", "settled_at"),
        Index(
            "uq_reminders_kind_subject",
            "kind",
            "subject_type",
            "subject_id",
            unique=True,
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    # None for reminders without an incident: of a shift handover or a recertification.
    incident_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    kind: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[uuid.UUID]
    due_at: Mapped[datetime]
    # The place in a series, from 0; `data` holds what else the rule needs.
    step: Mapped[int] = mapped_column(default=0)
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    status: Mapped[str] = mapped_column(default=ReminderStatus.PENDING)
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remind:
    """Set a reminder; it replaces the pending one of the same kind and subject."""

    kind: ReminderKind
    subject_type: str
    subject_id: uuid.UUID
    incident_id: uuid.UUID | None
    due_at: datetime
    step: int = 0
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReminder:
    """Cancel the pending reminder of this kind and subject, if there is one."""

    kind: ReminderKind
    subject_type: str
    subject_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A rule returns this to make its reminder fire again, at `due_at` and as `step`."""

    due_at: datetime
    step: int = 0
    data: dict[str, Any] = field(default_factory=dict)

    def of(self, reminder: Reminder) -> Remind:
        """Return the reminder to set."""
        return Remind(
            kind=ReminderKind(reminder.kind),
            subject_type=reminder.subject_type,
            subject_id=reminder.subject_id,
            incident_id=reminder.incident_id,
            due_at=self.due_at,
            step=self.step,
            data=self.data,
        )


async def apply_changes(
    session: AsyncSession,
    changes: Iterable[Remind | CancelReminder],
    *,
    workspace_id: uuid.UUID,
    now: datetime,
) -> None:
    """Set and cancel reminders in two statements; the last change per kind and subject wins."""
    last = {(one.kind, one.subject_type, one.subject_id): one for one in changes}
    if not last:
        return
    await session.flush()
    keys = ("of_kind", "of_type", "of_id")
    given = [{**dict(zip(keys, key, strict=True)), "at": now} for key in last]
    await session.execute(_cancelling(), given)
    rows = [
        _values(one, workspace_id=workspace_id, now=now)
        for one in last.values()
        if isinstance(one, Remind)
    ]
    if rows:
        await insert_rows(session, Reminder, rows)


@functools.cache
def _cancelling() -> Any:
    """Return the cached statement that cancels; it uses the table, so it loads no objects."""
    table = cast("Table", Reminder.__table__)
    return (
        update(table)
        .where(
            table.c.kind == bindparam("of_kind"),
            table.c.subject_type == bindparam("of_type"),
            table.c.subject_id == bindparam("of_id"),
            table.c.status == ReminderStatus.PENDING,
        )
        .values(status=ReminderStatus.CANCELLED, settled_at=bindparam("at"))
    )


def _values(remind: Remind, *, workspace_id: uuid.UUID, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "workspace_id": workspace_id,
        "incident_id": remind.incident_id,
        "kind": remind.kind,
        "subject_type": remind.subject_type,
        "subject_id": remind.subject_id,
        "due_at": remind.due_at,
        "step": remind.step,
        "data": dict(remind.data),
        "status": ReminderStatus.PENDING,
        "created_at": now,
    }


async def due_reminder_ids(
    session: AsyncSession, *, workspace_id: uuid.UUID, now: datetime
) -> list[uuid.UUID]:
    """Return the ids of the next due reminders, at most 50, earliest first."""
    query = (
        select(Reminder.id)
        .where(
            Reminder.workspace_id == workspace_id,
            Reminder.status == ReminderStatus.PENDING,
            Reminder.due_at <= now,
        )
        .order_by(Reminder.due_at)
        .limit(50)
    )
    return list((await session.execute(query)).scalars())


async def find_due_reminder(
    session: AsyncSession, reminder_id: uuid.UUID, *, now: datetime
) -> Reminder | None:
    """Return the reminder, locked; None if it is no longer pending or not due."""
    query = (
        select(Reminder)
        .where(
            Reminder.id == reminder_id,
            Reminder.status == ReminderStatus.PENDING,
            Reminder.due_at <= now,
        )
        .with_for_update()
    )
    return (await session.execute(query)).scalar_one_or_none()
