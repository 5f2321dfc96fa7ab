"""Stakeholder updates and the cadence rule: when the next update is due.

An update's text lives only in its timeline entry, so redacting that entry leaves no copy. The row
holds what figures need: when the update was due and when it was posted.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.incident.entries import Moved
from incidents.incident.incident import Incident
from incidents.incident.lifecycle import IncidentStatus, is_open
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import Policy
from incidents.storage.database import Base


class StakeholderUpdate(Base):
    """One update: its number in the incident, its entry, when it was due and when it was posted."""

    __tablename__ = "stakeholder_updates"
    __table_args__ = (UniqueConstraint("incident_id", "number"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
    number: Mapped[int]
    entry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("timeline_entries.id"))
    author_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    posted_at: Mapped[datetime]
    was_due_at: Mapped[datetime | None]
    next_due_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateView:
    """A stakeholder update as people read it; all texts are empty after a redaction."""

    number: int
    entry_id: uuid.UUID
    posted_at: datetime
    author_name: str
    next_due_at: datetime | None
    status: str
    text: str
    impact: str
    actions: str
    next_steps: str
    needs: str = ""

    @property
    def headline(self) -> str:
        """Return the most telling of the texts, for cards and announcements."""
        return self.text or self.actions or self.impact or self.next_steps


def cadence_for(policy: Policy, *, severity_key: str, status: IncidentStatus) -> timedelta | None:
    """Return the time between updates, or None if none are due; longer once mitigated."""
    severity = policy.find_severity(severity_key)
    if severity is None or severity.cadence is None or not is_open(status):
        return None
    if status is IncidentStatus.MITIGATED:
        return severity.cadence * policy.mitigated_cadence_factor
    return severity.cadence


def next_update_due(
    policy: Policy, *, severity_key: str, status: IncidentStatus, since: datetime
) -> datetime | None:
    """Return when the next update is due, counted from `since`; None without a cadence."""
    cadence = cadence_for(policy, severity_key=severity_key, status=status)
    return None if cadence is None else since + cadence


async def find_latest_update(session: AsyncSession, incident_id: uuid.UUID) -> UpdateView | None:
    """Return the incident's newest update, or None."""
    query = (
        select(StakeholderUpdate, TimelineEntry)
        .join(TimelineEntry, TimelineEntry.id == StakeholderUpdate.entry_id)
        .where(StakeholderUpdate.incident_id == incident_id)
        .order_by(StakeholderUpdate.number.desc())
        .limit(1)
    )
    row = (await session.execute(query)).first()
    return None if row is None else _update_view(row[0], row[1])


def _update_view(update: StakeholderUpdate, entry: TimelineEntry) -> UpdateView:
    content: dict[str, Any] = entry.content or {}

    def text(name: str) -> str:
        return str(content.get(name) or "")

    return UpdateView(
        number=update.number,
        entry_id=entry.id,
        posted_at=update.posted_at,
        author_name=entry.actor_name,
        next_due_at=update.next_due_at,
        status=text("status"),
        text=text("text"),
        impact=text("impact"),
        actions=text("actions"),
        next_steps=text("next_steps"),
        needs=text("needed"),
    )


def due_when_more_urgent(
    current: datetime | None, *, cadence: timedelta | None, now: datetime
) -> datetime | None:
    """Return the sooner of `current` and one new cadence from now; None without a cadence."""
    if cadence is None:
        return None
    return now + cadence if current is None else min(current, now + cadence)


def due_when_less_urgent(
    current: datetime | None, *, cadence: timedelta | None, since: datetime, now: datetime
) -> datetime | None:
    """Return the later of `current` and one cadence after `since`; None without a cadence."""
    if cadence is None:
        return None
    return now + cadence if current is None else max(current, since + cadence)


def due_after_status(
    incident: Incident, *, old: IncidentStatus, policy: Policy, now: datetime
) -> datetime | None:
    """Return when the next update is due after a step from status `old`, taken now."""
    before = cadence_for(policy, severity_key=incident.severity_key, status=old)
    after = cadence_for(
        policy, severity_key=incident.severity_key, status=incident.lifecycle_status
    )
    current = incident.next_update_due_at
    if before == after and (after is None or current is not None):
        return current
    if before is None or (after is not None and after < before):
        return due_when_more_urgent(current, cadence=after, now=now)
    return due_when_less_urgent(current, cadence=after, since=last_update_at(incident), now=now)


def last_update_at(incident: Incident) -> datetime:
    """Return when stakeholders last heard from us: the last update, or the declaration."""
    return incident.last_update_at or incident.declared_at


def move_due(incident: Incident, due_at: datetime | None) -> Moved | None:
    """Set when the next update is due; return the move for the entry, or None if unchanged."""
    before = incident.next_update_due_at
    if before == due_at:
        return None
    incident.next_update_due_at = due_at
    return Moved(old=before, new=due_at)
