"""The outbox: effects as rows, stored with the change that causes them, then claimed and settled.

    pending ──claim──▶ claimed ──settle──▶ done | dropped
       ▲  ▲             ├──retry later──▶ pending
       │  └─predecessor─┤
       │    retried     └──give up──▶ dead ──retry──▶ pending
    blocked ◀── its predecessor is dead

Lanes are first in, first out; between lanes, only `after_effect_id` orders effects.
"""

import functools
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from incidents.engine.effects import Effect, encode
from incidents.incident.incident import Incident
from incidents.storage.database import Base, insert_rows


class EffectStatus(StrEnum):
    """The state of an effect in the diagram above."""

    PENDING = "pending"
    CLAIMED = "claimed"
    BLOCKED = "blocked"
    DONE = "done"
    DROPPED = "dropped"
    DEAD = "dead"


_UNSETTLED = (EffectStatus.PENDING, EffectStatus.CLAIMED, EffectStatus.BLOCKED)
# Why an effect waits that Slack or we ourselves limit: it knows when there is room.
RATE_LIMITED = "ratelimited"
_PASSED = (EffectStatus.DONE, EffectStatus.DROPPED)


class EffectRow(Base):
    """One effect and its progress."""

    __tablename__ = "effects"
    __table_args__ = (
        Index("ix_effects_lane_position", "lane", "position"),
        Index("ix_effects_workspace_id_status_due_at", "workspace_id", "status", "due_at"),
        Index(
            "uq_effects_coalesce_key",
            "coalesce_key",
            unique=True,
            sqlite_where=text("status = 'pending' AND coalesce_key IS NOT NULL"),
            postgresql_where=text("status = 'pending' AND coalesce_key IS NOT NULL"),
        ),
    )

    position: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    id: Mapped[uuid.UUID] = mapped_column(unique=True)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    entry_id: Mapped[uuid.UUID | None]
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    lane: Mapped[str]
    coalesce_key: Mapped[str | None]
    after_effect_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    status: Mapped[str] = mapped_column(default=EffectStatus.PENDING)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None]
    # True if an earlier attempt may have succeeded: look before repeating.
    is_uncertain: Mapped[bool] = mapped_column(default=False)
    progress: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    error: Mapped[str | None]
    settled_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class Planned:
    """An effect to store: its id (usually derived from the entry), its lane, its predecessor."""

    id: uuid.UUID
    effect: Effect
    lane: str
    after_effect_id: uuid.UUID | None = None
    coalesce_key: str | None = None
    entry_id: uuid.UUID | None = None


async def add(
    session: AsyncSession, planned: Sequence[Planned], *, workspace_id: uuid.UUID, now: datetime
) -> None:
    """Store the effects, except refreshes for which the same one is already waiting."""
    waiting = await _waiting_refreshes(session, planned)
    standing_in: dict[uuid.UUID, uuid.UUID] = {}
    rows: list[dict[str, Any]] = []
    for plan in planned:
        if plan.coalesce_key is not None:
            other = waiting.setdefault(plan.coalesce_key, plan.id)
            if other != plan.id:
                standing_in[plan.id] = other
                continue
        values = _values(plan, workspace_id=workspace_id, now=now)
        if plan.after_effect_id in standing_in:
            values["after_effect_id"] = standing_in[plan.after_effect_id]
        rows.append(values)
    if not rows:
        return
    # The rows they point at may not be written yet. One statement assigns positions in order;
    # objects would need one statement each, to learn their positions.
    await session.flush()
    await insert_rows(session, EffectRow, rows)


def _values(plan: Planned, *, workspace_id: uuid.UUID, now: datetime) -> dict[str, Any]:
    return {
        "id": plan.id,
        "workspace_id": workspace_id,
        "incident_id": plan.effect.incident_id,
        "entry_id": plan.entry_id,
        "kind": plan.effect.kind,
        "payload": encode(plan.effect),
        "lane": plan.lane,
        "coalesce_key": plan.coalesce_key,
        "after_effect_id": plan.after_effect_id,
        "status": EffectStatus.PENDING,
        "created_at": now,
        "due_at": now,
        "attempts": 0,
        "is_uncertain": False,
        "progress": {},
    }


async def _waiting_refreshes(
    session: AsyncSession, planned: Sequence[Planned]
) -> dict[str, uuid.UUID]:
    keys = [plan.coalesce_key for plan in planned if plan.coalesce_key is not None]
    if not keys:
        return {}
    # Locked, so that nobody claims one and renders the old state before this change is committed.
    rows = await session.execute(_WAITING, {"keys": keys})
    return {key: effect_id for key, effect_id in rows if key is not None}


