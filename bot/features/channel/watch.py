"""Compares incident channels with Slack: made private or public, shared, and the rest of their life.

Slack has events for some of it (`channel_shared`), only a line in the channel for some
(`channel_convert_to_private`), and nothing on some plans. So we look whenever an event doesn't fit
what we know, at start, and every ten minutes for each open incident: fifty of them use a tenth of
the fifty calls a minute that Slack allows for `conversations.info`.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.feature import Feature
from bot.framework.requests import Reply, Request, Services
from bot.slack.errors import SlackFailure, SlackPermanent
from bot.slack.gateway.channels import Channel
from incidents.channel.channel import ExistingChannel
from incidents.channel.exposure import follow_channel, note_privacy, note_sharing
from incidents.channel.membership import find_present, leave_channel
from incidents.core.errors import IncidentNotFound
from incidents.core.people import Actor, actor_of, system_actor
from incidents.engine.effects import CatchUp
from incidents.engine.outbox import waiting_incidents
from incidents.engine.unit_of_work import UseCase
from incidents.incident.incident import (
    ByChannel,
    Incident,
    Sharing,
    find_incident,
    open_in_channels,
)

EVERY: Final = timedelta(minutes=10)

# Lines that Slack writes into a channel, and what they say about it.
_CONVERTED: Final[Mapping[str, bool]] = MappingProxyType(
    {"channel_convert_to_private": True, "channel_convert_to_public": False}
)
# What an event says about its channel: whether it is private.
_KINDS: Final[Mapping[str, bool]] = MappingProxyType(
    {"group": True, "G": True, "channel": False, "C": False}
)

log = structlog.get_logger(__name__)


# -- looking ------------------------------------------------------------------------------------


async def look_at_channel(services: Services, channel_id: str, *, actor: Actor) -> None:
    """Ask Slack about an incident's channel, and let the record follow.

    Raises: SlackFailure; IncidentNotFound.
    """
    async with services.database.reading() as session:
        incident = await _incident_in(session, services, channel_id)
    if incident is None:
        raise IncidentNotFound(None)
    channel = await services.gateway.find_channel(channel_id)
    members = None
    became_private = channel and channel.is_private and not incident.is_channel_private
    # People who joined a private incident's channel while it was public don't see the incident.
    if became_private and not incident.is_private:
        members = await services.gateway.members(channel_id)
    seen = _seen(channel) if channel is not None else None
    use_case = partial(follow_channel, channel_id=channel_id, seen=seen, members=members)
    await _record(services, use_case, actor=actor)


async def _record(services: Services, use_case: UseCase, *, actor: Actor) -> None:
    # Each follows from the state, so repeating one changes nothing.
    await services.transactions.run(use_case, actor=actor, workspace_id=services.workspace.id)


async def _incident_in(
    session: AsyncSession, services: Services, channel_id: str
) -> Incident | None:
    workspace_id = services.workspace.id
    return await find_incident(
        session, ByChannel(channel_id), workspace_id=workspace_id, viewer=system_actor()
    )


def _seen(channel: Channel) -> ExistingChannel:
    return ExistingChannel(
        id=channel.id,
        name=channel.name,
        is_private=channel.is_private,
        is_archived=channel.is_archived,
        is_shared=channel.is_shared,
        has_strangers=channel.has_strangers,
        is_member=channel.is_member,
    )


async def look_at_open_channels(services: Services) -> None:
    """Look at the channel of each incident that isn't over; stop if Slack can't be asked."""
    query = open_in_channels(services.workspace.id)
    async with services.database.reading() as session:
        incidents = (await session.execute(query)).scalars().all()
        # After an absence, reading the channel shows who changed it.
        read_soon = await waiting_incidents(
            session, CatchUp.kind, workspace_id=services.workspace.id
        )
    for incident in incidents:
        if incident.id in read_soon and not incident.is_private:
            continue
        try:
            await _look_quietly(services, incident)
        except SlackFailure as error:
            log.info("channels_not_looked_at", error=error.error)
            return


async def _look_quietly(services: Services, incident: Incident) -> None:
    channel_id = incident.channel_id or ""
    channel = await services.gateway.find_channel(channel_id)
    if channel is not None and _fits(channel, incident):
        if incident.is_private and channel.is_private and not channel.is_archived:
            await _look_who_left(services, incident)
        return
    try:
        await look_at_channel(services, channel_id, actor=system_actor())
    except IncidentNotFound:
        log.info("channel_left_meanwhile")


async def _look_who_left(services: Services, incident: Incident) -> None:
    """End the sight of people who are no longer in a private incident's channel.

    Nothing tells us who left while we weren't connected.
    """
    channel_id, at = incident.channel_id or "", services.clock.now()
    async with services.database.reading() as session:
        present = await find_present(session, incident.id)
    try:
        members = await services.gateway.members(channel_id)
    except SlackPermanent as error:
        log.info("members_not_looked_at", channel_id=channel_id, error=error.error)
        return
    for person in present:
        if person.external_id in members:
            continue
        leave = partial(leave_channel, channel_id=channel_id, at=at)
        await _record(services, leave, actor=actor_of(person))


def _fits(channel: Channel, incident: Incident) -> bool:
    return (
        channel.is_member
        and channel.name == incident.channel_name
        and channel.is_archived == incident.is_channel_archived
        and channel.is_private == incident.is_channel_private
        and channel.has_strangers == (incident.channel_sharing != Sharing.NONE)
    )


# -- events -------------------------------------------------------------------------------------


async def heard(request: Request) -> Reply:
    """Look at the channel if an event in it doesn't fit what we know about it."""
    services, channel_id = request.services, request.channel_id or ""
    async with services.database.reading() as session:
        incident = await _incident_in(session, services, channel_id)
    if incident is None:
        return None
    subtype = str(request.event.get("subtype") or "")
    if subtype in _CONVERTED:
        is_private = _CONVERTED[subtype]
        plain = partial(note_privacy, channel_id=channel_id, is_private=is_private)
        await _look_or_believe(request, channel_id, plain, actor=request.actor)
    elif _is_odd(request.payload, incident):
        await _look_at_odd(request, channel_id)
    return None


