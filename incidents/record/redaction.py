"""Erases an entry's text permanently: in the entry, in its amendments, and in every copy.

Copies are other entries that repeat them, and the columns that the features declare
(`incidents/registry/copies.py`). Each erased entry gets a `redacted` entry of its own, which keeps
everything but people's text, so that the record still proves the state.

The workspace's audit log has no copies of its entries' text: an entry there loses only its content.
"""

import json
import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import JSON, String, cast, func, inspect, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import AlreadySo, InvalidInput
from incidents.core.people import system_actor
from incidents.engine.rules import TextCopies
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.entries import UpdatePosted
from incidents.incident.incident import ById, Incident, lock_incident
from incidents.incident.timeline import TimelineEntry
from incidents.record.audit_log import AuditEntry, AuditKind, audit, lock_log
from incidents.record.corrections import WITHDRAWABLE, correction_of, find_corrections
from incidents.record.entries import Amended, Redacted
from incidents.record.words import REDACTED_TEXT, holds, without, without_words, words_in
from incidents.storage.database import Base, kept_text

# Shorter texts are too common to be a copy: "yes", "12".
_SHORTEST_COPY = 4

MAX_REASON = 500

# What people wrote and may hide themselves; the rest of theirs only others may hide.
_OWN_WORDS = WITHDRAWABLE | {UpdatePosted.kind, Amended.kind}
# Rows that are never shown as a line of the record: their text follows the entry.
_OURS = frozenset(
    {"processed_requests", "effects", "reminders", "prompts", "posted_messages", "handoffs"}
)
# What people wrote, and what names them: all that an audit entry loses.
_PERSONAL = frozenset(
    {
        *("reason", "text", "person_external_id", "person_name"),
        *("mentor_external_id", "mentor_name"),
    }
)
_ADDRESS = re.compile(r"\S+@\S+\.\S+")


@dataclass(frozen=True, slots=True)
class Taken:
    """A value that was taken out of a column: what it was, and what stands there now."""

    table: str
    key: tuple[str, ...]
    column: str
    was: Any
    now_is: Any
    salt: str | None = None


@dataclass(frozen=True, slots=True)
class Erased:
    """What a redaction erased apart from the entry itself: entries that repeat it, and rows."""

    entries: int = 0
    rows: int = 0
    taken: tuple[Taken, ...] = ()


async def erase(
    uow: UnitOfWork,
    incident: Incident,
    entry: TimelineEntry,
    *,
    reason: str,
    hidden: frozenset[str] = frozenset(),
    is_hiding: bool = False,
    is_break_glass: bool = False,
    but: str = "",
) -> Erased:
    """Erase the text of the entry, its amendments and their copies, and record that.

    `hidden` are texts that were taken out of the entry before. `but` is a table to leave alone.

    Raises: InvalidInput if an entry about the actor repeats them.
    """
    amendments = [
        one for one in await find_corrections(uow.session, entry) if one.kind == Amended.kind
    ]
    own = [one for one in (entry, *amendments) if one.content is not None]
    texts = hidden | {text for one in own for text in words_in(one.kind, one.content or {})}
    why = str(without(reason, texts))
    repeating = await _repeating(uow.session, incident.id, own, texts)
    for row in repeating:
        _refuse_copy(uow, row)
    said = Redacted(reason=why, is_hidden=is_hiding, is_break_glass=is_break_glass)
    if not own:  # an earlier entry keeps the rest
        _record(uow, incident, entry, said)
    for row in own:
        _record(uow, incident, row, replace(said, kept=without_words(row.kind, row.content or {})))
    for row in repeating:
        _record(uow, incident, row, replace(said, kept=without(row.content, _long(texts))))
    elsewhere = await _erase_in_original(uow, incident, texts, said)
    await uow.flush()  # the database erases only what a redaction points at
    taken: list[Taken] = []
    for row in (*own, *repeating, *elsewhere):
        taken.append(_take(row, "content", None, salt=row.salt))
        row.salt = None
    rows: set[tuple[str, tuple[str, ...]]] = set()
    for copies in uow.rules.copies:
        if copies.entity.__tablename__ != but:
            found = await _erase_rows(uow, incident.id, copies, texts)
            rows |= {(one.table, one.key) for one in found}
            taken += found
    await uow.flush()
    return Erased(entries=len(repeating) + len(elsewhere), rows=len(rows), taken=tuple(taken))


async def redact_audit_entry(uow: UnitOfWork, *, sequence: int, reason: str) -> Outcome:
    """Erase the text and names in an audit entry permanently; a new entry says who did it, and why.

    In one step: people who can run the command have the database anyway. So the new entry keeps what was
    done (stages, rights, numbers), and a reason is needed.

    Raises: InvalidInput for no such entry, or without a reason; AlreadySo if its content is gone.
    """
    why = kept_text(reason, most=MAX_REASON)
    if not why:
        raise InvalidInput("reason", "empty", "A customer's name")
    await lock_log(uow)
    query = select(AuditEntry).where(
        AuditEntry.workspace_id == uow.workspace_id, AuditEntry.sequence == sequence
    )
    entry = (await uow.session.execute(query)).scalar_one_or_none()
    # What says where content or numbers are gone has to stay readable.
    if entry is None or entry.kind in {AuditKind.REDACTED, AuditKind.RESTORED}:
        raise InvalidInput("entry", "unknown")
    if entry.content is None:
        raise AlreadySo("entry", "redacted")
    content = {
        "entry_id": entry.id,
        "sequence": sequence,
        "reason": why,
        "kind": entry.kind,
        "kept": _impersonal(entry.content),
    }
    redacted = await audit(uow, AuditKind.REDACTED, content)
    entry.content = entry.salt = None
    await uow.flush()
    return Outcome("audit_entry_redacted", data={"sequence": redacted.sequence})


