"""Sentences made of words and typed parts, which each medium renders in its own way.

Each timeline entry has one wording: a phrase whose subject is the actor ("put off the next update
to 14:30"), and named details. Slack renders the parts as mentions and dates, a file as names and
times, a postmortem as roles.
"""

import html
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Protocol

from incidents.core import markdown_text
from incidents.core.times import spoken_duration


@dataclass(frozen=True, slots=True)
class Who:
    """A person: the name as recorded, and the ids to mention them by."""

    name: str = ""
    id: uuid.UUID | None = None
    external_id: str = ""


# A person without a known name.
SOMEBODY: Final = Who()


@dataclass(frozen=True, slots=True)
class When:
    """An instant."""

    at: datetime


@dataclass(frozen=True, slots=True)
class HowLong:
    """A duration."""

    lasting: timedelta


@dataclass(frozen=True, slots=True)
class Words:
    """Text or names that people wrote: always data, never markup."""

    text: str


@dataclass(frozen=True, slots=True)
class IncidentName:
    """An incident by its reference, such as INC-12."""

    reference: str


@dataclass(frozen=True, slots=True)
class ChannelName:
    """A channel of the chat service."""

    name: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """An address; people see `label`, or the address itself if the label is empty."""

    url: str
    label: str = ""


Part = str | Who | When | HowLong | Words | IncidentName | ChannelName | Link
Sentence = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Detail:
    """One more fact about what happened; without a label, the value is a sentence of its own."""

    value: Sentence
    label: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """An entry in words: a phrase whose subject is the actor, then details."""

    phrase: Sentence
    details: tuple[Detail, ...] = ()


def telling(*phrase: Part, details: Iterable[Detail | None] = ()) -> Telling:
    """Return a telling without the details that are None or empty."""
    return Telling(phrase, tuple(one for one in details if one is not None and one.value))


def said(text: str | None, label: str = "") -> Detail | None:
    """Return somebody's own text as a detail, or None if there is no text."""
    return Detail((Words(text),), label) if text else None


def detail(label: str, *value: Part | None) -> Detail | None:
    """Return a named detail, or None if any part of it is None."""
    parts = tuple(part for part in value if part is not None)
    return Detail(parts, label) if parts and len(parts) == len(value) else None


def when(at: datetime | None) -> When | None:
    """Return the instant as a part, or None."""
    return None if at is None else When(at)


def until(at: datetime | None) -> Sentence:
    """Return until when, as the end of a phrase; nothing if that isn't known."""
    return () if at is None else (", until ", When(at))


def listed(people: Iterable[Part]) -> Sentence:
    """Return the parts with commas between them."""
    parts: list[Part] = []
    for one in people:
        parts += [", ", one] if parts else [one]
    return tuple(parts)


def with_names(told: Telling, names: Mapping[uuid.UUID, str]) -> Telling:
    """Return the telling with names filled in for people it knows only by id."""
    details = tuple(replace(one, value=_named(one.value, names)) for one in told.details)
    return Telling(_named(told.phrase, names), details)


def _named(sentence: Sentence, names: Mapping[uuid.UUID, str]) -> Sentence:
    return tuple(
        replace(part, name=names[part.id])
        if isinstance(part, Who) and part.id is not None and not part.name and part.id in names
        else part
        for part in sentence
    )


def people_in(told: Telling) -> set[uuid.UUID]:
    """Return the ids of the people whose names the telling lacks."""
    sentences = (told.phrase, *(one.value for one in told.details))
    parts = (part for sentence in sentences for part in sentence)
    return {part.id for part in parts if isinstance(part, Who) and part.id and not part.name}


class Medium(Protocol):
    """A place where sentences are read; each method renders one kind of part for it."""

    def words(self, text: str) -> str:
        """Render our own words."""
        ...

    def own_text(self, text: str) -> str:
        """Render somebody's own text."""
        ...

    def person(self, who: Who) -> str:
        """Render a person."""
        ...

    def instant(self, at: datetime) -> str:
        """Render an instant."""
        ...

    def channel(self, channel: ChannelName) -> str:
        """Render a channel."""
        ...

    def link(self, link: Link) -> str:
        """Render a link."""
        ...

    def label(self, text: str) -> str:
        """Render the label that precedes a detail."""
        ...


def render(sentence: Iterable[Part], medium: Medium) -> str:
    """Return the sentence as text of the medium."""
    return "".join(_part(part, medium) for part in sentence)


