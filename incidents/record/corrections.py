"""Corrections: an entry is amended, withdrawn or redacted by a later entry that points at it.

`correct()` folds the corrections into what people read now; the entries themselves stay as they
were, except that redacting nulls content and salt (the hash still commits to what stood there).
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import AlreadySo, InvalidInput
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident
from incidents.incident.timeline import EntryKind, TimelineEntry
from incidents.storage.database import storable

# Characters of a note or a captured message that the record keeps; authors are told of a cut.
MAX_TEXT = 10_000

CORRECTIONS = frozenset({EntryKind.AMENDED, EntryKind.WITHDRAWN, EntryKind.REDACTED})
# What people may take back: what they put on the record by hand.
WITHDRAWABLE = frozenset(
    {EntryKind.NOTE, EntryKind.MARKED, EntryKind.PINNED, EntryKind.FILE_LINKED}
)

_CUT_MARK = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedEntry:
    """An entry with its corrections applied: what people read; content is {} once redacted."""

    id: uuid.UUID
    sequence: int
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    actor_kind: str
    actor_id: uuid.UUID | None
    actor_name: str
    content: Mapping[str, Any]
    target_id: uuid.UUID | None = None
    amended_by: str | None = None
    amended_at: datetime | None = None
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None
    redacted_by: str | None = None
    is_redacted: bool = False
    # The message in the chat was deleted after it had been put on the record.
    is_message_deleted: bool = False

    @property
    def is_withdrawn(self) -> bool:
        """Tell whether the entry was taken back."""
        return self.withdrawn_at is not None

    @property
    def is_amended(self) -> bool:
        """Tell whether the text or the time is a later one than was first recorded."""
        return self.amended_at is not None

    def text(self, name: str) -> str:
        """Return a text of the content, or an empty one."""
        value = self.content.get(name)
        return "" if value is None else str(value)


def correct(entry: TimelineEntry, corrections: Iterable[TimelineEntry]) -> CorrectedEntry:
    """Return the entry with its corrections (in order of sequence) applied."""
    corrected = CorrectedEntry(
        id=entry.id,
        sequence=entry.sequence,
        kind=entry.kind,
        occurred_at=entry.occurred_at,
        recorded_at=entry.recorded_at,
        actor_kind=entry.actor_kind,
        actor_id=entry.actor_id,
        actor_name=entry.actor_name,
        content=dict(entry.content or {}),
        target_id=entry.target_id,
        is_redacted=entry.content is None,
    )
    for correction in corrections:
        corrected = _apply(corrected, correction)
    return corrected


def _apply(entry: CorrectedEntry, correction: TimelineEntry) -> CorrectedEntry:
    by, at = correction.actor_name, correction.recorded_at
    match correction.kind:
        case EntryKind.WITHDRAWN:
            return replace(entry, withdrawn_by=by, withdrawn_at=at)
        case EntryKind.REDACTED:
            return replace(entry, redacted_by=by, is_redacted=True, content={})
        case EntryKind.AMENDED:
            return _amended(entry, correction)
    return entry


def _amended(entry: CorrectedEntry, correction: TimelineEntry) -> CorrectedEntry:
    changes = correction.content
    if changes is None or entry.is_redacted:
        return entry
    if changes.get("is_message_deleted"):
        return replace(entry, is_message_deleted=True)
    occurred_at = entry.occurred_at
    if changes.get("occurred_at"):
        occurred_at = datetime.fromisoformat(changes["occurred_at"]).astimezone(UTC)
    return replace(
        entry,
        content={**entry.content, "text": changes.get("text", entry.text("text"))},
        occurred_at=occurred_at,
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
    """Return an entry that still stands, as it was written and as it reads now.

    Raises: InvalidInput for an unknown one; AlreadySo if it was withdrawn or redacted.
    """
    entry = await get_entry(uow, incident, entry_id)
    corrected = correct(entry, await find_corrections(uow.session, entry))
    if corrected.is_redacted:
        raise AlreadySo("entry", "redacted")
    if corrected.is_withdrawn:
        raise AlreadySo("entry", "withdrawn")
    return entry, corrected


def record_withdrawal(uow: UnitOfWork, incident: Incident, entry: TimelineEntry) -> TimelineEntry:
    """Append the entry that takes another one back."""
    content = {
        "target_kind": entry.kind,
        "target_sequence": entry.sequence,
        "target_occurred_at": entry.occurred_at,
    }
    return uow.record(incident, EntryKind.WITHDRAWN, content, target_id=entry.id)


@dataclass(frozen=True, slots=True)
class KeptText:
    """Text as the record keeps it; `is_cut` when its end didn't fit."""

    text: str
    is_cut: bool


def keep_text(text: str) -> KeptText:
    """Return the text as the record keeps it: storable, without outer space, cut to MAX_TEXT."""
    clean = storable(text).strip()
    if len(clean) <= MAX_TEXT:
        return KeptText(clean, is_cut=False)
    return KeptText(clean[: MAX_TEXT - 1].rstrip() + _CUT_MARK, is_cut=True)
