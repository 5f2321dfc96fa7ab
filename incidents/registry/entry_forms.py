"""Kinds of entries that the program writes, in plain words: one form each, short and complete."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from incidents.core.instants import when
from incidents.core.times import spoken_duration
from incidents.engine.failed_effects import effect_words, refusal_reason
from incidents.incident.timeline import EntryKind
from incidents.record.corrections import CorrectedEntry

ARROW = "→"

MOMENTS: Mapping[str, str] = MappingProxyType(
    {
        "detected_at": "Detected",
        "impact_started_at": "Impact started",
        "impact_ended_at": "Impact ended",
        "mitigated_at": "Mitigated",
        "resolved_at": "Resolved",
    }
)

# What is said of a kind, alone or before its details.
_PLAIN: Mapping[str, str] = MappingProxyType(
    {
        EntryKind.ACKNOWLEDGED: "Acknowledged",
        EntryKind.STALE_ANSWERED: "Still working on it",
        EntryKind.PERSON_JOINED: "Joined the incident channel",
        EntryKind.PERSON_LEFT: "Left the incident channel",
        EntryKind.CHANNEL_OPENED: "Incident channel opened",
        EntryKind.CHANNEL_LINKED: "Incident channel chosen",
        EntryKind.CHANNEL_ARCHIVED: "Incident channel archived",
        EntryKind.CHANNEL_UNARCHIVED: "Incident channel brought back",
        EntryKind.CHANNEL_DELETED: "Incident channel deleted",
        EntryKind.CHANNEL_ID_CHANGED: "Incident channel moved by Slack",
        EntryKind.BOT_RETURNED: "Sitrep is back in the incident channel",
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


def _status(entry: CorrectedEntry) -> str:
    lead = "Reopened" if entry.content.get("is_reopening") else "Status"
    fixed = f"What fixed it: {entry.text('resolution')}" if entry.text("resolution") else ""
    original = entry.text("duplicate_of")
    return _sentences(
        f"{lead}: {entry.text('old')} {ARROW} {entry.text('new')}",
        f"A duplicate of {original}" if original else "",
        "No customer impact" if entry.content.get("has_customer_impact") is False else "",
        fixed,
        entry.text("text"),
        entry.text("reason"),
    )


def _duplicate_found(entry: CorrectedEntry) -> str:
    return f"{entry.text('duplicate')} is a duplicate of this: {entry.text('title')}"


def _severity(entry: CorrectedEntry) -> str:
    return _sentences(
        f"Severity: {entry.text('old')} {ARROW} {entry.text('new')}", entry.text("reason")
    )


def _milestone(entry: CorrectedEntry) -> str:
    name = entry.text("name")
    label = MOMENTS.get(name, name.removesuffix("_at").replace("_", " ").capitalize())
    old, new = when(entry.content.get("old")), when(entry.content.get("new"))
    if old and new:
        return f"{label} corrected: {old} {ARROW} {new}"
    return f"{label}: {new}" if new else f"{label} taken back: it was {old}"


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


def _stale(entry: CorrectedEntry) -> str:
    since = when(entry.content.get("last_activity_at"))
    return f"Asked whether it is over: nothing was added since {since}"


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


def _failed(entry: CorrectedEntry) -> str:
    return f"Slack refused {effect_words(entry.text('effect_kind'))}{_because(entry)}"


def _retried(entry: CorrectedEntry) -> str:
    return f"Tried again: {effect_words(entry.text('effect_kind'))}"


def _because(entry: CorrectedEntry) -> str:
    error = entry.text("error")
    reason = refusal_reason(error) or error.replace("_", " ")
    return f" ({reason})" if reason else ""


# -- files ------------------------------------------------------------------------------------


def _exported(entry: CorrectedEntry) -> str:
    names = {"md": "Markdown", "csv": "CSV", "json": "JSON"}
    form = names.get(entry.text("format"), entry.text("format"))
    return f"Timeline exported{f' as {form}' if form else ''}"


ENTRY_FORMS: Mapping[str, Callable[[CorrectedEntry], str]] = MappingProxyType(
    {
        EntryKind.STATUS_CHANGED: _status,
        EntryKind.SEVERITY_CHANGED: _severity,
        EntryKind.MILESTONE_SET: _milestone,
        EntryKind.ACKNOWLEDGED: _plainly,
        EntryKind.STALE_ASKED: _stale,
        EntryKind.STALE_ANSWERED: _plainly,
        EntryKind.CHECKIN_ASKED: _asked,
        EntryKind.CHECKIN_UNDERSTOOD: _understood,
        EntryKind.CHECKIN_DUE: _box_ended,
        EntryKind.CHECKIN_ANSWERED: _answered,
        EntryKind.PERSON_JOINED: _plainly,
        EntryKind.PERSON_LEFT: _plainly,
        EntryKind.DUPLICATE_FOUND: _duplicate_found,
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
        EntryKind.EFFECT_FAILED: _failed,
        EntryKind.EFFECT_RETRIED: _retried,
        EntryKind.EXPORTED: _exported,
    }
)
