"""The channel's life: archived, unarchived, renamed, deleted; the bot removed and returned."""

from functools import partial

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.browse.failures import retry_ending
from bot.features.record.marked_messages import sent_at_of
from bot.framework.arguments import on_incident
from bot.framework.effect_context import Done, Dropped, EffectContext, Failed, Settlement, post_once
from bot.framework.entry_messages import Ending, ended_with, ends, shown, told_directly
from bot.framework.feature import EffectHandler, Feature
from bot.framework.reading import load_incident
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request
from bot.slack import blocks, mentions
from bot.slack.errors import SlackPermanent
from incidents.channel.archive import OVER, record_archived, record_unarchived
from incidents.channel.entries import (
    BotRemoved,
    BotReturned,
    ChannelArchived,
    ChannelDeleted,
    ChannelRefused,
    ChannelUnarchived,
)
from incidents.channel.life import (
    ChannelLoss,
    is_bot_removed_from,
    note_archived,
    note_bot_removed,
    note_bot_returned,
    note_deleted,
    note_new_id,
    note_renamed,
    note_unarchived,
    record_loss,
)
from incidents.engine.effects import ArchiveChannel, UnarchiveChannel
from incidents.engine.entries import EffectFailed
from incidents.engine.unit_of_work import UseCase
from incidents.incident.entries import ChannelLinked, ChannelOpened
from incidents.incident.incident import Incident
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.payload import Payload
from incidents.incident.views import EntryView, IncidentView, find_next_entry

# Slack errors that may mean the channel is lost, rather than that our call was wrong.
LOST = frozenset({"is_archived", "is_inactive", "not_in_channel", "channel_not_found"})


def while_channel_lasts(handler: EffectHandler) -> EffectHandler:
    """Wrap an effect handler: if the channel is lost, record the loss and drop the effect.

    So one loss causes no further failures; the timeline is complete without the channel. Nothing
    goes to a private incident's channel that others can read.
    """

    async def guarded(context: EffectContext) -> Settlement:
        if await _is_exposed(context):
            return Dropped("channel exposed")
        try:
            return await handler(context)
        except SlackPermanent as error:
            effect = context.effect
            if error.error not in LOST or effect.incident_id is None:
                raise
            lost = await _find_loss(context)
            if lost is None:
                raise
            channel_id, loss = lost
            record = partial(
                record_loss,
                incident_id=effect.incident_id,
                channel_id=channel_id,
                loss=loss,
                entry_id=context.entry_id,
            )
            return Dropped(f"channel lost: {loss}", record)

    return guarded


async def _is_exposed(context: EffectContext) -> bool:
    if not context.is_private:
        return False
    query = select(Incident).where(Incident.id == context.effect.incident_id)
    async with context.services.database.reading() as session:
        incident = (await session.execute(query)).scalar_one_or_none()
    return incident is not None and incident.is_channel_exposed


async def _find_loss(context: EffectContext) -> tuple[str, ChannelLoss] | None:
    """Ask Slack about the channel: the refusal may concern another channel, or be out of date."""
    view = await load_incident(context)
    if view.channel_id is None:
        return None
    channel = await context.services.gateway.find_channel(view.channel_id)
    if channel is not None and channel.is_archived:
        return view.channel_id, ChannelLoss.ARCHIVED
    if channel is None or not channel.is_member:
        return view.channel_id, ChannelLoss.BOT_REMOVED
    return None


# -- archiving and bringing back ----------------------------------------------------------------


async def archive_channel(context: EffectContext) -> Settlement:
    """Post why the channel is archived and how to reopen, then archive it; each step runs once."""
    context.get(ArchiveChannel)
    view = await load_incident(context)
    if view.channel_id is None or view.is_channel_archived:
        return Dropped("no channel to archive")
    if view.status not in OVER:
        return Dropped("taken up again")
    try:
        if not context.progress.get("said"):
            farewell = farewell_message(view, slash=context.services.policy.command)
            await post_once(context, channel_id=view.channel_id, message=farewell)
            await context.save_progress({"said": True})
        await context.services.gateway.archive(view.channel_id)
    except SlackPermanent as error:
        if error.error in LOST:
            raise  # `while_channel_lasts` checks and records it
        return Dropped(error.error)
    return Done(partial(record_archived, incident_id=view.id, channel_id=view.channel_id))


def farewell_message(view: IncidentView, *, slash: str) -> blocks.Message:
    """Return the last message in a channel: why it is archived, and how to reopen."""
    text = f"*{view.reference}* is {view.status}, so this channel is archived now."
    if view.status is IncidentStatus.CANCELLED:
        return say(f"{text} You can still read everything here.")
    return say(
        f"{text} Is it back? In any channel, type "
        f"`{slash} {view.reference} reopen what is wrong`: I unarchive this one, too."
    )


async def unarchive_channel(context: EffectContext) -> Settlement:
    """Unarchive and join the channel, before anything is posted there."""
    context.get(UnarchiveChannel)
    view = await load_incident(context)
    if view.channel_id is None or not view.is_channel_archived:
        return Dropped("no archived channel")
    if not view.is_open:
        return Dropped("over again")
    gateway = context.services.gateway
    try:
        await gateway.unarchive(view.channel_id)
        channel = await gateway.channel_info(view.channel_id)
        if not channel.is_member:
            await gateway.join(channel.id)
    except SlackPermanent as error:
        return Failed(error.cause)
    return Done(partial(record_unarchived, incident_id=view.id, channel_id=view.channel_id))


# -- what people do with the channel ------------------------------------------------------------


