"""What only the operator does to the record: note a restored backup, erase an audit entry.

A restore's gap goes to the audit log, so that no number is missing without a word or given twice.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from incidents.core.errors import AlreadySo, InvalidInput
from incidents.core.hash_chain import instant_text
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Counter
from incidents.incident.timeline import TimelineEntry
from incidents.record.audit_log import AuditEntry, AuditKind, audit, lock_log
from incidents.record.words import REDACTED_TEXT
from incidents.storage.database import kept_text

MAX_REASON = 500

# What people wrote, and what names them: all that an audit entry loses.
_PERSONAL = frozenset(
    {
        *("reason", "text", "person_external_id", "person_name"),
        *("mentor_external_id", "mentor_name"),
    }
)
_ADDRESS = re.compile(r"\S+@\S+\.\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The last numbers that were given out before the loss; 0 leaves a counter as it is."""

    last_incident: int = 0
    last_drill: int = 0
    reason: str = ""


async def note_restore(uow: UnitOfWork, *, restored: Restored) -> Outcome:
    """Record which numbers a restore lost, and go on counting after them; for the operator.

    Raises: InvalidInput for a number that the restored record already holds.
    """
    lost = []
    for name, last in (("incident", restored.last_incident), ("drill", restored.last_drill)):
        if last:
            lost.append(await _lose(uow, name, last))
    newest = await uow.session.execute(
        select(func.max(TimelineEntry.recorded_at)).where(
            TimelineEntry.workspace_id == uow.workspace_id
        )
    )
    newest_at: datetime | None = newest.scalar_one()
    content = {
        "lost": lost,
        "newest_at": instant_text(newest_at) if newest_at is not None else None,
        "reason": kept_text(restored.reason, most=MAX_REASON),
    }
    entry = await audit(uow, AuditKind.RESTORED, content)
    return Outcome("restored", data={"lost": lost, "sequence": entry.sequence})


async def _lose(uow: UnitOfWork, name: str, last: int) -> dict[str, str | int]:
    query = (
        select(Counter)
        .where(Counter.workspace_id == uow.workspace_id, Counter.name == name)
        .with_for_update()
    )
    counter = (await uow.session.execute(query)).scalar_one_or_none()
    first = (counter.value if counter else 0) + 1
    if last < first:
        raise InvalidInput(name, f"is already on the record: the newest number is {first - 1}")
    if counter is None:
        counter = Counter(workspace_id=uow.workspace_id, name=name, value=last)
        uow.session.add(counter)
    counter.value = last
    await uow.flush()
    return {"counter": name, "first": first, "last": last}


def lost_numbers(log: Iterable[AuditEntry], *, counter: str) -> tuple[range, ...]:
    """Return the numbers that restores lost, as the audit log has them."""
    contents = (entry.content for entry in log if entry.kind == AuditKind.RESTORED)
    gaps = [
        gap
        for content in contents
        if isinstance(content, dict) and isinstance(content.get("lost"), list)
        for gap in content["lost"]
        if isinstance(gap, dict) and gap.get("counter") == counter
    ]
    return tuple(
        range(gap["first"], gap["last"] + 1)
        for gap in gaps
        if isinstance(gap.get("first"), int) and isinstance(gap.get("last"), int)
    )


async def redact_audit_entry(uow: UnitOfWork, *, sequence: int, reason: str) -> Outcome:
    """Erase the words and names in an audit entry for good; a new entry says who did it, and why.

    In one step: whoever runs the command has the database anyway. So the new entry keeps what was
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


def _impersonal(value: Any) -> Any:
    """Return a JSON value without words, names and addresses."""
    match value:
        case str():
            return _ADDRESS.sub(REDACTED_TEXT, value)
        case Mapping():
            return {name: _impersonal(one) for name, one in value.items() if name not in _PERSONAL}
        case list() | tuple():
            return [_impersonal(one) for one in value]
    return value
