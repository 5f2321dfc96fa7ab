"""Changes of the incident's channel: archived, brought back, renamed, deleted, bot removed.

Each is recorded once, whether we learn it from an event or from a refusal when posting. Messages
that can't be posted meanwhile are dropped; the timeline stays complete.
"""

import uuid
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.channel.entries import (
    BotRemoved,
    BotReturned,
    ChannelArchived,
    ChannelDeleted,
    ChannelEntry,
    ChannelIdChanged,
    ChannelRenamed,
    ChannelUnarchived,
)
from incidents.core.errors import IncidentNotFound
from incidents.core.people import Workspace, find_person, system_actor
from incidents.core.sentences import Who
from incidents.engine.entries import EffectFailed
from incidents.engine.posted_messages import PostedMessage
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.entries import ChannelLinked, ChannelOpened
from incidents.incident.facts import Facts
from incidents.incident.incident import ByChannel, ById, Incident, Participant, lock_incident
from incidents.incident.timeline import TimelineEntry

_COMINGS_AND_GOINGS = (BotRemoved.kind, BotReturned.kind, ChannelOpened.kind, ChannelLinked.kind)

ChannelEntryT = TypeVar("ChannelEntryT", bound=ChannelEntry)


class ChannelLoss(StrEnum):
    """Why we can't post in a channel."""

    ARCHIVED = "archived"
    BOT_REMOVED = "bot_removed"


async def note_archived(
    uow: UnitOfWork,
    channel_id: str,
    *,
    is_by_policy: bool = False,
    author_id: uuid.UUID | None = None,
    at: datetime | None = None,
) -> Outcome:
    """Record that the actor archived an incident's channel, `at` by the chat service's clock.

    Raises: IncidentNotFound.
    """
    incident = await incident_of(uow, channel_id)
    if not incident.is_channel_archived:
        incident.is_channel_archived = True
        archived = replace(
            about(ChannelArchived, incident), is_by_policy=is_by_policy, author_id=author_id
        )
        uow.record(incident, archived, occurred_at=_occurred(uow, at))
    return Outcome("channel_archived", incident.id)


async def note_unarchived(
    uow: UnitOfWork, channel_id: str, *, at: datetime | None = None
) -> Outcome:
    """Record that the actor brought the channel back. Raises: IncidentNotFound."""
    incident = await incident_of(uow, channel_id)
    if incident.is_channel_archived:
        incident.is_channel_archived = False
        entry = about(ChannelUnarchived, incident)
        uow.record(incident, entry, occurred_at=_occurred(uow, at))
    return Outcome("channel_unarchived", incident.id)


async def note_renamed(
    uow: UnitOfWork, channel_id: str, *, name: str, at: datetime | None = None
) -> Outcome:
    """Record the channel's new name. Raises: IncidentNotFound."""
    incident = await incident_of(uow, channel_id)
    if name and name != incident.channel_name:
        old = incident.channel_name or ""
        incident.channel_name = name
        entry = ChannelRenamed(channel_id=channel_id, old=old, new=name)
        uow.record(incident, entry, occurred_at=_occurred(uow, at))
    return Outcome("channel_renamed", incident.id)


async def note_new_id(uow: UnitOfWork, *, old_id: str, new_id: str) -> Outcome:
    """Follow a channel that got another id, as when it is shared or merged.

    Two incidents can't live in one channel: one that is merged into another's has lost its own.
    """
    is_ours = exists().where(
        Incident.id == PostedMessage.incident_id, Incident.workspace_id == uow.workspace_id
    )
    await uow.session.execute(
        update(PostedMessage)
        .where(PostedMessage.channel_id == old_id, is_ours)
        .values(channel_id=new_id)
        .execution_options(synchronize_session=False)
    )
    workspace = await uow.session.get(Workspace, uow.workspace_id)
    if workspace is not None and workspace.announcement_channel_id == old_id:
        workspace.announcement_channel_id = new_id
    try:
        incident = await incident_of(uow, old_id)
    except IncidentNotFound:
        return Outcome("channel_id_changed")
    if await _is_in_use(uow, new_id):
        return await note_deleted(uow, old_id)
    incident.channel_id = new_id
    uow.record(incident, replace(about(ChannelIdChanged, incident), old_channel_id=old_id))
    return Outcome("channel_id_changed", incident.id)


async def note_deleted(uow: UnitOfWork, channel_id: str) -> Outcome:
    """Record that the channel is gone for good. Raises: IncidentNotFound."""
    incident = await incident_of(uow, channel_id)
    uow.record(incident, about(ChannelDeleted, incident))
    incident.set_channel(None)
    return Outcome("channel_deleted", incident.id)


async def note_bot_removed(
    uow: UnitOfWork,
    channel_id: str,
    *,
    by_external_id: str | None = None,
    author_id: uuid.UUID | None = None,
) -> Outcome:
    """Record that we were removed from the channel, once. Raises: IncidentNotFound."""
    incident = await incident_of(uow, channel_id)
    if not await is_bot_removed(uow.session, incident.id):
        workspace = await uow.session.get(Workspace, uow.workspace_id)
        removed = replace(
            about(BotRemoved, incident),
            bot_id=workspace.bot_external_id if workspace is not None else "",
            by=await _find_who(uow, by_external_id),
            author_id=author_id,
        )
        uow.record(incident, removed, actor=system_actor())
    return Outcome("bot_removed", incident.id)


