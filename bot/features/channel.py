"""The incident channel: opening it, inviting people, its topic and bookmarks."""

from functools import partial

from bot.effect_context import Done, Dropped, EffectContext, Failed, Settlement
from bot.feature import Feature
from bot.slack.errors import SlackPermanent
from bot.slack.ids import channel_name, with_suffix
from incidents.channel import record_opened, record_refused
from incidents.effects import OpenIncidentChannel, SetChannelTopic
from incidents.incident import ById
from incidents.people import system_actor
from incidents.read_models import IncidentView, get_incident_view

MAX_NAME_TRIES = 20


async def load_incident(context: EffectContext) -> IncidentView:
    """Return the incident of an effect as it is now."""
    incident_id = context.effect.incident_id
    if incident_id is None:
        raise ValueError("this effect names no incident")
    services = context.services
    async with services.database.reading() as session:
        return await get_incident_view(
            session,
            ById(incident_id),
            workspace_id=services.workspace.id,
            viewer=system_actor(),
        )


async def open_channel(context: EffectContext) -> Settlement:
    """Create the channel; a taken name gets a suffix; an uncertain attempt is looked for first."""
    view = await load_incident(context)
    if view.channel_id is not None:
        return Dropped("has a channel")
    gateway = context.services.gateway
    channels = context.services.policy.channels
    pattern = channels.drill_name if view.is_drill else channels.name
    wanted = channel_name(pattern, number=view.number, title=view.title)
    for attempt in range(MAX_NAME_TRIES):
        name = wanted if attempt == 0 else with_suffix(wanted, attempt + 1)
        if context.is_uncertain:
            found = await gateway.find_own_channel(name, created_after=context.created_at)
            if found is not None:
                return Done(
                    partial(
                        record_opened,
                        incident_id=view.id,
                        channel_id=found.id,
                        channel_name=found.name,
                    )
                )
        try:
            channel = await gateway.create_channel(name, private=view.is_private)
        except SlackPermanent as error:
            if error.error == "name_taken":
                continue
            return Failed(
                error.error,
                partial(
                    record_refused,
                    incident_id=view.id,
                    error=error.error,
                    effect_id=context.effect_id,
                ),
            )
        return Done(
            partial(
                record_opened,
                incident_id=view.id,
                channel_id=channel.id,
                channel_name=channel.name,
            )
        )
    return Failed("name_taken")


async def set_topic(context: EffectContext) -> Settlement:
    """Set the topic from the current state."""
    context.get(SetChannelTopic)
    view = await load_incident(context)
    if view.channel_id is None:
        return Dropped("no channel")
    topic = f"{view.reference} · {view.severity_name} · {view.status} · {view.title}"
    await context.services.gateway.set_topic(view.channel_id, topic)
    return Done()


FEATURE = Feature(
    name="channel",
    effects={
        OpenIncidentChannel: open_channel,
        SetChannelTopic: set_topic,
    },
)
