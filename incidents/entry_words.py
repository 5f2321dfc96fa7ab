"""Timeline entries in plain words, for tables and files: what happened, without who and when.

The kinds that people write by hand have a form of their own; all others, also unknown ones, read
as their name and then whatever their content holds, so that no export silently leaves out a fact.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from incidents.corrections import CorrectedEntry
from incidents.role_words import ROLE_FORMS
from incidents.timeline import EntryKind

_K = EntryKind

ARROW = "→"

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# What machines need and people don't: identifiers, ranks, and what other words already say.
_SILENT = re.compile(r"(.*_)?(ids?|keys?|ranks?|hash|sequence|kind|ts)")

_HEADS: Mapping[str, str] = MappingProxyType(
    {
        _K.STATUS_CHANGED: "Status",
        _K.SEVERITY_CHANGED: "Severity",
        _K.EDITED: "Edited",
        _K.MILESTONE_SET: "Time set",
        _K.UPDATE_POSTED: "Stakeholder update",
        _K.UPDATE_MISSED: "Stakeholder update missed",
        _K.UPDATE_REMINDED: "Reminded of the stakeholder update",
        _K.UPDATE_SNOOZED: "Update reminder snoozed",
        _K.COMMANDER_MISSING: "No incident commander yet",
        _K.SUCCESSOR_WANTED: "A new incident commander is wanted",
        _K.STALE_ASKED: "Asked whether to close",
        _K.CHECKIN_ASKED: "Check-in asked",
        _K.CHECKIN_UNDERSTOOD: "Check-in understood",
        _K.CHECKIN_DUE: "Check-in due",
        _K.CHECKIN_ANSWERED: "Check-in answered",
        _K.PERSON_JOINED: "Joined the incident channel",
        _K.PERSON_LEFT: "Left the incident channel",
        _K.BOT_REMOVED: "Sitrep was removed from the channel",
        _K.EFFECT_FAILED: "Couldn't be carried out",
        _K.EFFECT_RETRIED: "Tried again",
        _K.EXPORTED: "Timeline exported",
    }
)


def describe(entry: CorrectedEntry) -> str:
    """Return what the entry says, as plain text; a redacted one says only that."""
    if entry.is_redacted:
        by = f" by {entry.redacted_by}" if entry.redacted_by else ""
        return f"[redacted{by}]"
    words = _FORMS.get(entry.kind, _generic)(entry)
    if entry.is_message_deleted:
        words = f"{words} [the message was deleted later]"
    return words


def link_of(entry: CorrectedEntry) -> str:
    """Return the address of the message or file that the entry is about, or an empty text."""
    return entry.text("permalink")


def plain_value(value: Any) -> str:
    """Return a value of an entry's content as plain text."""
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(plain_value(item) for item in value)
        case {"old": old, "new": new}:
            return f"{plain_value(old) or 'nothing'} {ARROW} {plain_value(new) or 'nothing'}"
        case Mapping():
            return "; ".join(f"{_words(key)}: {plain_value(item)}" for key, item in value.items())
        case str() if _INSTANT.fullmatch(value):
            return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        case None:
            return ""
    return str(value)


def _generic(entry: CorrectedEntry) -> str:
    head = _HEADS.get(entry.kind) or _words(entry.kind).capitalize()
    content = dict(entry.content)
    if "old" in content and "new" in content:
        change = {"old": content.pop("old"), "new": content.pop("new")}
        named = content.pop("name", "")
        head = f"{head}{f' ({_words(str(named))})' if named else ''}: {plain_value(change)}"
    details = ". ".join(_details(content))
    return f"{head}. {details}" if details else head


def _details(content: Mapping[str, Any]) -> Iterator[str]:
    for key, value in content.items():
        if _SILENT.fullmatch(key) or value in (None, "", [], {}, False):
            continue
        if isinstance(value, str) and _UUID.fullmatch(value):
            continue
        if key in {"text", "reason", "changes", "question", "answer"}:
            yield plain_value(value)
        elif value is True:
            yield _words(key.removeprefix("is_"))
        else:
            yield f"{_words(key)}: {plain_value(value)}"


def _words(key: str) -> str:
    return key.removesuffix("_at").replace("_", " ")


def _declared(entry: CorrectedEntry) -> str:
    facts = f"Declared as {entry.text('severity')}: {entry.text('title')}"
    details = {
        name: entry.content.get(name)
        for name in ("impact", "summary", "services", "detected_at", "source_link")
    }
    more = ". ".join(_details(details))
    return f"{facts}. {more}" if more else facts


def _note(entry: CorrectedEntry) -> str:
    return entry.text("text")


def _message(entry: CorrectedEntry) -> str:
    # Whose words they are matters more than who marked them.
    author = entry.text("author_name")
    return f"{author}: {entry.text('text')}" if author else entry.text("text")


def _file(entry: CorrectedEntry) -> str:
    return f"File: {entry.text('name')}"


_FORMS: Mapping[str, Callable[[CorrectedEntry], str]] = MappingProxyType(
    {
        **ROLE_FORMS,
        _K.DECLARED: _declared,
        _K.NOTE: _note,
        _K.MARKED: _message,
        _K.PINNED: _message,
        _K.FILE_LINKED: _file,
    }
)
