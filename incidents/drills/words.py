"""Entries of drills in plain words: for tables and files. Whether something was right isn't there."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType

from incidents.core.times import spoken_duration
from incidents.incident.timeline import EntryKind
from incidents.record.corrections import CorrectedEntry

_ENDS: Mapping[str, str] = MappingProxyType(
    {
        "solved": "resolved",
        "unsolved": "resolved",
        "timed_out": "its time is up",
        "abandoned": "stopped",
    }
)


def _started(entry: CorrectedEntry) -> str:
    limit = spoken_duration(timedelta(seconds=int(entry.content.get("limit_seconds") or 0)))
    mentor = entry.content.get("mentor")
    company = f", with {mentor.get('name', '')}" if isinstance(mentor, Mapping) else ""
    return f"Drill: the scenario {entry.text('name')} begins, {limit} at most{company}"


def _signal(entry: CorrectedEntry) -> str:
    return f"Drill: {entry.text('source')}: {entry.text('text')}"


def _checked(entry: CorrectedEntry) -> str:
    return f"Drill: looked at {entry.text('name')}: {entry.text('output')}"


def _acted(entry: CorrectedEntry) -> str:
    return f"Drill: {entry.text('name')}: {entry.text('output')}"


def _ended(entry: CorrectedEntry) -> str:
    how = _ENDS.get(entry.text("how"), entry.text("how").replace("_", " "))
    return f"Drill: the scenario {entry.text('name')} ends ({how})"


DRILL_FORMS: Mapping[str, Callable[[CorrectedEntry], str]] = MappingProxyType(
    {
        EntryKind.DRILL_STARTED: _started,
        EntryKind.DRILL_SIGNAL: _signal,
        EntryKind.DRILL_CHECKED: _checked,
        EntryKind.DRILL_ACTED: _acted,
        EntryKind.DRILL_ENDED: _ended,
    }
)
