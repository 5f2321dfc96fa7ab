"""News for people outside: replies to the announcement, so that those who follow it are notified."""

from functools import partial

import structlog

from bot.features.channel.announcement import ANNOUNCEMENT
from bot.features.channel.status_card_view import ended
from bot.features.updates.messages import update_entry
from bot.framework.effect_context import (
    Done,
    Dropped,
    EffectContext,
    Settlement,
    find_reply,
    post,
)
from bot.framework.entry_messages import told_message
from bot.framework.feature import Feature
from bot.framework.live_messages import LOST, UNREACHABLE
from bot.framework.reading import read_incident
from bot.framework.refusals import say
from bot.slack import blocks, mentions
from bot.slack.errors import SlackPermanent
from incidents.core.times import spoken_duration
from incidents.engine.posted_messages import find_posted
from incidents.engine.settling import has_dead_sibling
from incidents.incident.entries import SeverityChanged, StatusChanged, UpdatePosted
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.payload import decode
from incidents.incident.views import EntryView, IncidentView, get_entry_view
from incidents.registry.entries import ENTRY_TYPES
from incidents.updates.announcing import remember_news
from incidents.updates.effects import PostNews

# The announcement isn't there any more, or can't be replied to; its own effect says so.
_NO_THREAD = UNREACHABLE | LOST | {"thread_not_found", "cannot_reply_to_message"}

log = structlog.get_logger(__name__)


async def post_news(context: EffectContext) -> Settlement:
    """Reply to the announcement with an entry; without an announcement there is nothing to do."""
    effect = context.get(PostNews)
    async with context.services.database.reading() as session:
        entry = await get_entry_view(session, effect.entry_id)
        incident = await read_incident(session, effect, context.services)
        announced = await find_posted(session, purpose=ANNOUNCEMENT.purpose, subject_id=incident.id)
        is_said = await has_dead_sibling(session, effect)
    if entry.is_redacted:
        return Dropped("redacted")
    if incident.is_private or announced is None:
        return Dropped("not announced")
    place, thread_ts = announced.channel_id, announced.message_ts
    try:
        threads = announced.threads_in(place)
        location = await find_reply(context, channel_id=place, threads=threads) or await post(
            context,
            channel_id=place,
            message=news(entry, incident),
            thread_ts=thread_ts,
            is_broadcast=effect.is_broadcast,
        )
    except SlackPermanent as error:
        if error.error not in _NO_THREAD and not is_said:
            raise
        log.warning("news_not_posted", channel_id=place, error=error.error)
        return Dropped(error.cause)
    return Done(
        partial(remember_news, incident_id=incident.id, entry_id=entry.id, location=location)
    )


def news(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return an entry for people outside; never the title, which the announcement above shows."""
    match decode(entry.kind, entry.content, ENTRY_TYPES).payload:
        case UpdatePosted() as update:
            return update_entry(update, entry, incident)
        case SeverityChanged() as change:
            return say(_severity(change, incident))
        case StatusChanged() as change:
            return say(_status(change, entry, incident))
    return told_message(entry, incident)


def _severity(change: SeverityChanged, incident: IncidentView) -> str:
    new, old = (mentions.escape_line(one) for one in (change.new, change.old))
    text = f"*{incident.reference}* is now *{new}*, was {old}."
    if change.reason:
        text += f" {ended(mentions.escape(change.reason))}"
    if change.is_worse and incident.channel_id:
        text += f" Follow it in {mentions.channel_link(incident.channel_id)}."
    return text


def _status(change: StatusChanged, entry: EntryView, incident: IncidentView) -> str:
    why = " ".join(ended(mentions.escape(one)) for one in (change.text, change.reason) if one)
    match change.new:
        case IncidentStatus.RESOLVED:
            lasted = spoken_duration(entry.occurred_at - incident.declared_at)
            text = f"*{incident.reference}* is resolved after {lasted}."
            if change.resolution:
                text += f" What fixed it: {ended(mentions.escape(change.resolution))}"
        case IncidentStatus.CANCELLED:
            text = f"*{incident.reference}* is cancelled: it wasn't an incident of its own."
        case _:
            link = mentions.channel_link(incident.channel_id) if incident.channel_id else ""
            where = f" in {link}" if link else ""
            text = f"*{incident.reference}* is open again{where}."
    return f"{text} {why}".rstrip()


FEATURE = Feature(name="news", effects={PostNews: post_news})
