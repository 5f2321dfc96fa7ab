"""Timeline entries as messages: each kind brings its sentence, features add the buttons.

A kind without a renderer shows its sentence (who did what), then its details. When the request in a
message is over, the message says how it ended and loses its buttons (`Ending`).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.phrases import about
from bot.slack import blocks
from bot.slack.sentences import slack_lines
from incidents.incident.payload import Payload, decode
from incidents.incident.views import EntryView, IncidentView
from incidents.registry.entries import ENTRY_TYPES

EntryRenderer = Callable[[EntryView, IncidentView], blocks.Message]

PayloadT = TypeVar("PayloadT", bound=Payload)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a message's request ended, as mrkdwn without people's own words.

    An ending that isn't final may change again. `buttons` are those that still work.
    """

    text: str
    is_final: bool = True
    buttons: tuple[blocks.ButtonElement, ...] = ()


FindEnding = Callable[[AsyncSession, EntryView, IncidentView], Awaitable[Ending | None]]


def shown(
    payload_type: type[PayloadT],
    render: Callable[[PayloadT, EntryView, IncidentView], blocks.Message],
) -> tuple[str, EntryRenderer]:
    """Return the kind and its renderer; `render` gets the typed payload."""

    def renderer(entry: EntryView, incident: IncidentView) -> blocks.Message:
        payload = None if entry.is_redacted else payload_type.read(entry.content)
        if payload is None:
            return told_message(entry, incident)
        return render(payload, entry, incident)

    return payload_type.kind, renderer


def ends(
    payload_type: type[PayloadT],
    find: Callable[[PayloadT, AsyncSession, EntryView, IncidentView], Awaitable[Ending | None]],
) -> tuple[str, FindEnding]:
    """Return the kind and what finds its ending; `find` gets the typed payload."""

    async def find_ending(
        session: AsyncSession, entry: EntryView, incident: IncidentView
    ) -> Ending | None:
        payload = payload_type.read(entry.content)
        return None if payload is None else await find(payload, session, entry, incident)

    return payload_type.kind, find_ending


def told_message(
    entry: EntryView, incident: IncidentView, *buttons: blocks.ButtonElement, asks: str = ""
) -> blocks.Message:
    """Return the entry's sentence and details, then `asks` (the request to readers) and buttons."""
    lines = [*told_lines(entry), *filter(None, (asks,))]
    shown_text = "\n".join(lines)
    return _message(f"{incident.reference}: {shown_text}", shown_text, buttons)


def told_directly(
    entry: EntryView, incident: IncidentView, *buttons: blocks.ButtonElement, asks: str = ""
) -> blocks.Message:
    """Return the entry for one person: which incident, what happened, `asks` and the buttons."""
    text = "\n".join([f"{about(incident)}:", *told_lines(entry), *filter(None, (asks,))])
    return _message(text, text, buttons)


def _message(
    text: str, shown_text: str, buttons: tuple[blocks.ButtonElement, ...]
) -> blocks.Message:
    row = (blocks.actions(*buttons),) if buttons else ()
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(shown_text), *row))


def told_lines(entry: EntryView) -> list[str]:
    """Return who did what as mrkdwn, then each detail; for a redacted entry only a notice."""
    if entry.is_redacted:
        return ["_This entry was redacted._"]
    told = decode(entry.kind, entry.content, ENTRY_TYPES).tell(entry.actor_id)
    return slack_lines(told, actor_kind=entry.actor_kind, actor_name=entry.actor_name)


def ended_with(incident: IncidentView) -> Ending | None:
    """Return the ending of any request whose incident is over; None while it is open."""
    if incident.is_open:
        return None
    text = f"{incident.reference} is {incident.status}. Nothing is left to do here."
    return Ending(text, is_final=False)  # it may be reopened


def render_entry(
    entry: EntryView, incident: IncidentView, renderers: Mapping[str, EntryRenderer]
) -> blocks.Message:
    """Return the entry as a message, rendered by its feature or else as its plain sentence."""
    renderer = renderers.get(entry.kind, told_message)
    return renderer(entry, incident)
