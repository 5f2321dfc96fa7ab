"""The status card: the pinned message in the incident channel, kept current in place."""

from bot.features.channel.status_card_view import status_card
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.feature import Feature
from bot.framework.live_messages import Standing, show
from incidents.core.people import system_actor
from incidents.engine.effects import PinStatusCard, RefreshStatusCard
from incidents.engine.posted_messages import find_posted
from incidents.incident.incident import ById
from incidents.incident.views import get_incident_view

PURPOSE = "status_card"


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
    # In a channel chosen since, it is posted anew.
    is_here = posted is not None and posted.channel_id == view.channel_id
    return await show(
        context,
        standing=Standing(purpose=PURPOSE, subject_id=incident_id, incident_id=incident_id),
        message=status_card(view, policy=services.policy),
        posted=posted if is_here else None,
        place=view.channel_id,
    )


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
