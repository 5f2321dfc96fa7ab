"""Archive the channel of an incident that is over, and bring it back on reopening."""

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.channel.events import ArchivingDue
from incidents.channel.life import note_archived, note_unarchived
from incidents.engine.reminders import Reminder
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.entries import ChannelLinked, ChannelOpened
from incidents.incident.incident import ById, Incident
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.timeline import TimelineEntry
from incidents.policy.channels import Channels

OVER = frozenset({IncidentStatus.CLOSED, IncidentStatus.CANCELLED})


def may_archive(status: IncidentStatus, *, is_existing: bool, channels: Channels) -> bool:
    """Tell whether a channel may be archived now: the incident is over and the policy allows it."""
    if channels.archive_after is None or status not in OVER:
        return False
    return channels.archive_existing or not is_existing


async def archive_when_due(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> None:
    """Request archiving of the channel, after its card shows how the incident ended."""
    if incident.channel_id is None or incident.is_channel_archived:
        return
    is_existing = await is_existing_channel(uow.session, incident.id)
    if may_archive(
        incident.lifecycle_status, is_existing=is_existing, channels=uow.policy.channels
    ):
        uow.emit(ArchivingDue(), incident)


async def record_archived(uow: UnitOfWork, incident_id: uuid.UUID, *, channel_id: str) -> None:
    """Record that we archived the channel."""
    incident = await uow.get_incident(ById(incident_id))
    if incident.channel_id == channel_id:
        await note_archived(uow, channel_id, is_by_policy=True)


async def record_unarchived(uow: UnitOfWork, incident_id: uuid.UUID, *, channel_id: str) -> None:
    """Record that we brought the channel back."""
    incident = await uow.get_incident(ById(incident_id))
    if incident.channel_id == channel_id:
        await note_unarchived(uow, channel_id)


async def is_existing_channel(session: AsyncSession, incident_id: uuid.UUID) -> bool:
    """Tell whether the incident uses a channel that existed before it."""
    kinds = (ChannelOpened.kind, ChannelLinked.kind)
    query = (
        select(TimelineEntry.kind)
        .where(TimelineEntry.incident_id == incident_id, TimelineEntry.kind.in_(kinds))
        .order_by(TimelineEntry.sequence.desc())
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none() == ChannelLinked.kind
