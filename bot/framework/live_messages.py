"""Messages that stand: posted once, then edited in place; a lost one is posted anew."""

import uuid
from dataclasses import dataclass

from bot.framework.effect_context import Done, Dropped, EffectContext, Record, Settlement, post_once
from bot.slack.blocks import Message
from bot.slack.errors import SlackPermanent
from incidents.engine.posted_messages import PostedMessage, find_posted, save_posted
from incidents.engine.unit_of_work import UnitOfWork

# What chat.update answers when a message can't be edited any more: a new one is posted then.
LOST = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"}
)
# A place that can't be written to any more: the record stays right, the message as it is.
CLOSED = frozenset({"is_inactive", "is_archived", "not_in_channel"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Which message it is: what for, about what, and in which incident if in one."""

    purpose: str
    subject_id: uuid.UUID
    incident_id: uuid.UUID | None = None

    def remember(self, channel_id: str, ts: str) -> Record:
        """Return what writes down where it stands now."""

        async def record(uow: UnitOfWork) -> None:
            await save_posted(
                uow.session,
                incident_id=self.incident_id,
                purpose=self.purpose,
                subject_id=self.subject_id,
                channel_id=channel_id,
                message_ts=ts,
                now=uow.now,
            )

        return record


async def show(
    context: EffectContext,
    *,
    standing: Standing,
    message: Message,
    posted: PostedMessage | None,
    place: str | None,
    unless: str = "",
) -> Settlement:
    """Edit the message where it stands (`posted`), or post it in a channel or to a person.

    `unless` says why it isn't posted if it doesn't stand anywhere yet, or was lost.

    Raises: SlackFailure, but for a message that was lost.
    """
    if posted is not None:
        try:
            await context.services.gateway.update(posted.channel_id, posted.message_ts, message)
        except SlackPermanent as error:
            if error.error not in LOST:
                raise
        else:
            return Done()
    if unless or place is None:
        return Dropped(unless or "nowhere to show it")
    return Done(standing.remember(*await post_once(context, channel_id=place, message=message)))


async def show_privately(
    context: EffectContext,
    *,
    standing: Standing,
    message: Message,
    place: str,
    is_news: bool = True,
) -> Settlement:
    """Show one person their own message; a refusal drops it: what it says can be looked up.

    What was never posted is left out once it is no news any more.
    """
    async with context.services.database.reading() as session:
        posted = await find_posted(
            session, purpose=standing.purpose, subject_id=standing.subject_id
        )
    is_over = not is_news and posted is None and not context.is_uncertain
    unless = "over before it was shown" if is_over else ""
    try:
        return await show(
            context, standing=standing, message=message, posted=posted, place=place, unless=unless
        )
    except SlackPermanent as error:
        return Dropped(error.error)
