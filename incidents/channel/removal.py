"""Where our messages about an incident are, apart from where its people read them.

Everything that we post while an incident lives in a channel belongs to that incident: no two live
in one channel at a time.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.channel.entries import ChannelIdChanged, MessagesRemoved, Remains
from incidents.core.people import system_actor
from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.engine.posted_messages import PostedMessage, delivered_places
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.entries import ChannelLinked, ChannelOpened, MovedToPrivate
from incidents.incident.incident import ById, Incident
from incidents.incident.timeline import TimelineEntry
from incidents.record.audit_log import AuditKind, audit

_KINDS = (ChannelOpened.kind, ChannelLinked.kind, MovedToPrivate.kind, ChannelIdChanged.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A channel that the incident lived in, from when to when; None: from its beginning, till now."""

    channel_id: str
    name: str = ""
    since: datetime | None = None
    until: datetime | None = None


async def stays_to_clean(session: AsyncSession, incident: Incident) -> list[Stay]:
    """Return where others can read our messages about a private incident: its former channels.

    Its present channel is among them while it is public.
    """
    found = [
        stay
        for stay in await _stays(session, incident.id)
        if stay.channel_id != incident.channel_id or not incident.is_channel_private
    ]
    return found if incident.is_private else []


async def _stays(session: AsyncSession, incident_id: uuid.UUID) -> list[Stay]:
    query = (
        select(TimelineEntry)
        .where(TimelineEntry.incident_id == incident_id, TimelineEntry.kind.in_(_KINDS))
        .order_by(TimelineEntry.sequence)
    )
    stays: list[Stay] = []
    for entry in (await session.execute(query)).scalars():
        content = entry.content or {}
        new, name = str(content.get("channel_id") or ""), str(content.get("channel_name") or "")
        if entry.kind == ChannelIdChanged.kind:
            old = content.get("old_channel_id")
            stays = [
                replace(one, channel_id=new) if one.channel_id == old else one for one in stays
            ]
            continue
        if entry.kind == MovedToPrivate.kind and content.get("is_in_place"):
            continue
        if stays and stays[-1].until is None:
            stays[-1] = replace(stays[-1], until=entry.recorded_at)
        if new:
            since = entry.recorded_at if entry.kind == ChannelLinked.kind else None
            stays.append(Stay(channel_id=new, name=name, since=since))
    return stays


async def known_places(
    session: AsyncSession, incident_id: uuid.UUID, *, channel_id: str
) -> set[str]:
    """Return the ts of our messages in a channel, as far as the database knows them."""
    live = select(PostedMessage.message_ts).where(
        PostedMessage.incident_id == incident_id, PostedMessage.channel_id == channel_id
    )
    found = set((await session.execute(live)).scalars())
    effects = select(EffectRow.progress).where(EffectRow.incident_id == incident_id)
    for progress in (await session.execute(effects)).scalars():
        found |= {ts for place, ts in progress.get("posted", ()) if place == channel_id}
    return found


async def direct_places(
    session: AsyncSession, incident_id: uuid.UUID
) -> dict[uuid.UUID, set[tuple[str, str]]]:
    """Return where direct messages about the incident are, by reader, without live ones."""
    live = select(PostedMessage.message_ts).where(PostedMessage.incident_id == incident_id)
    kept = set((await session.execute(live)).scalars())
    effects = select(EffectRow.payload, EffectRow.progress).where(
        EffectRow.incident_id == incident_id
    )
    found: dict[uuid.UUID, set[tuple[str, str]]] = {}
    for payload, progress in await session.execute(effects):
        told = payload.get("person_id")
        for place, ts in progress.get("posted", ()) if told else ():
            found.setdefault(uuid.UUID(told), set()).add((place, ts))
    for reader, where in await delivered_places(session, EffectRow.incident_id == incident_id):
        found.setdefault(reader, set()).add(where)
    return {
        reader: {(place, ts) for place, ts in places if place[:1] == "D" and ts not in kept}
        for reader, places in found.items()
    }


async def of_other_incidents(
    session: AsyncSession, incident_id: uuid.UUID, effect_ids: Collection[str]
) -> set[str]:
    """Return those effects that belong to other incidents: their messages aren't ours to delete."""
    query = select(EffectRow.id).where(
        EffectRow.id.in_([uuid.UUID(one) for one in effect_ids]),
        EffectRow.incident_id != incident_id,
    )
    return {str(one) for one in (await session.execute(query)).scalars()}


async def is_still_posting(session: AsyncSession, effect_id: uuid.UUID) -> bool:
    """Tell whether an effect planned before this one is under way: it may post in the old channel."""
    own = (await session.execute(select(EffectRow).where(EffectRow.id == effect_id))).scalar_one()
    query = select(EffectRow.id).where(
        EffectRow.incident_id == own.incident_id,
        EffectRow.status == EffectStatus.CLAIMED,
        EffectRow.position < own.position,
        # Those that the same entry planned know already where the incident is.
        EffectRow.entry_id.is_(None) | (EffectRow.entry_id != own.entry_id),
    )
    return (await session.execute(query)).first() is not None


async def record_removal(
    uow: UnitOfWork, incident_id: uuid.UUID, *, channels: Sequence[Remains], direct: int
) -> None:
    """Record what we removed and what remains, on the timeline and on the audit log."""
    incident = await uow.get_incident(ById(incident_id))
    entry = MessagesRemoved(channels=tuple(channels), direct=direct)
    uow.record(incident, entry, actor=system_actor())
    content = {"reference": str(incident.reference), **entry.content()}
    await audit(uow, AuditKind.MESSAGES_REMOVED, content)
