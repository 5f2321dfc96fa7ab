"""Timeline entries in plain words, for tables and files: what happened, without who and when.

Kinds that are known have a form of their own; all others, written by another version, read as
their name and then whatever their content holds, so that no export silently leaves out a fact.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from incidents.core.times import spoken_duration
from incidents.drills.words import DRILL_FORMS
from incidents.escalation.words import ESCALATION_FORMS
from incidents.incident.timeline import EntryKind
from incidents.record.corrections import CorrectedEntry
from incidents.registry.entry_forms import ARROW, ENTRY_FORMS
from incidents.roles.words import ROLE_FORMS

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_INNER_NAME = re.compile(r"[a-z]+(_[a-z]+)+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# What machines need and people don't: identifiers, ranks, and what other words already say.
_SILENT = re.compile(r"(.*_)?(ids?|keys?|ranks?|hash|sequence|kind|ts)")
_DECLARED_WITH = (
    ("Impact", "impact"),
    ("Summary", "summary"),
    ("Services", "services"),
    ("Detected", "detected_at"),
    ("Declared from", "source_link"),
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
        case {"name": str(name), "id": _}:  # a person
            return name
        case Mapping():
            told = ((key, item) for key, item in value.items() if not _SILENT.fullmatch(key))
            return "; ".join(f"{_words(key)}: {plain_value(item)}" for key, item in told)
        case str() if _INSTANT.fullmatch(value):
            return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        case None:
            return ""
    return str(value)


def _generic(entry: CorrectedEntry) -> str:
    head = _words(entry.kind).capitalize()
    content = dict(entry.content)
    if "old" in content and "new" in content:
        change = {"old": content.pop("old"), "new": content.pop("new")}
        named = content.pop("name", "")
        head = f"{head}{f' ({_words(str(named))})' if named else ''}: {plain_value(change)}"
    details = " ".join(_ended(one) for one in _details(content)).removesuffix(".")
    return f"{head}. {details}" if details else head


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _details(content: Mapping[str, Any]) -> Iterator[str]:
    for key, value in content.items():
        if _SILENT.fullmatch(key) or value in (None, "", [], {}, False):
            continue
        if isinstance(value, str) and _UUID.fullmatch(value):
            continue
        if key in {"text", "reason", "changes", "question"}:
            yield plain_value(value)
        elif value is True:
            yield _words(key.removeprefix("is_"))
        elif key.endswith("_seconds") and isinstance(value, int):
            lasting = spoken_duration(timedelta(seconds=value))
            yield f"{_words(key.removesuffix('_seconds'))}: {lasting}"
        else:
            yield f"{_words(key)}: {_named(value)}"


def _named(value: Any) -> str:
    """Return a value that no person typed: one of our own names reads as words."""
    if isinstance(value, list):
        return ", ".join(_named(item) for item in value)
    if isinstance(value, str) and _INNER_NAME.fullmatch(value):
        return value.replace("_", " ")
    return plain_value(value)


def _words(key: str) -> str:
    return key.removesuffix("_at").replace("_", " ")


def _declared(entry: CorrectedEntry) -> str:
    parts = [f"Declared as {entry.text('severity')}: {entry.text('title')}"]
    for label, name in _DECLARED_WITH:
        value = plain_value(entry.content.get(name))
        if value:
            parts.append(f"{label}: {value}")
    return ". ".join(parts)


def _edited(entry: CorrectedEntry) -> str:
    changes = entry.content.get("changes")
    if not isinstance(changes, Mapping):
        return "Edited"
    said = (f"{_words(name)}: {plain_value(change)}" for name, change in changes.items())
    return f"Edited {'; '.join(said)}"


_FORMS: Mapping[str, Callable[[CorrectedEntry], str]] = MappingProxyType(
    {
        **ENTRY_FORMS,
        **ROLE_FORMS,
        **ESCALATION_FORMS,
        **DRILL_FORMS,
        EntryKind.DECLARED: _declared,
        EntryKind.EDITED: _edited,
    }
)
