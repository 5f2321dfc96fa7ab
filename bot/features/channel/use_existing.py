"""Uses an existing channel for an incident, by command or form; it can replace the present one."""

from collections.abc import Mapping
from functools import partial

from bot.framework.arguments import OnIncident
from bot.framework.effect_context import Done, Dropped, EffectContext, Failed, Settlement, post_once
from bot.framework.entry_messages import shown, told_directly, told_message
from bot.framework.feature import Feature
from bot.framework.reading import load_incident, read_incident
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.verbs import Form, Verb
from bot.slack import blocks, mentions
from bot.slack.errors import SlackPermanent
from bot.slack.ids import UserId
from incidents.channel.channel import ExistingChannel, record_members, record_refused, use_channel
from incidents.core.errors import AlreadySo, DomainError, InvalidInput
from incidents.engine.effects import JoinChannel, PostMove
from incidents.incident.entries import ChannelLinked, MovedToPrivate
from incidents.incident.incident import ById
from incidents.incident.views import (
    EntryView,
    IncidentView,
    find_next_entry,
    get_entry_view,
    get_incident_view,
)

_EXAMPLE = "INC-12 channel #database-room"


class Using(OnIncident):
    """The channel that an incident should use."""

    channel: str = ""


def typed_channel(request: Request) -> Using:
    """Parse `channel #name`."""
    channel_id = mentions.parse_channel(request.words.text.strip())
    if channel_id is None:
        example = _EXAMPLE
        raise InvalidInput("channel", "not_a_channel", example)
    return Using(request.incident_ref(), channel=channel_id)


async def use(request: Request, given: Using) -> Reply:
    """Move the incident to the channel."""
    if not given.channel:
        raise InvalidInput("channel", "empty")
    # Check access before asking Slack: an outsider learns nothing about incident or channel.
    await request.read(get_incident_view, given.ref)
    channel, members = await _describe(request, given.channel)
    use_case = partial(use_channel, ref=given.ref, channel=channel, members=members)
    outcome = await request.transact(use_case)
    reference, channel_id = outcome.data["reference"], outcome.data["channel_id"]
    text = (
        f"*{reference}* goes on in {mentions.channel_link(channel_id)}. "
        "I'm bringing the status card and the people there."
    )
    return Say(say(text))


async def open_form(request: Request, given: Using) -> Form[Using]:
    """Return the form that asks for a channel."""
    view = await request.read(get_incident_view, given.ref)
    return Form(channel_form(view), Using(ById(view.id)))


def _already_its(_: Request, error: DomainError) -> Mapping[str, str] | None:
    if isinstance(error, AlreadySo):
        return {"channel": f"This is already the incident's channel ({error.detail})."}
    return None


def channel_form(view: IncidentView) -> blocks.View:
    """Return the form that asks for a channel; a private incident's must be private."""
    kinds = ("private",) if view.is_private else ("public", "private")
    hint = "I join a public channel by myself. Invite me to a private one first."
    reference, title = view.reference, mentions.escape_line(view.title)
    return blocks.modal(
        "Use a channel",
        blocks=(
            blocks.section(f"*{reference}* {title} goes on in the channel you choose."),
            blocks.conversation_select("channel", label="Channel", include=kinds, hint=hint),
        ),
        submit="Use this channel",
    )


async def _describe(
    request: Request, channel_id: str
) -> tuple[ExistingChannel, tuple[UserId, ...]]:
    """Return what Slack knows about the channel, and who is in a private one.

    Raises: InvalidInput unless both can see it.
    """
    gateway = request.services.gateway
    if not channel_id.startswith(("C", "G")):
        raise InvalidInput("channel", "not_a_channel")
    channel = await gateway.find_channel(channel_id)
    if channel is None:
        raise InvalidInput("channel", "not_seen")
    members = tuple(await gateway.members(channel.id)) if channel.is_private else ()
    if channel.is_private and request.actor.external_id not in members:
        raise InvalidInput("channel", "not_seen")
    described = ExistingChannel(
        id=channel.id,
        name=channel.name,
        is_private=channel.is_private,
        is_archived=channel.is_archived,
        is_shared=channel.is_shared,
        has_strangers=channel.has_strangers,
        is_everybodys=channel.is_general,
    )
    return described, members


# -- joining, and announcing the move -----------------------------------------------------------


async def join_channel(context: EffectContext) -> Settlement:
    """Join the chosen channel and record its members; all other effects there wait for this."""
    context.get(JoinChannel)
    view = await load_incident(context)
    if view.channel_id is None:
        return Dropped("no channel")
    gateway = context.services.gateway
    try:
        channel = await gateway.channel_info(view.channel_id)
        if not channel.is_member:
            await gateway.join(channel.id)
        members = await gateway.members(channel.id)
    except SlackPermanent as error:
        record = partial(
            record_refused, incident_id=view.id, error=error.cause, effect_id=context.effect_id
        )
        return Failed(error.cause, record)
    return Done(
        partial(record_members, incident_id=view.id, channel_id=channel.id, members=members)
    )


def linked_entry(linked: ChannelLinked, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the message in the chosen channel, whose people may not know the incident."""
    title = mentions.escape_line(incident.title)
    asks = f"*{incident.reference}* {title} goes on here."
    return told_message(entry, incident, asks=asks)


async def post_move(context: EffectContext) -> Settlement:
    """Post in the old channel where the incident continues, if we can still post there."""
    effect = context.get(PostMove)
    async with context.services.database.reading() as session:
        view = await read_incident(session, effect, context.services)
        entry = await get_entry_view(session, effect.entry_id)
        became_private = await find_next_entry(session, entry, view, MovedToPrivate.kind)
    if became_private is not None:
        return Dropped("handled elsewhere now")
    linked = ChannelLinked.read(entry.content)
    if entry.is_redacted or linked is None:
        return Dropped("redacted")
    message = told_directly(entry, view, asks="Please go on there.")
    try:
        await post_once(context, channel_id=linked.old_channel_id, message=message)
    except SlackPermanent as error:
        return Dropped(error.error)
    return Done()


FEATURE = Feature(
    name="channel_use",
    verbs=(
        Verb(
            Using,
            usage="channel #name",
            family="status",
            summary="Use a channel that is already there; without a name, opens the form.",
            examples=(_EXAMPLE,),
            typed=typed_channel,
            form="channel_use_submit",
            opened_by=("channel_use_open",),
            open=open_form,
            perform=use,
            inputs={"": "channel"},
            explain=_already_its,
        ),
    ),
    effects={JoinChannel: join_channel, PostMove: post_move},
    entries=(shown(ChannelLinked, linked_entry),),
)
