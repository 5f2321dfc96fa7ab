"""The status card: the pinned message in the incident channel, kept current in place."""

from bot.features.channel.status_card_view import status_card
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.feature import Feature
from bot.framework.live_messages import LiveMessage, in_channel_of
from bot.framework.reading import incident_id_of, read_incident
from incidents.engine.effects import PinStatusCard, RefreshStatusCard
from incidents.engine.posted_messages import find_posted

STATUS_CARD = LiveMessage(
    effect=RefreshStatusCard,
    purpose="status_card",
    subject=incident_id_of,
    load=read_incident,
    render=status_card,
    place=in_channel_of,
)


async def pin_card(context: EffectContext) -> Settlement:
    """Pin the card in the incident channel."""
    subject_id = incident_id_of(context.effect)
    async with context.services.database.reading() as session:
        posted = await find_posted(session, purpose=STATUS_CARD.purpose, subject_id=subject_id)
    if posted is None:
        return Dropped("no card to pin")
    await context.services.gateway.pin(posted.channel_id, posted.message_ts)
    return Done()


FEATURE = Feature(
    name="status_card", effects={PinStatusCard: pin_card}, live_messages=(STATUS_CARD,)
)
