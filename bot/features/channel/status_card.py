"""The status card: the pinned live message in the incident channel."""

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.channel.status_card_view import status_card
from bot.framework.effect_context import Done, Dropped, EffectContext, Record, Settlement
from bot.framework.feature import Feature
from bot.framework.live_messages import LiveMessage, Showing, in_channel_of
from bot.framework.reading import incident_id_of, read_incident
from bot.framework.requests import Services
from incidents.channel.events import StatusCardReplaced
from incidents.engine.effects import PinStatusCard, RefreshStatusCard
from incidents.engine.posted_messages import find_posted
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import ById


async def _look(session: AsyncSession, effect: RefreshStatusCard, services: Services) -> Showing:
    incident = await read_incident(session, effect, services)
    return Showing(status_card(incident, policy=services.policy), in_channel_of(incident))


def _on_replaced(effect: RefreshStatusCard) -> Record:
    async def record(uow: UnitOfWork) -> None:
        incident = await uow.get_incident(ById(incident_id_of(effect)))
        uow.emit(StatusCardReplaced(), incident)

    return record


STATUS_CARD = LiveMessage(
    effect=RefreshStatusCard,
    purpose="status_card",
    subject=incident_id_of,
    look=_look,
    on_replaced=_on_replaced,
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
