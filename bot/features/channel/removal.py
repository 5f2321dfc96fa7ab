"""Removes our messages and files about a private incident from places that others can read.

Deleted if Slack lets us, else reduced to "handled privately". What is done is kept in the effect's
progress: rate limits, a restart or a failing Slack in between lose and repeat nothing.
"""

import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.channel.announcement import ANNOUNCEMENT, handled_privately
from bot.features.channel.feature import get_incident_row, is_own_topic
from bot.features.record.redaction import is_file_of
from bot.framework.effect_context import Done, EffectContext, Settlement
from bot.framework.feature import Feature
from bot.framework.reading import incident_id_of, is_hidden_from
from bot.slack.errors import SlackFailure, SlackPermanent, SlackTemporary
from bot.slack.gateway.channels import Channel
from bot.slack.gateway.messages import PastMessage
from incidents.channel.entries import Remains
from incidents.channel.removal import (
    Stay,
    direct_places,
    is_still_posting,
    known_places,
    of_other_incidents,
    record_removal,
    stays_to_clean,
)
from incidents.core.people import Person
from incidents.engine.effects import RemoveMessages
from incidents.engine.posted_messages import PostedMessage, find_posted, find_threads
from incidents.incident.incident import Incident

# Messages that were under way when the incident left a channel arrive a little later.
_STRAGGLERS: Final = timedelta(minutes=2)
# When to look again, if an effect planned earlier may still post in the old channel.
_AGAIN: Final = timedelta(seconds=2)
# Where the work on the replies to the announcement is kept, as that on a channel is by its id.
_THREAD: Final = "thread"
_TOPIC: Final = "Handled privately"
# Slack's notices that somebody came or went aren't messages of ours.
_COMINGS: Final = frozenset({"channel_join", "channel_leave", "group_join", "group_leave"})

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Work:
    """What to remove from one place, and the results so far: ts of messages, or ids of files."""

    ours: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    reduced: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    files_removed: list[str] = field(default_factory=list)
    files_refused: list[str] = field(default_factory=list)
    of_people: int = 0
    readable_by: str = ""

    def add(self, found: Iterable[str]) -> None:
        self.ours = sorted({*self.ours, *found})

    def left(self) -> list[str]:
        done = {*self.removed, *self.reduced, *self.refused}
        return [ts for ts in self.ours if ts not in done]

    def files_left(self) -> list[str]:
        return [one for one in self.files if one not in {*self.files_removed, *self.files_refused}]


async def remove_messages(context: EffectContext) -> Settlement:
    """Remove our messages from the incident's former channels, and from one that is public now."""
    effect, services = context.get(RemoveMessages), context.services
    async with services.database.reading() as session:
        incident = await get_incident_row(context, session)
        stays = await stays_to_clean(session, incident)
        direct = await _direct_of_outsiders(session, incident)
        announced = await find_posted(session, purpose=ANNOUNCEMENT.purpose, subject_id=incident.id)
        is_early = await is_still_posting(session, context.effect_id)
    work = {name: _Work(**saved) for name, saved in context.progress.get("work", {}).items()}
    if context.progress.get("was_early"):  # an edit that was under way may have undone these
        for one in work.values():
            one.reduced.clear()
    try:
        for stay in stays:
            await _clean(context, incident, stay, work.setdefault(stay.channel_id, _Work()))
        if announced is not None:
            await _clean_thread(context, incident, announced, work.setdefault(_THREAD, _Work()))
        for place in direct:
            await _remove(context, place, incident, work.setdefault("direct", _Work()))
    finally:
        saved = {name: asdict(one) for name, one in work.items()}
        await context.save_progress({"work": saved, "was_early": is_early})
    if is_early:
        raise SlackTemporary("still_posting", method="chat.delete", retry_after=_AGAIN)
    told, thread = len(work.pop("direct", _Work()).removed), work.pop(_THREAD, _Work())
    channels = [_remains(stay, work[stay.channel_id]) for stay in stays]
    if announced is not None and thread.ours:
        name = services.policy.announcement.channel.removeprefix("#")
        channels.append(_remains(Stay(channel_id=announced.channel_id, name=name), thread))
    if not channels and not told:
        return Done()
    incident_id = incident_id_of(effect)
    record = partial(record_removal, incident_id=incident_id, channels=channels, direct=told)
    return Done(record)


async def _direct_of_outsiders(session: AsyncSession, incident: Incident) -> list[tuple[str, str]]:
    """Return the direct messages about the incident to people who no longer see it."""
    found: list[tuple[str, str]] = []
    for person_id, places in (await direct_places(session, incident.id)).items():
        person = await session.get(Person, person_id)
        if person is not None and await is_hidden_from(session, incident, person):
            found += sorted(places)
    return found


# -- one channel --------------------------------------------------------------------------------


async def _clean(context: EffectContext, incident: Incident, stay: Stay, work: _Work) -> None:
    """Find what is ours in the channel, and remove it; the messages that are known go first."""
    services, channel_id = context.services, stay.channel_id
    async with services.database.reading() as session:
        work.add(await known_places(session, incident.id, channel_id=channel_id))
        threads = await find_threads(session, incident.id, channel_id=channel_id)
    channel = await services.gateway.find_channel(channel_id)
    work.readable_by = _readers_of(channel)
    if channel is None:
        await _remove_all(context, incident, channel_id, work)
        return
    # While its card is there: the history shows no thread under a message that is gone.
    await _in_channel(context, channel, partial(_look_under, context, channel_id, threads, work))
    await _remove_all(context, incident, channel_id, work)
    await _in_channel(context, channel, partial(_look_through, context, incident, stay, work))
    await _remove_all(context, incident, channel_id, work)
    if is_own_topic(channel, reference=str(incident.reference), us=services.workspace):
        await _quietly(services.gateway.set_topic(channel_id, _TOPIC))


