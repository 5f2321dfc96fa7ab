"""Incidents that a viewer may see, by words of their title, summary, services or number."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, String, Uuid, and_, cast, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.browse.lists import ListedIncident, listed, next_to, place_of
from incidents.core.ids import parse_reference
from incidents.core.people import Actor
from incidents.incident.incident import Incident, visible_to
from incidents.policy.policy import Policy
from incidents.storage.database import UtcDateTime

# How many incidents one page looks at, so that years of them don't hold anybody up.
LOOKS_AT: Final = 2000
_MOST_WORDS: Final = 8


@dataclass(frozen=True, slots=True)
class Found:
    """What a page found, the newest first; the next goes on after `goes_on` (None: that was all).

    `since`: how far back it looked, if there is more.
    """

    items: tuple[ListedIncident, ...]
    goes_on: uuid.UUID | None = None
    since: datetime | None = None


async def find_incidents(
    session: AsyncSession,
    words: str,
    *,
    workspace_id: uuid.UUID,
    viewer: Actor,
    policy: Policy,
    older_than: uuid.UUID | None = None,
    size: int = 15,
    looks_at: int = LOOKS_AT,
) -> Found:
    """Return incidents in which all words occur; however many there are, a page looks at a few."""
    ours = select(Incident).where(Incident.workspace_id == workspace_id, visible_to(viewer))
    place = await place_of(session, older_than, workspace_id=workspace_id)
    # Where this page ends at the latest, found in the index; then only what matches is read.
    last = next_to(ours, place, is_newer=False, size=0).offset(looks_at - 1)
    end = (await session.execute(last)).scalars().first()
    query = next_to(ours, place, is_newer=False, size=size)
    query = query.where(*(_has(word, policy) for word in words.split()[:_MOST_WORDS]))
    if end is not None:
        at = tuple_(literal(end.declared_at, UtcDateTime()), literal(end.id, Uuid()))
        query = query.where(tuple_(Incident.declared_at, Incident.id) >= at)
    rows = (await session.execute(query)).scalars().all()
    items = tuple(listed(row) for row in rows[:size])
    goes_on = rows[size - 1] if len(rows) > size else end
    return Found(items) if goes_on is None else Found(items, goes_on.id, goes_on.declared_at)


def _has(word: str, policy: Policy) -> ColumnElement[bool]:
    bare = word.casefold().removeprefix("#")
    found: list[ColumnElement[bool]] = [
        column.icontains(word, autoescape=True) for column in (Incident.title, Incident.summary)
    ]
    found += [
        cast(Incident.services, String).contains(f'"{key}"', autoescape=True)
        for key in _services(bare, policy)
    ]
    reference = parse_reference(word)
    if reference is not None:
        is_it = (Incident.number == reference.number, Incident.is_drill.is_(reference.is_drill))
        found.append(and_(*is_it))
    elif bare.isascii() and bare.isdecimal() and len(bare) < 9:  # noqa: PLR2004 - as the column
        found.append(Incident.number == int(bare))
    return or_(*found)


def _services(word: str, policy: Policy) -> Sequence[str]:
    return [
        one.key
        for one in policy.services
        if word in one.key.casefold() or word in one.name.casefold()
    ]
