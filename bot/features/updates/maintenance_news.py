"""What people must hear of a maintenance: a reply under its notice, and messages to its followers."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType

import structlog

from bot.features.updates.followers import deliver
from bot.features.updates.subscribe import Following, subject_name
from bot.framework.arguments import to_value
from bot.framework.effect_context import (
    NO_REPLIES,
    Done,
    Dropped,
    EffectContext,
    Settlement,
    find_reply,
    post,
)
from bot.framework.feature import EffectHandler
from bot.framework.live_messages import LOST, UNREACHABLE
from bot.framework.refusals import say
from bot.slack import blocks, mentions
from bot.slack.errors import SlackPermanent
from incidents.core.people import Person
from incidents.engine.effects import Effect
from incidents.engine.posted_messages import find_posted
from incidents.policy.policy import Policy
from incidents.updates.effects import PostMaintenanceNews, TellMaintenanceFollowers
from incidents.updates.followers import find_followers, find_reason, maintenance_topic
from incidents.updates.maintenance import (
    Maintenance,
    MaintenanceNews,
    MaintenanceStatus,
    MaintenanceView,
    Said,
    get_maintenance_view,
    note_unposted,
)
from incidents.updates.subscriptions import Follows, Subject

# The purpose of the notice among live messages.
NOTICE = "maintenance"

log = structlog.get_logger(__name__)


async def post_maintenance_news(context: EffectContext) -> Settlement:
    """Reply to the notice, broadcast; a notice posted only now says it itself.

    If Slack refuses, the author is told why.
    """
    effect = context.get(PostMaintenanceNews)
    says = Said(effect.says)
    async with context.services.database.reading() as session:
        view = await get_maintenance_view(session, effect.maintenance_id)
        notice = await find_posted(session, purpose=NOTICE, subject_id=view.id)
    if notice is None:
        return Dropped("not announced")
    if notice.posted_at > context.created_at:
        return Dropped("the notice says it")
    if not view.is_still(says) and not context.is_uncertain:
        return Dropped("over meanwhile")
    place, thread_ts = notice.channel_id, notice.message_ts
    message = said(view, says)
    try:
        if await find_reply(context, channel_id=place, threads=notice.threads_in(place)):
            return Done()
        if not view.is_still(says):
            return Dropped("over meanwhile")
        try:
            await post(
                context,
                channel_id=place,
                message=message,
                thread_ts=thread_ts,
                is_broadcast=True,
            )
        except SlackPermanent as error:
            if error.error not in NO_REPLIES:
                raise
            await post(context, channel_id=place, message=message)
    except SlackPermanent as error:
        log.warning("maintenance_news_not_posted", channel_id=place, error=error.error)
        if error.error in UNREACHABLE | LOST:  # the notice's own effect says so
            return Dropped(error.cause)
        unsaid = partial(
            note_unposted,
            maintenance_id=view.id,
            problem=error.error,
            news=MaintenanceNews.UNSAID,
        )
        return Dropped(error.cause, unsaid)
    return Done()


async def tell_followers(context: EffectContext) -> Settlement:
    """Tell everybody who follows the maintenance or its services, each once."""
    effect = context.get(TellMaintenanceFollowers)
    says, services = Said(effect.says), context.services
    async with services.database.reading() as session:
        topic = maintenance_topic(await session.get_one(Maintenance, effect.maintenance_id))
    find = partial(find_followers, topic=topic, policy=services.policy)

    async def message_for(person: Person) -> blocks.Message | None:
        async with services.database.reading() as session:
            view = await get_maintenance_view(session, effect.maintenance_id)
            reason = await find_reason(session, topic, person, policy=services.policy)
        if reason is None or person.id == view.author.id or not view.is_still(says):
            return None
        return followed(view, says, reason, policy=services.policy)

    if not await deliver(context, find, message_for):
        return Dropped("nobody follows it")
    return Done()


def said(view: MaintenanceView, says: Said) -> blocks.Message:
    """Return what is new; it names the maintenance, which has no reference."""
    what, end = f"*{mentions.escape_line(view.what)}*", when(view.ends_at)
    match says:
        case Said.PLANNED if view.status is MaintenanceStatus.PLANNED:
            affected = mentions.escape(view.affected)
            text = f"{what} is planned from {when(view.starts_at)} to {end}.\n*Affected* {affected}"
        case Said.PLANNED | Said.STARTED:
            text = f"{what} has begun. It's planned until {end}."
        case Said.MOVED if view.status is MaintenanceStatus.PLANNED:
            text = f"{what} has new times: from {when(view.starts_at)} to {end}."
        case Said.MOVED:
            text = f"{what} is now planned until {end}."
        case Said.DONE:
            text = f"{what} is done."
        case _ if view.started_at is not None:
            text = f"{what} was stopped before it was done."
        case _:
            text = f"{what} is cancelled. It doesn't take place."
    return say(text)


def followed(
    view: MaintenanceView, says: Said, reason: Subject, *, policy: Policy
) -> blocks.Message:
    """Return what is new for a follower: why they get it, and how to stop it."""
    told, this = said(view, says), Following(Follows.MAINTENANCE, str(view.id))
    what = "this maintenance"
    buttons = [_stop("Stop", this)]
    if reason.follows is Follows.POLICY:
        why = "The policy names you for news like this."
    elif reason.follows is Follows.MAINTENANCE:
        why = f"You follow {what}."
    else:
        why = f"You follow {subject_name(reason, policy=policy)}."
    if reason.follows is not Follows.MAINTENANCE:
        name = subject_name(reason, policy=policy)
        whole = Following(reason.follows, reason.key)
        buttons = [_stop(f"Stop for {what}", this), _stop(f"Stop {name}", whole)]
    return blocks.Message(
        text=f"Planned maintenance: {told.text} {why}",
        blocks=(*told.blocks, blocks.context(why), blocks.actions(*buttons)),
    )


def _stop(label: str, given: Following) -> blocks.ButtonElement:
    is_this = given.follows is Follows.MAINTENANCE
    action = "follow_stop" if is_this else "follow_stop_all"
    return blocks.button(label, action_id=action, value=to_value(given))


def when(instant: datetime) -> str:
    """Return an instant in the reader's zone."""
    return mentions.date(instant, "{date_short_pretty} {time}")


EFFECTS: Mapping[type[Effect], EffectHandler] = MappingProxyType(
    {PostMaintenanceNews: post_maintenance_news, TellMaintenanceFollowers: tell_followers}
)
