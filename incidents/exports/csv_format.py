"""CSV (RFC 4180): one row for each line of the timeline, in order of when it happened.

The last row says up to which entry the file goes. The file begins with a byte order mark; without it, spreadsheets misread UTF-8. A cell that a
spreadsheet would run as a formula gets a leading apostrophe.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from incidents.core.hash_chain import instant_text
from incidents.core.signing import SigningKey, head_line
from incidents.exports.records import TimelineRecord, standing_of

HEADER = (
    *("incident", "marking", "occurred_at", "recorded_at", "kind", "actor", "what"),
    *("standing", "corrected_by", "link", "sequence", "entry_id"),
)

# The kind of the last row.
RECORD_HEAD = "record_head"

# Full-width forms too: some input methods type them, and some spreadsheets treat them the same.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def render_csv(record: TimelineRecord, *, signer: SigningKey | None = None) -> bytes:
    """Return the record as CSV; its last row says up to which entry it goes."""
    return csv_bytes(HEADER, _rows(record, signer))


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return a CSV file of these rows, each cell inert."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([inert(cell) for cell in row] for row in rows)
    return buffer.getvalue().encode("utf-8-sig")


def _rows(record: TimelineRecord, signer: SigningKey | None) -> Iterator[tuple[str, ...]]:
    marking = "+".join(record.markings)
    for item in record.items:
        entry = item.entry
        by = entry.redacted_by or entry.withdrawn_by or entry.amended_by or ""
        yield (
            *(record.incident.reference, marking),
            *(instant_text(entry.occurred_at), instant_text(entry.recorded_at)),
            *(entry.kind, item.who, item.what, standing_of(item), by, item.link),
            *(str(entry.sequence), str(entry.id)),
        )
    if record.as_of is not None:
        when = instant_text(record.as_of)
        line = head_line(str(record.incident.id), record.head, signer)
        last = (record.incident.reference, marking, when, when, RECORD_HEAD, "", line)
        yield (*last, "", "", "", str(record.head.sequence), str(record.entries[-1].id))


def inert(cell: str) -> str:
    """Return the cell so that a spreadsheet reads it as text, even after leading space."""
    is_formula = cell.startswith(_FORMULA_STARTS) or cell.lstrip().startswith(_FORMULA_STARTS)
    return f"'{cell}" if is_formula else cell
