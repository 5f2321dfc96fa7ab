"""Dead letters: said aloud on the timeline, and tried again or let go by people."""

import uuid

from sqlalchemy.exc import NoResultFound

from incidents import outbox
from incidents.effects import effect_types
from incidents.errors import Superseded
from incidents.incident import ById
from incidents.outbox import EffectRow, EffectStatus
from incidents.policy import Action
from incidents.timeline import EntryKind, TimelineEntry
from incidents.unit_of_work import Outcome, UnitOfWork


async def record_failure(uow: UnitOfWork, *, row: EffectRow, error: str) -> None:
    """Say on the timeline that an effect was given up.

    A failure to say that something failed is not said again: it would go round for ever. And what
    is one person's own stays theirs.
    """
    effect_type = effect_types().get(row.kind)
    if effect_type is not None and effect_type.one_persons_own:
        return
    if row.incident_id is None or await _is_about_failure(uow, row):
        return
    incident = await uow.get_incident(ById(row.incident_id))
    content = {"effect_id": row.id, "effect_kind": row.kind, "error": error}
    uow.record(incident, EntryKind.EFFECT_FAILED, content)


async def _is_about_failure(uow: UnitOfWork, row: EffectRow) -> bool:
    if row.entry_id is None:
        return False
    entry = await uow.session.get(TimelineEntry, row.entry_id)
    return entry is not None and entry.kind == EntryKind.EFFECT_FAILED


async def retry_effect(uow: UnitOfWork, effect_id: uuid.UUID) -> Outcome:
    """Try a dead letter again. Raises: Superseded if it isn't one any more; NotPermitted."""
    row = await _get_dead(uow, effect_id)
    incident = await uow.get_incident(ById(_incident_id(row)))
    await uow.permit(Action.RETRY_EFFECT, incident)
    await outbox.revive(uow.session, row, now=uow.now)
    uow.wake_others()
    uow.record(incident, EntryKind.EFFECT_RETRIED, {"effect_id": row.id, "effect_kind": row.kind})
    return Outcome("effect_retried", incident.id, {"effect_kind": row.kind})


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
