"""Verifies the stored stages against the audit log."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.hash_chain import Flaw
from incidents.record.audit_log import AuditEntry, AuditKind
from incidents.rights.stages import StageRecord
from incidents.storage.checked_rows import read_rows
from incidents.supervision.stage_changes import note_hash

_KINDS = (AuditKind.STAGE_SET, AuditKind.SIGNED_OFF)


async def verify_stages(
    session: AsyncSession, log: Iterable[AuditEntry], *, workspace_id: uuid.UUID
) -> tuple[Flaw, ...]:
    """Return every stage record that differs from the audit log, by the log's sequence."""
    rows = await read_rows(
        session,
        StageRecord,
        StageRecord.workspace_id == workspace_id,
        order_by=StageRecord.position,
    )
    records = {row.audit_entry_id: row for row in rows if isinstance(row, StageRecord)}
    given = tuple(log)
    entries = [entry for entry in given if entry.kind in _KINDS]
    flaws = list(_compared(entries, records, kept=_kept_by_redactions(given)))
    known = {entry.id for entry in entries}
    flaws += [
        Flaw(record.position, "stage_unknown")
        for record in records.values()
        if record.audit_entry_id not in known
    ]
    return tuple(flaws)


def _kept_by_redactions(log: Iterable[AuditEntry]) -> Mapping[str, Any]:
    """Return what redactions kept of stage entries, by the entry's id: all but names."""
    erasing = (entry.content for entry in log if entry.kind == AuditKind.REDACTED)
    return {str(one.get("entry_id")): one.get("kept") for one in erasing if isinstance(one, dict)}


def _compared(
    entries: Sequence[AuditEntry],
    records: dict[uuid.UUID, StageRecord],
    *,
    kept: Mapping[str, Any],
) -> Iterator[Flaw]:
    for entry in entries:
        record = records.get(entry.id)
        if record is None:
            yield Flaw(entry.sequence, "stage_missing")
        elif not _agrees(entry, record, said=entry.content or kept.get(str(entry.id))):
            yield Flaw(entry.sequence, "stage_changed")


def _agrees(entry: AuditEntry, record: StageRecord, *, said: Any) -> bool:
    is_same = (
        record.position == entry.sequence
        and record.person_id == entry.subject_id
        and record.is_sign_off == (entry.kind == AuditKind.SIGNED_OFF)
        and record.set_by_id == entry.actor_id
        and record.set_by_name == entry.actor_name
        and record.set_at == entry.recorded_at
    )
    if not isinstance(said, dict):
        return is_same  # malformed: it can't be compared
    stored = {
        "record_id": str(record.id),
        "role_key": record.role_key,
        "service_key": record.service_key,
        "stage": record.stage,
        "up_to": record.up_to,
        "note_hash": note_hash(record),
    }
    return is_same and all(said.get(key) == value for key, value in stored.items())