async def changed(request: Request) -> Reply:
    """Record that somebody archived, unarchived, renamed or deleted the channel."""
    if not request.channel_id:
        return None
    at = sent_at_of(str(request.event.get("event_ts")), fallback=request.now)
    match str(request.event.get("type")).partition("_")[2]:
        case "archive":
            use_case: UseCase = partial(note_archived, channel_id=request.channel_id, at=at)
        case "unarchive":
            use_case = partial(note_unarchived, channel_id=request.channel_id, at=at)
        case "deleted":
            use_case = partial(note_deleted, channel_id=request.channel_id)
        case _:
            name = str((request.event.get("channel") or {}).get("name") or "")
            use_case = partial(note_renamed, channel_id=request.channel_id, name=name, at=at)
    await request.transact(use_case)
    return None


async def given_new_id(request: Request) -> Reply:
    """Store the new id that Slack gave a channel."""
    old_id, new_id = request.event.get("old_channel_id"), request.event.get("new_channel_id")
    if isinstance(old_id, str) and isinstance(new_id, str):
        await request.transact(partial(note_new_id, old_id=old_id, new_id=new_id))
    return None


async def we_left(request: Request) -> Reply:
    """Record that the bot was removed, from the event that only the bot receives."""
    if request.channel_id:
        by = request.event.get("actor_id")
        await request.transact(
            partial(note_bot_removed, channel_id=request.channel_id, by_external_id=by)
        )
    return None


async def somebody_left(request: Request) -> Reply:
    """Record that the bot was removed, if it is the bot that left."""
    if request.channel_id and _is_us(request):
        await request.transact(partial(note_bot_removed, channel_id=request.channel_id))
    return None


async def somebody_joined(request: Request) -> Reply:
    """Record that the bot is back, if it is the bot that joined."""
    if request.channel_id and _is_us(request) and await _was_removed(request):
        await request.transact(partial(note_bot_returned, channel_id=request.channel_id))
    return None


async def _was_removed(request: Request) -> bool:
    """Tell whether the bot was removed: a cheap check, as it joins a channel per incident."""
    services = request.services
    async with services.database.reading() as session:
        return await is_bot_removed_from(
            session, request.channel_id or "", workspace_id=services.workspace.id
        )


def _is_us(request: Request) -> bool:
    return request.event.get("user") == request.services.workspace.bot_external_id


# -- direct messages to the commander (or declarer) ---------------------------------------------


def channel_archived(
    archived: ChannelArchived, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return the message that an open incident's channel was archived."""
    asks = "Nobody can post there until somebody unarchives it. I keep recording meanwhile."
    return _told_with_button(entry, incident, asks=asks)


def channel_deleted(
    deleted: ChannelDeleted, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return the message that an open incident's channel was deleted."""
    asks = "Its timeline is complete. Choose another channel for it."
    return _told_with_button(entry, incident, asks=asks)


def bot_removed(removed: BotRemoved, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the message that the bot was removed, and how to bring it back."""
    us = mentions.mention(removed.bot_id) if removed.bot_id else "@Sitrep"
    asks = (
        f"To bring me back, type `/invite` and {us} in that channel. "
        "Until then I record what happens, but can't post it there."
    )
    return _told_with_button(entry, incident, asks=asks)


async def channel_ending(
    lost: ChannelRefused | ChannelArchived | ChannelDeleted | BotRemoved,
    session: AsyncSession,
    entry: EntryView,
    incident: IncidentView,
) -> Ending | None:
    """Return where the incident continues: in its old channel, or in a new one."""
    back = (ChannelOpened.kind, ChannelLinked.kind, ChannelUnarchived.kind, BotReturned.kind)
    found = await find_next_entry(session, entry, incident, *back)
    if found is None or incident.channel_id is None:
        tried = await _tried_again(lost, session, entry, incident)
        return tried or ended_with(incident)
    return Ending(f"The incident goes on in {mentions.channel_link(incident.channel_id)}.")


async def _tried_again(
    lost: Payload, session: AsyncSession, entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return who retried the refused channel."""
    if not isinstance(lost, ChannelRefused) or lost.effect_id is None:
        return None
    failed = EffectFailed(effect_id=lost.effect_id)
    return await retry_ending(failed, session, entry, incident)


def _told_with_button(entry: EntryView, incident: IncidentView, *, asks: str) -> blocks.Message:
    use = blocks.button(
        "Use an existing channel…",
        action_id="channel_use_open",
        value=on_incident(incident),
    )
    still = f"*{incident.reference}* is still {incident.status}. {asks}"
    # Once the incident is over, its ending says so in place of this.
    return told_directly(entry, incident, use, asks=still if incident.is_open else "")


FEATURE = Feature(
    name="channel_life",
    events={
        "channel_archive": changed,
        "group_archive": changed,
        "channel_unarchive": changed,
        "group_unarchive": changed,
        "channel_rename": changed,
        "group_rename": changed,
        "channel_deleted": changed,
        "group_deleted": changed,
        "channel_id_changed": given_new_id,
        "channel_left": we_left,
        "group_left": we_left,
        "member_left_channel": somebody_left,
        "member_joined_channel": somebody_joined,
    },
    effects={ArchiveChannel: archive_channel, UnarchiveChannel: unarchive_channel},
    direct_entries=(
        shown(ChannelArchived, channel_archived),
        shown(ChannelDeleted, channel_deleted),
        shown(BotRemoved, bot_removed),
    ),
    endings=(
        ends(ChannelRefused, channel_ending),
        ends(ChannelArchived, channel_ending),
        ends(ChannelDeleted, channel_ending),
        ends(BotRemoved, channel_ending),
    ),
)
