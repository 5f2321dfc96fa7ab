"""Asking whether an incident in which nothing happens any more should be resolved."""

from datetime import timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.entry_messages import Ending, ended_with
from bot.framework.feature import Feature
from bot.framework.phrases import instant_of
from bot.framework.refusals import say
from bot.framework.replies import Reply, Say
from bot.framework.requests import Request
from bot.slack import blocks, mentions
from incidents.core.times import spoken_duration
from incidents.incident.timeline import EntryKind
from incidents.incident.views import EntryView, IncidentView, find_next_entry
from incidents.lifecycle.staleness import still_working


async def still_working_pressed(request: Request) -> Reply:
    """Note that work goes on."""
    outcome = await request.transact(partial(still_working, ref=request.incident_of_value()))
    wait = spoken_duration(timedelta(seconds=outcome.data["wait_seconds"]))
    return Say(say(f"Noted on the timeline. I ask again after {wait} without anything new."))


def stale_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the question whether the incident is over."""
    since = instant_of(entry.content.get("last_activity_at")) or entry.occurred_at
    text = (
        f"*{incident.reference}* is still open ({entry.text('status')}), and nothing was added "
        f"since {mentions.date(since)}. Is it over? Then resolve it; if not, say that you are still on it."
    )
    buttons = (
        blocks.button("Resolve", action_id="resolve_open", value=str(incident.id), style="primary"),
        blocks.button(
            "Still working on it",
            action_id="stale_still_working",
            value=f"{incident.id}|{entry.sequence}",
        ),
    )
    return blocks.Message(text=text, blocks=(blocks.section(text), blocks.actions(*buttons)))


async def stale_ending(
    session: AsyncSession, entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return who is still on it, or that it was asked again."""
    later = await find_next_entry(
        session, entry, incident, EntryKind.STALE_ANSWERED, EntryKind.STALE_ASKED
    )
    if later is None:
        return ended_with(incident)
    at = mentions.date(later.recorded_at)
    if later.kind == EntryKind.STALE_ASKED:
        return Ending(f"I asked again {at}.")
    return Ending(f"{mentions.escape_line(later.actor_name)} was still working on it {at}.")


def answered_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return that somebody is still on it."""
    text = f"{mentions.escape_line(entry.actor_name)} is still working on {incident.reference}."
    return blocks.Message(text=text, blocks=(blocks.context(text),))


FEATURE = Feature(
    name="staleness",
    actions={"stale_still_working": still_working_pressed},
    entries={EntryKind.STALE_ASKED: stale_entry, EntryKind.STALE_ANSWERED: answered_entry},
    endings={EntryKind.STALE_ASKED: stale_ending},
)