async def _look_at_odd(request: Request, channel_id: str) -> None:
    """Look at the channel. Raises: SlackFailure if somebody joined: first we must know who may."""
    try:
        await look_at_channel(request.services, channel_id, actor=system_actor())
    except SlackFailure as error:
        if request.event.get("type") != "message":
            raise
        log.info("channel_not_looked_at", error=error.error)


def _is_odd(body: Mapping[str, Any], incident: Incident) -> bool:
    """Tell whether the event contradicts what we know: private or public, shared or not."""
    said = _KINDS.get(str((body.get("event") or {}).get("channel_type")))
    is_shared = body.get("is_ext_shared_channel")
    differs = is_shared is not None and bool(is_shared) != (
        incident.channel_sharing != Sharing.NONE
    )
    return differs or (said is not None and said != incident.is_channel_private)


async def shared(request: Request) -> Reply:
    """Record that a channel is shared with another organisation, or isn't any more."""
    event, services = request.event, request.services
    channel_id, us = request.channel_id or "", services.workspace
    with_whom = event.get("connected_team_id")
    if with_whom and with_whom in {us.enterprise_id, us.external_id}:
        return None  # with another workspace of our own organisation
    is_shared = event.get("type") == "channel_shared" or bool(event.get("is_ext_shared"))
    plain = partial(note_sharing, channel_id=channel_id, is_shared=is_shared)
    await _look_or_believe(request, channel_id, plain, actor=system_actor())
    return None


async def given_new_id(request: Request) -> Reply:
    """Look at a channel that has a new id: it may be shared or private since then."""
    new_id = request.event.get("new_channel_id")
    if isinstance(new_id, str):
        await look_at_channel(request.services, new_id, actor=system_actor())
    return None


async def _look_or_believe(
    request: Request, channel_id: str, plain: UseCase, *, actor: Actor
) -> None:
    """Ask Slack what is true now; if it can't be asked, believe the event."""
    try:
        await look_at_channel(request.services, channel_id, actor=actor)
    except SlackFailure as error:
        log.info("event_believed", error=error.error)
        await _record(request.services, plain, actor=actor)


# Registered before the features that let people in: an event may tell that the channel is public.
FEATURE = Feature(
    name="channel_watch",
    events={
        "message": heard,
        "member_joined_channel": heard,
        "channel_shared": shared,
        "channel_unshared": shared,
    },
)
# Registered after `channel_id_changed` was followed.
FEATURE_AFTER = Feature(name="channel_watch_new_id", events={"channel_id_changed": given_new_id})
