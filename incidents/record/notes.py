"""Notes: added by hand, then amended, withdrawn, redacted or undone, each by a new entry."""

import uuid
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from incidents.core.errors import AlreadySo, InvalidInput, NothingToUndo
from incidents.core.hash_chain import instant_text
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import Action
from incidents.record.corrections import (
    WITHDRAWABLE,
    correction_of,
    get_standing,
    keep_text,
    now_reads,
)
from incidents.record.entries import Amended, Note, Withdrawn
from incidents.record.marks import release_entry
from incidents.storage.processed_requests import TYPED_AGAIN_WITHIN, forget_requests

MAX_REASON = 500


async def add_note(
    uow: UnitOfWork, ref: IncidentRef, *, text: str, occurred_at: datetime | None = None
) -> Outcome:
    """Put a note on the timeline, backdated if wanted; text over MAX_TEXT characters is cut.

    Raises: IncidentNotFound; NotPermitted; InvalidInput for an empty note or a future time.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.ADD_NOTE, incident)
    kept = keep_text(text)
    if not kept.text:
        raise InvalidInput("note", "empty", "note -10m Rolled back the checkout deploy")
    moment = _past(occurred_at, uow.now)
    note = Note(text=kept.text, is_cut=kept.is_cut)
    entry = uow.record(incident, note, occurred_at=moment)
    return _outcome("noted", incident, entry, is_cut=kept.is_cut)


async def amend_note(
    uow: UnitOfWork,
    ref: IncidentRef,
    *,
    entry_id: uuid.UUID,
    text: str,
    occurred_at: datetime | None = None,
) -> Outcome:
    """Correct a note's text or time with a new entry; others' notes need the right to withdraw.

    Raises: IncidentNotFound; NotPermitted; InvalidInput; AlreadySo if nothing would change.
    """
    incident = await uow.get_incident(ref)
    entry, reads = await get_standing(uow, incident, entry_id)
    is_own = entry.actor_id is not None and entry.actor_id == uow.actor.person_id
    await uow.permit(Action.ADD_NOTE if is_own else Action.WITHDRAW_ENTRY, incident)
    if entry.kind != Note.kind:
        raise InvalidInput("entry", "isn't a note; only notes can be amended")
    kept = keep_text(text)
    if not kept.text:
        raise InvalidInput("note", "empty")
    moment = _past(occurred_at or reads.occurred_at, uow.now)
    if kept.text == reads.words and moment == reads.occurred_at:
        raise AlreadySo("note", "as you wrote")
    amended = replace(correction_of(entry, Amended), text=kept.text, occurred_at=moment)
    uow.record(incident, amended, target_id=entry.id)
    return _outcome("amended", incident, entry, is_cut=kept.is_cut, moment=moment)


async def withdraw_entry(uow: UnitOfWork, ref: IncidentRef, *, entry_id: uuid.UUID) -> Outcome:
    """Withdraw an entry: it stays on the record, struck out.

    Raises: IncidentNotFound; NotPermitted; InvalidInput; AlreadySo.
    """
    incident = await uow.get_incident(ref)
    entry, _ = await get_standing(uow, incident, entry_id)
    if entry.kind not in WITHDRAWABLE:
        raise InvalidInput("entry", "isn't a note or mark; only those can be withdrawn")
    is_own = entry.actor_id is not None and entry.actor_id == uow.actor.person_id
    await uow.permit(Action.ADD_NOTE if is_own else Action.WITHDRAW_ENTRY, incident)
    return await _withdraw(uow, incident, entry)


async def undo(uow: UnitOfWork, ref: IncidentRef, *, again: bool = False) -> Outcome:
    """Withdraw the actor's own last note or mark; `again`: the one before those withdrawn.

    Outcomes: withdrawn; older, when the last one is withdrawn already: nothing is changed, and
    the outcome names the one before it.

    Raises: IncidentNotFound; NotPermitted; NothingToUndo.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.ADD_NOTE, incident)
    entry, is_last = await _find_last_own(uow, incident)
    if entry is None:
        raise NothingToUndo
    if not is_last and not again:
        return _outcome("older", incident, entry)
    return await _withdraw(uow, incident, entry)


async def _withdraw(uow: UnitOfWork, incident: Incident, entry: TimelineEntry) -> Outcome:
    uow.record(incident, correction_of(entry, Withdrawn), target_id=entry.id)
    await release_entry(uow.session, entry.id)
    # Typed again after that, the same words are meant again.
    await forget_requests(
        uow.session,
        workspace_id=uow.workspace_id,
        kind="noted",
        entry_id=entry.id,
        since=uow.now - TYPED_AGAIN_WITHIN,
    )
    return _outcome("withdrawn", incident, entry)


async def _find_last_own(uow: UnitOfWork, incident: Incident) -> tuple[TimelineEntry | None, bool]:
    """Return the actor's newest standing note or mark, and whether it is their very last one."""
    if uow.actor.person_id is None:
        return None, False
    query = (
        select(TimelineEntry)
        .where(
            TimelineEntry.incident_id == incident.id,
            TimelineEntry.actor_id == uow.actor.person_id,
            TimelineEntry.kind.in_(WITHDRAWABLE),
        )
        .order_by(TimelineEntry.sequence.desc())
    )
    is_last = True
    for entry in (await uow.session.execute(query)).scalars().all():
        reads = await now_reads(uow, entry)
        if not reads.is_withdrawn and not reads.is_redacted:
            return entry, is_last
        is_last = False
    return None, False


def _past(moment: datetime | None, now: datetime) -> datetime:
    if moment is None:
        return now
    if moment > now:
        raise InvalidInput("time", "future", "-10m, or 14:05")
    return moment


def _outcome(
    kind: str,
    incident: Incident,
    entry: TimelineEntry,
    *,
    is_cut: bool = False,
    moment: datetime | None = None,
) -> Outcome:
    # Only ids and times: outcomes are stored, and a redacted text must not survive in one.
    data = {
        "reference": str(incident.reference),
        "entry_id": str(entry.id),
        "entry_kind": entry.kind,
        "occurred_at": instant_text(moment or entry.occurred_at),
        "is_cut": is_cut,
    }
    return Outcome(kind, incident.id, data)