async def _clean_thread(
    context: EffectContext, incident: Incident, announced: PostedMessage, work: _Work
) -> None:
    """Remove our replies to the announcement, which itself says less from now on."""
    services, (channel_id, ts) = context.services, (announced.channel_id, announced.message_ts)
    if not incident.is_private:
        return
    async with services.database.reading() as session:
        work.add(await known_places(session, incident.id, channel_id=channel_id) - {ts})
    try:
        replies = await services.gateway.thread(channel_id, ts)
    except SlackPermanent as error:
        log.warning("thread_not_looked_through", channel_id=channel_id, error=error.error)
        replies = ()
    us = services.workspace.bot_external_id
    work.add(str(one["ts"]) for one in replies if one.get("user") == us)
    work.of_people = sum(one.get("user") != us for one in replies)
    await _remove_all(context, incident, channel_id, work)
    if work.ours:
        work.readable_by = _readers_of(await services.gateway.find_channel(channel_id))


async def _remove_all(
    context: EffectContext, incident: Incident, channel_id: str, work: _Work
) -> None:
    for ts in reversed(work.left()):  # replies before what they are under
        await _remove(context, (channel_id, ts), incident, work)
    for file_id in work.files_left():
        try:
            await context.services.gateway.delete_file(file_id)
            work.files_removed.append(file_id)
        except SlackPermanent as error:
            log.warning("file_not_removed", channel_id=channel_id, error=error.error)
            work.files_refused.append(file_id)


async def _remove(
    context: EffectContext, place: tuple[str, str], incident: Incident, work: _Work
) -> None:
    """Delete a message, or reduce it if Slack refuses that."""
    gateway, (channel_id, ts) = context.services.gateway, place
    if ts in {*work.removed, *work.reduced, *work.refused}:
        return
    try:
        await gateway.delete(channel_id, ts)
    except SlackPermanent as error:
        log.info("message_not_deleted", channel_id=channel_id, error=error.error)
    else:
        work.removed.append(ts)
        return
    try:
        await gateway.update(channel_id, ts, handled_privately(str(incident.reference)))
        work.reduced.append(ts)
    except SlackPermanent as error:
        log.warning("message_not_reduced", channel_id=channel_id, error=error.error)
        work.refused.append(ts)


async def _look_under(
    context: EffectContext, channel_id: str, threads: Iterable[str], work: _Work
) -> None:
    """Find our replies under our messages."""
    us = context.services.workspace.bot_external_id
    for ts in threads:
        replies = await context.services.gateway.past_replies(channel_id, ts)
        work.add(one.ts for one in replies if one.user_id == us)


async def _look_through(
    context: EffectContext, incident: Incident, stay: Stay, work: _Work
) -> None:
    """Look through the channel's history: no list of ours is complete after a crash or a year."""
    services, until = context.services, stay.until
    past = await services.gateway.past_messages(
        stay.channel_id,
        oldest=stay.since - _STRAGGLERS if stay.since else None,
        latest=until + _STRAGGLERS if until else None,
    )
    us = services.workspace.bot_external_id
    said = [one for one in past if one.subtype not in _COMINGS]
    # We reply only under our own messages.
    for one in [one for one in said if one.replies and one.user_id == us]:
        said += await services.gateway.past_replies(stay.channel_id, one.ts)
    ours = [one for one in said if one.user_id == us]
    work.add(await _of_this_incident(context, incident.id, ours))
    theirs = [one for one in said if one.user_id != us]
    work.of_people = len(theirs) + sum(one.replies for one in theirs)
    files = await services.gateway.own_files(
        stay.channel_id, user=us, until=services.clock.now() + _STRAGGLERS
    )
    reference = str(incident.reference)
    found = {file.id for file in files if is_file_of(reference, file.name)}
    work.files = sorted({*work.files, *found})


async def _of_this_incident(
    context: EffectContext, incident_id: uuid.UUID, ours: list[PastMessage]
) -> list[str]:
    effects = {one.effect_id for one in ours if one.effect_id is not None}
    async with context.services.database.reading() as session:
        others = await of_other_incidents(session, incident_id, effects)
    return [one.ts for one in ours if one.effect_id not in others]


async def _in_channel(
    context: EffectContext, channel: Channel, look: Callable[[], Awaitable[None]]
) -> None:
    """Look into a channel, after joining it if it is public and we aren't in it."""
    try:
        if not channel.is_member and not channel.is_private and not channel.is_archived:
            await context.services.gateway.join(channel.id)
        await look()
    except SlackPermanent as error:
        log.warning("channel_not_looked_through", channel_id=channel.id, error=error.error)


async def _quietly(call: Awaitable[None]) -> None:
    try:
        await call
    except SlackFailure as error:
        log.info("topic_not_reduced", error=error.error)


def _readers_of(channel: Channel | None) -> str:
    if channel is None:
        return "nobody Sitrep knows of (the channel is gone or closed to it)"
    readers = "its members" if channel.is_private else "everybody in the workspace"
    return f"{readers} and another organisation" if channel.has_strangers else readers


def _remains(stay: Stay, work: _Work) -> Remains:
    return Remains(
        channel_id=stay.channel_id,
        channel_name=stay.name,
        removed=len(work.removed),
        reduced=len(work.reduced),
        refused=len(work.refused),
        files_removed=len(work.files_removed),
        files_refused=len(work.files_refused),
        of_people=work.of_people,
        readable_by=work.readable_by,
    )


FEATURE = Feature(name="removal", effects={RemoveMessages: remove_messages})
