"""How timeline entries read as messages: one renderer per kind, an unknown kind generically.

What a message asks for ends: it then says how, and loses its buttons. `FindEnding` tells whether.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from bot.slack.blocks import ButtonElement, Message, section
from bot.slack.mentions import escape
from incidents.incident.views import EntryView, IncidentView

EntryRenderer = Callable[[EntryView, IncidentView], Message]


@dataclass(frozen=True, slots=True)
class Ending:
    """How what a message asks for has ended, as mrkdwn without people's own words.

    One that isn't final may change again; `buttons` still do something.
    """

    text: str
    is_final: bool = True
    buttons: tuple[ButtonElement, ...] = ()


FindEnding = Callable[[AsyncSession, EntryView, IncidentView], Awaitable[Ending | None]]


def ended_with(incident: IncidentView) -> Ending | None:
    """Return that it ended with the incident, if that is over."""
    if incident.is_open:
        return None
    return Ending(f"{incident.reference} is {incident.status}. Nothing is left to do here.")


def render_entry(
    entry: EntryView, incident: IncidentView, renderers: Mapping[str, EntryRenderer]
) -> Message:
    """Return the entry as a message, with its kind in words if no feature renders it."""
    renderer = renderers.get(entry.kind, _generic)
    return renderer(entry, incident)


def _generic(entry: EntryView, incident: IncidentView) -> Message:
    text = f"{escape(entry.actor_name)}: {entry.kind.replace('_', ' ')} ({incident.reference})"
    return Message(text=text, blocks=(section(text),))
