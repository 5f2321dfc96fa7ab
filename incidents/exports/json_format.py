"""JSON for machines and auditors: every entry with everything that its hashes cover.

To verify it offline, without Sitrep: for each entry, `content_hash` is the SHA-256 of the salt's
bytes followed by the RFC 8785 form of `content`. `entry_hash` is the SHA-256 of the RFC 8785 form
of the object with the fields in `chain.entry_hash_covers`. `previous_hash` is the `entry_hash`
before it; the first one is 64 zeros. A redacted entry has neither content nor salt.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import rfc8785

from incidents.core.hash_chain import GENESIS_HASH, Flaw, canonical, hash_content, instant_text
from incidents.exports.records import FORMAT, TimelineRecord
from incidents.incident.timeline import TimelineEntry, hashed_fields
from incidents.incident.views import IncidentView

_HASHED = (
    *("id", "incident_id", "sequence", "occurred_at", "recorded_at", "kind"),
    *("actor_kind", "actor_id", "actor_name", "target_id", "content_hash", "previous_hash"),
)
_FIELDS = frozenset({*_HASHED, "entry_hash", "content", "salt"})
_SALT = re.compile(r"[0-9a-f]{32}")

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
                "entry_hash_covers": list(_HASHED),
            },
            "entries": [_entry(entry) for entry in record.entries],
        }
    )


def verify_export(data: bytes | Mapping[str, Any]) -> tuple[Flaw, ...]:
    """Return every flaw of a JSON export, none if it verifies; as bytes, every byte is checked."""
    if isinstance(data, bytes):
        try:
            loaded = json.loads(data.decode())
        except (ValueError, RecursionError):
            return (Flaw(0, "unreadable"),)
        if not isinstance(loaded, dict):
            return (Flaw(0, "unreadable"),)
        rewritten = (Flaw(0, "rewritten"),) if json_bytes(loaded) != data else ()
        return (*rewritten, *verify_export(loaded))
    entries, chain = data.get("entries"), data.get("chain")
    if data.get("format") != FORMAT or not isinstance(entries, list):
        return (Flaw(0, "unknown_format"),)
    if not isinstance(chain, Mapping):
        return (Flaw(0, "unknown_format"),)
    return (*_chain_flaws(entries), *_head_flaws(entries, chain))


def _chain_flaws(entries: list[Any]) -> Iterator[Flaw]:
    previous = GENESIS_HASH
    incident_id = None
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, Mapping) or entry.keys() != _FIELDS:
            yield Flaw(number, "entry_changed")
            previous = ""
            continue
        incident_id = incident_id or entry["incident_id"]
        if type(entry["sequence"]) is not int or entry["sequence"] != number:
            yield Flaw(number, "sequence_gap")
        if entry["previous_hash"] != previous:
            yield Flaw(number, "broken_link")
        if entry["incident_id"] != incident_id or _entry_hash(entry) != entry["entry_hash"]:
            yield Flaw(number, "entry_changed")
        if not _content_proves(entry):
            yield Flaw(number, "content_changed")
        previous = entry["entry_hash"]


def _head_flaws(entries: list[Any], chain: Mapping[str, Any]) -> Iterator[Flaw]:
    last = entries[-1] if entries and isinstance(entries[-1], Mapping) else {}
    head = (chain.get("head_sequence"), chain.get("head_hash"))
    if head != (last.get("sequence", 0), last.get("entry_hash", GENESIS_HASH)):
        yield Flaw(len(entries), "head_differs")


def _entry_hash(entry: Mapping[str, Any]) -> str | None:
    try:
        return hashlib.sha256(canonical({name: entry[name] for name in _HASHED})).hexdigest()
    except rfc8785.CanonicalizationError:
        return None


def _content_proves(entry: Mapping[str, Any]) -> bool:
    content, salt = entry["content"], entry["salt"]
    if content is None and salt is None:
        return True
    if not isinstance(content, dict) or not isinstance(salt, str) or not _SALT.fullmatch(salt):
        return False
    try:
        return hash_content(content, salt) == str(entry["content_hash"])
    except rfc8785.CanonicalizationError:
        return False


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
