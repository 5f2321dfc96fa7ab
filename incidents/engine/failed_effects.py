"""Dead letters: recorded on the timeline, and requeued by people."""

import uuid

from sqlalchemy import select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import Superseded
from incidents.engine import outbox
from incidents.engine.effects import effect_types
from incidents.engine.entries import EffectFailed, EffectRetried
from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import Action


async def record_failure(uow: UnitOfWork, *, row: EffectRow, error: str) -> None:
    """Record on the timeline that an effect became a dead letter.

    Failures of messages about a failure aren't recorded: that would never end. Neither are those
    of one person's own effects, which are private.
    """
    effect_type = effect_types().get(row.kind)
    if effect_type is not None and effect_type.one_persons_own:
        return
    if row.incident_id is None or await _is_about_failure(uow, row):
        return
    incident = await uow.get_incident(ById(row.incident_id))
    uow.record(incident, EffectFailed(effect_id=row.id, effect_kind=row.kind, error=error))


async def _is_about_failure(uow: UnitOfWork, row: EffectRow) -> bool:
    if row.entry_id is None:
        return False
    entry = await uow.session.get(TimelineEntry, row.entry_id)
    return entry is not None and entry.kind == EffectFailed.kind


async def retry_effect(uow: UnitOfWork, effect_id: uuid.UUID) -> Outcome:
    """Requeue a dead letter. Raises: Superseded if it is no longer one; NotPermitted."""
    row = await _get_dead(uow, effect_id)
    incident = await uow.get_incident(ById(_incident_id(row)))
    await uow.permit(Action.RETRY_EFFECT, incident)
    await outbox.requeue(uow.session, row, now=uow.now)
    uow.wake_others()
    uow.record(incident, EffectRetried(effect_id=row.id, effect_kind=row.kind))
    return Outcome("effect_retried", incident.id, {"effect_kind": row.kind})


async def is_dead(session: AsyncSession, effect_id: uuid.UUID) -> bool:
    """Tell whether an effect is a dead letter, which somebody may try again."""
    query = select(EffectRow.status).where(EffectRow.id == effect_id)
    return (await session.execute(query)).scalar_one_or_none() == EffectStatus.DEAD


async def _get_dead(uow: UnitOfWork, effect_id: uuid.UUID) -> EffectRow:
    try:
        row = await outbox.get_effect(uow.session, effect_id)
    except NoResultFound:
        raise Superseded("effect") from None
    if row.workspace_id != uow.workspace_id or row.status != EffectStatus.DEAD:
        raise Superseded("effect")
    return row


def _incident_id(row: EffectRow) -> uuid.UUID:
    if row.incident_id is None:
        raise Superseded("effect")
    return row.incident_id
