"""What a restore does to the record: its gap goes to the audit log, and counting goes on after it.

So no number is missing without an explanation, or given twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from incidents.core.errors import InvalidInput
from incidents.core.hash_chain import instant_text
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.numbers import Counter
from incidents.incident.timeline import TimelineEntry
from incidents.record.audit_log import AuditEntry, AuditKind, audit
from incidents.storage.database import kept_text

MAX_REASON = 500


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
