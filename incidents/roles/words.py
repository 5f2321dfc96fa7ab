"""Entries about roles and command in plain words, with names: for tables and files."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType

from incidents.core.times import spoken_duration
from incidents.incident.timeline import EntryKind
from incidents.record.corrections import CorrectedEntry


def _assigned(entry: CorrectedEntry) -> str:
    previous = _name(entry, "previous")
    instead = f", instead of {previous}" if previous else ""
    return f"{entry.text('role_name')}: {_name(entry, 'person')}{instead}"


def _ended(entry: CorrectedEntry) -> str:
    reason = f" ({entry.text('reason')})" if entry.text("reason") else ""
    return f"{_name(entry, 'person')} is no longer {entry.text('role_name')}{reason}"


def _offered(entry: CorrectedEntry) -> str:
    return f"Command offered by {_name(entry, 'from')} to {_name(entry, 'to')}{_words(entry)}"


def _requested(entry: CorrectedEntry) -> str:
    return f"Command asked of {_name(entry, 'from')} for {_name(entry, 'to')}{_words(entry)}"


def _declined(entry: CorrectedEntry) -> str:
    return f"Handoff declined: {_name(entry, 'from')} stays incident commander"


def _withdrawn(entry: CorrectedEntry) -> str:
    return f"Handoff withdrawn: {_name(entry, 'from')} stays incident commander"


def _moved(entry: CorrectedEntry) -> str:
    how = {
        "accepted": "the handoff was accepted",
        "unanswered": "the handoff was not answered in time",
        "successor": "a successor had been asked for",
        "taken_over": f"taken over: {entry.text('reason')}",
    }.get(entry.text("how"), entry.text("how"))
    return f"Command passed from {_name(entry, 'from')} to {_name(entry, 'to')} ({how})"


def _successor(entry: CorrectedEntry) -> str:
    return f"{_name(entry, 'from')} asks who takes command next"


def _missing(entry: CorrectedEntry) -> str:
    backup = _name(entry, "backup")
    named = f"; the backup is {backup}" if backup else ""
    minutes = int(entry.content.get("minutes") or 0)
    waited = f"after {spoken_duration(timedelta(minutes=minutes))}" if minutes else "yet"
    return f"No incident commander {waited}{named}"


def _name(entry: CorrectedEntry, field: str) -> str:
    found = entry.content.get(field)
    return str(found.get("name", "")) if isinstance(found, Mapping) else ""


def _words(entry: CorrectedEntry) -> str:
    return f": {entry.text('words')}" if entry.text("words") else ""


ROLE_FORMS: Mapping[str, Callable[[CorrectedEntry], str]] = MappingProxyType(
    {
        EntryKind.ROLE_ASSIGNED: _assigned,
        EntryKind.ROLE_ENDED: _ended,
        EntryKind.HANDOFF_OFFERED: _offered,
        EntryKind.HANDOFF_REQUESTED: _requested,
        EntryKind.HANDOFF_DECLINED: _declined,
        EntryKind.HANDOFF_WITHDRAWN: _withdrawn,
        EntryKind.COMMANDER_CHANGED: _moved,
        EntryKind.SUCCESSOR_WANTED: _successor,
        EntryKind.COMMANDER_MISSING: _missing,
    }
)
