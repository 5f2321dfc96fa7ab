"""What Slack refused for good: said where people look, with *Retry*."""

import uuid
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.entry_messages import Ending
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.replies import Reply, Say
from bot.framework.requests import Request
from bot.slack import blocks, mentions
from incidents.core.errors import Superseded
from incidents.engine.failed_effects import effect_words, is_dead, refusal_reason, retry_effect
from incidents.incident.timeline import EntryKind
from incidents.incident.views import EntryView, IncidentView, find_next_entry


def effect_failed(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Say what Slack refused, that nothing is lost, and offer to try again."""
    what, error = effect_words(entry.text("effect_kind")), entry.text("error")
    reason = refusal_reason(error)
    text = (
        f"{incident.reference}: Slack refused {what}{f', because {reason}' if reason else ''}. "
        "Everything is on the record and the incident goes on. Press *Retry* once the cause is "
        "mended."
    )
    # For whoever mends it: what Slack calls it.
    answer = f"Slack's answer: {mentions.code(error)}"
    retry = blocks.button("Retry", action_id="effect_retry", value=entry.text("effect_id"))
    return blocks.Message(
        text=f"{text} {answer}",
        blocks=(blocks.section(text), blocks.actions(retry), blocks.context(answer)),
    )


async def retry_ending(
    session: AsyncSession, entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return who tried it again, or that it isn't needed any more."""
    effect_id = entry.text("effect_id")
    if await is_dead(session, uuid.UUID(effect_id)):
        return None
    retried = await find_next_entry(session, entry, incident, EntryKind.EFFECT_RETRIED)
    if retried is None or retried.text("effect_id") != effect_id:
        return Ending("It isn't needed any more.")
    at = mentions.date(retried.recorded_at, "{time}")
    return Ending(f"{mentions.escape_line(retried.actor_name)} tried it again at {at}.")


async def retry_pressed(request: Request) -> Reply:
    """Try again what Slack had refused."""
    try:
        effect_id = uuid.UUID(request.value)
    except ValueError:
        raise Superseded("effect") from None
    outcome = await request.transact(partial(retry_effect, effect_id=effect_id))
    return Say(say(f"Trying again: {effect_words(outcome.data['effect_kind'])}."))


FEATURE = Feature(
    name="failures",
    actions={"effect_retry": retry_pressed},
    entries={"effect_failed": effect_failed},
    direct_entries={"effect_failed": effect_failed},
    endings={"effect_failed": retry_ending},
)
