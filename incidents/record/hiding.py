"""Hides an entry's text at once and reversibly; later, somebody else destroys it.

Hiding moves the text, wherever a redaction would erase it, to `hidden_words`, which nothing shows
or exports. Revealing puts it back. Destroying deletes it permanently.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import JSON, ForeignKey, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted
from incidents.core.hash_chain import hash_content, instant_text
from incidents.core.ids import new_id
from incidents.core.people import system_actor
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import (
    ById,
    Incident,
    IncidentRef,
    lock_incident,
)
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import Action
from incidents.record.audit_log import AuditKind, audit
from incidents.record.corrections import (
    correction_of,
    find_corrections,
    get_entry,
    keep_text,
)
from incidents.record.entries import Redacted, Revealed
from incidents.record.redaction import (
    Erased,
    Taken,
    erase,
    is_own_words,
    refuse_about_themselves,
    touches_others,
)
from incidents.record.words import words_in
from incidents.rights.others import who_else_may
from incidents.storage.database import Base

MAX_REASON = 500


class HiddenWords(Base):
    """One value that hiding an entry took out of a row: what it was, and what stands there now."""

    __tablename__ = "hidden_words"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
    entry_id: Mapped[uuid.UUID] = mapped_column(index=True)
    table_name: Mapped[str]
    row_key: Mapped[list[str]] = mapped_column(JSON)
    column_name: Mapped[str]
    was: Mapped[Any] = mapped_column(JSON)
    now_is: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    salt: Mapped[str | None] = mapped_column(default=None)


async def hide_entry(
    uow: UnitOfWork, ref: IncidentRef, *, entry_id: uuid.UUID, reason: str
) -> Outcome:
    """Hide an entry's text and every copy, until somebody reveals or destroys it.

    Raises: IncidentNotFound; NotPermitted; InvalidInput without a reason or for what is about the
        actor; AlreadySo.
    """
    incident = await uow.get_incident(ref)
    entry = await get_entry(uow, incident, entry_id)
    is_own = is_own_words(uow, entry)
    await uow.permit(Action.ADD_NOTE if is_own else Action.HIDE_ENTRY, incident)
    why = _reason(reason)
    if entry.content is None:
        raise AlreadySo("entry", "hidden or destroyed")
    refuse_about_themselves(uow, entry, entry.content)
    erased = await erase(
        uow,
        incident,
        entry,
        reason=why,
        is_hiding=True,
        but=HiddenWords.__tablename__,
    )
    if is_own and await touches_others(uow, entry, erased):
        await uow.permit(Action.HIDE_ENTRY, incident)
    uow.session.add_all(_kept(incident, entry, one) for one in erased.taken)
    await uow.flush()
    return _outcome("hidden", incident, entry, erased)


async def reveal_entry(
    uow: UnitOfWork, ref: IncidentRef, *, entry_id: uuid.UUID, reason: str = ""
) -> Outcome:
    """Put hidden text back wherever nobody has written since.

    Raises: IncidentNotFound; NotPermitted; InvalidInput; AlreadySo if nothing is hidden.
    """
    incident = await uow.get_incident(ref)
    entry = await get_entry(uow, incident, entry_id)
    await uow.permit(Action.HIDE_ENTRY, incident)
    kept = await _hidden_words(uow.session, entry)
    if not kept:
        raise AlreadySo("entry", "shown" if entry.content is not None else "destroyed")
    refuse_about_themselves(uow, entry, _content_in(kept, entry) or {})
    why = keep_text(reason).text[:MAX_REASON]
    await _record_revealed(uow, incident, kept, reason=why)
    await uow.flush()  # the database takes content back only where an entry says so
    tables = _tables(uow)
    for one in kept:
        await _put_back(uow.session, tables[one.table_name], one)
        await uow.session.delete(one)
    await uow.flush()
    return _outcome("revealed", incident, entry, Erased())


async def redact_entry(
    uow: UnitOfWork,
    ref: IncidentRef,
    *,
    entry_id: uuid.UUID,
    reason: str = "",
    is_break_glass: bool = False,
) -> Outcome:
    """Delete permanently the text of an entry, its amendments and every copy; the chain stays intact.

    Raises: IncidentNotFound; NotPermitted; InvalidInput; AlreadySo.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.REDACT_ENTRY, incident)
    entry = await get_entry(uow, incident, entry_id)
    kept = await _hidden_words(uow.session, entry)
    if entry.content is None and not kept:
        raise AlreadySo("entry", "redacted")
    content = _content_in(kept, entry) or entry.content or {}
    refuse_about_themselves(uow, entry, content)
    why = keep_text(reason).text[:MAX_REASON]
    hidden = words_in(entry.kind, content) if kept else frozenset()
    for copy in await _hidden_entries(uow.session, kept):
        refuse_about_themselves(uow, copy, _content_in(kept, copy) or {})
    for one in kept:
        await uow.session.delete(one)
    await uow.flush()
    erased = await erase(
        uow,
        incident,
        entry,
        reason=why,
        hidden=hidden,
        is_break_glass=is_break_glass,
    )
    return _outcome("redacted", incident, entry, erased)


