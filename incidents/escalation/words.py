"""Entries about escalations in plain words, with names: for tables and files."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from incidents.core.instants import when
from incidents.core.times import spoken_duration
from incidents.incident.timeline import EntryKind
from incidents.policy.packet_fields import PacketField
from incidents.record.corrections import CorrectedEntry

_LABELS: Mapping[str, str] = MappingProxyType(
    {
        PacketField.ASK: "Ask",
        PacketField.ANSWER_BY: "Answer by",
        PacketField.SYMPTOMS: "Symptoms",
        PacketField.SINCE: "Since",
        PacketField.SCOPE: "Scope",
        PacketField.IMPACT: "Impact",
        PacketField.EVIDENCE: "Evidence",
        PacketField.CHANGES: "Recent changes",
        PacketField.HYPOTHESIS: "Hypothesis",
        PacketField.CONFIDENCE: "Confidence",
        PacketField.TRIED: "Tried",
    }
)

# Why a step was called, as the end of a sentence.
_BECAUSE: Mapping[str, str] = MappingProxyType(
    {
        "no_answer": "no answer in time",
        "declined": "the one before can't",
        "unavailable": "the one before may not notice",
        "chosen": "sent on by hand",
        "redirected": "redirected",
        "found": "now known",
    }
)

# Why somebody was left out, in brackets behind their name.
WHY_SKIPPED: Mapping[str, str] = MappingProxyType(
    {
        "a_bot": "a bot",
        "deactivated": "deactivated",
        "absent": "absent by the policy",
        "at_work": "works on it already",
        "called_before": "called before",
        "nobody_in_role": "nobody has this role",
        "empty_group": "nobody is in it",
        "not_found": "not found",
        "not_in_drill": "would be called, but this is a drill",
        "not_in_private": "not in this private incident",
    }
)


# How somebody who was called stands when nobody is left to call, in brackets behind their name.
STANDS: Mapping[str, str] = MappingProxyType(
    {
        "no_answer": "no answer",
        "may_answer": "may still answer",
        "asked": "asked for more",
        "declined": "can't",
        "passed_on": "passed it on",
    }
)
_SILENT = frozenset({"no_answer", "may_answer"})
_REFUSED = frozenset({"declined", "passed_on"})


def standstill(stands: Iterable[str]) -> str:
    """Return why a ladder is at its end, as a sentence's middle: none may be blamed for silence.

    `stands` is how those stand who were called, by the keys of `STANDS`.
    """
    known = set(stands)
    if not known:
        return "there was nobody to call"
    if known <= _SILENT:
        return "nobody has answered yet, and nobody else is left to call"
    if known <= _REFUSED:
        return "whoever was called can't take it, and nobody else is left to call"
    return "nobody is on it, and nobody else is left to call"


def called_so_far(called: Iterable[Mapping[str, Any]]) -> str:
    """Return who was called and how each of them stands, as a list in plain text."""
    return ", ".join(f"{one['name']} ({STANDS.get(one['how'], one['how'])})" for one in called)


def field_label(field: str) -> str:
    """Return how a field of a packet is called; a template's own question by its key."""
    return _LABELS.get(field, field.replace("_", " ").capitalize())


def packet_lines(packet: Mapping[str, Any]) -> list[str]:
    """Return a packet's content as lines of plain text, `Label: text`, in the best order."""
    lines: list[str] = []
    for field in PacketField:
        text = str(packet.get(field) or "")
        if field is PacketField.ANSWER_BY:
            text = when(text)
        if field is PacketField.CHANGES and not text and packet.get("changes_checked"):
            text = "checked, none found"
        if text:
            lines.append(f"{_LABELS[field]}: {text}")
    answers = packet.get("answers")
    if isinstance(answers, Mapping):
        lines.extend(f"{field_label(str(key))}: {text}" for key, text in answers.items() if text)
    return lines


def _escalated(entry: CorrectedEntry) -> str:
    to = entry.text("to") or entry.text("service")
    urgent = ", urgent" if entry.content.get("is_urgent") else ""
    kind = entry.text("template")
    lead = f"Escalated{f' to {to}' if to else ''} ({kind}{urgent})"
    return _sentences([lead, *packet_lines(_packet(entry))])


