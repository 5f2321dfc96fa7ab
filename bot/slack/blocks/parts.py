"""Texts, identifiers and options within Slack's limits, for the builders."""

from collections.abc import Mapping, Sequence

from slack_sdk.models.blocks import MarkdownTextObject, Option, OptionGroup, PlainTextObject

from bot.slack.mentions import tidy_line
from bot.slack.truncation import shorten, shorten_mrkdwn, width

EMPTY = "\N{EM DASH}"
MAX_OPTIONS = 100


def plain(text: str, limit: int) -> PlainTextObject:
    """Return one line of text without markup, cut to `limit`; an empty one becomes a dash."""
    line = tidy_line(text)
    return PlainTextObject(text=shorten(line, limit) if line.strip() else EMPTY, emoji=True)


def mrkdwn(text: str, limit: int) -> MarkdownTextObject:
    """Return text with Slack's markup, cut to `limit`; an empty one becomes a dash."""
    return MarkdownTextObject(text=shorten_mrkdwn(text, limit) if text.strip() else EMPTY)


def identifier(text: str, limit: int = 255) -> str:
    """Return an id or value, which can't be cut.

    Raises:
        ValueError: it is empty or longer than `limit`.
    """
    if not 1 <= width(text) <= limit:
        raise ValueError(f"an identifier takes 1 to {limit} characters, not {width(text)}")
    return text


def optional_identifier(text: str | None) -> str | None:
    """Return an id or value that may be absent."""
    return None if text is None else identifier(text)


def option(text: str, *, value: str, description: str | None = None) -> Option:
    """Return one choice of a menu, radio group or checkbox group."""
    return Option(
        text=plain(text, 75),
        value=identifier(value, 150),
        description=None if description is None else plain(description, 75),
    )


def option_groups(groups: Mapping[str, Sequence[Option]]) -> list[OptionGroup]:
    """Return choices under headings, at most 100 headings with 100 choices each."""
    filled = [(label, options) for label, options in groups.items() if options]
    return [
        OptionGroup(label=plain(label, 75), options=options_within(options, MAX_OPTIONS))
        for label, options in filled[:MAX_OPTIONS]
    ]


def options_within(options: Sequence[Option], limit: int = MAX_OPTIONS) -> list[Option]:
    """Return the first `limit` options, for a menu or as the answer to an external select.

    Raises:
        ValueError: there are none, which Slack refuses.
    """
    if not options:
        raise ValueError("a menu needs at least one option")
    return list(options[:limit])
