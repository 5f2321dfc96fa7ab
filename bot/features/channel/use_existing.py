"""Using a channel that is already there: by command, by form, also in place of the present one."""

from functools import partial

from bot.framework.effect_context import Done, Dropped, EffectContext, Failed, Settlement, post_once
from bot.framework.feature import Command, Feature
from bot.framework.reading import load_incident, read_incident
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request
from bot.slack import blocks, mentions
from bot.slack.errors import SlackPermanent
from bot.slack.gateway import Channel
from incidents.channel.channel import ExistingChannel, record_members, record_refused, use_channel
from incidents.core.errors import AlreadySo, InvalidInput
from incidents.engine.effects import JoinChannel, PostMove
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import IncidentRef
from incidents.incident.views import EntryView, IncidentView, get_entry_view, get_incident_view

CALLBACK_ID = "channel_use_submit"
_EXAMPLE = "INC-12 channel #database-room"


async def channel_command(request: Request) -> Reply:
    """Use the channel named in `/incident channel #name`; without a name, open the form."""
    text = request.words.text.strip()
    if not text:
        return await _open_form(request, request.incident_ref())
    channel_id = mentions.parse_channel(text)
    if channel_id is None:
        example = f"{request.policy.command} {_EXAMPLE}"
        raise InvalidInput("channel", "not_a_channel", example)
    outcome = await _use(request, request.incident_ref(), channel_id)
    return Say(_answer(outcome))


async def open_pressed(request: Request) -> Reply:
    """Open the form for the incident of the button."""
    return await _open_form(request, request.incident_of_value())


async def submitted(request: Request) -> Reply:
    """Use the chosen channel; one that can't be used is answered in the field."""
    try:
        channel_id = request.form.conversation("channel")
        if channel_id is None:
            raise InvalidInput("channel", "empty")
        outcome = await _use(request, request.incident_of_metadata(), channel_id)
    except InvalidInput as error:
        return FieldErrors({"channel": invalid_text(error.field, error.problem, error.example)})
    except AlreadySo as error:
        return FieldErrors({"channel": f"This is already the incident's channel ({error.detail})."})
    return Say(_answer(outcome))


async def _open_form(request: Request, ref: IncidentRef) -> Reply:
    services = request.services
    async with services.database.reading() as session:
        view = await get_incident_view(
            session, ref, workspace_id=services.workspace.id, viewer=request.actor
        )
    await request.open_view(channel_form(view))
    return None


def channel_form(view: IncidentView) -> blocks.View:
    """Return the form that asks for a channel; a private incident's must be private."""
    kinds = ("private",) if view.is_private else ("public", "private")
    hint = "Sitrep joins a public channel by itself. Into a private one, invite it first."
    reference, title = view.reference, mentions.escape_line(view.title)
    return blocks.modal(
        "Use a channel",
        blocks=(
            blocks.section(f"*{reference}* {title} goes on in the channel that you choose."),
            blocks.conversation_select("channel", label="Channel", include=kinds, hint=hint),
        ),
        callback_id=CALLBACK_ID,
        submit="Use this channel",
        private_metadata=f'{{"incident_id": "{view.id}"}}',
    )


async def _use(request: Request, ref: IncidentRef, channel_id: str) -> Outcome:
    await _check_visible(request, ref)
    channel = await _describe(request, channel_id)
    return await request.transact(partial(use_channel, ref=ref, channel=channel))


async def _check_visible(request: Request, ref: IncidentRef) -> None:
    # Before Slack is asked about a channel: a stranger to the incident learns nothing of either.
    services = request.services
    async with services.database.reading() as session:
        await get_incident_view(
            session, ref, workspace_id=services.workspace.id, viewer=request.actor
        )


async def _describe(request: Request, channel_id: str) -> ExistingChannel:
    """Return what Slack says of the channel, if both we and the person can see it."""
    gateway = request.services.gateway
    if not channel_id.startswith(("C", "G")):
        raise InvalidInput("channel", "not_a_channel")
    channel = await gateway.find_channel(channel_id)
    if channel is None or not await _may_know(request, channel):
        raise InvalidInput("channel", "not_seen")
    return ExistingChannel(
        id=channel.id,
        name=channel.name,
        is_private=channel.is_private,
        is_archived=channel.is_archived,
        is_shared=channel.is_shared,
        is_everybodys=channel.is_general,
    )


async def _may_know(request: Request, channel: Channel) -> bool:
    if not channel.is_private:
        return True
    members = await request.services.gateway.members(channel.id)
    return request.actor.external_id in members


def _answer(outcome: Outcome) -> blocks.Message:
    reference, channel_id = outcome.data["reference"], outcome.data["channel_id"]
    return say(
        f"*{reference}* goes on in {mentions.channel_link(channel_id)}. "
        "Sitrep brings the status card and the people there now."
    )


# -- joining, and saying so ---------------------------------------------------------------------


async def join_channel(context: EffectContext) -> Settlement:
    """Join the chosen channel and learn who is in it; all else there waits for this."""
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
            record_refused, incident_id=view.id, error=error.error, effect_id=context.effect_id
        )
        return Failed(error.error, record)
    return Done(
        partial(record_members, incident_id=view.id, channel_id=channel.id, members=members)
    )


async def post_move(context: EffectContext) -> Settlement:
    """Say in the channel that the incident left where it goes on, if that can be said there."""
    effect = context.get(PostMove)
    async with context.services.database.reading() as session:
        view = await read_incident(session, effect, context.services)
        entry = await get_entry_view(session, effect.entry_id)
    if entry.is_redacted:
        return Dropped("redacted")
    message = channel_linked(entry, view)
    try:
        await post_once(context, channel_id=entry.text("old_channel_id"), message=message)
    except SlackPermanent as error:
        return Dropped(error.error)
    return Done()


def channel_linked(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Say which channel the incident goes on in, and who chose it."""
    who, where = (
        mentions.escape_line(entry.actor_name),
        mentions.channel_link(entry.text("channel_id")),
    )
    title = mentions.escape_line(incident.title)
    if entry.text("old_channel_id"):
        return say(f"{who} moved *{incident.reference}* {title} to {where}. Please go on there.")
    return say(f"{who} chose {where} as the channel of *{incident.reference}* {title}.")


FEATURE = Feature(
    name="channel_use",
    commands=(
        Command(
            name="channel",
            usage="channel #name",
            summary="Use a channel that is already there; without a name, opens the form.",
            handler=channel_command,
            examples=("INC-12 channel #database-room",),
        ),
    ),
    actions={"channel_use_open": open_pressed},
    views={CALLBACK_ID: submitted},
    effects={JoinChannel: join_channel, PostMove: post_move},
    entries={"channel_linked": channel_linked},
)
