"""Corrections: a later entry amends, withdraws or redacts an entry that it points at.

`correct()` applies the corrections for display. The entries themselves never change, except that
redacting nulls content and salt (the hash still commits to the old content).
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import AlreadySo, InvalidInput
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident
from incidents.incident.payload import Decoded, EntryTypes, Payload, decode
from incidents.incident.timeline import TimelineEntry
from incidents.record.entries import (
    Amended,
    Correction,
    FileLinked,
    Marked,
    Note,
    Pinned,
    Redacted,
    Revealed,
    TextEntry,
    Withdrawn,
)
from incidents.record.words import words_in
from incidents.storage.database import trimmed

# Characters of a note or captured message that the record keeps; a cut is reported to the author.
MAX_TEXT = 10_000

CORRECTIONS = frozenset({Amended.kind, Withdrawn.kind, Redacted.kind, Revealed.kind})
# Entries that people can withdraw: those they recorded by hand.
WITHDRAWABLE = frozenset({Note.kind, Marked.kind, Pinned.kind, FileLinked.kind})

_CUT_MARK = "…"

CorrectionT = TypeVar("CorrectionT", bound=Correction)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedEntry:
    """An entry with its corrections applied, as people read it."""

    id: uuid.UUID
    sequence: int
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    actor_kind: str
    actor_id: uuid.UUID | None
    actor_name: str
    # What the entry says; None after a redaction.
    said: Decoded | None
    target_id: uuid.UUID | None = None
    amended_by: str | None = None
    amended_at: datetime | None = None
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None
    redacted_by: str | None = None
    is_redacted: bool = False
    # Hidden, and not destroyed: it can be revealed.
    is_hidden: bool = False
    # The chat message was deleted after it went on the record.
    is_message_deleted: bool = False

    @property
    def is_withdrawn(self) -> bool:
        """Tell whether the entry was withdrawn."""
        return self.withdrawn_at is not None

    @property
    def is_amended(self) -> bool:
        """Tell whether the text or the time differs from what was first recorded."""
        return self.amended_at is not None

    @property
    def payload(self) -> Payload | None:
        """What the entry says, or None after a redaction."""
        return self.said.payload if self.said is not None else None

    @property
    def words(self) -> str:
        """What people wrote in a note or message, as it reads now; "" for other entries."""
        return self.payload.text if isinstance(self.payload, TextEntry) else ""

    @property
    def content(self) -> Mapping[str, Any]:
        """The stored fields by name; {} after a redaction."""
        return {**self.said.payload.content(), **self.said.extra} if self.said is not None else {}

    @property
    def has_peoples_text(self) -> bool:
        """Tell whether people wrote something into it; False once redacted."""
        return bool(words_in(self.kind, self.content))


def correct(
    entry: TimelineEntry, corrections: Iterable[TimelineEntry], *, entry_types: EntryTypes
) -> CorrectedEntry:
    """Return the entry with its corrections (in order of sequence) applied."""
    content = entry.content
    corrected = CorrectedEntry(
        id=entry.id,
        sequence=entry.sequence,
        kind=entry.kind,
        occurred_at=entry.occurred_at,
        recorded_at=entry.recorded_at,
        actor_kind=entry.actor_kind,
        actor_id=entry.actor_id,
        actor_name=entry.actor_name,
        said=decode(entry.kind, content, entry_types) if content is not None else None,
        target_id=entry.target_id,
        is_redacted=content is None,
    )
    for correction in _in_force(corrections):
        corrected = _apply(corrected, correction)
    return corrected


def _in_force(corrections: Iterable[TimelineEntry]) -> list[TimelineEntry]:
    """Leave out what hid an entry that was revealed again, and the revealing."""
    standing: list[TimelineEntry] = []
    for one in corrections:
        if one.kind == Revealed.kind:
            standing = [earlier for earlier in standing if earlier.kind != Redacted.kind]
        else:
            standing.append(one)
    return standing


def _apply(entry: CorrectedEntry, correction: TimelineEntry) -> CorrectedEntry:
    by, at = correction.actor_name, correction.recorded_at
    match correction.kind:
        case Withdrawn.kind:
            return replace(entry, withdrawn_by=by, withdrawn_at=at)
        case Redacted.kind:
            redacted = Redacted.read(correction.content)
            hidden = redacted is not None and redacted.is_hidden
            return replace(entry, redacted_by=by, is_redacted=True, is_hidden=hidden, said=None)
        case Amended.kind:
            return _amended(entry, correction)
    return entry


def _amended(entry: CorrectedEntry, correction: TimelineEntry) -> CorrectedEntry:
    amended = Amended.read(correction.content)
    if amended is None or entry.said is None:
        return entry
    if amended.is_message_deleted:
        return replace(entry, is_message_deleted=True)
    payload = entry.said.payload
    if amended.text is not None and isinstance(payload, TextEntry):
        payload = replace(payload, text=amended.text)
    return replace(
        entry,
        said=replace(entry.said, payload=payload),
        occurred_at=amended.occurred_at or entry.occurred_at,
        amended_by=correction.actor_name,
        amended_at=correction.recorded_at,
    )


async def get_entry(uow: UnitOfWork, incident: Incident, entry_id: uuid.UUID) -> TimelineEntry:
    """Return an entry of this incident. Raises: InvalidInput if it has none with this id."""
    query = select(TimelineEntry).where(
        TimelineEntry.incident_id == incident.id, TimelineEntry.id == entry_id
    )
    entry = (await uow.session.execute(query)).scalar_one_or_none()
    if entry is None or entry.kind in CORRECTIONS:
        raise InvalidInput("entry", "unknown")
    return entry


async def find_corrections(session: AsyncSession, entry: TimelineEntry) -> list[TimelineEntry]:
    """Return the corrections of the entry, in order of sequence."""
    query = (
        select(TimelineEntry)
        .where(
            TimelineEntry.incident_id == entry.incident_id,
            TimelineEntry.target_id == entry.id,
            TimelineEntry.kind.in_(CORRECTIONS),
        )
        .order_by(TimelineEntry.sequence)
    )
    return list((await session.execute(query)).scalars())


async def get_standing(
    uow: UnitOfWork, incident: Incident, entry_id: uuid.UUID
) -> tuple[TimelineEntry, CorrectedEntry]:
    """Return an entry that can still be corrected, as written and as it reads now.

    Raises: InvalidInput for an unknown entry; AlreadySo if it was withdrawn or redacted.
    """
    entry = await get_entry(uow, incident, entry_id)
    corrected = await now_reads(uow, entry)
    if corrected.is_redacted:
        raise AlreadySo("entry", "redacted")
    if corrected.is_withdrawn:
        raise AlreadySo("entry", "withdrawn")
    return entry, corrected


async def now_reads(uow: UnitOfWork, entry: TimelineEntry) -> CorrectedEntry:
    """Return the entry as it reads now."""
    corrections = await find_corrections(uow.session, entry)
    return correct(entry, corrections, entry_types=uow.rules.entry_types)


def correction_of(entry: TimelineEntry, correction_type: type[CorrectionT]) -> CorrectionT:
    """Return a correction that names its target, without saying yet what changes."""
    return correction_type(
        target_kind=entry.kind,
        target_sequence=entry.sequence,
        target_occurred_at=entry.occurred_at,
    )


@dataclass(frozen=True, slots=True)
class KeptText:
    """Text as the record keeps it; `is_cut` if its end didn't fit."""

    text: str
    is_cut: bool


def keep_text(text: str) -> KeptText:
    """Return the text as the record keeps it: storable, trimmed, cut to MAX_TEXT."""
    clean = trimmed(text)
    if len(clean) <= MAX_TEXT:
        return KeptText(clean, is_cut=False)
    return KeptText(clean[: MAX_TEXT - 1].rstrip() + _CUT_MARK, is_cut=True)
