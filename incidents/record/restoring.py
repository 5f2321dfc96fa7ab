"""What a restore does to the record, so that nothing is given out, sent or missing unexplained.

Numbers aren't given twice, effects look before they are carried out again, and the audit log has
the gap. Of each reminder there is only one (`engine/reminders.py`), and its rule knows the absence.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from incidents.core.hash_chain import instant_text
from incidents.engine import settling
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.numbers import Counter
from incidents.incident.timeline import TimelineEntry
from incidents.record.audit_log import AuditEntry, AuditKind, audit
from incidents.storage import leases
from incidents.storage.database import kept_text

MAX_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The last numbers that were given out before the loss; 0 leaves a counter as it is."""

    last_incident: int = 0
    last_drill: int = 0
    reason: str = ""

    def and_also(self, other: "Restored") -> "Restored":
        """Return the higher numbers of both, with our reason."""
        return Restored(
            last_incident=max(self.last_incident, other.last_incident),
            last_drill=max(self.last_drill, other.last_drill),
            reason=self.reason,
        )


async def note_restore(uow: UnitOfWork, *, restored: Restored) -> Outcome:
    """Make a restored database safe to serve; for the operator, while no process serves it.

    Counting goes on after the lost numbers. Effects that wait look first whether they have happened
    in Slack. The audit log says so.
    """
    lasts = (("incident", restored.last_incident), ("drill", restored.last_drill))
    gaps = [await _lose(uow, name, last) for name, last in lasts]
    lost = [gap for gap in gaps if gap is not None]
    await leases.forget(uow.session, workspace_id=uow.workspace_id)
    doubted = await settling.doubt_unsettled(
        uow.session, workspace_id=uow.workspace_id, now=uow.now
    )
    newest_at = await _newest_entry_at(uow)
    content = {
        "lost": lost,
        "newest_at": instant_text(newest_at) if newest_at is not None else None,
        "doubted": doubted,
        "reason": kept_text(restored.reason, most=MAX_REASON),
    }
    entry = await audit(uow, AuditKind.RESTORED, content)
    return Outcome("restored", data={**content, "sequence": entry.sequence})


async def _newest_entry_at(uow: UnitOfWork) -> datetime | None:
    query = select(func.max(TimelineEntry.recorded_at)).where(
        TimelineEntry.workspace_id == uow.workspace_id
    )
    newest_at: datetime | None = (await uow.session.execute(query)).scalar_one()
    return newest_at


async def _lose(uow: UnitOfWork, name: str, last: int) -> dict[str, str | int] | None:
    """Go on counting after `last`; return the gap, or None if the record has that number."""
    query = (
        select(Counter)
        .where(Counter.workspace_id == uow.workspace_id, Counter.name == name)
        .with_for_update()
    )
    counter = (await uow.session.execute(query)).scalar_one_or_none()
    first = (counter.value if counter else 0) + 1
    if last < first:
        return None
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
