"""What the record already says, as the beginning of a packet.

Impact, symptoms and since come from the incident; evidence from messages that were marked or
pinned and from files; the rest from notes that say what they are by how they begin, in any case:

    tried: restarted one worker -> no change          into `tried`, one line each
    hypothesis: pool exhausted by the new report      into `hypothesis`, the newest one
    hypothesis (high): …                              … with its confidence: low, medium, high
    changes: checkout 2.14 deployed at 13:50          into `changes`, one line each
    changes: none since 13:00                         … and marks them as checked
    evidence: https://grafana.example.com/d/pool      into `evidence`

Entries that were withdrawn or redacted are left out, amended ones read as they do now.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.hash_chain import instant_text
from incidents.core.instants import when
from incidents.escalation.packet import Packet, cleaned
from incidents.incident.incident import Incident
from incidents.incident.timeline import EntryKind
from incidents.record.entries import RECORD_TYPES
from incidents.record.timeline_view import TimelineItem, items_of, load_entries

# As many pieces as a form shows at a glance, the newest ones.
MOST_LINES: Final = 8
_LONGEST_LINE: Final = 300

_EVIDENCE: Final = frozenset({EntryKind.MARKED, EntryKind.PINNED, EntryKind.FILE_LINKED})
_MARKED_NOTE: Final = re.compile(
    r"(?P<what>tried|hypothesis|changes?|changed|evidence)\s*"
    r"(?:\((?P<confidence>low|medium|high)\)\s*)?:\s*(?P<text>.+)",
    re.IGNORECASE | re.DOTALL,
)
_NONE_FOUND: Final = re.compile(r"(?:checked|none|nothing|no)\b", re.IGNORECASE)


async def prefill(session: AsyncSession, incident: Incident) -> Packet:
    """Return a packet with whatever the record of an incident already says."""
    items = [
        item
        for item in items_of(await load_entries(session, incident.id), entry_types=RECORD_TYPES)
        if not item.entry.is_withdrawn and not item.entry.is_redacted
    ]
    notes = [_read(item) for item in items if item.entry.kind == EntryKind.NOTE]
    hypotheses = [note for note in notes if note["what"] == "hypothesis"]
    hypothesis = hypotheses[-1] if hypotheses else {}
    changes = [note["text"] for note in notes if note["what"].startswith("change")]
    since = instant_text(incident.impact_started_at) if incident.impact_started_at else ""
    shown = [*_evidence(items), *(note["text"] for note in notes if note["what"] == "evidence")]
    return cleaned(
        Packet(
            symptoms=_lines([incident.title, incident.summary]),
            since=when(since),
            impact=incident.impact,
            evidence=_lines(shown),
            changes=_lines(changes),
            changes_checked=any(_NONE_FOUND.match(text) for text in changes[-1:]),
            hypothesis=hypothesis.get("text", ""),
            confidence=hypothesis.get("confidence", ""),
            tried=_lines(note["text"] for note in notes if note["what"] == "tried"),
        )
    )


def _read(item: TimelineItem) -> dict[str, str]:
    """Return what a note says it is, and its text without saying so; `what` is "" for most."""
    match = _MARKED_NOTE.fullmatch(item.entry.text("text").strip())
    if match is None:
        return {"what": "", "text": "", "confidence": ""}
    confidence = (match["confidence"] or "").casefold()
    return {"what": match["what"].casefold(), "text": match["text"], "confidence": confidence}


def _evidence(items: Sequence[TimelineItem]) -> list[str]:
    return [
        f"{_short(item.what)} {item.link}".strip() for item in items if item.entry.kind in _EVIDENCE
    ]


def _lines(texts: Iterable[str]) -> str:
    said = [" ".join(text.split()) for text in texts if text.strip()]
    return "\n".join(list(dict.fromkeys(said))[-MOST_LINES:])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"
