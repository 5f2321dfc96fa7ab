"""The incident's channel: opened, refused, or replaced by an existing one."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from incidents.channel.entries import ChannelRefused
from incidents.channel.events import ChannelSuperfluous
from incidents.channel.insiders import find_insiders
from incidents.core.errors import AlreadySo, InvalidInput, Newcomer
from incidents.core.ids import derived_id
from incidents.core.people import Person, PersonFacts, PersonKind, Workspace, save_person, who
from incidents.core.sentences import Who
from incidents.engine import settling
from incidents.engine.effects import JoinChannel
from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.entries import ChannelLinked, ChannelOpened
from incidents.incident.incident import (
    ById,
    Incident,
    IncidentRef,
    Participant,
    Sharing,
    find_participant,
    is_inside,
    save_participant,
)
from incidents.people.assignable import refuse_unknown
from incidents.people.sight import agree_to_open, let_in
from incidents.policy.policy import Action

# Store at most this many unknown people: the members of a company-wide channel aren't all
# responders.
_MOST_NEW_PEOPLE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingChannel:
    """An existing channel, as the chat service describes it."""

    id: str
    name: str
    is_private: bool
    is_archived: bool = False
    # Also with another workspace of the same organisation.
    is_shared: bool = False
    # With another organisation.
    has_strangers: bool = False
    is_member: bool = True
    # The channel that everybody in the workspace is in and can't leave.
    is_everybodys: bool = False


async def record_opened(
    uow: UnitOfWork,
    incident_id: uuid.UUID,
    *,
    channel_id: str,
    channel_name: str,
    is_private: bool,
) -> None:
    """Record that the incident's channel is open; discard one that comes too late.

    Also discards a public one if the incident became private while it was being opened.
    """
    incident = await uow.get_incident(ById(incident_id))
    if incident.is_private and not is_private:
        uow.emit(ChannelSuperfluous(channel_id=channel_id), incident)
        return
    if incident.channel_id is not None:
        if incident.channel_id != channel_id:
            uow.emit(ChannelSuperfluous(channel_id=channel_id), incident)
        return
    incident.set_channel(channel_id, channel_name, is_private=is_private)
    uow.record(incident, ChannelOpened(channel_id=channel_id, channel_name=channel_name))


async def record_refused(
    uow: UnitOfWork, incident_id: uuid.UUID, *, error: str, effect_id: uuid.UUID
) -> None:
    """Record that the chat service refuses the channel for good."""
    incident = await uow.get_incident(ById(incident_id))
    refused = ChannelRefused(
        error=error,
        effect_id=effect_id,
        channel_name=incident.channel_name or "",
        can_use_existing=uow.policy.channels.allow_existing,
    )
    uow.record(incident, refused)


async def use_channel(
    uow: UnitOfWork,
    ref: IncidentRef,
    *,
    channel: ExistingChannel,
    members: Sequence[str] = (),
) -> Outcome:
    """Use an existing channel for the incident, instead of its current or refused one.

    A private incident opens to the channel's `members`, once the actor agreed to that; everybody
    who sees it goes along.

    Raises: NotPermitted; AlreadySo; InvalidInput for a channel that this incident can't use.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.USE_CHANNEL, incident)
    if incident.channel_id == channel.id:
        raise AlreadySo("channel", f"#{channel.name}")
    await _check_channel(uow, incident, channel)
    people: tuple[Who, ...] = ()
    if incident.is_private:
        await agree_to_open(uow, incident, await _newcomers(uow, incident, members))
        people = await _keep_insiders(uow, incident)
    linked = ChannelLinked(
        people=people,
        channel_id=channel.id,
        channel_name=channel.name,
        old_channel_id=incident.channel_id or "",
        old_channel_name=incident.channel_name or "",
        was_exposed=incident.is_channel_exposed,
    )
    incident.set_channel(channel.id, channel.name, is_private=channel.is_private)
    if channel.has_strangers:
        incident.channel_sharing = Sharing.ACCEPTED  # people chose it as it is
    entry = uow.record(incident, linked)
    joining = derived_id(entry.id, f"{JoinChannel.kind}:")
    await wait_for_other_channel(uow, incident.channel_effect_id, joining)
    incident.channel_effect_id = joining
    data = {"reference": str(incident.reference), "channel_id": channel.id}
    return Outcome("channel_linked", incident.id, data)


async def record_members(
    uow: UnitOfWork, incident_id: uuid.UUID, *, channel_id: str, members: Sequence[str]
) -> None:
    """Store the members of an existing channel: no join event told us about them."""
    incident = await uow.get_incident(ById(incident_id))
    if incident.channel_id == channel_id and not incident.is_channel_exposed:
        await save_members(uow, incident, members)


