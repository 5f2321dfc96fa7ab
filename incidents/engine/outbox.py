"""The outbox: effects as rows, stored with the change that causes them, then claimed and settled.

    pending ──claim──▶ claimed ──settle──▶ done | dropped
       ▲  ▲             ├──retry later──▶ pending
       │  └─predecessor─┤
       │    retried     └──give up──▶ dead ──retry──▶ pending
    blocked ◀── its predecessor is dead

Lanes are first in, first out; between lanes, only `after_effect_id` orders effects. A refresh that
failed for now lets replies pass once its message is there, and what is broadcast even before.
"""

import functools
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from incidents.engine.effects import Effect, PostEntry, encode
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


# Literally the same in index and query: SQLite uses the index for no other condition.
_WAITS = "status IN ('pending', 'blocked')"
# The clocks of two processes may differ this much without one having been set.
CLOCKS_DIFFER = timedelta(seconds=5)

_UNSETTLED = (EffectStatus.PENDING, EffectStatus.CLAIMED, EffectStatus.BLOCKED)
_PASSED = (EffectStatus.DONE, EffectStatus.DROPPED)


class EffectRow(Base):
    """One effect and its progress."""

    __tablename__ = "effects"
    __table_args__ = (
        Index("ix_effects_lane_position", "lane", "position"),
        Index("ix_effects_workspace_id_status_due_at", "workspace_id", "status", "due_at"),
        Index("ix_effects_workspace_id_settled_at", "workspace_id", "settled_at"),
        # Settled refreshes keep their keys, and are many.
        Index(
            "ix_effects_coalesce_key_waiting",
            "coalesce_key",
            sqlite_where=text(_WAITS),
            postgresql_where=text(_WAITS),
        ),
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
    correlation_id: Mapped[str] = mapped_column(default="")
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    lane: Mapped[str]
    coalesce_key: Mapped[str | None]
    after_effect_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    status: Mapped[str] = mapped_column(default=EffectStatus.PENDING)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    # While it waits again: when that attempt ended.
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
    # See `UnitOfWork.correlation_id`.
    correlation_id: str = ""


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
        "correlation_id": plan.correlation_id,
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
    rows = await session.execute(_waiting(), {"keys": keys})
    return {key: effect_id for key, effect_id in rows if key is not None}


@functools.cache
def _waiting() -> Any:
    return (
        select(EffectRow.coalesce_key, EffectRow.id)
        .where(
            EffectRow.coalesce_key.in_(bindparam("keys", expanding=True)),
            text(_WAITS),
        )
        .with_for_update()
    )


@functools.cache
def _due(*, kinds: tuple[str, ...]) -> Any:
    """Return the query for claimable effects, cached: building it takes longer than running it.

    Parameters: see `_given`.
    """
    predecessor = aliased(EffectRow)
    waits = (
        select(predecessor.position)
        .where(predecessor.id == EffectRow.after_effect_id, predecessor.status.not_in(_PASSED))
        .exists()
    )
    return (
        select(EffectRow)
        .outerjoin(Incident, Incident.id == EffectRow.incident_id)
        .where(
            EffectRow.workspace_id == bindparam("workspace"),
            EffectRow.status == EffectStatus.PENDING,
            # At once, unless an attempt asked for a wait. An attempt in the future means that the
            # clock was set back.
            or_(
                EffectRow.due_at <= bindparam("now"),
                EffectRow.claimed_at.is_(None),
                EffectRow.claimed_at > bindparam("soon"),
            ),
            # Literals instead of forty parameters: kinds are names in our code, so this is safe.
            EffectRow.kind.in_([literal_column(f"'{kind}'") for kind in kinds]),
            or_(EffectRow.after_effect_id.is_(None), ~waits),
            ~_is_behind(),
        )
        # What people wait for goes before what only keeps a message true; the worst severity goes
        # first where calls are limited, and what is about no incident is somebody's answer.
        .order_by(
            EffectRow.coalesce_key.is_not(None),
            func.coalesce(Incident.severity_rank, 0),
            EffectRow.position,
        )
        .limit(bindparam("most", type_=Integer))
    )


def _is_behind() -> ColumnElement[bool]:
    """Return whether an earlier effect of the lane isn't settled that isn't let pass."""
    earlier, shown, failing = aliased(EffectRow), aliased(EffectRow), aliased(EffectRow)
    is_refresh = (earlier.status == EffectStatus.PENDING) & earlier.coalesce_key.is_not(None)
    # It may itself be first, or wait behind an older one that may have posted the message.
    is_failing = exists().where(
        failing.lane == earlier.lane,
        failing.position <= earlier.position,
        failing.status == EffectStatus.PENDING,
        failing.coalesce_key.is_not(None),
        failing.claimed_at.is_not(None),
    )
    is_shown = exists().where(
        shown.lane == earlier.lane,
        shown.kind == earlier.kind,
        shown.position < earlier.position,
        shown.status == EffectStatus.DONE,
    )
    is_broadcast = EffectRow.payload["is_broadcast"].as_boolean()
    may_pass = and_(
        is_refresh,
        is_failing,
        EffectRow.coalesce_key.is_(None),
        or_(is_shown, and_(EffectRow.kind == PostEntry.kind, is_broadcast)),
    )
    return exists().where(
        earlier.lane == EffectRow.lane,
        earlier.position < EffectRow.position,
        earlier.status.in_(_UNSETTLED),
        ~func.coalesce(may_pass, false()),
    )


@functools.cache
def _claimable(*, kinds: tuple[str, ...]) -> Any:
    return _due(kinds=kinds).with_for_update(of=EffectRow, skip_locked=True)


def _given(workspace_id: uuid.UUID, *, now: datetime, most: int) -> dict[str, Any]:
    return {"workspace": workspace_id, "now": now, "soon": now + CLOCKS_DIFFER, "most": most}


async def has_due(
    session: AsyncSession, *, workspace_id: uuid.UUID, now: datetime, kinds: Sequence[str]
) -> bool:
    """Tell whether an effect could be claimed now."""
    given = _given(workspace_id, now=now, most=1)
    return (await session.execute(_due(kinds=tuple(kinds)), given)).first() is not None


async def claim(
    session: AsyncSession,
    *,
    workspace_id: uuid.UUID,
    holder: str,
    now: datetime,
    limit: int,
    refreshes: int,
    kinds: Sequence[str],
) -> list[EffectRow]:
    """Claim at most `limit` effects that are due and first in their lanes, refreshes last.

    Among both, the worst severities come first. At most `refreshes` are refreshes, so that what
    people wait for always finds a place. `kinds` are those that the caller can carry out; another
    version may have stored others.
    """
    given = _given(workspace_id, now=now, most=limit)
    result = await session.execute(_claimable(kinds=tuple(kinds)), given)
    due: list[EffectRow] = list(result.scalars())
    first = [row for row in due if row.coalesce_key is None]
    last = [row for row in due if row.coalesce_key is not None]
    rows = first + last[: max(refreshes, 0)]
    for row in rows:
        row.status = EffectStatus.CLAIMED
        row.claimed_at = now
        row.claimed_by = holder
        row.attempts += 1
    return rows


async def place_in_queue(session: AsyncSession, row: EffectRow, *, severity_rank: int) -> int:
    """Return the effect's place among those of its kind that aren't over: 1 if it is the next.

    Private incidents aren't counted: a number would tell that there are some.
    """
    is_before = or_(
        Incident.severity_rank < severity_rank,
        (Incident.severity_rank == severity_rank) & (EffectRow.position < row.position),
    )
    before = (
        select(func.count())
        .select_from(EffectRow)
        .join(Incident, Incident.id == EffectRow.incident_id)
        .where(
            EffectRow.workspace_id == row.workspace_id,
            EffectRow.status.in_(_UNSETTLED),
            EffectRow.kind == row.kind,
            Incident.is_private.is_(False),
            is_before,
        )
    )
    return 1 + (await session.execute(before)).scalar_one()


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


async def waiting_incidents(
    session: AsyncSession, kind: str, *, workspace_id: uuid.UUID
) -> set[uuid.UUID]:
    """Return the incidents for which an effect of this kind isn't settled."""
    query = select(EffectRow.incident_id).where(
        EffectRow.workspace_id == workspace_id,
        EffectRow.kind == kind,
        EffectRow.status.in_(_UNSETTLED),
        EffectRow.incident_id.is_not(None),
    )
    return {one for one in (await session.execute(query)).scalars() if one is not None}


async def count_by_status(
    session: AsyncSession,
    *,
    workspace_id: uuid.UUID,
    statuses: Iterable[EffectStatus] = _UNSETTLED,
    with_private: bool = True,
) -> dict[str, int]:
    """Count the effects in each of the statuses, if wanted without those of private incidents."""
    query = (
        select(EffectRow.status, func.count())
        .where(EffectRow.workspace_id == workspace_id, EffectRow.status.in_(tuple(statuses)))
        .group_by(EffectRow.status)
    )
    if not with_private:
        is_of_private = exists().where(Incident.id == EffectRow.incident_id, Incident.is_private)
        query = query.where(~is_of_private)
    return {row[0]: row[1] for row in await session.execute(query)}
