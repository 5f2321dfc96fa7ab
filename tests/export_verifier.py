"""Verifies a JSON export as an auditor would, from nothing but the file."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import rfc8785

from incidents.core.hash_chain import GENESIS_HASH, Flaw, canonical, hash_content
from incidents.exports.json_format import HASHED, json_bytes
from incidents.exports.records import FORMAT

_FIELDS = frozenset({*HASHED, "entry_hash", "content", "salt"})
_SALT = re.compile(r"[0-9a-f]{32}")


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
        return hashlib.sha256(canonical({name: entry[name] for name in HASHED})).hexdigest()
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
