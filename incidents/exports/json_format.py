"""JSON for machines and auditors: every entry with everything that its hashes cover.

To verify it offline, without Sitrep: for each entry, `content_hash` is the SHA-256 of the salt's
bytes followed by the RFC 8785 form of `content`. `entry_hash` is the SHA-256 of the RFC 8785 form
of the object with the fields in `chain.entry_hash_covers`. `previous_hash` is the `entry_hash`
before it; the first one is 64 zeros. A redacted entry has neither content nor salt, and a later
entry of the kind `redacted` has its id as `target_id`. `offline.py` checks all of this.
"""

from typing import Any

from incidents.core.hash_chain import GENESIS_HASH, instant_text
from incidents.core.signing import SigningKey
from incidents.exports.documents import FORMAT, HASHED, dump, signed_document
from incidents.exports.records import TimelineRecord
from incidents.incident.timeline import TimelineEntry, hashed_fields
from incidents.incident.views import IncidentView

_MOMENTS = (
    *("impact_started_at", "impact_ended_at", "detected_at", "declared_at", "acknowledged_at"),
    *("mitigated_at", "resolved_at", "closed_at", "cancelled_at"),
)


def render_json(record: TimelineRecord, *, signer: SigningKey | None = None) -> bytes:
    """Return the record as JSON, in UTF-8; with a key, signed."""
    return dump(signed_document(_document(record), record.head, signer))


def _document(record: TimelineRecord) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "subject": str(record.incident.id),
        "up_to": {
            "sequence": record.head.sequence,
            "recorded_at": instant_text(record.as_of) if record.as_of else None,
        },
        "markings": list(record.markings),
        "incident": _incident(record.incident),
        "roles": [
            {
                "role": role.role_name,
                "person": role.person_name,
                "started_at": instant_text(role.started_at),
                "ended_at": instant_text(role.ended_at) if role.ended_at else None,
            }
            for role in record.roles
        ],
        "chain": {
            "genesis_hash": GENESIS_HASH,
            "head_sequence": record.head.sequence,
            "head_hash": record.head.entry_hash,
            "entry_hash_covers": list(HASHED),
        },
        "entries": [_entry(entry) for entry in record.entries],
    }


def _incident(incident: IncidentView) -> dict[str, Any]:
    moments = {name: getattr(incident, name) for name in _MOMENTS}
    return {
        "id": str(incident.id),
        "reference": incident.reference,
        "title": incident.title,
        "is_drill": incident.is_drill,
        "is_private": incident.is_private,
        "severity": incident.severity_name,
        "status": str(incident.status),
        "summary": incident.summary,
        "impact": incident.impact,
        "resolution": incident.resolution,
        "services": list(incident.services),
        **{name: instant_text(moment) if moment else None for name, moment in moments.items()},
    }


def _entry(entry: TimelineEntry) -> dict[str, Any]:
    return {
        **hashed_fields(entry),
        "entry_hash": entry.entry_hash,
        "content": entry.content,
        "salt": entry.salt,
    }
