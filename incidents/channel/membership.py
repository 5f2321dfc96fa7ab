"""Who is in the incident's channel: kept current by joins and leaves, however people came in.

Each person's first join and first leave are entries. Later ones only update who is there, so an
unsteady client doesn't fill the record. Slack may report them out of order: the later one counts,
by the chat service's clock.

Leaving a private incident's channel, or being removed from it, ends sight and rights; coming back
needs somebody inside.
"""

from datetime import datetime

from incidents.channel.entries import PersonJoined, PersonLeft
from incidents.channel.insiders import find_insiders
from incidents.core.people import PersonKind, who
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import (
    ById,
    Incident,
    Participant,
    save_participant,
)
from incidents.people.entries import SightEnded
from incidents.record.audit_log import AuditKind, audit
from incidents.record.marks import incident_of_channel
from incidents.roles.assign import end_roles_of

_LEFT = "left the private channel"


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
    # A public channel lets in anybody, a shared one strangers: neither gives a part in it.
    gets_part = not incident.is_channel_exposed and uow.actor.person_kind != PersonKind.EXTERNAL
    if gets_part and (part.left_at is None or part.left_at <= moment):
        part.is_in_channel, part.gone_at = True, None
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
    has_left = part.joined_at is None or part.joined_at <= moment
    if has_left:
        part.is_in_channel = False
    part.left_at = max(part.left_at or moment, moment)
    # Somebody who was removed is outside already when Slack reports that they left.
    is_news = has_left and part.gone_at is None
    if is_news and (incident.is_private or uow.actor.person_kind is not PersonKind.MEMBER):
        await _end_sight(uow, incident, part)
    if is_first and uow.policy.timeline.capture_joins:
        uow.record(incident, PersonLeft(person_kind=uow.actor.person_kind))
    return Outcome("left", incident.id)


async def _end_sight(uow: UnitOfWork, incident: Incident, part: Participant) -> None:
    """End what somebody who left may see and do here, their roles too; the audit log keeps it."""
    part.go(uow.now)
    await uow.flush()
    if not incident.is_private:
        return
    left = [person for _, person in await find_insiders(uow.session, incident)]
    last = who(left[0]) if len(left) == 1 else None
    uow.record(incident, SightEnded(last=last))
    content = {"reference": str(incident.reference), "people_left": len(left)}
    await audit(uow, AuditKind.SIGHT_ENDED, content, subject_id=part.person_id)
    await end_roles_of(uow, ById(incident.id), person_id=part.person_id, reason=_LEFT)
