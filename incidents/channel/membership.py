"""Who is in the incident's channel: kept current by joins and leaves, however people came in.

Each person's first join and first leave are entries. Later ones only update who is there, so an
unsteady client doesn't fill the record. Slack may report them out of order: the later one counts,
by the chat service's clock.

Leaving a private incident's channel, or being removed from it, ends sight and rights; coming back
needs somebody inside. Who comes by somebody else's hand has no part in it: people outside may still
be in the channel, as Slack refuses to remove some, and others came while it was public.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.channel.entries import PersonJoined, PersonLeft
from incidents.channel.insiders import expect_no_more, find_insiders
from incidents.channel.invitations import note_arrival
from incidents.core.people import Person, PersonKind, Workspace, find_person, who
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.calls import silence
from incidents.incident.incident import (
    ById,
    Incident,
    Participant,
    find_participant,
    is_inside,
    save_participant,
)
from incidents.people.entries import SightEnded
from incidents.record.audit_log import AuditKind, audit
from incidents.record.marks import incident_of_channel
from incidents.roles.assign import end_roles_of

_LEFT = "left the private channel"


async def join_channel(
    uow: UnitOfWork, channel_id: str, *, at: datetime | None = None, inviter: str | None = None
) -> Outcome:
    """Record that the actor joined an incident's channel; `inviter` brought them in, if anybody.

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
    if gets_part and incident.is_private:
        gets_part = await _may_come_in(uow, incident, part, moment=moment, inviter=inviter)
    if gets_part and (part.left_at is None or part.left_at <= moment):
        if not part.is_in_channel:
            await note_arrival(uow, incident, part.person_id)
        part.is_in_channel, part.gone_at = True, None
    part.joined_at = max(part.joined_at or moment, moment)
    if is_first and uow.policy.timeline.capture_joins:
        entry = PersonJoined(person_kind=uow.actor.person_kind)
        uow.record(incident, entry, occurred_at=min(moment, uow.now))
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
    # Not of those whose sight was taken back, and who came while others could read the channel.
    was_inside = is_inside(incident, part, person_id=part.person_id)
    if has_left:
        part.is_in_channel = False
    part.left_at = max(part.left_at or moment, moment)
    loses = incident.is_private or uow.actor.person_kind is not PersonKind.MEMBER
    if has_left and was_inside and loses:
        await _end_sight(uow, incident, part, at=moment)
    if is_first and uow.policy.timeline.capture_joins:
        entry = PersonLeft(person_kind=uow.actor.person_kind)
        uow.record(incident, entry, occurred_at=min(moment, uow.now))
    return Outcome("left", incident.id)


async def find_present(session: AsyncSession, incident_id: uuid.UUID) -> Sequence[Person]:
    """Return who is in the channel as far as we know.

    To find who left, read this before Slack is asked for the members: people who come in meanwhile
    are in neither.
    """
    query = (
        select(Person)
        .join(Participant, Participant.person_id == Person.id)
        .where(Participant.incident_id == incident_id, Participant.is_in_channel)
    )
    return (await session.execute(query.order_by(Person.id))).scalars().all()


async def _may_come_in(
    uow: UnitOfWork,
    incident: Incident,
    part: Participant,
    *,
    moment: datetime,
    inviter: str | None,
) -> bool:
    """Tell whether joining its channel gives somebody a part in a private incident; keep who let them in.

    We invite only those who have one, but their sight may have ended while we did.
    """
    if part.gone_at is not None and moment <= part.gone_at:
        return False
    workspace = await uow.session.get_one(Workspace, uow.workspace_id)
    if inviter is None or inviter == workspace.bot_external_id:
        return part.gone_at is None
    person = await find_person(uow.session, workspace_id=uow.workspace_id, external_id=inviter)
    if person is None:
        return False
    theirs = await find_participant(uow.session, incident_id=incident.id, person_id=person.id)
    is_by_insider = is_inside(incident, theirs, person_id=person.id)
    if is_by_insider and part.let_in_by_id is None and person.id != part.person_id:
        part.let_in_by_id = person.id
    return is_by_insider


async def _end_sight(
    uow: UnitOfWork, incident: Incident, part: Participant, *, at: datetime
) -> None:
    """End what somebody who left may see and do here, their roles too; the audit log keeps it."""
    part.go(at)
    await uow.flush()
    if not incident.is_private:
        return
    left = [person for _, person in await find_insiders(uow.session, incident)]
    last = who(left[0]) if len(left) == 1 else None
    uow.record(incident, SightEnded(last=last))
    gone = await uow.session.get_one(Person, part.person_id)
    await expect_no_more(uow, incident, gone.external_id)
    await silence(uow, incident, gone)
    content = {"reference": str(incident.reference), "people_left": len(left)}
    await audit(uow, AuditKind.SIGHT_ENDED, content, subject_id=part.person_id)
    await end_roles_of(uow, ById(incident.id), person_id=part.person_id, reason=_LEFT)