def _called(entry: CorrectedEntry) -> str:
    to, called = ", ".join(_texts(entry, "to")), ", ".join(_names(entry, "people"))
    because = _BECAUSE.get(entry.text("because"), "")
    step = f"Step {entry.text('step')} ({to})"
    who = f"called {called}" if called else "nobody to call"
    waits = spoken_duration(timedelta(seconds=int(entry.content.get("wait_seconds") or 0)))
    left_out = [
        f"{one.get('name')} ({WHY_SKIPPED.get(str(one.get('why')), one.get('why'))})"
        for one in _maps(entry, "skipped")
    ]
    away = [f"{one.get('name')}: {one.get('how')}" for one in _maps(entry, "away")]
    looking_up = ", ".join(_texts(entry, "looking_up"))
    return _sentences(
        [
            f"{step}: {who}{f' ({because})' if because else ''}",
            f"Waiting {waits}" if called else "",
            f"Left out: {', '.join(left_out)}" if left_out else "",
            f"May not notice: {'; '.join(away)}" if away else "",
            f"Looking up {looking_up}" if looking_up else "",
        ]
    )


def _taken(entry: CorrectedEntry) -> str:
    waited = timedelta(seconds=int(entry.content.get("waited_seconds") or 0))
    return f"{_name(entry, 'person')} is on it, after {spoken_duration(waited)}"


def _declined(entry: CorrectedEntry) -> str:
    return _sentences([f"{_name(entry, 'person')} can't", entry.text("reason")])


def _redirected(entry: CorrectedEntry) -> str:
    to = ", ".join(_texts(entry, "to"))
    return _sentences(
        [f"{_name(entry, 'person')} redirected the escalation to {to}", entry.text("reason")]
    )


def _questioned(entry: CorrectedEntry) -> str:
    asked = entry.text("question") or field_label(entry.text("field")).lower()
    return f"{_name(entry, 'person')} needs more: {asked}"


def _completed(entry: CorrectedEntry) -> str:
    packet = _packet(entry)
    answers = packet.get("answers")
    asked = answers if isinstance(answers, Mapping) else {}
    changed = set(_texts(entry, "changed"))
    shown = {key: value for key, value in packet.items() if key in changed}
    if "changes" in changed:
        shown["changes_checked"] = packet.get("changes_checked")
    shown["answers"] = {key: text for key, text in asked.items() if key in changed}
    lead = f"Escalation completed (version {entry.text('version')})"
    return _sentences([lead, *packet_lines(shown)])


def _exhausted(entry: CorrectedEntry) -> str:
    called = _maps(entry, "called")
    why = standstill(str(one["how"]) for one in called)
    waited = timedelta(seconds=int(entry.content.get("waited_seconds") or 0))
    after = f", after {spoken_duration(waited)}" if called else ""
    return _sentences(
        [
            f"Escalation at its end{after}: {why}",
            f"Called: {called_so_far(called)}" if called else "",
            "Call somebody by phone" if called else "Name somebody, or call them by phone",
        ]
    )


def _withdrawn(entry: CorrectedEntry) -> str:
    because = entry.text("because")
    lead = "Escalation withdrawn"
    if because != "withdrawn":
        lead = f"Escalation ended: the incident is {because}"
    return _sentences([lead, entry.text("reason")])


def _sentences(parts: Iterable[str]) -> str:
    said = [part.strip() for part in parts if part.strip()]
    ended = [part if part[-1] in ".!?…" else f"{part}." for part in said[:-1]]
    return " ".join([*ended, *said[-1:]])


def _packet(entry: CorrectedEntry) -> Mapping[str, Any]:
    packet = entry.content.get("packet")
    return packet if isinstance(packet, Mapping) else {}


def _maps(entry: CorrectedEntry, name: str) -> list[Mapping[str, Any]]:
    return [one for one in entry.content.get(name) or () if isinstance(one, Mapping)]


def _texts(entry: CorrectedEntry, name: str) -> list[str]:
    return [str(one) for one in entry.content.get(name) or ()]


def _names(entry: CorrectedEntry, name: str) -> list[str]:
    return [str(one.get("name", "")) for one in _maps(entry, name)]


def _name(entry: CorrectedEntry, field: str) -> str:
    found = entry.content.get(field)
    return str(found.get("name", "")) if isinstance(found, Mapping) else ""


ESCALATION_FORMS: Mapping[str, Callable[[CorrectedEntry], str]] = MappingProxyType(
    {
        EntryKind.ESCALATED: _escalated,
        EntryKind.ESCALATION_CALLED: _called,
        EntryKind.ESCALATION_TAKEN: _taken,
        EntryKind.ESCALATION_DECLINED: _declined,
        EntryKind.ESCALATION_REDIRECTED: _redirected,
        EntryKind.ESCALATION_QUESTIONED: _questioned,
        EntryKind.ESCALATION_COMPLETED: _completed,
        EntryKind.ESCALATION_EXHAUSTED: _exhausted,
        EntryKind.ESCALATION_WITHDRAWN: _withdrawn,
    }
)