async def save_members(uow: UnitOfWork, incident: Incident, members: Sequence[str]) -> None:
    """Store who is in the incident's channel now, as Slack says; strangers get no part in it."""
    present = await _people_of(uow, members)
    query = select(Participant).where(
        Participant.incident_id == incident.id, Participant.is_in_channel.is_(True)
    )
    for part in (await uow.session.execute(query)).scalars():
        part.is_in_channel = part.person_id in present
    for person_id in present:
        part = await save_participant(uow.session, incident_id=incident.id, person_id=person_id)
        part.is_in_channel, part.gone_at = True, None


async def _check_channel(uow: UnitOfWork, incident: Incident, channel: ExistingChannel) -> None:
    if not uow.policy.channels.allow_existing:
        raise InvalidInput("channel", "not_allowed")
    if channel.is_everybodys:
        raise InvalidInput("channel", "is_everybodys")
    if channel.is_archived:
        raise InvalidInput("channel", "is_archived")
    if incident.is_private and (channel.is_shared or not channel.is_private):
        raise InvalidInput("channel", "is_public")
    workspace = await uow.session.get(Workspace, uow.workspace_id)
    if workspace is not None and workspace.announcement_channel_id == channel.id:
        raise InvalidInput("channel", "is_announcements")
    query = select(Incident.id).where(
        Incident.workspace_id == uow.workspace_id, Incident.channel_id == channel.id
    )
    if (await uow.session.execute(query)).first() is not None:
        raise InvalidInput("channel", "in_use")


async def _newcomers(uow: UnitOfWork, incident: Incident, members: Sequence[str]) -> list[Newcomer]:
    """Return those in a channel who can't see the private incident yet. Raises: NotKnownYet."""
    newcomers: list[Newcomer] = []
    own = await _own_id(uow)
    await refuse_unknown(uow, [one for one in members if one != own])
    for person_id in await _people_of(uow, members):
        person = await uow.session.get_one(Person, person_id)
        part = await find_participant(uow.session, incident_id=incident.id, person_id=person_id)
        if not is_inside(incident, part, person_id=person_id):
            newcomers.append(Newcomer(person.external_id, person.name))
    return sorted(newcomers, key=lambda one: (one.name, one.external_id))


async def _keep_insiders(uow: UnitOfWork, incident: Incident) -> tuple[Who, ...]:
    """Return who sees the private incident; who was only in its channel sees it without, too."""
    inside = await find_insiders(uow.session, incident)
    for part, person in inside:
        await let_in(uow, incident, person, is_agreed=True, by=part.let_in_by_id)
    return tuple(who(person) for _, person in inside)


async def wait_for_other_channel(
    uow: UnitOfWork, opening: uuid.UUID | None, joining: uuid.UUID
) -> None:
    """Give up opening a channel; effects that waited for it wait for the other one instead.

    An attempt already under way finishes by itself, and its channel is then discarded.
    """
    if opening is None:
        return
    query = select(EffectRow).where(EffectRow.id == opening).with_for_update()
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is not None and row.status in {EffectStatus.PENDING, EffectStatus.DEAD}:
        await settling.give_up(uow.session, row, now=uow.now, reason="another channel is used")
    waiting = (EffectStatus.PENDING, EffectStatus.BLOCKED)
    await uow.session.execute(
        update(EffectRow)
        .where(EffectRow.after_effect_id == opening, EffectRow.status.in_(waiting))
        .values(after_effect_id=joining, status=EffectStatus.PENDING)
    )


async def _people_of(uow: UnitOfWork, external_ids: Sequence[str]) -> set[uuid.UUID]:
    own = await _own_id(uow)
    wanted = {external_id for external_id in external_ids if external_id != own}
    query = select(Person).where(
        Person.workspace_id == uow.workspace_id, Person.external_id.in_(wanted)
    )
    rows = (await uow.session.execute(query)).scalars().all()
    known = {row.external_id: row.id for row in rows}
    strangers = {row.id for row in rows if row.kind in (PersonKind.BOT, PersonKind.EXTERNAL)}
    for external_id in sorted(wanted - known.keys())[:_MOST_NEW_PEOPLE]:
        facts = PersonFacts(external_id=external_id)
        person = await save_person(uow.session, facts, workspace_id=uow.workspace_id)
        known[external_id] = person.id
    return set(known.values()) - strangers


async def _own_id(uow: UnitOfWork) -> str:
    workspace = await uow.session.get(Workspace, uow.workspace_id)
    return workspace.bot_external_id if workspace is not None else ""
