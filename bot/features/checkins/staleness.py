"""Asking whether an incident in which nothing happens any more should be resolved."""

from datetime import timedelta
from functools import partial

from bot.framework.entry_messages import shown
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.replies import Reply, Say
from bot.framework.requests import Request
from bot.slack import blocks, mentions
from incidents.core.times import spoken_duration
from incidents.incident.views import EntryView, IncidentView
from incidents.lifecycle.entries import StaleAsked
from incidents.lifecycle.staleness import still_working


async def still_working_pressed(request: Request) -> Reply:
    """Note that work goes on."""
    outcome = await request.transact(partial(still_working, ref=request.incident_of_value()))
    wait = spoken_duration(timedelta(seconds=outcome.data["wait_seconds"]))
    return Say(say(f"Noted on the timeline. I ask again after {wait} without anything new."))


def stale_entry(asked: StaleAsked, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the question whether the incident is over."""
    since = mentions.date(asked.last_activity_at or entry.occurred_at)
    text = (
        f"*{incident.reference}* is still open ({asked.status}), and nothing was added "
        f"since {since}. Is it over? Then resolve it; if not, say that you are still on it."
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


FEATURE = Feature(
    name="staleness",
    actions={"stale_still_working": still_working_pressed},
    entries=dict((shown(StaleAsked, stale_entry),)),
)
