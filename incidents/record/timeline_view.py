"""The timeline as people read it: corrections applied, in the order in which things happened."""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import Actor, Person
from incidents.core.sentences import (
    Detail,
    PlainText,
    Telling,
    Who,
    as_line,
    people_in,
    telling,
    with_names,
)
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.payload import EntryTypes, Payload
from incidents.incident.timeline import TimelineEntry
from incidents.incident.views import IncidentView, get_incident_view
from incidents.record.corrections import CORRECTIONS, CorrectedEntry, correct
from incidents.record.entries import FileLinked, MessageEntry

_ID_FOR_NAME = re.compile(r"[UW][A-Z0-9]{5,}")


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One line of the timeline: the corrected entry, its wording, and its link."""

    entry: CorrectedEntry
    told: Telling
    link: str = ""

    @property
    def who(self) -> str:
        """Whose line it is: the author of a kept message, else the actor."""
        payload = self.entry.payload
        author = payload.author.name if isinstance(payload, MessageEntry) else ""
        return author or self.entry.actor_name

    @property
    def what(self) -> str:
        """What the entry says, in plain words on one line, with times in UTC."""
        return as_line(self.told, PlainText())


@dataclass(frozen=True, slots=True)
class TimelineView:
    """An incident and its timeline, earliest first."""

    incident: IncidentView
    items: tuple[TimelineItem, ...]

    def newest(self, count: int, *, skip: int = 0) -> tuple[TimelineItem, ...]:
        """Return the newest items, in the order in which they happened, after skipping `skip`."""
        end = max(len(self.items) - skip, 0)
        return self.items[max(end - count, 0) : end]


async def get_timeline(
    session: AsyncSession,
    ref: IncidentRef,
    *,
    workspace_id: uuid.UUID,
    viewer: Actor,
    entry_types: EntryTypes,
) -> TimelineView:
    """Return the timeline for a viewer. Raises: IncidentNotFound, also if they can't see it."""
    incident = await get_incident_view(session, ref, workspace_id=workspace_id, viewer=viewer)
    entries = await load_entries(session, incident.id)
    items = await named_items(session, items_of(entries, entry_types=entry_types))
    return TimelineView(incident, items)


async def find_item(
    session: AsyncSession,
    incident_id: uuid.UUID,
    entry_id: uuid.UUID,
    *,
    workspace_id: uuid.UUID,
    viewer: Actor,
    entry_types: EntryTypes,
) -> TimelineItem | None:
    """Return one line of an incident's timeline, or None. Raises: IncidentNotFound."""
    timeline = await get_timeline(
        session,
        ById(incident_id),
        workspace_id=workspace_id,
        viewer=viewer,
        entry_types=entry_types,
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
    entries: Iterable[TimelineEntry], *, entry_types: EntryTypes
) -> tuple[TimelineItem, ...]:
    """Return the lines for these entries, which are in order of sequence."""
    written: list[TimelineEntry] = []
    corrections: dict[uuid.UUID, list[TimelineEntry]] = {}
    for entry in entries:
        if entry.kind in CORRECTIONS and entry.target_id is not None:
            corrections.setdefault(entry.target_id, []).append(entry)
        else:
            written.append(entry)
    corrected = (
        correct(one, corrections.get(one.id, ()), entry_types=entry_types) for one in written
    )
    items = [TimelineItem(one, tell(one), link_of(one.payload)) for one in corrected]
    return tuple(sorted(items, key=lambda item: (item.entry.occurred_at, item.entry.sequence)))


def tell(entry: CorrectedEntry) -> Telling:
    """Return the entry's words; a redacted entry says only that it is redacted."""
    if entry.said is None:
        by = (" by ", Who(entry.redacted_by)) if entry.redacted_by else ()
        return telling("[hidden" if entry.is_hidden else "[redacted", *by, "]")
    told = entry.said.tell(entry.actor_id)
    if isinstance(entry.payload, MessageEntry):
        is_known = not _ID_FOR_NAME.fullmatch(entry.actor_name)
        keeper = Who(entry.actor_name if is_known else "", entry.actor_id)
        message = entry.payload.kept_by(keeper)
        told = Telling(told.phrase, (message, *told.details[1:]))
    if not entry.is_message_deleted:
        return told
    return Telling(told.phrase, (*told.details, Detail(("[the message was deleted later]",))))


def link_of(payload: Payload | None) -> str:
    """Return the address of the message or file that an entry is about, or ""."""
    return payload.permalink if isinstance(payload, MessageEntry | FileLinked) else ""


async def named_items(
    session: AsyncSession, items: Iterable[TimelineItem]
) -> tuple[TimelineItem, ...]:
    """Return the items, with names for people that entries know only by id.

    A person whose name wasn't known yet acted under their id; here they get their name.
    """
    found = tuple(items)
    wanted = {one for item in found for one in people_in(item.told)}
    wanted |= {
        item.entry.actor_id for item in found if item.entry.actor_id and _has_id_for_name(item)
    }
    if not wanted:
        return found
    query = select(Person.id, Person.name).where(Person.id.in_(wanted))
    names = {row.id: row.name for row in await session.execute(query)}
    return tuple(
        replace(item, told=with_names(item.told, names), entry=_with_actor(item, names))
        for item in found
    )


def _has_id_for_name(item: TimelineItem) -> bool:
    return bool(_ID_FOR_NAME.fullmatch(item.entry.actor_name))


def _with_actor(item: TimelineItem, names: Mapping[uuid.UUID, str]) -> CorrectedEntry:
    entry = item.entry
    if entry.actor_id is None or not _has_id_for_name(item):
        return entry
    return replace(entry, actor_name=names.get(entry.actor_id, entry.actor_name))
