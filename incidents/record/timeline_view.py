"""The timeline as people read it: corrections applied, in order of when things happened."""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import Actor, Person
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.timeline import TimelineEntry
from incidents.incident.views import IncidentView, get_incident_view
from incidents.record.corrections import CORRECTIONS, CorrectedEntry, correct
from incidents.registry.entry_words import describe, link_of

_ID_FOR_NAME = re.compile(r"[UW][A-Z0-9]{5,}")


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One line of the timeline: the entry as corrected, and what it says in plain words."""

    entry: CorrectedEntry
    what: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class TimelineView:
    """An incident and its timeline, the earliest first."""

    incident: IncidentView
    items: tuple[TimelineItem, ...]

    def newest(self, count: int, *, skip: int = 0) -> tuple[TimelineItem, ...]:
        """Return the newest items, in the order in which they happened; `skip` leaves out newer."""
        end = max(len(self.items) - skip, 0)
        return self.items[max(end - count, 0) : end]


async def get_timeline(
    session: AsyncSession, ref: IncidentRef, *, workspace_id: uuid.UUID, viewer: Actor
) -> TimelineView:
    """Return the timeline for a viewer. Raises: IncidentNotFound, also if it isn't theirs."""
    incident = await get_incident_view(session, ref, workspace_id=workspace_id, viewer=viewer)
    entries = await load_entries(session, incident.id)
    names = await names_in(session, entries)
    return TimelineView(incident, items_of(entries, names=names))


async def find_item(
    session: AsyncSession,
    incident_id: uuid.UUID,
    entry_id: uuid.UUID,
    *,
    workspace_id: uuid.UUID,
    viewer: Actor,
) -> TimelineItem | None:
    """Return one line of an incident's timeline, or None. Raises: IncidentNotFound."""
    timeline = await get_timeline(
        session, ById(incident_id), workspace_id=workspace_id, viewer=viewer
    )
    return next((item for item in timeline.items if item.entry.id == entry_id), None)


async def load_entries(session: AsyncSession, incident_id: uuid.UUID) -> Sequence[TimelineEntry]:
    """Return the whole chain of an incident that the caller may see, in order of sequence."""
    query = (
        select(TimelineEntry)
        .where(TimelineEntry.incident_id == incident_id)
        .order_by(TimelineEntry.sequence)
    )
    return (await session.execute(query)).scalars().all()


def items_of(
    entries: Iterable[TimelineEntry], *, names: Mapping[str, str] | None = None
) -> tuple[TimelineItem, ...]:
    """Return the lines that entries (in order of sequence) make; `names` by person id."""
    written: list[TimelineEntry] = []
    corrections: dict[uuid.UUID, list[TimelineEntry]] = {}
    for entry in entries:
        if entry.kind in CORRECTIONS and entry.target_id is not None:
            corrections.setdefault(entry.target_id, []).append(entry)
        else:
            written.append(entry)
    items = [_item(correct(one, corrections.get(one.id, ())), names or {}) for one in written]
    return tuple(sorted(items, key=lambda item: (item.entry.occurred_at, item.entry.sequence)))


def _item(entry: CorrectedEntry, names: Mapping[str, str]) -> TimelineItem:
    named = _with_names(entry, names)
    return TimelineItem(named, describe(named), link_of(named))


def _with_names(entry: CorrectedEntry, names: Mapping[str, str]) -> CorrectedEntry:
    """Put a name beside each id of a person that has none: `owner_id` gives `owner`.

    Somebody whose name wasn't known yet acted under their id; here they get their name, too.
    """
    if _ID_FOR_NAME.fullmatch(entry.actor_name):
        entry = replace(entry, actor_name=names.get(str(entry.actor_id or ""), entry.actor_name))
    found: dict[str, str] = {}
    for key, value in entry.content.items():
        role = key.removesuffix("_id")
        said = {role, f"{role}_name"} & entry.content.keys()
        if key != role and not said and isinstance(value, str) and value in names:
            found[role] = names[value]
    return replace(entry, content={**found, **entry.content}) if found else entry


async def names_in(session: AsyncSession, entries: Iterable[TimelineEntry]) -> dict[str, str]:
    """Return the names of the people whose ids the entries hold, by id."""
    written = tuple(entries)
    wanted = {
        uuid.UUID(value)
        for entry in written
        for key, value in (entry.content or {}).items()
        if key.endswith("_id") and isinstance(value, str) and _is_uuid(value)
    }
    wanted |= {entry.actor_id for entry in written if entry.actor_id is not None}
    if not wanted:
        return {}
    query = select(Person.id, Person.name).where(Person.id.in_(wanted))
    return {str(person_id): name for person_id, name in await session.execute(query)}


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
