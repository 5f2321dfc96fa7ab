"""The announcement channel: found, or missing, which is recorded once for each open incident."""

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import Workspace, system_actor
from incidents.engine.events import RedactedTextRewritten
from incidents.engine.posted_messages import NEWS, save_posted
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, Incident
from incidents.incident.lifecycle import OPEN_STATUSES, is_open
from incidents.incident.timeline import TimelineEntry
from incidents.updates.entries import AnnouncementMissed, AnnouncementPossible


async def note_not_announced(
    uow: UnitOfWork, incident_id: uuid.UUID, *, channel_name: str, problem: str
) -> None:
    """Record, once until it works again, that the incident couldn't be announced."""
    incident = await uow.get_incident(ById(incident_id))
    if incident.id in await _unannounced(uow, incident.id) or not is_open(
        incident.lifecycle_status
    ):
        return
    uow.record(incident, AnnouncementMissed(channel_name=channel_name, problem=problem))


async def note_announcement_channel(uow: UnitOfWork, *, name: str, channel_id: str) -> Outcome:
    """Remember the announcement channel, and announce the open incidents that waited for it."""
    workspace = await uow.session.get(Workspace, uow.workspace_id)
    if workspace is not None:
        workspace.announcement_name = name
        workspace.announcement_channel_id = channel_id
    for incident_id in await _unannounced(uow):
        incident = await uow.get_incident(ById(incident_id))
        uow.record(incident, AnnouncementPossible(channel_name=name), actor=system_actor())
    return Outcome("announcement_channel")


async def remember_news(
    uow: UnitOfWork, incident_id: uuid.UUID, *, entry_id: uuid.UUID, location: tuple[str, str]
) -> None:
    """Remember a reply to the announcement, for as long as somebody may redact or hide it.

    If its entry was redacted while it was posted, it is erased again.
    """
    channel_id, ts = location
    await save_posted(
        uow.session,
        incident_id=incident_id,
        purpose=NEWS,
        subject_id=entry_id,
        channel_id=channel_id,
        message_ts=ts,
        now=uow.now,
    )
    await erase_if_redacted(uow, incident_id=incident_id, entry_id=entry_id)


async def erase_if_redacted(
    uow: UnitOfWork, *, incident_id: uuid.UUID, entry_id: uuid.UUID
) -> None:
    """Erase an entry's messages again, if it was redacted while they were posted."""
    entry = await uow.session.get(TimelineEntry, entry_id)
    if entry is not None and entry.content is None:
        uow.emit(RedactedTextRewritten(incident_id=incident_id, entry_id=entry_id))


async def _unannounced(uow: UnitOfWork, incident_id: uuid.UUID | None = None) -> list[uuid.UUID]:
    await uow.flush()
    return await find_unannounced(
        uow.session, workspace_id=uow.workspace_id, incident_id=incident_id
    )


async def find_unannounced(
    session: AsyncSession, *, workspace_id: uuid.UUID, incident_id: uuid.UUID | None = None
) -> list[uuid.UUID]:
    """Return the open incidents (or this one) that couldn't be announced and still aren't."""
    kinds = (AnnouncementMissed.kind, AnnouncementPossible.kind)
    query = (
        select(Incident.id, TimelineEntry.kind)
        .join(TimelineEntry, TimelineEntry.incident_id == Incident.id)
        .where(
            Incident.workspace_id == workspace_id,
            Incident.status.in_(OPEN_STATUSES),
            Incident.is_private.is_(False),
            TimelineEntry.kind.in_(kinds),
        )
        .order_by(Incident.number, TimelineEntry.sequence)
    )
    if incident_id is not None:
        query = query.where(Incident.id == incident_id)
    latest = {row[0]: row[1] for row in await session.execute(query)}
    return [found for found, kind in latest.items() if kind == AnnouncementMissed.kind]