async def destroy_entry(
    uow: UnitOfWork, ref: IncidentRef, *, entry_id: uuid.UUID, reason: str
) -> Outcome:
    """Destroy hidden text permanently; this needs somebody other than the person who hid it.

    If nobody else may, that person goes ahead alone: the channel is told, and the audit log
    records it.

    Raises: IncidentNotFound; NotPermitted; InvalidInput without a reason; AlreadySo.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.REDACT_ENTRY, incident)
    entry = await get_entry(uow, incident, entry_id)
    why = _reason(reason)
    if entry.content is not None:
        raise InvalidInput(
            "entry", "has to be hidden first; hide it, then somebody else destroys it"
        )
    is_alone = await _hid_it(uow, entry)
    if is_alone:
        others = await who_else_may(
            uow.session, uow.actor, Action.REDACT_ENTRY, incident=incident, policy=uow.policy
        )
        if others:
            raise NotPermitted(Action.REDACT_ENTRY, needs=", ".join(others))
        about = {"incident": str(incident.reference), "sequence": entry.sequence, "reason": why}
        await audit(uow, AuditKind.DESTROYED_ALONE, about)
    return await redact_entry(uow, ref, entry_id=entry_id, reason=why, is_break_glass=is_alone)


async def _hidden_entries(
    session: AsyncSession, kept: Sequence[HiddenWords]
) -> Sequence[TimelineEntry]:
    """Return the entries whose content was hidden, in order."""
    ids = [
        uuid.UUID(one.row_key[0]) for one in kept if one.table_name == TimelineEntry.__tablename__
    ]
    query = select(TimelineEntry).where(TimelineEntry.id.in_(ids)).order_by(TimelineEntry.sequence)
    return (await session.execute(query)).scalars().all()


def _kept(incident: Incident, entry: TimelineEntry, taken: Taken) -> HiddenWords:
    return HiddenWords(
        id=new_id(),
        workspace_id=incident.workspace_id,
        incident_id=incident.id,
        entry_id=entry.id,
        table_name=taken.table,
        row_key=list(taken.key),
        column_name=taken.column,
        was=taken.was,
        now_is=taken.now_is,
        salt=taken.salt,
    )


async def _hidden_words(session: AsyncSession, entry: TimelineEntry) -> Sequence[HiddenWords]:
    query = (
        select(HiddenWords)
        .where(HiddenWords.entry_id == entry.id)
        .order_by(HiddenWords.id)
        .with_for_update()
    )
    return (await session.execute(query)).scalars().all()


def _content_in(kept: Sequence[HiddenWords], entry: TimelineEntry) -> dict[str, Any] | None:
    own = (one.was for one in kept if one.row_key == [str(entry.id)])
    return next(own, None)


async def _record_revealed(
    uow: UnitOfWork, incident: Incident, kept: Sequence[HiddenWords], *, reason: str
) -> None:
    of = {one.row_key[0]: one for one in kept}
    for row in await _hidden_entries(uow.session, kept):
        if _is_lost(row, of[str(row.id)]):
            continue
        place = incident
        if row.incident_id != incident.id:
            place = await lock_incident(
                uow.session,
                ById(row.incident_id),
                workspace_id=uow.workspace_id,
                viewer=system_actor(),
            )
        revealed = replace(correction_of(row, Revealed), reason=reason)
        uow.record(place, revealed, target_id=row.id)


def _tables(uow: UnitOfWork) -> dict[str, type[Base]]:
    entities: list[type[Base]] = [TimelineEntry, *(copies.entity for copies in uow.rules.copies)]
    return {str(entity.__tablename__): entity for entity in entities}


async def _put_back(session: AsyncSession, entity: type[Base], kept: HiddenWords) -> None:
    """Put a value back, unless somebody has written in its place since."""
    columns = inspect(entity).primary_key
    key = tuple(
        uuid.UUID(text) if column.type.python_type is uuid.UUID else text
        for column, text in zip(columns, kept.row_key, strict=True)
    )
    row = await session.get(entity, key)
    if row is None or getattr(row, kept.column_name) != kept.now_is or _is_lost(row, kept):
        return
    setattr(row, kept.column_name, kept.was)
    if isinstance(row, TimelineEntry):
        row.salt = kept.salt


def _is_lost(row: Base, kept: HiddenWords) -> bool:
    """Tell whether an entry's hidden content isn't what it was: its text was destroyed since."""
    if not isinstance(row, TimelineEntry):
        return False
    return hash_content(kept.was, kept.salt or "") != row.content_hash


async def _hid_it(uow: UnitOfWork, entry: TimelineEntry) -> bool:
    corrections = await find_corrections(uow.session, entry)
    hidings = [one for one in corrections if one.kind == Redacted.kind]
    return bool(hidings) and hidings[-1].actor_id == uow.actor.person_id


def _reason(text: str) -> str:
    why = keep_text(text).text[:MAX_REASON]
    if not why:
        raise InvalidInput("reason", "empty", "It holds a password")
    return why


def _outcome(kind: str, incident: Incident, entry: TimelineEntry, erased: Erased) -> Outcome:
    # Only ids and times: outcomes are stored, and a hidden text must not survive in one.
    data = {
        "reference": str(incident.reference),
        "entry_id": str(entry.id),
        "entry_kind": entry.kind,
        "occurred_at": instant_text(entry.occurred_at),
        "is_cut": False,
        "other_entries": erased.entries,
        "rows": erased.rows,
    }
    return Outcome(kind, incident.id, data)