def is_own_words(uow: UnitOfWork, entry: TimelineEntry) -> bool:
    """Tell whether the actor wrote the entry as a note, mark or update."""
    return entry.actor_id == uow.actor.person_id and entry.kind in _OWN_WORDS


async def touches_others(uow: UnitOfWork, entry: TimelineEntry, erased: Erased) -> bool:
    """Tell whether text was erased beyond the actor's own entries and our internal rows."""
    shown = {one.table for one in erased.taken} - _OURS
    if shown - {TimelineEntry.__tablename__}:
        return True
    entries = [one for one in erased.taken if one.table == TimelineEntry.__tablename__]
    ids = [uuid.UUID(one.key[0]) for one in entries]
    query = select(TimelineEntry).where(TimelineEntry.id.in_(ids))
    rows = (await uow.session.execute(query)).scalars().all()
    return not all(is_own_words(uow, row) or row.target_id == entry.id for row in rows)


def refuse_about_themselves(
    uow: UnitOfWork, entry: TimelineEntry, content: Mapping[str, Any]
) -> None:
    """Return quietly unless the entry is about the actor and isn't their own note, mark or update.

    Raises: InvalidInput.
    """
    me = uow.actor.person_id
    if me is None or entry.kind in _OWN_WORDS:
        return
    if entry.actor_id == me or str(me) in json.dumps(dict(content)):
        raise InvalidInput("entry", "is about you; ask somebody else who may hide entries")


def _refuse_copy(uow: UnitOfWork, entry: TimelineEntry) -> None:
    """Return quietly unless an entry with the same text is about the actor.

    Otherwise a note with the same text would hide it. Raises: InvalidInput.
    """
    try:
        refuse_about_themselves(uow, entry, entry.content or {})
    except InvalidInput:
        problem = (
            f"has the same words as entry {entry.sequence}, which is about you; ask somebody else "
            "who may hide entries"
        )
        raise InvalidInput("entry", problem) from None


def _take(row: Base, column: str, now_is: Any, *, salt: str | None = None) -> Taken:
    """Replace a column's value, and return what it was."""
    key = tuple(str(part) for part in inspect(row).identity or ())
    taken = Taken(str(row.__tablename__), key, column, getattr(row, column), now_is, salt)
    setattr(row, column, now_is)
    return taken


def _record(uow: UnitOfWork, incident: Incident, row: TimelineEntry, said: Redacted) -> None:
    about = correction_of(row, Redacted)
    redacted = replace(
        said,
        target_kind=about.target_kind,
        target_sequence=about.target_sequence,
        target_occurred_at=about.target_occurred_at,
    )
    uow.record(incident, redacted, target_id=row.id)


async def _repeating(
    session: AsyncSession,
    incident_id: uuid.UUID,
    own: Collection[TimelineEntry],
    texts: Collection[str],
) -> Sequence[TimelineEntry]:
    """Return the incident's other entries in which people's text holds one of these texts."""
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
    uow: UnitOfWork, incident: Incident, texts: Collection[str], said: Redacted
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
            kept = without(one.content, _long(texts))
            _record(uow, original, one, replace(said, kept=kept))
    return naming


async def _erase_rows(
    uow: UnitOfWork, incident_id: uuid.UUID, copies: TextCopies, texts: Collection[str]
) -> list[Taken]:
    """Take the texts out of a table's columns; return what was taken."""
    columns = [(name, getattr(copies.entity, name)) for name in copies.columns]
    wanted = [
        position > 0
        for _, column in columns
        for text in _forms(column, _counting(copies, texts))
        for position in (_position(uow.session, column, text),)
    ]
    if not wanted:
        return []
    theirs = copies.condition(workspace_id=uow.workspace_id, incident_id=incident_id)
    query = select(copies.entity).where(theirs, or_(*wanted))
    taken: list[Taken] = []
    for row in (await uow.session.execute(query)).scalars():
        for name in copies.columns:
            value = getattr(row, name)
            cleaned = without(value, _counting(copies, texts))
            if cleaned != value:
                taken.append(_take(row, name, cleaned))
    return taken


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


def _impersonal(value: Any) -> Any:
    """Return a JSON value without people's text, names and addresses."""
    match value:
        case str():
            return _ADDRESS.sub(REDACTED_TEXT, value)
        case Mapping():
            return {name: _impersonal(one) for name, one in value.items() if name not in _PERSONAL}
        case list() | tuple():
            return [_impersonal(one) for one in value]
    return value
