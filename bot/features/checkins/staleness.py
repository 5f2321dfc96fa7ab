"""Ask whether an incident without recent activity should be resolved."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.arguments import Arguments, on_incident, to_value
from bot.framework.entry_messages import Ending, ended_with, ends, shown
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import Request
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.core.times import spoken_duration
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.views import EntryView, IncidentView, find_next_entry
from incidents.lifecycle.entries import StaleAnswered, StaleAsked
from incidents.lifecycle.staleness import still_working


class OnQuestion(Arguments):
    """An incident, and the sequence of the entry that asked whether it is over."""

    ref: IncidentRef
    sequence: int = 0


def noted_text(_: Request, outcome: Outcome) -> str:
    """Return the reply to a person who is still working on it."""
    wait = spoken_duration(timedelta(seconds=outcome.data["wait_seconds"]))
    return f"Noted on the timeline. I'll ask again after {wait} without anything new."


def stale_entry(asked: StaleAsked, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Ask the channel whether the incident is over."""
    since = mentions.date(asked.last_activity_at or entry.occurred_at)
    text = (
        f"*{incident.reference}* is still open ({asked.status}), and nobody has added anything "
        f"since {since}. Is it over? Then resolve it. If not, say that you're still on it."
    )
    buttons = (
        blocks.button(
            "Resolve", action_id="resolve_open", value=on_incident(incident), style="primary"
        ),
        blocks.button(
            "Still working on it",
            action_id="stale_still_working",
            value=to_value(OnQuestion(ById(incident.id), entry.sequence)),
        ),
    )
    return say(text, *buttons)


async def stale_ending(
    _asked: StaleAsked, session: AsyncSession, entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return who was still working on it, or that the bot asked again."""
    later = await find_next_entry(session, entry, incident, StaleAnswered.kind, StaleAsked.kind)
    if later is None:
        return ended_with(incident)
    at = mentions.date(later.recorded_at)
    if later.kind == StaleAsked.kind:
        return Ending(f"I asked again {at}.")
    return Ending(f"{mentions.escape_line(later.actor_name)} was still working on it {at}.")


FEATURE = Feature(
    name="staleness",
    verbs=(
        Verb(OnQuestion, buttons=("stale_still_working",), use_case=still_working, tell=noted_text),
    ),
    entries=(shown(StaleAsked, stale_entry),),
    endings=(ends(StaleAsked, stale_ending),),
)
