"""Who is in the incident's channel: kept current by joins and leaves, however people came in.

Each person's first join and first leave are entries. Later ones only update who is there, so an
unsteady client doesn't fill the record. Slack may report them out of order: the later one counts,
by the chat service's clock.
"""

from datetime import datetime

from incidents.channel.entries import PersonJoined, PersonLeft
from incidents.core.people import PersonKind
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import save_participant
from incidents.record.marks import incident_of_channel


async def join_channel(uow: UnitOfWork, channel_id: str, *, at: datetime | None = None) -> Outcome:
    """Record that the actor joined an incident's channel.

    Raises: IncidentNotFound if the channel belongs to no incident.
    """
    if uow.actor.person_id is None or uow.actor.person_kind is PersonKind.BOT:
        return Outcome("ignored")
    incident = await incident_of_channel(uow, channel_id)
    part = await save_participant(
        uow.session, incident_id=incident.id, person_id=uow.actor.person_id
    )
    is_first, moment = part.joined_at is None, at or uow.now
    if part.left_at is None or part.left_at <= moment:
        part.is_in_channel = True
    part.joined_at = max(part.joined_at or moment, moment)
    if is_first and uow.policy.timeline.capture_joins:
        uow.record(incident, PersonJoined(person_kind=uow.actor.person_kind))
    return Outcome("joined", incident.id, {"is_first": is_first})


async def leave_channel(uow: UnitOfWork, channel_id: str, *, at: datetime | None = None) -> Outcome:
    """Record that the actor left an incident's channel.

    Raises: IncidentNotFound if the channel belongs to no incident.
    """
    if uow.actor.person_id is None or uow.actor.person_kind is PersonKind.BOT:
        return Outcome("ignored")
    incident = await incident_of_channel(uow, channel_id)
    part = await save_participant(
        uow.session, incident_id=incident.id, person_id=uow.actor.person_id
    )
    is_first, moment = part.left_at is None, at or uow.now
    if part.joined_at is None or part.joined_at <= moment:
        part.is_in_channel = False
    part.left_at = max(part.left_at or moment, moment)
    if is_first and uow.policy.timeline.capture_joins:
        uow.record(incident, PersonLeft(person_kind=uow.actor.person_kind))
    return Outcome("left", incident.id)
