"""Who can read the incident's channel: the record follows what is done with it in Slack.

A public incident whose channel is made private becomes private with it. A private incident never
opens with its channel: it stays private, we stop posting there, and its people are asked. We learn
of it from an event, or by comparing with Slack, as no event is sure to come.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import select

from incidents.channel.channel import ExistingChannel, save_members
from incidents.channel.entries import (
    ChannelMadePrivateAgain,
    ChannelMadePublic,
    ChannelShared,
    ChannelUnshared,
    ExposureEntry,
    SharingAccepted,
)
from incidents.channel.life import (
    about,
    incident_of,
    note_archived,
    note_bot_removed,
    note_renamed,
    note_unarchived,
)
from incidents.core.errors import AlreadySo, InvalidInput
from incidents.core.people import Person, PersonKind, who
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.entries import MovedToPrivate
from incidents.incident.incident import (
    ById,
    Incident,
    IncidentRef,
    Participant,
    Sharing,
    is_inside,
    save_participant,
)
from incidents.incident.roles import current_roles
from incidents.policy.policy import Action
from incidents.record.audit_log import AuditKind, audit
from incidents.roles.assign import end_roles_of
from incidents.roles.handoffs import find_pending_handoff, withdraw_handoff

_CLOSED_TO_THEM = "not in the channel, which was made private"


async def follow_channel(
    uow: UnitOfWork,
    channel_id: str,
    *,
    seen: ExistingChannel | None,
    members: Sequence[str] | None = None,
) -> Outcome:
    """Let the record follow what Slack says about an incident's channel; None: we can't see it.

    `members` are the channel's, if it was made private: they see the incident from then on.
    Raises: IncidentNotFound.
    """
    incident = await incident_of(uow, channel_id)
    if seen is None:
        return await note_bot_removed(uow, channel_id)
    if members is not None:
        await save_members(uow, incident, members)
    await _follow_privacy(uow, incident, is_private=seen.is_private)
    await _follow_sharing(uow, incident, is_shared=seen.has_strangers)
    await note_renamed(uow, channel_id, name=seen.name)
    if seen.is_archived:
        return await note_archived(uow, channel_id)
    await note_unarchived(uow, channel_id)
    if not seen.is_member:
        return await note_bot_removed(uow, channel_id)
    return Outcome("channel_followed", incident.id)


async def note_privacy(uow: UnitOfWork, channel_id: str, *, is_private: bool) -> Outcome:
    """Record that the actor made the channel private or public. Raises: IncidentNotFound."""
    incident = await incident_of(uow, channel_id)
    await _follow_privacy(uow, incident, is_private=is_private)
    return Outcome("channel_followed", incident.id)


async def note_sharing(uow: UnitOfWork, channel_id: str, *, is_shared: bool) -> Outcome:
    """Record that another organisation reads the channel, or doesn't. Raises: IncidentNotFound."""
    incident = await incident_of(uow, channel_id)
    await _follow_sharing(uow, incident, is_shared=is_shared)
    return Outcome("channel_followed", incident.id)