def _part(part: Part, medium: Medium) -> str:
    match part:
        case str():
            return medium.words(part)
        case Words(text):
            return medium.own_text(text)
        case Who():
            return medium.person(part)
        case When(at):
            return medium.instant(at)
        case HowLong(lasting):
            return medium.words(spoken_duration(lasting))
        case IncidentName(reference):
            return medium.words(reference)
        case ChannelName():
            return medium.channel(part)
        case Link():
            return medium.link(part)


def details_of(told: Telling, medium: Medium) -> list[str]:
    """Return the details as texts of the medium, each with its label."""
    return [
        f"{medium.label(one.label)} {render(one.value, medium)}"
        if one.label
        else render(one.value, medium)
        for one in told.details
    ]


def as_line(told: Telling, medium: Medium) -> str:
    """Return the telling on one line: the phrase as a sentence, then each detail."""
    parts = [capitalised(render(told.phrase, medium)), *details_of(told, medium)]
    spoken = [part.strip() for part in parts if part.strip()]
    ended = [part if part[-1] in ".!?…:" else f"{part}." for part in spoken[:-1]]
    return " ".join([*ended, *spoken[-1:]])


def capitalised(text: str) -> str:
    """Return the text with a capital first letter; the rest stays as it is."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class PlainText:
    """Plain text: names, and times in a zone."""

    zone: tzinfo = UTC

    def words(self, text: str) -> str:
        """Return the words as they are."""
        return text

    def own_text(self, text: str) -> str:
        """Return the text as it is."""
        return text

    def person(self, who: Who) -> str:
        """Return the name."""
        return who.name or "somebody"

    def instant(self, at: datetime) -> str:
        """Return date, time and zone."""
        local = at.astimezone(self.zone)
        return f"{local:%Y-%m-%d %H:%M} {local.tzname() or 'UTC'}"

    def channel(self, channel: ChannelName) -> str:
        """Return the channel's name with `#` before it."""
        return f"#{channel.name}" if channel.name else "the incident channel"

    def link(self, link: Link) -> str:
        """Return the label and the address."""
        return f"{link.label} ({link.url})" if link.label else link.url

    def label(self, text: str) -> str:
        """Return the label with a colon."""
        return f"{text}:"


class Markdown(PlainText):
    """Markdown on one line: the words of `PlainText`, escaped so that none act as markup."""

    def words(self, text: str) -> str:
        """Return the words, escaped; the spaces that join them to other parts stay."""
        inner = text.strip()
        return text.replace(inner, markdown_text.escape(inner)) if inner else text

    def own_text(self, text: str) -> str:
        """Return the text, escaped."""
        return markdown_text.escape(text)

    def person(self, who: Who) -> str:
        """Return the name, escaped."""
        return markdown_text.escape(PlainText.person(self, who))

    def channel(self, channel: ChannelName) -> str:
        """Return the channel's name, escaped."""
        return markdown_text.escape(PlainText.channel(self, channel))

    def link(self, link: Link) -> str:
        """Return the address as text, escaped: only our own renderers make links."""
        return markdown_text.escape(PlainText.link(self, link))

    def label(self, text: str) -> str:
        """Return the label with a colon, escaped: that of an unknown key may hold anything."""
        return f"{markdown_text.escape(text)}:"


class Html(PlainText):
    """HTML in which all text is escaped, including quotes."""

    def words(self, text: str) -> str:
        """Return the words, escaped."""
        return html.escape(text)

    def own_text(self, text: str) -> str:
        """Return the text, escaped."""
        return html.escape(text)

    def person(self, who: Who) -> str:
        """Return the name, escaped."""
        return html.escape(PlainText.person(self, who))

    def instant(self, at: datetime) -> str:
        """Return the instant as a time element, so that a page can show the reader's zone."""
        shown = html.escape(PlainText.instant(self, at))
        return f'<time datetime="{at.astimezone(UTC).isoformat()}">{shown}</time>'

    def channel(self, channel: ChannelName) -> str:
        """Return the channel's name, escaped."""
        return html.escape(PlainText.channel(self, channel))

    def link(self, link: Link) -> str:
        """Return a link if the address is http or https, else only its text."""
        shown = html.escape(link.label or link.url)
        if not link.url.startswith(("https://", "http://")):
            return shown
        return f'<a href="{html.escape(link.url)}" rel="noreferrer">{shown}</a>'

    def label(self, text: str) -> str:
        """Return the label with a colon, escaped."""
        return f"{html.escape(text)}:"
