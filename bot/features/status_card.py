"""The status card: the pinned message in the incident channel, kept current in place."""

from bot.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.feature import Feature
from bot.features.status_card_view import status_card
from bot.slack.errors import SlackPermanent
from incidents.effects import PinStatusCard, RefreshStatusCard
from incidents.incident import ById
from incidents.people import system_actor
from incidents.posted_messages import find_posted, save_posted
from incidents.read_models import get_incident_view
from incidents.unit_of_work import UnitOfWork

PURPOSE = "status_card"

# What chat.update answers when the card can't be edited any more: a new one is posted then.
LOST_CARD = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"}
)


async def refresh_card(context: EffectContext) -> Settlement:
    """Post the card, or edit it in place; a lost card is posted anew."""
    effect = context.get(RefreshStatusCard)
    services = context.services
    if effect.incident_id is None:
        return Dropped("no incident")
    incident_id = effect.incident_id
    async with services.database.reading() as session:
        view = await get_incident_view(
            session,
            ById(incident_id),
            workspace_id=services.workspace.id,
            viewer=system_actor(),
        )
        posted = await find_posted(session, purpose=PURPOSE, subject_id=incident_id)
    if view.channel_id is None or view.is_channel_archived:
        return Dropped("no channel to show it in")
    message = status_card(view, policy=services.policy)
    if posted is not None and posted.channel_id == view.channel_id:
        try:
            await services.gateway.update(posted.channel_id, posted.message_ts, message)
        except SlackPermanent as error:
            if error.error not in LOST_CARD:
                raise
        else:
            return Done()
    channel_id, ts = await post_once(context, channel_id=view.channel_id, message=message)

    async def remember(uow: UnitOfWork) -> None:
        await save_posted(
            uow.session,
            incident_id=incident_id,
            purpose=PURPOSE,
            subject_id=incident_id,
            channel_id=channel_id,
            message_ts=ts,
            now=uow.now,
        )

    return Done(remember)


async def pin_card(context: EffectContext) -> Settlement:
    """Pin the card in the incident channel."""
    effect = context.get(PinStatusCard)
    if effect.incident_id is None:
        return Dropped("no incident")
    async with context.services.database.reading() as session:
        posted = await find_posted(session, purpose=PURPOSE, subject_id=effect.incident_id)
    if posted is None:
        return Dropped("no card to pin")
    await context.services.gateway.pin(posted.channel_id, posted.message_ts)
    return Done()


FEATURE = Feature(
    name="status_card", effects={RefreshStatusCard: refresh_card, PinStatusCard: pin_card}
)
