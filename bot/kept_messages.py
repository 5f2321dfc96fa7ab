"""Private messages that are kept current in place: posted once, then edited where they stand."""

import uuid
from dataclasses import dataclass

from bot.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.features.status_card import LOST_CARD
from bot.slack.blocks import Message
from bot.slack.errors import SlackPermanent
from incidents.posted_messages import find_posted, save_posted
from incidents.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Which message it is: what for, about what, and in which incident if in one."""

    purpose: str
    subject_id: uuid.UUID
    incident_id: uuid.UUID | None = None


async def keep_current(
    context: EffectContext, *, place: str, message: Message, kept: Kept, is_news: bool = True
) -> Settlement:
    """Edit the message where it stands, or post it in `place` (a person's or channel's id).

    What was never posted is left out once it is no news any more. A refusal drops it quietly: it
    is one person's own, and what it says can be looked up.
    """
    gateway = context.services.gateway
    async with context.services.database.reading() as session:
        posted = await find_posted(session, purpose=kept.purpose, subject_id=kept.subject_id)
    try:
        if posted is not None:
            await gateway.update(posted.channel_id, posted.message_ts, message)
            return Done()
        if not is_news and not context.is_uncertain:
            return Dropped("over before it was shown")
        channel_id, ts = await post_once(context, channel_id=place, message=message)
    except SlackPermanent as error:
        if posted is None or error.error not in LOST_CARD:
            return Dropped(error.error)
        channel_id, ts = await post_once(context, channel_id=place, message=message)

    async def remember(uow: UnitOfWork) -> None:
        await save_posted(
            uow.session,
            incident_id=kept.incident_id,
            purpose=kept.purpose,
            subject_id=kept.subject_id,
            channel_id=channel_id,
            message_ts=ts,
            now=uow.now,
        )

    return Done(remember)
