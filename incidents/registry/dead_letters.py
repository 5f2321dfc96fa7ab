"""Dead letters for the operator: what Slack refused for good, by cause; retried or dropped together.

People retry them one by one, with the button under the report in the incident's channel.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import InvalidInput
from incidents.core.ids import Reference
from incidents.engine import settling
from incidents.engine.entries import EffectRetried
from incidents.engine.events import EntryMessagesOutdated
from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, Incident
from incidents.record.audit_log import AuditKind, audit
from incidents.storage.database import kept_text

MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An effect that Slack refused for good; `error` is Slack's code."""

    id: uuid.UUID
    effect_kind: str
    error: str
    died_at: datetime
    reference: Reference | None


@dataclass(frozen=True, slots=True)
class Cause:
    """Dead letters of the same kind with the same error, the oldest first."""

    effect_kind: str
    error: str
    letters: tuple[DeadLetter, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """Return the incidents that are affected, without repeats."""
        named = (letter.reference for letter in self.letters)
        return tuple(dict.fromkeys(one for one in named if one is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which dead letters are meant: those with these ids (or their beginnings) or this error.

    Without either, all of them.
    """

    ids: tuple[str, ...] = ()
    error: str | None = None

    def holds(self, row: EffectRow) -> bool:
        """Tell whether a dead letter is meant."""
        if self.ids:
            return any(str(row.id).startswith(wanted) for wanted in self.ids)
        if self.error is None:
            return True
        # `missing_scope` means also `missing_scope: pins:write`.
        return row.error == self.error or (row.error or "").startswith(f"{self.error}: ")


async def find_causes(
    session: AsyncSession, *, workspace_id: uuid.UUID | None = None
) -> tuple[Cause, ...]:
    """Return all dead letters by cause, the most frequent first; None: of all workspaces."""
    query = (
        select(EffectRow, Incident.number, Incident.is_drill)
        .outerjoin(Incident, Incident.id == EffectRow.incident_id)
        .where(EffectRow.status == EffectStatus.DEAD)
        .order_by(EffectRow.settled_at, EffectRow.position)
    )
    if workspace_id is not None:
        query = query.where(EffectRow.workspace_id == workspace_id)
    found: dict[tuple[str, str], list[DeadLetter]] = {}
    for row, number, is_drill in await session.execute(query):
        has_incident = row.incident_id is not None
        reference = Reference(number, is_drill=is_drill) if has_incident else None
        died_at = row.settled_at or row.created_at
        letter = DeadLetter(row.id, row.kind, row.error or "", died_at, reference)
        found.setdefault((letter.effect_kind, letter.error), []).append(letter)
    causes = (Cause(*key, tuple(letters)) for key, letters in found.items())
    return tuple(sorted(causes, key=lambda cause: -len(cause.letters)))


async def count_causes(session: AsyncSession, *, workspace_id: uuid.UUID) -> dict[str, int]:
    """Return how many dead letters there are, by kind and error."""
    query = (
        select(EffectRow.kind, EffectRow.error, func.count())
        .where(EffectRow.workspace_id == workspace_id, EffectRow.status == EffectStatus.DEAD)
        .group_by(EffectRow.kind, EffectRow.error)
        .order_by(func.count().desc(), EffectRow.kind, EffectRow.error)
    )
    return {f"{kind}: {error}": count for kind, error, count in await session.execute(query)}


async def retry_dead_letters(uow: UnitOfWork, *, chosen: Chosen) -> Outcome:
    """Requeue the chosen dead letters; for the operator.

    They keep their places in their lanes, and each looks first whether it has happened after all.
    """
    rows = await _chosen(uow, chosen)
    for row in rows:
        await settling.requeue(uow.session, row, now=uow.now)
        if row.incident_id is not None and await settling.is_on_timeline(uow, row):
            incident = await uow.get_incident(ById(row.incident_id))
            uow.record(incident, EffectRetried(effect_id=row.id, effect_kind=row.kind))
    uow.wake_others()
    return Outcome("dead_letters_retried", data={"count": len(rows)})


async def drop_dead_letters(uow: UnitOfWork, *, chosen: Chosen, reason: str) -> Outcome:
    """Drop the chosen dead letters for good, with the reason on the audit log; for the operator.

    What waited behind them continues without them.

    Raises: InvalidInput without a reason.
    """
    why = kept_text(reason, most=MAX_REASON)
    if not why:
        raise InvalidInput("reason", "empty", "The channel was deleted")
    rows = await _chosen(uow, chosen)
    if not rows:
        return Outcome("dead_letters_dropped", data={"count": 0})
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        cause = (row.kind, row.error or "")
        counts[cause] = counts.get(cause, 0) + 1
        await settling.give_up(uow.session, row, now=uow.now, reason=f"dropped: {why}")
    causes = [
        {"effect_kind": kind, "error": error, "count": count}
        for (kind, error), count in counts.items()
    ]
    content = {"causes": causes, "effects": [str(row.id) for row in rows], "reason": why}
    entry = await audit(uow, AuditKind.DEAD_LETTERS_DROPPED, content)
    # Their reports in the channels lose the button.
    for incident_id in dict.fromkeys(row.incident_id for row in rows):
        if incident_id is not None:
            uow.emit(EntryMessagesOutdated(), await uow.get_incident(ById(incident_id)))
    uow.wake_others()
    data = {"count": len(rows), "sequence": entry.sequence}
    return Outcome("dead_letters_dropped", data=data)


async def _chosen(uow: UnitOfWork, chosen: Chosen) -> Sequence[EffectRow]:
    """Return the chosen dead letters, locked in the order of their lanes."""
    query = (
        select(EffectRow)
        .where(EffectRow.workspace_id == uow.workspace_id, EffectRow.status == EffectStatus.DEAD)
        .order_by(EffectRow.position)
        .with_for_update()
    )
    rows = (await uow.session.execute(query)).scalars()
    return [row for row in rows if chosen.holds(row)]
