"""The status card: the pinned live message in the incident channel."""

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.channel.status_card_view import more_form, status_card
from bot.framework.arguments import OnIncident
from bot.framework.effect_context import Done, Dropped, EffectContext, Record, Settlement
from bot.framework.feature import Feature
from bot.framework.live_messages import LiveMessage, Showing, in_channel_of
from bot.framework.reading import incident_id_of, read_incident
from bot.framework.requests import Reply, Request, Services
from bot.framework.slash_commands import Repeat
from bot.framework.verbs import Verb
from incidents.channel.events import StatusCardReplaced
from incidents.engine.effects import PinStatusCard, RefreshStatusCard
from incidents.engine.posted_messages import STATUS_CARD as CARD
from incidents.engine.posted_messages import find_posted
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import ById
from incidents.incident.views import get_incident_view


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
    purpose=CARD,
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


async def show_more(request: Request, given: OnIncident) -> Reply:
    """Open the form with the buttons that the card has no room for."""
    await request.open_view(more_form(await request.read(get_incident_view, given.ref)))
    return None


FEATURE = Feature(
    name="status_card",
    verbs=(Verb(OnIncident, buttons=("more_open",), repeat=Repeat.HARMLESS, perform=show_more),),
    effects={PinStatusCard: pin_card},
    live_messages=(STATUS_CARD,),
)
