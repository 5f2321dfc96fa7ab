"""Putting the next stakeholder update off, once."""

from functools import partial

from bot.features.updates.messages import Snooze
from bot.framework.phrases import instant_of
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.slack import blocks, mentions
from incidents.core.errors import AlreadySo, InvalidInput
from incidents.core.times import parse_duration, split_duration
from incidents.core.typed_doubts import begins_with_a_count, says_until_when
from incidents.updates.post import snooze_update

# `update snooze` before a duration, or alone; other words after it belong to an update.
SNOOZED = (
    r"snooze(?P<rest>(?:\s+(?:for\s+)?(?:[\d.,]+\s*(?:[smhdw](?![a-z])|secs?\b|mins?\b|minutes?\b|hrs?\b"
    r"|hours?\b|days?\b|$)|half\s+an?\b|an?\s+(?:half|quarter|hour)|(?:one|two|three)\s+hours?\b|until\b).*)?)"
)


def typed_snooze(request: Request) -> Snooze:
    """Parse `snooze [15m] [reason]`."""
    typed = mentions.plain(request.words.text)
    if begins_with_a_count(typed):
        problem = "could be part of your reason; write `15m` for minutes"
        raise InvalidInput("duration", problem, "snooze 15m")
    delay, reason = split_duration(typed, takes_minutes=True)
    if delay is None and says_until_when(reason):
        raise InvalidInput("duration", "has to say how long, not until when", "snooze 15m")
    if delay is None and reason[:1].isdigit():
        first, _, reason = reason.partition(" ")
        delay = parse_duration(first)
    return Snooze(request.incident_ref(), delay, reason=reason)


async def snooze(request: Request, given: Snooze) -> Reply:
    """Snooze the next update, once."""
    use_case = partial(
        snooze_update,
        ref=given.ref,
        delay=given.delay or request.policy.reminders.snooze,
        reason=given.reason,
        due_at=given.due_at or None,
    )
    try:
        outcome = await request.transact(use_case)
    except AlreadySo as error:
        return Say(not_snoozed_message(error, slash=request.policy.command))
    until = instant_of(outcome.data["until"]) or request.now
    return Say(say(f"The next update is now due {mentions.date(until, '{time}')}."))


def not_snoozed_message(error: AlreadySo, *, slash: str) -> blocks.Message:
    """Return why nothing was snoozed, and what to do instead."""
    until = instant_of(error.detail) if error.what == "update_snoozed" else None
    if until is None:
        return say("No stakeholder update is due here, so there is nothing to snooze.")
    return say(
        f"The update was put off once already, to {mentions.date(until, '{time}')}. People waiting would "
        f"rather read one line: `{slash} update Still working on it, nothing new` starts the clock "
        "again."
    )
