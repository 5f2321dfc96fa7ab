"""Phrases that many messages share: who did it, about which incident."""

from datetime import datetime

from bot.slack import blocks, mentions
from bot.slack.sentences import SlackText
from incidents.core.sentences import Who
from incidents.incident.views import EntryView, IncidentView, PersonView
from incidents.learning.shadowing import ShadowingView

_MARKS = ("🔴", "🟠", "🟡", "🔵", "⚪")


def severity_mark(rank: int) -> str:
    """Return the coloured mark of a severity's rank: red for the worst, 1."""
    return _MARKS[min(max(rank, 1), len(_MARKS)) - 1]


def hidden_message(incident: IncidentView) -> blocks.Message:
    """Return the message that replaces a call once the incident is hidden from its reader."""
    text = f"{incident.reference} is handled privately now. Nothing for you to do; thank you."
    return blocks.Message(text=text, blocks=(blocks.context(text),))


def named(person: Who | None) -> str:
    """Return a mention of the person, or their name; "" for None."""
    return SlackText().person(person) if person is not None else ""


def actor_of_entry(entry: EntryView) -> str:
    """Return the name of the entry's actor, escaped."""
    return mentions.escape_line(entry.actor_name)


def about(incident: IncidentView) -> str:
    """Return the incident's reference, title and channel, to begin a direct message."""
    where = f" in {mentions.channel_link(incident.channel_id)}" if incident.channel_id else ""
    return f"*{incident.reference}* {mentions.escape_line(incident.title)}{where}"


def followed_text(view: ShadowingView) -> str:
    """Return the mentor, role or service that a shadowing follows."""
    return followed(view.mentor, role_name=view.role_name, service_name=view.service_name)


def followed(mentor: PersonView | None, *, role_name: str, service_name: str) -> str:
    """Return the mentor, role or service that is followed; exactly one is given."""
    if mentor is not None:
        return mentions.escape_line(mentor.name)
    if role_name:
        return f"the role {mentions.escape_line(role_name)}"
    return f"the service {mentions.escape_line(service_name)}"


def instant_of(value: object) -> datetime | None:
    """Return the instant stored as text in an entry's content or an outcome, or None."""
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None