_WAITING = (
    select(EffectRow.coalesce_key, EffectRow.id)
    .where(
        EffectRow.coalesce_key.in_(bindparam("keys", expanding=True)),
        EffectRow.status.in_((EffectStatus.PENDING, EffectStatus.BLOCKED)),
    )
    .with_for_update()
)


@functools.cache
def _due(*, kinds: tuple[str, ...]) -> Any:
    """Return the query for claimable effects, cached: building it takes longer than running it.

    Parameters: `workspace`, `now`, `most`.
    """
    earlier, predecessor = aliased(EffectRow), aliased(EffectRow)
    first_in_lane = ~(
        select(earlier.position)
        .where(
            earlier.lane == EffectRow.lane,
            earlier.position < EffectRow.position,
            earlier.status.in_(_UNSETTLED),
        )
        .exists()
    )
    waits = (
        select(predecessor.position)
        .where(predecessor.id == EffectRow.after_effect_id, predecessor.status.not_in(_PASSED))
        .exists()
    )
    return (
        select(EffectRow)
        .where(
            EffectRow.workspace_id == bindparam("workspace"),
            EffectRow.status == EffectStatus.PENDING,
            EffectRow.due_at <= bindparam("now"),
            # Literals instead of forty parameters: kinds are names in our code, so this is safe.
            EffectRow.kind.in_([literal_column(f"'{kind}'") for kind in kinds]),
            or_(EffectRow.after_effect_id.is_(None), ~waits),
            first_in_lane,
        )
        .order_by(EffectRow.position)
        .limit(bindparam("most", type_=Integer))
    )


@functools.cache
def _claimable(*, kinds: tuple[str, ...]) -> Any:
    return _due(kinds=kinds).with_for_update(of=EffectRow, skip_locked=True)


async def has_due(
    session: AsyncSession, *, workspace_id: uuid.UUID, now: datetime, kinds: Sequence[str]
) -> bool:
    """Tell whether an effect could be claimed now."""
    given = {"workspace": workspace_id, "now": now, "most": 1}
    return (await session.execute(_due(kinds=tuple(kinds)), given)).first() is not None


async def claim(
    session: AsyncSession,
    *,
    workspace_id: uuid.UUID,
    holder: str,
    now: datetime,
    limit: int,
    kinds: Sequence[str],
) -> list[EffectRow]:
    """Claim at most `limit` effects that are due and first in their lanes.

    `kinds` are those that the caller can carry out; another version may have stored others.
    """
    given = {"workspace": workspace_id, "now": now, "most": limit}
    result = await session.execute(_claimable(kinds=tuple(kinds)), given)
    rows: list[EffectRow] = list(result.scalars())
    for row in rows:
        row.status = EffectStatus.CLAIMED
        row.claimed_at = now
        row.claimed_by = holder
        row.attempts += 1
    return rows


async def get_effects(
    session: AsyncSession, effect_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, EffectRow]:
    """Return the effects' rows by id, locked in order of position."""
    effect_ids = list(effect_ids)
    if not effect_ids:
        return {}
    rows = (await session.execute(_BY_IDS, {"ids": effect_ids})).scalars()
    return {row.id: row for row in rows}


_BY_IDS = (
    select(EffectRow)
    .where(EffectRow.id.in_(bindparam("ids", expanding=True)))
    .order_by(EffectRow.position)
    .with_for_update()
)


async def get_effect(session: AsyncSession, effect_id: uuid.UUID) -> EffectRow:
    """Return the effect's row, locked. Raises: NoResultFound."""
    query = select(EffectRow).where(EffectRow.id == effect_id).with_for_update()
    return (await session.execute(query)).scalar_one()


def settle(
    row: EffectRow, *, status: EffectStatus, now: datetime, error: str | None = None
) -> None:
    """End an effect as done or dropped; `error` says why it was dropped."""
    row.status = status
    row.settled_at = now
    row.error = error


async def postpone(
    session: AsyncSession,
    row: EffectRow,
    *,
    now: datetime,
    due_at: datetime,
    error: str,
    is_uncertain: bool,
) -> None:
    """Return a claimed effect to pending for a later attempt.

    A refresh gives way to a newer one that waits already, unless it may have posted a message:
    only a second attempt of its own would find that.
    """
    row.is_uncertain = row.is_uncertain or is_uncertain
    newer = await _find_newer(session, row)
    if newer is not None and not row.is_uncertain:
        settle(row, status=EffectStatus.DROPPED, now=now, error="a newer one waits")
        await session.execute(
            update(EffectRow)
            .where(EffectRow.after_effect_id == row.id, EffectRow.status == EffectStatus.PENDING)
            .values(after_effect_id=newer)
        )
        return
    row.status = EffectStatus.PENDING
    row.due_at = due_at
    row.error = error
    if newer is not None:
        row.coalesce_key = None  # the partial unique index allows only one


