"""Kinds of entries that the program writes, in plain words: one form each, short and complete."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
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
        EntryKind.ACTION_ITEM_ADDED: "added",
        EntryKind.ACTION_ITEM_ASSIGNED: "given on",
        EntryKind.ACTION_ITEM_DONE: "done",
    }
)


def _sentences(*parts: str) -> str:
    """Return the parts that say something, each ended once."""
    said = [part.strip() for part in parts if part.strip()]
    ended = [part if part[-1] in ".!?…" else f"{part}." for part in said[:-1]]
    return " ".join([*ended, *said[-1:]])


def _labelled(entry: CorrectedEntry, names: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{label}: {entry.text(name)}" for label, name in names if entry.text(name)]


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


# -- stakeholder updates ----------------------------------------------------------------------


def _update(entry: CorrectedEntry) -> str:
    labels = (("Impact", "impact"), ("Doing", "actions"), ("Next", "next_steps"))
    due = when(entry.content.get("next_update_due_at"))
    return _sentences(
        f"Stakeholder update {entry.text('number')}".strip()
        + f" ({entry.text('status')}, {entry.text('severity')})",
        entry.text("text"),
        *_labelled(entry, labels),
        f"Next update due {due}" if due else "",
    )


def _reminded(entry: CorrectedEntry) -> str:
    late = "late" if entry.text("step") == "late" else "due"
    told = _names(entry.content.get("to"))
    return f"Stakeholder update {late}{f'; reminded {told}' if told else ''}"


def _missed(entry: CorrectedEntry) -> str:
    count = int(entry.content.get("count") or 1)
    due = when(entry.content.get("due_at"))
    if entry.content.get("is_bots"):
        return f"Sitrep was away when a stakeholder update was due ({due}); not counted as missed"
    if count == 1:
        return f"Stakeholder update missed; it was due {due}"
    return f"{count} stakeholder updates missed; the first was due {due}"


def _snoozed(entry: CorrectedEntry) -> str:
    delay = spoken_duration(timedelta(seconds=int(entry.content.get("delay_seconds") or 0)))
    until = when(entry.content.get("until"))
    return _sentences(f"Next update put off by {delay}, to {until}", entry.text("reason"))


# -- staleness --------------------------------------------------------------------------------


def _stale(entry: CorrectedEntry) -> str:
    since = when(entry.content.get("last_activity_at"))
    return f"Asked whether it is over: nothing was added since {since}"


def _plainly(entry: CorrectedEntry) -> str:
    return _PLAIN[entry.kind]


# -- the channel and people -------------------------------------------------------------------


def _failed(entry: CorrectedEntry) -> str:
    return f"Slack refused {effect_words(entry.text('effect_kind'))}{_because(entry)}"


def _retried(entry: CorrectedEntry) -> str:
    return f"Tried again: {effect_words(entry.text('effect_kind'))}"


def _because(entry: CorrectedEntry) -> str:
    error = entry.text("error")
    reason = refusal_reason(error) or error.replace("_", " ")
    return f" ({reason})" if reason else ""


# -- files, postmortem, action items ----------------------------------------------------------


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
        EntryKind.STATUS_CHANGED: _status,
        EntryKind.SEVERITY_CHANGED: _severity,
        EntryKind.MILESTONE_SET: _milestone,
        EntryKind.ACKNOWLEDGED: _plainly,
        EntryKind.UPDATE_POSTED: _update,
        EntryKind.UPDATE_REMINDED: _reminded,
        EntryKind.UPDATE_MISSED: _missed,
        EntryKind.UPDATE_SNOOZED: _snoozed,
        EntryKind.STALE_ASKED: _stale,
        EntryKind.STALE_ANSWERED: _plainly,
        EntryKind.DUPLICATE_FOUND: _duplicate_found,
        EntryKind.EFFECT_FAILED: _failed,
        EntryKind.EFFECT_RETRIED: _retried,
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
