"""JSON for machines and auditors: every entry with everything that its hashes cover.

To verify it offline, without Sitrep: for each entry, `content_hash` is the SHA-256 of the salt's
bytes followed by the RFC 8785 form of `content`. `entry_hash` is the SHA-256 of the RFC 8785 form
of the object with the fields in `chain.entry_hash_covers`. `previous_hash` is the `entry_hash`
before it; the first one is 64 zeros. A redacted entry has neither content nor salt.
"""

import json
from collections.abc import Mapping
from typing import Any

from incidents.core.hash_chain import GENESIS_HASH, instant_text
from incidents.exports.records import FORMAT, TimelineRecord
from incidents.incident.timeline import TimelineEntry, hashed_fields
from incidents.incident.views import IncidentView

HASHED = (
    *("id", "incident_id", "sequence", "occurred_at", "recorded_at", "kind"),
    *("actor_kind", "actor_id", "actor_name", "target_id", "content_hash", "previous_hash"),
)

_MOMENTS = (
    *("impact_started_at", "impact_ended_at", "detected_at", "declared_at", "acknowledged_at"),
    *("mitigated_at", "resolved_at", "closed_at", "cancelled_at"),
)


def render_json(record: TimelineRecord) -> bytes:
    """Return the record as JSON, in UTF-8."""
    return json_bytes(
        {
            "format": FORMAT,
            "exported_at": instant_text(record.exported_at),
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
    )


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


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """Return the value as a JSON file, in UTF-8."""
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "replace")