async def _find_newer(session: AsyncSession, row: EffectRow) -> uuid.UUID | None:
    if row.coalesce_key is None:
        return None
    query = select(EffectRow.id).where(
        EffectRow.coalesce_key == row.coalesce_key,
        EffectRow.status == EffectStatus.PENDING,
        EffectRow.id != row.id,
    )
    return (await session.execute(query)).scalar_one_or_none()


async def hasten(
    session: AsyncSession, *, workspace_id: uuid.UUID, now: datetime, claimed_before: datetime
) -> None:
    """Make due at once what waits after a failure, if it was claimed before that time."""
    await session.execute(
        update(EffectRow)
        .where(
            EffectRow.workspace_id == workspace_id,
            EffectRow.status == EffectStatus.PENDING,
            EffectRow.due_at > now,
            EffectRow.claimed_at < claimed_before,
            EffectRow.error != RATE_LIMITED,
        )
        .values(due_at=now)
        .execution_options(synchronize_session=False)
    )


async def dead_letter(session: AsyncSession, row: EffectRow, *, now: datetime, error: str) -> None:
    """Make an effect a dead letter; effects that depend on it become blocked."""
    settle(row, status=EffectStatus.DEAD, now=now, error=error)
    await session.execute(
        update(EffectRow)
        .where(EffectRow.after_effect_id == row.id, EffectRow.status == EffectStatus.PENDING)
        .values(status=EffectStatus.BLOCKED)
    )


async def requeue(session: AsyncSession, row: EffectRow, *, now: datetime) -> None:
    """Requeue a dead letter; effects that it blocked wait for it again."""
    row.status = EffectStatus.PENDING
    row.due_at = now
    row.settled_at = None
    row.attempts = 0
    # The last attempt may have succeeded after all.
    row.is_uncertain = True
    row.coalesce_key = None
    await _unblock(session, row.id)


async def give_up(session: AsyncSession, row: EffectRow, *, now: datetime, reason: str) -> None:
    """Drop a dead letter for good; effects that it blocked continue without it."""
    settle(row, status=EffectStatus.DROPPED, now=now, error=reason)
    await _unblock(session, row.id)


async def _unblock(session: AsyncSession, effect_id: uuid.UUID) -> None:
    await session.execute(
        update(EffectRow)
        .where(EffectRow.after_effect_id == effect_id, EffectRow.status == EffectStatus.BLOCKED)
        .values(status=EffectStatus.PENDING)
    )


async def release_abandoned(
    session: AsyncSession,
    *,
    workspace_id: uuid.UUID,
    now: datetime,
    look_after: timedelta,
    claimed_before: datetime | None = None,
    under_way: Collection[uuid.UUID] = (),
) -> int:
    """Requeue claimed effects that nobody carries out any more; their calls may have happened.

    Only the holder of the workspace's lease may call this; its own claims are `under_way`. An
    effect is due after `look_after`, when no call of a process that just died can be under way.
    """
    query = select(EffectRow).where(
        EffectRow.workspace_id == workspace_id, EffectRow.status == EffectStatus.CLAIMED
    )
    if claimed_before is not None:
        query = query.where(EffectRow.claimed_at < claimed_before)
    claimed = (await session.execute(query.with_for_update())).scalars()
    rows = [row for row in claimed if row.id not in under_way]
    for row in rows:
        due_at = now + look_after
        await postpone(
            session, row, now=now, due_at=due_at, error="process gone", is_uncertain=True
        )
    return len(rows)


async def count_by_status(
    session: AsyncSession,
    *,
    statuses: Iterable[EffectStatus] = _UNSETTLED,
    with_private: bool = True,
) -> dict[str, int]:
    """Count the effects in each of the statuses, if wanted without those of private incidents."""
    query = (
        select(EffectRow.status, func.count())
        .where(EffectRow.status.in_(tuple(statuses)))
        .group_by(EffectRow.status)
    )
    if not with_private:
        private = select(Incident.id).where(Incident.is_private)
        is_public = EffectRow.incident_id.is_(None) | EffectRow.incident_id.not_in(private)
        query = query.where(is_public)
    return {row[0]: row[1] for row in await session.execute(query)}
