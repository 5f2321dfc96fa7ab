"""How effects end or wait again: settled, postponed, dead on the timeline, requeued by people."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import Superseded
from incidents.core.people import Person
from incidents.core.sentences import Who
from incidents.engine.effects import Effect, effect_types, encode
from incidents.engine.entries import EffectFailed, EffectRetried
from incidents.engine.outbox import EffectRow, EffectStatus, get_effect
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import Action

# Why an effect waits that Slack or we ourselves limit: it knows when there is room.
RATE_LIMITED = "ratelimited"


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
    row.claimed_at, row.due_at = now, due_at
    row.error = error
    if newer is not None:
        # The partial unique index allows only one; it stays a refresh.
        row.coalesce_key = f"{row.coalesce_key}~{row.id}"


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
    session: AsyncSession, *, workspace_id: uuid.UUID, now: datetime, look_after: timedelta
) -> None:
    """Make due what waits after a failure, but no sooner than `look_after` its attempt."""
    waiting = update(EffectRow).where(
        EffectRow.workspace_id == workspace_id,
        EffectRow.status == EffectStatus.PENDING,
        EffectRow.error != RATE_LIMITED,
    )
    for due_at, attempted in (
        (now, EffectRow.claimed_at < now - look_after),
        (now + look_after, EffectRow.claimed_at >= now - look_after),
    ):
        hastened = waiting.where(EffectRow.due_at > due_at, attempted).values(due_at=due_at)
        await session.execute(hastened.execution_options(synchronize_session=False))


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
    row.claimed_at, row.due_at = None, now
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
    under_way: Collection[uuid.UUID] = (),
) -> int:
    """Requeue claimed effects that nobody carries out any more; their calls may have happened.

    Only the holder of the workspace's lease may call this; its own claims that it knows of are
    `under_way`. An effect is due after `look_after`, when no call of a process that just died can
    be under way.
    """
    query = select(EffectRow).where(
        EffectRow.workspace_id == workspace_id, EffectRow.status == EffectStatus.CLAIMED
    )
    claimed = (await session.execute(query.with_for_update())).scalars()
    rows = [row for row in claimed if row.id not in under_way]
    for row in rows:
        due_at = now + look_after
        await postpone(
            session, row, now=now, due_at=due_at, error="process gone", is_uncertain=True
        )
    return len(rows)


async def doubt_unsettled(session: AsyncSession, *, workspace_id: uuid.UUID, now: datetime) -> int:
    """Let every unsettled effect look first whether it has happened; return how many there are.

    For a restored database: since the backup was made, most of them have.
    """
    await release_abandoned(session, workspace_id=workspace_id, now=now, look_after=timedelta(0))
    waiting = (
        update(EffectRow)
        .where(
            EffectRow.workspace_id == workspace_id,
            EffectRow.status.in_((EffectStatus.PENDING, EffectStatus.BLOCKED)),
        )
        .values(is_uncertain=True, attempts=0, due_at=EffectRow.created_at)
        .returning(EffectRow.id)
        .execution_options(synchronize_session=False)
    )
    await session.flush()
    return len((await session.execute(waiting)).scalars().all())


# -- dead letters -----------------------------------------------------------------------------


async def record_failure(uow: UnitOfWork, *, row: EffectRow, error: str) -> None:
    """Record on the timeline that an effect became a dead letter, if that belongs there."""
    if row.incident_id is not None and await is_on_timeline(uow, row):
        incident = await uow.get_incident(ById(row.incident_id))
        failed = EffectFailed(
            effect_id=row.id,
            effect_kind=row.kind,
            error=error,
            author_id=await _author_of(uow, row),
            person=await _person_of(uow.session, row),
        )
        uow.record(incident, failed)


async def _author_of(uow: UnitOfWork, row: EffectRow) -> uuid.UUID | None:
    """Return whose words an effect should have shown in the channel."""
    effect_type = effect_types().get(row.kind)
    is_theirs = effect_type is not None and effect_type.shows_entry
    if not is_theirs or row.entry_id is None or row.payload.get("person_id"):
        return None
    entry = await uow.session.get(TimelineEntry, row.entry_id)
    return entry.actor_id if entry is not None else None


async def is_on_timeline(uow: UnitOfWork, row: EffectRow) -> bool:
    """Tell whether the timeline has what becomes of a failed effect.

    Failures of messages about a failure aren't recorded: that would never end. Neither are those
    of one person's own effects, which are private.
    """
    effect_type = effect_types().get(row.kind)
    if effect_type is not None and effect_type.one_persons_own:
        return False
    return row.incident_id is not None and not await _is_about_failure(uow, row)


async def _is_about_failure(uow: UnitOfWork, row: EffectRow) -> bool:
    if row.entry_id is None:
        return False
    entry = await uow.session.get(TimelineEntry, row.entry_id)
    return entry is not None and entry.kind == EffectFailed.kind


async def _person_of(session: AsyncSession, row: EffectRow) -> Who | None:
    person_id = row.payload.get("person_id")
    person = await session.get(Person, uuid.UUID(person_id)) if person_id else None
    return Who(person.name, person.id) if person is not None and person.name else None


async def retry_effect(uow: UnitOfWork, effect_id: uuid.UUID) -> Outcome:
    """Requeue a dead letter. Raises: Superseded if it is no longer one; NotPermitted."""
    row = await _get_dead(uow, effect_id)
    incident = await uow.get_incident(ById(_incident_id(row)))
    await uow.permit(Action.RETRY_EFFECT, incident)
    await requeue(uow.session, row, now=uow.now)
    uow.wake_others()
    uow.record(incident, EffectRetried(effect_id=row.id, effect_kind=row.kind))
    return Outcome("effect_retried", incident.id, {"effect_kind": row.kind})


async def is_dead(session: AsyncSession, effect_id: uuid.UUID) -> bool:
    """Tell whether an effect is a dead letter, which somebody may try again."""
    query = select(EffectRow.status).where(EffectRow.id == effect_id)
    return (await session.execute(query)).scalar_one_or_none() == EffectStatus.DEAD


async def has_dead_letter(session: AsyncSession, effect: Effect) -> bool:
    """Tell whether the same effect is a dead letter already."""
    return encode(effect) in await _dead_payloads(session, effect)


async def has_dead_sibling(session: AsyncSession, effect: Effect) -> bool:
    """Tell whether any effect of this kind in its incident is a dead letter already."""
    return bool(await _dead_payloads(session, effect))


async def _dead_payloads(session: AsyncSession, effect: Effect) -> Sequence[dict[str, Any]]:
    query = select(EffectRow.payload).where(
        EffectRow.incident_id == effect.incident_id,
        EffectRow.kind == effect.kind,
        EffectRow.status == EffectStatus.DEAD,
    )
    return (await session.execute(query)).scalars().all()


async def _get_dead(uow: UnitOfWork, effect_id: uuid.UUID) -> EffectRow:
    try:
        row = await get_effect(uow.session, effect_id)
    except NoResultFound:
        raise Superseded("effect") from None
    if row.workspace_id != uow.workspace_id or row.status != EffectStatus.DEAD:
        raise Superseded("effect")
    return row


def _incident_id(row: EffectRow) -> uuid.UUID:
    if row.incident_id is None:
        raise Superseded("effect")
    return row.incident_id
