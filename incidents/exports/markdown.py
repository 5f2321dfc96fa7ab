"""Markdown for people: header, key facts, roles, and the timeline day by day, all in UTC."""

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby

from incidents.core.markdown_text import escape, table
from incidents.core.sentences import Markdown, PlainText, Who, as_line
from incidents.core.signing import SigningKey, head_line
from incidents.exports.records import TimelineRecord, is_late
from incidents.incident.views import IncidentView
from incidents.record.timeline_view import TimelineItem

_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"


def render_markdown(record: TimelineRecord, *, signer: SigningKey | None = None) -> bytes:
    """Return the record as Markdown, in UTF-8; its footer says up to which entry it goes."""
    incident = record.incident
    parts = [
        f"# {incident.reference} {cell(incident.title)}",
        *_markings(record),
        table(("Fact", "Value"), list(_facts(incident))),
        "## Roles",
        _roles(record),
        "## Timeline",
        "Times are UTC. Lines that were taken back stay, struck out.",
        *_days(record),
        _footer(record, signer),
    ]
    return ("\n\n".join(parts) + "\n").encode()


def cell(text: str) -> str:
    """Return people's text as one table cell: inert, with its lines and text direction kept."""
    lines = (escape(line) for line in text.split("\n"))
    return "<br>".join(_isolated(line) for line in lines if line)


class Cell(Markdown):
    """One cell of a Markdown table; people's text keeps its lines and its direction."""

    def own_text(self, text: str) -> str:
        """Return people's text as part of a cell."""
        return cell(text)

    def person(self, who: Who) -> str:
        """Return the name as part of a cell."""
        return cell(PlainText.person(self, who))


def _isolated(line: str) -> str:
    if any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in line):
        return f"{_ISOLATE}{line}{_END_ISOLATE}"
    return line


def _markings(record: TimelineRecord) -> Iterator[str]:
    if record.incident.is_drill:
        yield "**DRILL**: practice, not a real incident."
    if record.incident.is_private:
        yield "**PRIVATE**: only for the people in this incident."


def _footer(record: TimelineRecord, signer: SigningKey | None) -> str:
    line = head_line(str(record.incident.id), record.head, signer)
    when = f" It was recorded {_instant(record.as_of)}." if record.as_of is not None else ""
    return f"{line}.{when} `sitrep verify` checks the JSON export, which holds the whole chain."


def _facts(incident: IncidentView) -> Iterator[tuple[str, str]]:
    declared_by = f" by {cell(incident.declared_by.name)}" if incident.declared_by else ""
    yield "Severity", cell(incident.severity_name)
    yield "Status", cell(incident.status)
    texts = (
        ("Summary", incident.summary),
        ("Impact", incident.impact),
        ("Services", ", ".join(incident.services)),
        ("Resolution", incident.resolution),
    )
    yield from ((name, cell(text)) for name, text in texts if text)
    yield "Declared", f"{_instant(incident.declared_at)}{declared_by}"
    moments = (
        ("Impact started", incident.impact_started_at),
        ("Detected", incident.detected_at),
        ("Acknowledged", incident.acknowledged_at),
        ("Mitigated", incident.mitigated_at),
        ("Impact ended", incident.impact_ended_at),
        ("Resolved", incident.resolved_at),
        ("Closed", incident.closed_at),
        ("Cancelled", incident.cancelled_at),
    )
    yield from ((name, _instant(moment)) for name, moment in moments if moment)


def _roles(record: TimelineRecord) -> str:
    if not record.roles:
        return "Nobody took a role."
    rows = [
        (
            cell(role.role_name),
            cell(role.person_name),
            _instant(role.started_at),
            _instant(role.ended_at) if role.ended_at else "",
        )
        for role in record.roles
    ]
    return table(("Role", "Person", "From", "Until"), rows)


def _days(record: TimelineRecord) -> Iterator[str]:
    by_day = groupby(record.items, key=lambda item: item.entry.occurred_at.astimezone(UTC).date())
    for day, items in by_day:
        yield f"### {day:%A} {day.day} {day:%B %Y}"
        rows = [_row(item) for item in items]
        yield table(("Time", "Who", "What", "Recorded"), rows)


def _row(item: TimelineItem) -> tuple[str, str, str, str]:
    entry = item.entry
    occurred, recorded = entry.occurred_at.astimezone(UTC), entry.recorded_at.astimezone(UTC)
    form = "%H:%M:%S" if occurred.date() == recorded.date() else "%Y-%m-%d %H:%M:%S"
    return (
        f"{occurred:%H:%M:%S}",
        cell(item.who),
        _what(item),
        format(recorded, form) if is_late(item) else "",
    )


def _what(item: TimelineItem) -> str:
    entry = item.entry
    text = as_line(item.told, Cell())
    if entry.is_withdrawn and not entry.is_redacted:
        struck = "<br>".join(f"~~{line}~~" for line in text.split("<br>") if line)
        return f"{struck} (withdrawn by {cell(entry.withdrawn_by or '')})"
    if item.link.startswith(("https://", "http://")):
        text = f"{text} ([message]({_address(item.link)}))"
    if entry.is_amended and not entry.is_redacted:
        text = f"{text} (amended by {cell(entry.amended_by or '')})"
    return text


def _address(link: str) -> str:
    """Return the address without characters that would end the link, the cell or the line."""
    return "".join(f"%{ord(char):02X}" if char in "()<>|\\` \n\t\"'" else char for char in link)


def _instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