async def accept_sharing(uow: UnitOfWork, ref: IncidentRef) -> Outcome:
    """Go on in a channel that another organisation reads, although the incident is private.

    Raises: IncidentNotFound; NotPermitted; InvalidInput for a public channel; AlreadySo.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.USE_CHANNEL, incident)
    if not incident.is_channel_exposed:
        raise AlreadySo("channel", "the incident's")
    if not incident.is_channel_private:
        raise InvalidInput("channel", "is_public")
    incident.channel_sharing = Sharing.ACCEPTED
    people = tuple(map(who, await insiders(uow, incident)))
    uow.record(incident, replace(about(SharingAccepted, incident), people=people))
    await _audit(uow, incident, "sharing_accepted")
    return Outcome("sharing_accepted", incident.id, {"reference": str(incident.reference)})


# -- private and public -------------------------------------------------------------------------


async def _follow_privacy(uow: UnitOfWork, incident: Incident, *, is_private: bool) -> None:
    if incident.is_channel_private == is_private:
        return
    incident.is_channel_private = is_private
    if not is_private:
        await _record(uow, incident, ChannelMadePublic)
    elif incident.is_private:
        await _record(uow, incident, ChannelMadePrivateAgain)
    else:
        await _make_private(uow, incident)


async def _make_private(uow: UnitOfWork, incident: Incident) -> None:
    """Make the incident private where it is, for those in its channel.

    The declarer and people with roles keep it, too, unless they had left the channel.
    """
    roles = {role.person_id for role in await current_roles(uow.session, incident.id)}
    concerned = roles | ({incident.declared_by_id} if incident.declared_by_id else set())
    for person_id in concerned:
        await save_participant(uow.session, incident_id=incident.id, person_id=person_id)
    parts = {part.person_id: part for part in await _parts(uow, incident)}
    kept = {
        person_id
        for person_id, part in parts.items()
        if person_id in concerned and part.left_at is None and not part.is_in_channel
    }
    for person_id, part in parts.items():
        if person_id in kept:
            part.let_in(uow.now)
        elif not part.is_in_channel:
            part.go(uow.now)
    incident.is_private = True
    await uow.flush()
    people = tuple(map(who, await _people(uow, kept)))
    uow.record(incident, MovedToPrivate(people=people, is_in_place=True))
    await _audit(uow, incident, "made_private")
    for person_id in sorted(one for one in roles if parts[one].gone_at is not None):
        await end_roles_of(uow, ById(incident.id), person_id=person_id, reason=_CLOSED_TO_THEM)
    await _end_handoff(uow, incident)
    if incident.channel_sharing == Sharing.SHARED:
        await _record(uow, incident, ChannelShared)


async def _end_handoff(uow: UnitOfWork, incident: Incident) -> None:
    """End a handoff with somebody who no longer sees the incident."""
    handoff = await find_pending_handoff(uow.session, incident.id)
    if handoff is None:
        return
    inside = {person.id for person in await insiders(uow, incident)}
    if not inside.issuperset(handoff.party_ids):
        await withdraw_handoff(uow, incident, handoff)


# -- shared -------------------------------------------------------------------------------------


async def _follow_sharing(uow: UnitOfWork, incident: Incident, *, is_shared: bool) -> None:
    if (incident.channel_sharing != Sharing.NONE) == is_shared:
        return
    incident.channel_sharing = Sharing.SHARED if is_shared else Sharing.NONE
    await _record(uow, incident, ChannelShared if is_shared else ChannelUnshared)


async def _record(uow: UnitOfWork, incident: Incident, entry_type: type[ExposureEntry]) -> None:
    """Record the change; for a private incident with everybody inside, and on the audit log."""
    inside = await insiders(uow, incident) if incident.is_private else []
    entry = replace(about(entry_type, incident), people=tuple(map(who, inside)))
    if isinstance(entry, ChannelShared):
        entry = replace(entry, is_exposure=incident.is_channel_exposed)
    uow.record(incident, entry)
    if incident.is_private:
        await _audit(uow, incident, entry.kind)


async def _audit(uow: UnitOfWork, incident: Incident, what: str) -> None:
    content = {"reference": str(incident.reference), "what": what}
    await audit(uow, AuditKind.CHANNEL_CHANGED, content)


async def insiders(uow: UnitOfWork, incident: Incident) -> list[Person]:
    """Return the active people of ours who see a private incident, by name."""
    inside = {
        part.person_id
        for part in await _parts(uow, incident)
        if is_inside(incident, part, person_id=part.person_id)
    }
    if incident.declared_by_id is not None and not await _has_part(uow, incident):
        inside.add(incident.declared_by_id)
    return await _people(uow, inside)


async def _has_part(uow: UnitOfWork, incident: Incident) -> bool:
    declarer = incident.declared_by_id
    return any(part.person_id == declarer for part in await _parts(uow, incident))


async def _parts(uow: UnitOfWork, incident: Incident) -> Sequence[Participant]:
    query = select(Participant).where(Participant.incident_id == incident.id)
    return (await uow.session.execute(query.order_by(Participant.id))).scalars().all()


async def _people(uow: UnitOfWork, person_ids: Collection[uuid.UUID]) -> list[Person]:
    query = select(Person).where(
        Person.id.in_(person_ids),
        Person.is_active,
        Person.kind.not_in((PersonKind.BOT, PersonKind.EXTERNAL)),
    )
    return list((await uow.session.execute(query.order_by(Person.name, Person.id))).scalars())
