"""Verifies the stored stages against the audit log."""

import uuid
from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.hash_chain import Flaw
from incidents.record.audit_log import AuditEntry, AuditKind
from incidents.rights.stages import StageRecord
from incidents.supervision.stage_changes import note_hash

_KINDS = (AuditKind.STAGE_SET, AuditKind.SIGNED_OFF)


async def verify_stages(session: AsyncSession, *, workspace_id: uuid.UUID) -> tuple[Flaw, ...]:
    """Return every stage record that differs from the audit log, by the log's sequence."""
    of_workspace = select(StageRecord).where(StageRecord.workspace_id == workspace_id)
    records = {
        record.audit_entry_id: record for record in (await session.execute(of_workspace)).scalars()
    }
    query = (
        select(AuditEntry)
        .where(AuditEntry.workspace_id == workspace_id, AuditEntry.kind.in_(_KINDS))
        .order_by(AuditEntry.sequence)
    )
    entries = (await session.execute(query)).scalars().all()
    flaws = list(_compared(entries, records))
    known = {entry.id for entry in entries}
    flaws += [
        Flaw(record.position, "stage_unknown")
        for record in records.values()
        if record.audit_entry_id not in known
    ]
    return tuple(flaws)


def _compared(
    entries: Sequence[AuditEntry], records: dict[uuid.UUID, StageRecord]
) -> Iterator[Flaw]:
    for entry in entries:
        record = records.get(entry.id)
        if record is None:
            yield Flaw(entry.sequence, "stage_missing")
        elif not _agrees(entry, record):
            yield Flaw(entry.sequence, "stage_changed")


def _agrees(entry: AuditEntry, record: StageRecord) -> bool:
    is_same = (
        record.position == entry.sequence
        and record.person_id == entry.subject_id
        and record.is_sign_off == (entry.kind == AuditKind.SIGNED_OFF)
        and record.set_by_id == entry.actor_id
        and record.set_by_name == entry.actor_name
        and record.set_at == entry.recorded_at
    )
    if entry.content is None:
        return is_same  # redacted: the content can't be compared any more
    said = {
        "record_id": str(record.id),
        "role_key": record.role_key,
        "service_key": record.service_key,
        "stage": record.stage,
        "note_hash": note_hash(record),
    }
    return is_same and all(entry.content.get(key) == value for key, value in said.items())
