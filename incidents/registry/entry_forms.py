"""Kinds of entries that the program writes, in plain words: one form each, short and complete."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from incidents.core.times import spoken_duration
from incidents.engine.entries import refusal_reason
from incidents.incident.timeline import EntryKind
from incidents.record.corrections import CorrectedEntry

ARROW = "→"

# What is said of a kind, alone or before its details.
_PLAIN: Mapping[str, str] = MappingProxyType(
    {
        EntryKind.PERSON_JOINED: "Joined the incident channel",
        EntryKind.PERSON_LEFT: "Left the incident channel",
        EntryKind.CHANNEL_OPENED: "Incident channel opened",
        EntryKind.CHANNEL_LINKED: "Incident channel chosen",
        EntryKind.CHANNEL_ARCHIVED: "Incident channel archived",
        EntryKind.CHANNEL_UNARCHIVED: "Incident channel brought back",
        EntryKind.CHANNEL_DELETED: "Incident channel deleted",
        EntryKind.CHANNEL_ID_CHANGED: "Incident channel moved by Slack",
        EntryKind.BOT_RETURNED: "Sitrep is back in the incident channel",
        EntryKind.ACTION_ITEM_ADDED: "added",
        EntryKind.ACTION_ITEM_ASSIGNED: "given on",
        EntryKind.ACTION_ITEM_DONE: "done",
    }
)

_ANSWERS = MappingProxyType({"done": "done", "more_time": "needs more time", "stuck": "stuck"})


def _sentences(*parts: str) -> str:
    """Return the parts that say something, each ended once."""
    said = [part.strip() for part in parts if part.strip()]
    ended = [part if part[-1] in ".!?…" else f"{part}." for part in said[:-1]]
    return " ".join([*ended, *said[-1:]])


def _labelled(entry: CorrectedEntry, names: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{label}: {entry.text(name)}" for label, name in names if entry.text(name)]


def _box(entry: CorrectedEntry) -> str:
    return spoken_duration(timedelta(seconds=int(entry.content.get("box_seconds") or 0)))


def _names(people: Any) -> str:
    return ", ".join(str(one.get("name", "")) for one in people or () if isinstance(one, Mapping))


# -- status, severity, facts ------------------------------------------------------------------


def _moved_to_private(entry: CorrectedEntry) -> str:
    invited = _names(entry.content.get("people"))
    return _sentences(f"Moved to a private channel; in it: {invited}", entry.text("reason"))


# -- stakeholder updates ----------------------------------------------------------------------


# -- check-ins, staleness ---------------------------------------------------------------------


def _asked(entry: CorrectedEntry) -> str:
    return f"Check-in with {entry.text('person_name')}, {_box(entry)}: {entry.text('question')}"


def _understood(entry: CorrectedEntry) -> str:
    return f"Check-in with {entry.text('person_name')}: understood"


def _box_ended(entry: CorrectedEntry) -> str:
    return f"Asked {entry.text('person_name')} how it went: {entry.text('question')}"


def _answered(entry: CorrectedEntry) -> str:
    answer = entry.text("answer")
    said = _ANSWERS.get(answer, answer.replace("_", " "))
    return _sentences(f"Check-in with {entry.text('person_name')}: {said}", entry.text("text"))


def _plainly(entry: CorrectedEntry) -> str:
    return _PLAIN[entry.kind]


# -- the channel and people -------------------------------------------------------------------


def _channel(entry: CorrectedEntry) -> str:
    words, name = _PLAIN[entry.kind], entry.text("channel_name")
    return f"{words}: #{name}" if name else words


def _channel_refused(entry: CorrectedEntry) -> str:
    return f"Slack refused opening the incident channel{_because(entry)}"


def _renamed(entry: CorrectedEntry) -> str:
    return f"Incident channel renamed: #{entry.text('old')} {ARROW} #{entry.text('new')}"


def _bot_removed(entry: CorrectedEntry) -> str:
    by = f" by {entry.text('by')}" if entry.text("by") else ""
    return f"Sitrep was removed from the incident channel{by}"


def _not_invited(entry: CorrectedEntry) -> str:
    return f"Not invited: {_names(entry.content.get('refused'))}"


def _because(entry: CorrectedEntry) -> str:
    error = entry.text("error")
    reason = refusal_reason(error) or error.replace("_", " ")
    return f" ({reason})" if reason else ""


# -- files, postmortem, action items ----------------------------------------------------------


def _exported(entry: CorrectedEntry) -> str:
    names = {"md": "Markdown", "csv": "CSV", "json": "JSON"}
    form = names.get(entry.text("format"), entry.text("format"))
    return f"Timeline exported{f' as {form}' if form else ''}"


def _drafted(entry: CorrectedEntry) -> str:
    return f"Postmortem drafted (version {entry.text('version')}), due {_day(entry)}"


def _owned(entry: CorrectedEntry) -> str:
    owner = entry.text("owner") or "Somebody"
    return f"{owner} writes the postmortem, due {_day(entry)}"


def _edited(entry: CorrectedEntry) -> str:
    sections = [str(key).replace("_", " ") for key in entry.content.get("sections") or ()]
    return f"Postmortem written in: {', '.join(sections)}"


def _published(entry: CorrectedEntry) -> str:
    return _sentences("Postmortem published", entry.text("link"))


def _postmortem_reminded(entry: CorrectedEntry) -> str:
    return f"Reminded of the postmortem, due {_day(entry)}"


def _day(entry: CorrectedEntry) -> str:
    """Return the due date as people read it, or as it was written by another version."""
    try:
        day = date.fromisoformat(entry.text("due_on"))
    except ValueError:
        return entry.text("due_on")
    return f"{day:%a} {day.day} {day:%b %Y}"


def _action_item(entry: CorrectedEntry) -> str:
    owner = entry.text("owner") or "nobody yet"
    due = f", due {_day(entry)}" if entry.text("due_on") else ""
    number, text = entry.text("number"), entry.text("text")
    return f"Action item {number} {_PLAIN[entry.kind]}: {text} ({owner}{due})"


ENTRY_FORMS: Mapping[str, Callable[[CorrectedEntry], str]] = MappingProxyType(
    {
        EntryKind.CHECKIN_ASKED: _asked,
        EntryKind.CHECKIN_UNDERSTOOD: _understood,
        EntryKind.CHECKIN_DUE: _box_ended,
        EntryKind.CHECKIN_ANSWERED: _answered,
        EntryKind.PERSON_JOINED: _plainly,
        EntryKind.PERSON_LEFT: _plainly,
        EntryKind.CHANNEL_OPENED: _channel,
        EntryKind.CHANNEL_REFUSED: _channel_refused,
        EntryKind.CHANNEL_LINKED: _channel,
        EntryKind.CHANNEL_RENAMED: _renamed,
        EntryKind.CHANNEL_ARCHIVED: _channel,
        EntryKind.CHANNEL_UNARCHIVED: _channel,
        EntryKind.CHANNEL_DELETED: _channel,
        EntryKind.CHANNEL_ID_CHANGED: _channel,
        EntryKind.MOVED_TO_PRIVATE: _moved_to_private,
        EntryKind.BOT_REMOVED: _bot_removed,
        EntryKind.BOT_RETURNED: _plainly,
        EntryKind.INVITE_REFUSED: _not_invited,
        EntryKind.EXPORTED: _exported,
        EntryKind.POSTMORTEM_DRAFTED: _drafted,
        EntryKind.POSTMORTEM_OWNER_SET: _owned,
        EntryKind.POSTMORTEM_EDITED: _edited,
        EntryKind.POSTMORTEM_PUBLISHED: _published,
        EntryKind.POSTMORTEM_REMINDED: _postmortem_reminded,
        EntryKind.ACTION_ITEM_ADDED: _action_item,
        EntryKind.ACTION_ITEM_ASSIGNED: _action_item,
        EntryKind.ACTION_ITEM_DONE: _action_item,
    }
)