async def note_bot_returned(uow: UnitOfWork, channel_id: str) -> Outcome:
    """Record that we are back in a channel that we were removed from. Raises: IncidentNotFound."""
    incident = await incident_of(uow, channel_id)
    if await is_bot_removed(uow.session, incident.id):
        uow.record(incident, about(BotReturned, incident), actor=system_actor())
    return Outcome("bot_returned", incident.id)


async def record_loss(
    uow: UnitOfWork,
    incident_id: uuid.UUID,
    *,
    channel_id: str,
    loss: ChannelLoss,
    entry_id: uuid.UUID | None = None,
) -> None:
    """Record what a refusal showed: the channel is archived, or we are no longer in it.

    `entry_id` is what couldn't be shown there; its author is told: where the channel shows what a
    command did, it was acked without words.
    """
    incident = await uow.get_incident(ById(incident_id))
    if incident.channel_id != channel_id:
        return
    author_id = await _author_of(uow, entry_id)
    match loss:
        case ChannelLoss.ARCHIVED:
            await note_archived(uow, channel_id, author_id=author_id)
        case ChannelLoss.BOT_REMOVED:
            await note_bot_removed(uow, channel_id, author_id=author_id)


async def _author_of(uow: UnitOfWork, entry_id: uuid.UUID | None) -> uuid.UUID | None:
    entry = await uow.session.get(TimelineEntry, entry_id) if entry_id is not None else None
    if entry is None:
        return None
    failed = EffectFailed.read(entry.content) if entry.kind == EffectFailed.kind else None
    return failed.author_id if failed is not None else entry.actor_id


async def is_bot_removed_from(
    session: AsyncSession, channel_id: str, *, workspace_id: uuid.UUID
) -> bool:
    """Tell whether the channel is an incident's and we were removed from it."""
    query = select(Incident.id).where(
        Incident.workspace_id == workspace_id, Incident.channel_id == channel_id
    )
    incident_id = (await session.execute(query)).scalar_one_or_none()
    return incident_id is not None and await is_bot_removed(session, incident_id)


async def add_present(session: AsyncSession, facts: Facts) -> Facts:
    """Add to the facts who is in the channel, if we can post there."""
    facts = await add_readers(session, facts)
    if not facts.has_readers:
        return facts
    query = select(Participant.person_id).where(
        Participant.incident_id == facts.incident_id, Participant.is_in_channel.is_(True)
    )
    return replace(facts, present=frozenset((await session.execute(query)).scalars()))


async def add_readers(session: AsyncSession, facts: Facts) -> Facts:
    """Add to the facts whether we can post in the channel and anybody is in it."""
    is_open = facts.channel_id and not facts.is_channel_archived and not facts.is_channel_exposed
    if not is_open or await is_bot_removed(session, facts.incident_id):
        return replace(facts, has_readers=False)
    readers = select(Participant.id).where(
        Participant.incident_id == facts.incident_id, Participant.is_in_channel.is_(True)
    )
    return replace(facts, has_readers=(await session.execute(readers.limit(1))).first() is not None)


async def is_bot_removed(session: AsyncSession, incident_id: uuid.UUID) -> bool:
    """Tell whether we were removed from the channel and haven't returned since."""
    query = (
        select(TimelineEntry.kind)
        .where(
            TimelineEntry.incident_id == incident_id, TimelineEntry.kind.in_(_COMINGS_AND_GOINGS)
        )
        .order_by(TimelineEntry.sequence.desc())
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none() == BotRemoved.kind


def _occurred(uow: UnitOfWork, at: datetime | None) -> datetime:
    return min(at or uow.now, uow.now)


async def _is_in_use(uow: UnitOfWork, channel_id: str) -> bool:
    query = select(Incident.id).where(
        Incident.workspace_id == uow.workspace_id, Incident.channel_id == channel_id
    )
    return (await uow.session.execute(query)).first() is not None


async def incident_of(uow: UnitOfWork, channel_id: str) -> Incident:
    """Return the channel's incident, locked. Raises: IncidentNotFound."""
    # The person who changed the channel may not be a known participant of a private incident.
    return await lock_incident(
        uow.session, ByChannel(channel_id), workspace_id=uow.workspace_id, viewer=system_actor()
    )


async def _find_who(uow: UnitOfWork, external_id: str | None) -> Who | None:
    if not external_id:
        return None
    person = await find_person(uow.session, workspace_id=uow.workspace_id, external_id=external_id)
    return Who(person.name, person.id) if person is not None else None


def about(entry_type: type[ChannelEntryT], incident: Incident) -> ChannelEntryT:
    """Return an entry that names the incident's channel."""
    return entry_type(
        channel_id=incident.channel_id or "", channel_name=incident.channel_name or ""
    )
