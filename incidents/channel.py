"""The incident's channel as the record knows it: opened, refused, and who is in it."""

import uuid

from incidents.incident import ById
from incidents.timeline import EntryKind
from incidents.unit_of_work import UnitOfWork


async def record_opened(
    uow: UnitOfWork, incident_id: uuid.UUID, *, channel_id: str, channel_name: str
) -> None:
    """Write down that the incident's channel is open."""
    incident = await uow.get_incident(ById(incident_id))
    if incident.channel_id is not None:
        return
    incident.channel_id = channel_id
    incident.channel_name = channel_name
    content = {"channel_id": channel_id, "channel_name": channel_name}
    uow.record(incident, EntryKind.CHANNEL_OPENED, content)


async def record_refused(
    uow: UnitOfWork, incident_id: uuid.UUID, *, error: str, effect_id: uuid.UUID
) -> None:
    """Write down that the chat service refuses the channel for good."""
    incident = await uow.get_incident(ById(incident_id))
    content = {"error": error, "effect_id": effect_id}
    uow.record(incident, EntryKind.CHANNEL_REFUSED, content)
