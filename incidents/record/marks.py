"""Marks: people put messages of the incident channel on the timeline, by emoji or pin.

A reaction carries no text: store the mark, fetch the message as an effect, and append the entry
when its text arrives, dated as the message. One message is one entry, however many people mark it.
Removing its last mark withdraws the entry.

    pending ──text arrives──▶ recorded ──last mark removed──▶ withdrawn
       └──mark removed, message gone──▶ dropped          (marked again: pending)
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import IncidentNotFound, NotPermitted
from incidents.core.people import Actor, Person, actor_of, find_person, system_actor
from incidents.core.sentences import Who
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import (
    ByChannel,
    ById,
    Incident,
    find_participant,
    is_inside,
    lock_incident,
)
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import Action
from incidents.record.captured_messages import (
    CapturedMessage,
    CaptureStatus,
    MarkSource,
    MessageKey,
    add_mark,
    find_captured,
    get_captured,
    save_mark,
    standing_marks,
)
from incidents.record.corrections import correction_of, keep_text, now_reads
from incidents.record.entries import Amended, Marked, Pinned, Withdrawn
from incidents.record.events import MessageMarked
from incidents.rights.decide import permit


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageText:
    """What a message says, as plain text, with its author and time."""

    text: str
    author: Who
    permalink: str = ""
    sent_at: datetime


async def mark_message(
    uow: UnitOfWork,
    message: MessageKey,
    *,
    source: MarkSource,
    content: MessageText | None = None,
    at: datetime | None = None,
) -> Outcome:
    """Mark a message of an incident channel: `recorded` if its text is known, else `pending`.

    `at` is when it was marked, by the chat service's clock; Slack may report marks out of order.

    Raises: IncidentNotFound if the channel belongs to no incident; NotPermitted.
    """
    incident = await incident_to_write(uow, message.channel_id)
    await uow.permit(Action.ADD_NOTE, incident)
    captured = await get_captured(uow, incident, message)
    if not await add_mark(uow, captured, source, at=at or uow.now):
        return Outcome("outdated", incident.id)
    data = {"reference": str(incident.reference)}
    if captured.status == CaptureStatus.RECORDED:
        return Outcome("already_recorded", incident.id, data)
    if content is not None:
        await _record(uow, incident, captured, content, actor=uow.actor, source=source)
        return Outcome("recorded", incident.id, data)
    if captured.status != CaptureStatus.PENDING:
        captured.status = CaptureStatus.PENDING
        captured.entry_id = captured.drop_reason = None
        uow.emit(MessageMarked(message_id=captured.id), incident)
    return Outcome("pending", incident.id, data)


async def unmark_message(
    uow: UnitOfWork, message: MessageKey, *, source: MarkSource, at: datetime | None = None
) -> Outcome:
    """Remove the actor's mark (a pin is shared by all); removing the last withdraws the entry.

    Stores the removal even if the mark itself is reported later.

    Raises: IncidentNotFound if the channel belongs to no incident; NotPermitted.
    """
    incident = await incident_to_write(uow, message.channel_id)
    await uow.permit(Action.ADD_NOTE, incident)
    captured = await get_captured(uow, incident, message)
    moment = at or uow.now
    marks = await standing_marks(uow.session, captured)
    for mark in marks:
        is_own = mark.person_id == uow.actor.person_id
        is_meant = mark.source == source and (is_own or source is MarkSource.PIN)
        if is_meant and mark.marked_at <= moment:
            mark.removed_at = moment
    if not marks:
        await save_mark(uow, captured, source, marked_at=moment, removed_at=moment)
    if any(mark.removed_at is None for mark in marks) or not marks:
        return Outcome("unmarked", incident.id)
    if captured.status == CaptureStatus.PENDING:
        _drop(captured, "mark removed")
    elif captured.status == CaptureStatus.RECORDED:
        captured.status = CaptureStatus.WITHDRAWN
        entry = await _entry_of(uow.session, captured)
        if entry is not None:
            uow.record(incident, correction_of(entry, Withdrawn), target_id=entry.id)
    return Outcome("unmarked", incident.id)


async def record_message(uow: UnitOfWork, captured_id: uuid.UUID, *, content: MessageText) -> None:
    """Append the entry of a marked message whose text arrived, unless its marks are gone."""
    captured, incident = await _locked(uow, captured_id)
    if captured.status != CaptureStatus.PENDING:
        return
    for mark in await standing_marks(uow.session, captured):
        marker = actor_of(await uow.session.get_one(Person, mark.person_id))
        # When the marker was new to us, we didn't know yet if they are a guest.
        if await _may_mark(uow, incident, marker):
            source = MarkSource(mark.source)
            await _record(uow, incident, captured, content, actor=marker, source=source)
            return
    _drop(captured, "no mark that counts")


async def drop_message(uow: UnitOfWork, captured_id: uuid.UUID, *, reason: str) -> None:
    """Give up a marked message that can't go on the record; keep the reason."""
    captured, _ = await _locked(uow, captured_id)
    if captured.status == CaptureStatus.PENDING:
        _drop(captured, reason)


