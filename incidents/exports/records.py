"""What an export holds, in any format; a change that readers notice gets a new version."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.hash_chain import ChainHead
from incidents.core.people import Actor, Person
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.payload import EntryTypes
from incidents.incident.roles import RoleAssignment
from incidents.incident.timeline import TimelineEntry
from incidents.incident.views import IncidentView, get_incident_view
from incidents.record.timeline_view import TimelineItem, items_of, load_entries, named_items

# Writing takes a moment: a shorter delay between happening and recording isn't mentioned.
LATE_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RoleTime:
    """One person's time in a role; without an end it is still running."""

    role_name: str
    person_name: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRecord:
    """An incident's complete timeline: for people (`items`) and for verification (`entries`)."""

    incident: IncidentView
    roles: tuple[RoleTime, ...]
    items: tuple[TimelineItem, ...]
    entries: tuple[TimelineEntry, ...]
    head: ChainHead

    @property
    def as_of(self) -> datetime | None:
        """Return when the last entry of the record was recorded; None for an empty one."""
        return self.entries[-1].recorded_at if self.entries else None

    @property
    def markings(self) -> tuple[str, ...]:
        """Return the labels that every copy must carry: drill, private."""
        incident = self.incident
        marks = (("drill", incident.is_drill), ("private", incident.is_private))
        return tuple(name for name, applies in marks if applies)


async def build_record(
    session: AsyncSession,
    ref: IncidentRef,
    *,
    workspace_id: uuid.UUID,
    viewer: Actor,
    entry_types: EntryTypes,
) -> TimelineRecord:
    """Return the record as this viewer may see it. Raises: IncidentNotFound."""
    view = await get_incident_view(session, ref, workspace_id=workspace_id, viewer=viewer)
    incident = await session.get_one(Incident, view.id)
    entries = tuple(await load_entries(session, view.id))
    return TimelineRecord(
        incident=view,
        roles=await _roles(session, view.id),
        items=await named_items(session, items_of(entries, entry_types=entry_types)),
        entries=entries,
        head=incident.chain_head,
    )


def is_late(item: TimelineItem) -> bool:
    """Tell whether the entry was recorded noticeably after it happened."""
    return item.entry.recorded_at - item.entry.occurred_at > LATE_AFTER


def standing_of(item: TimelineItem) -> str:
    """Return the state of the entry: current, amended, withdrawn or redacted."""
    entry = item.entry
    if entry.is_redacted:
        return "redacted"
    if entry.is_withdrawn:
        return "withdrawn"
    return "amended" if entry.is_amended else "current"


async def _roles(session: AsyncSession, incident_id: uuid.UUID) -> tuple[RoleTime, ...]:
    query = (
        select(RoleAssignment, Person.name)
        .join(Person, Person.id == RoleAssignment.person_id)
        .where(RoleAssignment.incident_id == incident_id)
        .order_by(RoleAssignment.started_at, RoleAssignment.id)
    )
    rows = await session.execute(query)
    return tuple(RoleTime(row.role_name, name, row.started_at, row.ended_at) for row, name in rows)
