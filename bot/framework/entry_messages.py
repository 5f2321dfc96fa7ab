"""How timeline entries read as messages: one renderer per kind, an unknown kind generically."""

from collections.abc import Callable, Mapping

from bot.slack.blocks import Message, section
from bot.slack.mentions import escape
from incidents.incident.views import EntryView, IncidentView

EntryRenderer = Callable[[EntryView, IncidentView], Message]


def render_entry(
    entry: EntryView, incident: IncidentView, renderers: Mapping[str, EntryRenderer]
) -> Message:
    """Return the entry as a message, with its kind in words if no feature renders it."""
    renderer = renderers.get(entry.kind, _generic)
    return renderer(entry, incident)


def _generic(entry: EntryView, incident: IncidentView) -> Message:
    text = f"{escape(entry.actor_name)}: {entry.kind.replace('_', ' ')} ({incident.reference})"
    return Message(text=text, blocks=(section(text),))
