"""Start a packet from what the record already says.

Each field says in `FIELDS` what fills it in: the incident itself, or notes with a certain
beginning, in upper or lower case:

    tried: restarted one worker -> no change          into `tried`, one line each
    hypothesis: pool exhausted by the new report      into `hypothesis`, the newest one
    hypothesis (high): …                              … with its confidence: low, medium, high
    changes: checkout 2.14 deployed at 13:50          into `changes`, one line each
    changes: none since 13:00                         … and marks them as checked
    evidence: https://grafana.example.com/d/pool      into `evidence`

Marked or pinned messages, files and other notes with a link are evidence, too. Withdrawn and redacted entries are left out;
amended ones count as they read now.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.escalation.packet import (
    CONFIDENCES,
    FIELDS,
    FieldSpec,
    Packet,
    cleaned,
    has_link,
    newest_lines,
)
from incidents.incident.incident import Incident
from incidents.policy.packet_fields import PacketField
from incidents.record.corrections import CorrectedEntry
from incidents.record.entries import RECORD_TYPES, FileLinked, Marked, MessageEntry, Note, Pinned
from incidents.record.timeline_view import TimelineItem, items_of, load_entries

_LONGEST_LINE: Final = 300
_KEPT: Final = frozenset({Marked.kind, Pinned.kind, FileLinked.kind})
_MARKED_NOTE: Final = re.compile(
    rf"(?P<what>{'|'.join(word for spec in FIELDS.values() for word in spec.notes)})\s*"
    rf"(?:\((?P<confidence>{'|'.join(CONFIDENCES)})\)\s*)?:\s*(?P<text>.+)",
    re.IGNORECASE | re.DOTALL,
)
_NONE_FOUND: Final = re.compile(r"(?:checked|none|nothing|no)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _MarkedNote:
    """A note whose beginning names a field."""

    what: str
    text: str
    confidence: str


async def prefill(session: AsyncSession, incident: Incident) -> Packet:
    """Return a packet filled with what the incident's record already says."""
    items = [
        item
        for item in items_of(await load_entries(session, incident.id), entry_types=RECORD_TYPES)
        if not item.entry.is_withdrawn and not item.entry.is_redacted
    ]
    notes = tuple(_marked_notes(items))
    texts: dict[str, Any] = {name: _text(spec, incident, notes) for name, spec in FIELDS.items()}
    hypotheses = [note for note in notes if note.what in FIELDS[PacketField.HYPOTHESIS].notes]
    packet = Packet(
        **{name: text for name, text in texts.items() if text},
        changes_checked=any(map(_NONE_FOUND.match, _said(PacketField.CHANGES, notes)[-1:])),
    )
    confidence = hypotheses[-1].confidence if hypotheses else ""
    return cleaned(replace(packet, evidence=newest_lines(_evidence(items)), confidence=confidence))


def _marked_notes(items: Sequence[TimelineItem]) -> Iterator[_MarkedNote]:
    """Yield the notes whose beginning names a field, each with the rest of its text."""
    for item in items:
        note = item.entry.payload if isinstance(item.entry.payload, Note) else None
        marked = _marked(note) if note is not None else None
        if marked is not None:
            yield marked


def _marked(note: Note) -> _MarkedNote | None:
    match = _MARKED_NOTE.fullmatch(note.text.strip())
    if match is None:
        return None
    confidence = (match["confidence"] or "").casefold()
    return _MarkedNote(match["what"].casefold(), match["text"], confidence)


def _text(spec: FieldSpec, incident: Incident, notes: Sequence[_MarkedNote]) -> str:
    """Return what the incident and its notes say about a field."""
    said = [note.text for note in notes if note.what in spec.notes]
    if spec.is_newest_note:
        return said[-1] if said else ""
    known = spec.known(incident) if spec.known is not None else ""
    return "\n".join(part for part in (known, newest_lines(said)) if part)


def _said(name: PacketField, notes: Sequence[_MarkedNote]) -> list[str]:
    return [note.text for note in notes if note.what in FIELDS[name].notes]


def is_evidence(entry: CorrectedEntry) -> bool:
    """Tell whether an entry can show something: a kept message, a file, or a note with a link."""
    note = entry.payload
    if not isinstance(note, Note):
        return entry.kind in _KEPT
    marked = _marked(note)
    if marked is not None:
        return marked.what in FIELDS[PacketField.EVIDENCE].notes
    return has_link(note.text)


def evidence_text(entry: CorrectedEntry) -> str:
    """Return the words of a message or note that is evidence, or the name of a file."""
    match entry.payload:
        case Note() as note:
            marked = _marked(note)
            return marked.text if marked is not None else note.text
        case FileLinked(name=name):
            return f"File: {name}"
        case MessageEntry(author=author, text=text):
            is_theirs = not author.name or author.id == entry.actor_id
            return text if is_theirs else f"{author.name}: {text}"
    return ""


def _evidence(items: Sequence[TimelineItem]) -> list[str]:
    return [
        f"{_short(evidence_text(item.entry))} {item.link}".strip()
        for item in items
        if is_evidence(item.entry)
    ]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"
