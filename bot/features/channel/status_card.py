"""The status card: the pinned live message in the incident channel."""

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.channel.status_card_view import status_card
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.feature import Feature
from bot.framework.live_messages import LiveMessage, Showing, in_channel_of
from bot.framework.reading import incident_id_of, read_incident
from bot.framework.requests import Services
from incidents.engine.effects import PinStatusCard, RefreshStatusCard
from incidents.engine.posted_messages import find_posted


async def _look(session: AsyncSession, effect: RefreshStatusCard, services: Services) -> Showing:
    incident = await read_incident(session, effect, services)
    return Showing(status_card(incident, policy=services.policy), in_channel_of(incident))


STATUS_CARD = LiveMessage(
    effect=RefreshStatusCard, purpose="status_card", subject=incident_id_of, look=_look
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
