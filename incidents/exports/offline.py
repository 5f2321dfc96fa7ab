"""Checks an export without Sitrep's database: its chain, its header, its signature.

How to do the same without this program is in docs/proof.md.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import rfc8785

from incidents.core.hash_chain import GENESIS_HASH, ChainHead, Flaw, canonical, proves_content
from incidents.core.signing import Signature, head_statement, is_signed, key_bytes
from incidents.exports.documents import (
    AUDIT_FORMAT,
    AUDIT_HASHED,
    FORMAT,
    HASHED,
    document_hash,
    json_bytes,
)
from incidents.incident.timeline import REDACTED, REVEALED, TimelineEntry
from incidents.record.replay import replayed_periods, replayed_values

_SALT: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProof:
    """What a file proves; no flaws means that it is as it was exported."""

    entries: int
    head: ChainHead
    flaws: tuple[Flaw, ...]
    signature: Signature | None = None

    def is_signed_by(self, public_key: str) -> bool:
        """Tell whether the file is signed with this key. Raises: ValueError if it isn't a key."""
        wanted = key_bytes(public_key)
        return self.signature is not None and key_bytes(self.signature.public_key) == wanted


def prove_file(data: bytes) -> FileProof:
    """Check everything that a JSON export of a timeline or an audit log says about itself."""
    document = _loaded(data)
    flaws = list(verify_export(data))
    if document is None or any(flaw.problem in _HOPELESS for flaw in flaws):
        return FileProof(entries=0, head=ChainHead(0, GENESIS_HASH), flaws=tuple(flaws))
    entries, chain = document["entries"], document["chain"]
    head = ChainHead(len(entries), str(chain.get("head_hash")))
    if not flaws:
        flaws += _file_flaws(document, entries)
    if not flaws and document["format"] == FORMAT:
        flaws += _header_flaws(document, entries)
    signature = _signature(document)
    if document.get("signature") is not None and not _is_right(document, head, signature):
        flaws.append(Flaw(len(entries), "signature_wrong"))
    return FileProof(entries=len(entries), head=head, flaws=tuple(flaws), signature=signature)


def verify_export(data: bytes | Mapping[str, Any]) -> tuple[Flaw, ...]:
    """Return every flaw of an export's chain, none if it verifies; as bytes, of every byte."""
    if isinstance(data, bytes):
        loaded = _loaded(data)
        if loaded is None:
            return (Flaw(0, "unreadable"),)
        rewritten = (Flaw(0, "rewritten"),) if json_bytes(loaded) != data else ()
        return (*rewritten, *verify_export(loaded))
    entries, chain = data.get("entries"), data.get("chain")
    form = data.get("format")
    hashed = _FORMATS.get(form) if isinstance(form, str) else None
    if hashed is None or not isinstance(entries, list) or not isinstance(chain, Mapping):
        return (Flaw(0, "unknown_format"),)
    return (*_chain_flaws(entries, hashed), *_head_flaws(entries, chain))


_FORMATS: Final = {FORMAT: HASHED, AUDIT_FORMAT: AUDIT_HASHED}
_HOPELESS: Final = frozenset({"unreadable", "unknown_format"})


def _loaded(data: bytes) -> dict[str, Any] | None:
    try:
        loaded = json.loads(data.decode())
    except (ValueError, RecursionError):
        return None
    return loaded if isinstance(loaded, dict) else None


# -- the chain ----------------------------------------------------------------------------------


def _chain_flaws(entries: list[Any], hashed: tuple[str, ...]) -> Iterator[Flaw]:
    fields = frozenset({*hashed, "entry_hash", "content", "salt"})
    redacted = _redacted(entries)
    previous = GENESIS_HASH
    incident_id = None
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, Mapping) or entry.keys() != fields:
            yield Flaw(number, "entry_changed")
            previous = ""
            continue
        incident_id = incident_id or entry.get("incident_id")
        if type(entry["sequence"]) is not int or entry["sequence"] != number:
            yield Flaw(number, "sequence_gap")
        if entry["previous_hash"] != previous:
            yield Flaw(number, "broken_link")
        is_theirs = entry.get("incident_id") == incident_id
        if not is_theirs or _entry_hash(entry, hashed) != entry["entry_hash"]:
            yield Flaw(number, "entry_changed")
        if entry["content"] is None and entry["salt"] is None:
            if redacted.get(str(entry["id"]), 0) <= number:
                yield Flaw(number, "content_missing")
        elif not _content_proves(entry):
            yield Flaw(number, "content_changed")
        previous = entry["entry_hash"]


def _redacted(entries: list[Any]) -> dict[str, int]:
    """Return which entries a later one says were redacted, with its number."""
    found: dict[str, int] = {}
    for number, entry in enumerate(entries, start=1):
        if isinstance(entry, Mapping) and entry.get("kind") == REVEALED:
            found.pop(str(entry.get("target_id")), None)
        if not isinstance(entry, Mapping) or entry.get("kind") != REDACTED:
            continue
        content = entry.get("content")
        if isinstance(content, Mapping):
            # A timeline's entry points with its target, an audit log's within its content.
            found[str(entry.get("target_id") or content.get("entry_id"))] = number
    return found