async def follow_edit(uow: UnitOfWork, message: MessageKey, *, text: str) -> Outcome:
    """Amend the entry of an edited message, unless it was redacted or withdrawn."""
    incident = await incident_of_channel(uow, message.channel_id)
    captured = await find_captured(uow.session, message, workspace_id=uow.workspace_id)
    if captured is None or captured.status != CaptureStatus.RECORDED:
        return Outcome("not_recorded", incident.id)
    entry = await _entry_of(uow.session, captured)
    if entry is None:
        return Outcome("not_recorded", incident.id)
    reads = await now_reads(uow, entry)
    kept = keep_text(text)
    if reads.is_redacted or reads.is_withdrawn or kept.text == reads.words:
        return Outcome("unchanged", incident.id)
    amended = replace(correction_of(entry, Amended), text=kept.text)
    uow.record(incident, amended, target_id=entry.id)
    return Outcome("amended", incident.id)


async def follow_deletion(uow: UnitOfWork, message: MessageKey) -> Outcome:
    """Record that a marked message was deleted; its text stays on the record."""
    incident = await incident_of_channel(uow, message.channel_id)
    captured = await find_captured(uow.session, message, workspace_id=uow.workspace_id)
    if captured is None:
        return Outcome("not_marked", incident.id)
    if captured.status == CaptureStatus.PENDING:
        _drop(captured, "message deleted")
        return Outcome("dropped", incident.id)
    entry = await _entry_of(uow.session, captured)
    if captured.status != CaptureStatus.RECORDED or entry is None:
        return Outcome("not_recorded", incident.id)
    amended = replace(correction_of(entry, Amended), is_message_deleted=True)
    uow.record(incident, amended, target_id=entry.id)
    return Outcome("deletion_recorded", incident.id)


async def release_entry(session: AsyncSession, entry_id: uuid.UUID) -> None:
    """Close the marks of an entry that was withdrawn in another way, so it can be marked again."""
    query = select(CapturedMessage).where(CapturedMessage.entry_id == entry_id)
    captured = (await session.execute(query)).scalar_one_or_none()
    if captured is None:
        return
    captured.status = CaptureStatus.WITHDRAWN
    for mark in await standing_marks(session, captured):
        # By the same clock as the mark: marking it again always comes later.
        mark.removed_at = mark.marked_at


async def is_incident_channel(
    session: AsyncSession, channel_id: str, *, workspace_id: uuid.UUID
) -> bool:
    """Tell whether the channel is an incident's, with one indexed query: every event asks this."""
    query = select(Incident.id).where(
        Incident.workspace_id == workspace_id, Incident.channel_id == channel_id
    )
    return (await session.execute(query)).first() is not None


async def incident_of_channel(uow: UnitOfWork, channel_id: str) -> Incident:
    """Return the channel's incident, locked. Raises: IncidentNotFound.

    Somebody who acts in the channel may see its incident, even if our list of the channel's members
    lags behind.
    """
    return await lock_incident(
        uow.session,
        ByChannel(channel_id),
        workspace_id=uow.workspace_id,
        viewer=system_actor(),
    )


async def incident_to_write(uow: UnitOfWork, channel_id: str) -> Incident:
    """Return the incident for what the actor does in its channel, locked. Raises: IncidentNotFound.

    People can be in a private incident's channel and outside the incident: they came while it was
    public, or their sight was taken back.
    """
    incident = await incident_of_channel(uow, channel_id)
    person_id = uow.actor.person_id
    if not incident.is_private or person_id is None:
        return incident
    part = await find_participant(uow.session, incident_id=incident.id, person_id=person_id)
    is_late = part is None and not incident.is_channel_exposed  # Slack hasn't reported their join
    if not is_late and not is_inside(incident, part, person_id=person_id):
        raise IncidentNotFound(None)
    return incident


async def _may_mark(uow: UnitOfWork, incident: Incident, marker: Actor) -> bool:
    try:
        await permit(
            uow.session,
            marker,
            Action.ADD_NOTE,
            incident=incident,
            policy=uow.policy,
            workspace_id=uow.workspace_id,
        )
    except NotPermitted:
        return False
    return True


async def _locked(uow: UnitOfWork, captured_id: uuid.UUID) -> tuple[CapturedMessage, Incident]:
    captured = await uow.session.get_one(CapturedMessage, captured_id)
    # The incident's lock orders changes; the row may have changed while we waited for it.
    incident = await uow.get_incident(ById(captured.incident_id))
    await uow.session.refresh(captured)
    return captured, incident


async def _entry_of(session: AsyncSession, captured: CapturedMessage) -> TimelineEntry | None:
    if captured.entry_id is None:
        return None
    return await session.get(TimelineEntry, captured.entry_id)


async def _record(
    uow: UnitOfWork,
    incident: Incident,
    captured: CapturedMessage,
    message: MessageText,
    *,
    actor: Actor,
    source: MarkSource,
) -> None:
    kept = keep_text(message.text)
    message_type = Pinned if source is MarkSource.PIN else Marked
    payload = message_type(
        text=kept.text,
        is_cut=kept.is_cut,
        author=await _known(uow, message.author),
        permalink=message.permalink,
        source=source.value,
    )
    sent_at = min(message.sent_at, uow.now)
    entry = uow.record(incident, payload, occurred_at=sent_at, actor=actor)
    captured.status = CaptureStatus.RECORDED
    captured.entry_id = entry.id
    captured.drop_reason = None


async def _known(uow: UnitOfWork, author: Who) -> Who:
    """Return the author with our own id for them, if we know them."""
    external_id = author.external_id
    person = await find_person(uow.session, workspace_id=uow.workspace_id, external_id=external_id)
    return author if person is None else replace(author, id=person.id)


def _drop(captured: CapturedMessage, reason: str) -> None:
    captured.status = CaptureStatus.DROPPED
    captured.drop_reason = reason
