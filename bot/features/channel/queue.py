"""Where Slack limits how many channels open: each declarer hears once that theirs waits."""

from datetime import timedelta

import structlog

from bot.framework.effect_context import EffectContext
from bot.slack import mentions
from bot.slack.blocks import Message
from bot.slack.errors import SlackFailure, SlackTemporary
from incidents.core.people import Person
from incidents.engine import outbox
from incidents.incident.incident import Incident

# Shorter waits are over before a message about them is read.
WORTH_TELLING = timedelta(seconds=5)

log = structlog.get_logger(__name__)


async def tell_place(context: EffectContext, incident: Incident, limit: SlackTemporary) -> None:
    """Tell the declarer that the channel waits for Slack's limit, and the place in the queue.

    At most once, and as a courtesy: the channel doesn't depend on it.
    """
    wait = limit.retry_after
    if wait is None or wait < WORTH_TELLING or "told_place" in context.progress:
        return
    async with context.services.database.reading() as session:
        if incident.declared_by_id is None:
            return
        person = await session.get(Person, incident.declared_by_id)
        row = await outbox.get_effect(session, context.effect_id)
        place = await outbox.place_in_queue(session, row, severity_rank=incident.severity_rank)
    if person is None:
        return
    await context.save_progress({**context.progress, "told_place": place})
    slash = context.services.policy.command
    message = waiting_message(incident, slash=slash, place=place, wait=wait)
    try:
        await context.services.gateway.post(
            person.external_id, message, effect_id=f"{context.effect_id}:place"
        )
    except SlackFailure as error:
        log.info("place_not_told", error=error.error)


def waiting_message(incident: Incident, *, slash: str, place: int, wait: timedelta) -> Message:
    """Say that all is recorded, why the channel isn't there yet, and what works meanwhile."""
    title = mentions.escape_line(incident.title)
    seconds = max(1, round(wait.total_seconds()))
    before = "it is next" if place == 1 else f"it is number {place} in the queue, worst first"
    return Message(
        text=(
            f"*{incident.reference}* {title} is declared and on the record. Slack limits how many "
            f"channels open per minute: {before}. The next one can open in {seconds} "
            f"{'second' if seconds == 1 else 'seconds'}, and you are invited as soon as yours is. "
            f"Until then, `{slash} {incident.reference} note …` works here."
        )
    )