def _head_flaws(entries: list[Any], chain: Mapping[str, Any]) -> Iterator[Flaw]:
    last = entries[-1] if entries and isinstance(entries[-1], Mapping) else {}
    head = (chain.get("head_sequence"), chain.get("head_hash"))
    if head != (last.get("sequence", 0), last.get("entry_hash", GENESIS_HASH)):
        yield Flaw(len(entries), "head_differs")


def _entry_hash(entry: Mapping[str, Any], hashed: tuple[str, ...]) -> str | None:
    try:
        return hashlib.sha256(canonical({name: entry[name] for name in hashed})).hexdigest()
    except (rfc8785.CanonicalizationError, RecursionError):
        return None


def _content_proves(entry: Mapping[str, Any]) -> bool:
    salt = entry["salt"]
    if not isinstance(salt, str) or not _SALT.fullmatch(salt):
        return False
    return proves_content(entry["content"], salt, entry["content_hash"])


# -- the header and the signature ---------------------------------------------------------------

_SAID_IN_HEADER: Final = (
    *("title", "summary", "impact", "resolution", "services", "status", "is_private", "is_drill"),
    *("impact_started_at", "impact_ended_at", "detected_at", "declared_at", "acknowledged_at"),
    *("mitigated_at", "resolved_at", "closed_at", "cancelled_at"),
)


def _file_flaws(document: Mapping[str, Any], entries: list[Any]) -> Iterator[Flaw]:
    """Yield where the file's header contradicts its entries."""
    last, chain, hashed = len(entries), document["chain"], _FORMATS[document["format"]]
    about = (chain.get("genesis_hash"), chain.get("entry_hash_covers"))
    if about != (GENESIS_HASH, list(hashed)):
        yield Flaw(last, "chain_differs")
    recorded_at = entries[-1]["recorded_at"] if entries else None
    if document.get("up_to") != {"sequence": last, "recorded_at": recorded_at}:
        yield Flaw(last, "up_to_differs")


def _header_flaws(document: Mapping[str, Any], entries: list[Any]) -> Iterator[Flaw]:
    """Yield where the file's head contradicts its entries."""
    head = document.get("incident")
    if not isinstance(head, Mapping):
        yield Flaw(0, "unknown_format")
        return
    try:
        timeline = [_entry(one) for one in entries]
        said = replayed_values(timeline)
    except (ValueError, TypeError, AttributeError):
        yield Flaw(0, "unreadable")
        return
    whose = str(timeline[0].incident_id) if timeline else head.get("id")
    if document.get("subject") != whose or head.get("id") != whose:
        yield Flaw(len(entries), "subject_differs")
    marks = [name for name in ("drill", "private") if head.get(f"is_{name}") is True]
    if document.get("markings") != marks:
        yield Flaw(len(entries), "markings_differ")
    periods = replayed_periods(timeline)
    if periods is not None and periods != _periods(document.get("roles")):
        yield Flaw(len(entries), "roles_differ")
    names = {"severity_name": "severity", **{name: name for name in _SAID_IN_HEADER}}
    for name, key in names.items():
        if name not in said:
            continue
        value = said[name]
        stated = head.get(key)
        if isinstance(value, datetime) and isinstance(stated, str):
            is_same = _instant(stated) == value
        else:
            is_same = stated == value
        if not is_same:
            yield Flaw(len(entries), f"{name}_differs")


def _periods(roles: Any) -> list[tuple[str, str]] | None:
    """Return the periods in which each role was held, in order, as the file's head has it."""
    if not isinstance(roles, list) or not all(isinstance(one, Mapping) for one in roles):
        return None
    return sorted((str(one.get("started_at")), str(one.get("ended_at"))) for one in roles)


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _entry(raw: Mapping[str, Any]) -> TimelineEntry:
    """Return an entry whose hashes have proven it, as the program holds it."""
    ids = {name: uuid.UUID(raw[name]) for name in ("id", "incident_id")}
    maybe = {name: raw[name] and uuid.UUID(raw[name]) for name in ("actor_id", "target_id")}
    times = {name: datetime.fromisoformat(raw[name]) for name in ("occurred_at", "recorded_at")}
    kept = ("sequence", "kind", "actor_kind", "actor_name", "content", "salt")
    return TimelineEntry(**ids, **maybe, **times, **{name: raw[name] for name in kept})


def _signature(document: Mapping[str, Any]) -> Signature | None:
    given = document.get("signature")
    if not isinstance(given, Mapping):
        return None
    key, value = given.get("public_key"), given.get("value")
    return Signature(key, value) if isinstance(key, str) and isinstance(value, str) else None


def _is_right(document: Mapping[str, Any], head: ChainHead, signature: Signature | None) -> bool:
    subject = document.get("subject")
    if signature is None or not isinstance(subject, str):
        return False
    try:
        statement = head_statement(subject, head, document=document_hash(document))
    except (rfc8785.CanonicalizationError, RecursionError):
        return False
    return is_signed(statement, signature)
