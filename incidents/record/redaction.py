"""Erases an entry's words for good: in the entry, in its amendments, and in every copy.

Copies are other entries that repeat them, and the columns that the features declare
(`incidents/registry/copies.py`). Each erased entry gets a `redacted` entry of its own, which keeps
what isn't words, so that the record still proves the state.
"""

import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import JSON, String, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import system_actor
from incidents.engine.rules import TextCopies
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import ById, Incident, lock_incident
from incidents.incident.timeline import TimelineEntry
from incidents.record.corrections import correction_of, find_corrections
from incidents.record.entries import Amended, Redacted
from incidents.record.words import holds, without, without_words, words_in

# Shorter texts are too common to be a copy: "yes", "12".
_SHORTEST_COPY = 4


@dataclass(frozen=True, slots=True)
class Erased:
    """What a redaction erased besides the entry itself: entries that repeat it, and rows."""

    entries: int = 0
    rows: int = 0


async def erase(
    uow: UnitOfWork, incident: Incident, entry: TimelineEntry, *, reason: str
) -> Erased:
    """Erase the entry's words, those of its amendments, and their copies; record that it was so."""
    amendments = [
        one for one in await find_corrections(uow.session, entry) if one.kind == Amended.kind
    ]
    own = [one for one in (entry, *amendments) if one.content is not None]
    texts = frozenset(text for one in own for text in words_in(one.kind, one.content or {}))
    why = str(without(reason, texts))
    repeating = await _repeating(uow.session, incident.id, own, texts)
    for row in own:
        _record(uow, incident, row, kept=without_words(row.kind, row.content or {}), reason=why)
    for row in repeating:
        _record(uow, incident, row, kept=without(row.content, _long(texts)), reason=why)
    elsewhere = await _erase_in_original(uow, incident, texts, reason=why)
    await uow.flush()  # the database erases only what a redaction points at
    for row in (*own, *repeating, *elsewhere):
        row.content = row.salt = None
    rows = 0
    for copies in uow.rules.copies:
        rows += await _erase_rows(uow, incident.id, copies, texts)
    await uow.flush()
    return Erased(entries=len(repeating) + len(elsewhere), rows=rows)


def _record(
    uow: UnitOfWork, incident: Incident, row: TimelineEntry, *, kept: dict[str, Any], reason: str
) -> None:
    redacted = replace(correction_of(row, Redacted), reason=reason, kept=kept)
    uow.record(incident, redacted, target_id=row.id)


async def _repeating(
    session: AsyncSession,
    incident_id: uuid.UUID,
    own: Collection[TimelineEntry],
    texts: Collection[str],
) -> Sequence[TimelineEntry]:
    """Return the incident's other entries in which people's words hold one of the texts."""
    query = (
        select(TimelineEntry)
        .where(TimelineEntry.incident_id == incident_id, TimelineEntry.kind != Redacted.kind)
        .order_by(TimelineEntry.sequence)
    )
    long, ids = _long(texts), {one.id for one in own}
    return [
        one
        for one in (await session.execute(query)).scalars()
        if one.id not in ids
        and one.content is not None
        and holds(list(words_in(one.kind, one.content)), long)
    ]


async def _erase_in_original(
    uow: UnitOfWork, incident: Incident, texts: Collection[str], *, reason: str
) -> Sequence[TimelineEntry]:
    """Record the redaction where the incident, a duplicate, is named with its title."""
    if incident.duplicate_of_id is None:
        return ()
    found = await _repeating(uow.session, incident.duplicate_of_id, (), texts)
    naming = [one for one in found if one.kind == "duplicate_found"]
    if naming:
        original = await lock_incident(
            uow.session,
            ById(incident.duplicate_of_id),
            workspace_id=uow.workspace_id,
            viewer=system_actor(),
        )
        for one in naming:
            _record(uow, original, one, kept=without(one.content, _long(texts)), reason=reason)
    return naming


async def _erase_rows(
    uow: UnitOfWork, incident_id: uuid.UUID, copies: TextCopies, texts: Collection[str]
) -> int:
    """Take the texts out of a table's columns; return how many rows held one."""
    columns = [(name, getattr(copies.entity, name)) for name in copies.columns]
    wanted = [
        position > 0
        for _, column in columns
        for text in _forms(column, _counting(copies, texts))
        for position in (_position(uow.session, column, text),)
    ]
    if not wanted:
        return 0
    theirs = copies.condition(workspace_id=uow.workspace_id, incident_id=incident_id)
    query = select(copies.entity).where(theirs, or_(*wanted))
    changed = 0
    for row in (await uow.session.execute(query)).scalars():
        was_changed = False
        for name in copies.columns:
            value = getattr(row, name)
            cleaned = without(value, _counting(copies, texts))
            if cleaned != value:
                setattr(row, name, cleaned)
                was_changed = True
        changed += was_changed
    return changed


def _counting(copies: TextCopies, texts: Collection[str]) -> Collection[str]:
    """Return the texts to look for: short ones only in the incident itself, which holds no other."""
    return texts if copies.entity is Incident else _long(texts)


def _forms(column: Any, texts: Collection[str]) -> list[str]:
    """Return the texts as the column stores them: in JSON, escaped."""
    if _is_json(column):
        return [json.dumps(text)[1:-1] for text in sorted(texts)]
    return sorted(texts)


def _is_json(column: Any) -> bool:
    return isinstance(column.type, JSON)


def _position(session: AsyncSession, column: Any, text: str) -> Any:
    find = func.instr if session.get_bind().dialect.name == "sqlite" else func.strpos
    return find(cast(column, String), text)


def _long(texts: Collection[str]) -> frozenset[str]:
    return frozenset(text for text in texts if len(text) >= _SHORTEST_COPY)
