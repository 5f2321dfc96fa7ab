"""What waits to be done, for metrics: nothing about private incidents is counted."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.engine.outbox import EffectRow, EffectStatus, count_by_status
from incidents.engine.reminders import Reminder, ReminderStatus
from incidents.incident.incident import Incident

SHOWN = (EffectStatus.PENDING, EffectStatus.CLAIMED, EffectStatus.BLOCKED, EffectStatus.DEAD)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Effects by status, dead letters by Slack's error, and since when the oldest work waits."""

    depth: Mapping[EffectStatus, int]
    dead: Mapping[str, int]
    oldest_effect_at: datetime | None
    oldest_reminder_due_at: datetime | None


async def read_backlog(session: AsyncSession, *, workspace_id: uuid.UUID) -> Backlog:
    """Read what waits; effects that only wait for a dead letter don't count as the oldest."""
    counted = await count_by_status(
        session, workspace_id=workspace_id, statuses=SHOWN, with_private=False
    )
    is_ours = EffectRow.workspace_id == workspace_id
    dead = await session.execute(
        select(EffectRow.error, func.count())
        .where(is_ours, EffectRow.status == EffectStatus.DEAD, _is_public(EffectRow.incident_id))
        .group_by(EffectRow.error)
    )
    waiting = (EffectStatus.PENDING, EffectStatus.CLAIMED)
    oldest = select(func.min(EffectRow.created_at)).where(
        is_ours, EffectRow.status.in_(waiting), _is_public(EffectRow.incident_id)
    )
    due = select(func.min(Reminder.due_at)).where(
        Reminder.workspace_id == workspace_id,
        Reminder.status == ReminderStatus.PENDING,
        _is_public(Reminder.incident_id),
    )
    return Backlog(
        depth={status: counted.get(status, 0) for status in SHOWN},
        dead={error or "unknown": count for error, count in dead},
        oldest_effect_at=(await session.execute(oldest)).scalar_one(),
        oldest_reminder_due_at=(await session.execute(due)).scalar_one(),
    )


def _is_public(incident_id: Any) -> Any:
    return ~exists().where(Incident.id == incident_id, Incident.is_private)
