"""How a record is chained so that it can be proven unchanged: the timeline and the audit log.

`content_hash = sha256(salt ‖ canonical(content))`; `entry_hash = sha256(canonical(everything but
content and salt, with the previous entry's hash))`. Canonical is RFC 8785. So content can be
redacted (content and salt nulled) without breaking the chain, and nothing else can change.
"""

import hashlib
import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import rfc8785

from incidents.storage.database import storable_json

Content = dict[str, Any]

GENESIS_HASH = "0" * 64
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The newest link of a chain, kept beside it: so a missing last entry is found, too."""

    sequence: int
    entry_hash: str


def canonical(value: Any) -> bytes:
    """Return the one byte form of a JSON value (RFC 8785)."""
    return rfc8785.dumps(value)


def hash_content(content: Content, salt: str) -> str:
    """Return the hex hash that commits to the content."""
    return hashlib.sha256(bytes.fromhex(salt) + canonical(content)).hexdigest()


def hash_fields(fields: Mapping[str, Any]) -> str:
    """Return the hex hash over the fields of an entry that its hash covers."""
    return hashlib.sha256(canonical(fields)).hexdigest()


def new_salt() -> str:
    """Return a salt for the content of one entry, in hex."""
    return os.urandom(_SALT_BYTES).hex()


def instant_text(instant: datetime) -> str:
    """Return the instant as UTC ISO 8601 with microseconds and `Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def clean_content(content: Mapping[str, Any]) -> Content:
    """Return the content as plain storable JSON: clean text, instants as text, ids as text."""
    cleaned: Content = storable_json(content, default=_as_text)
    return cleaned


def _as_text(value: object) -> str:
    match value:
        case datetime():
            return instant_text(value)
        case uuid.UUID():
            return str(value)
    raise TypeError(f"not for the record: {type(value).__name__}")


class Chained(Protocol):
    """What an entry of any chain has."""

    @property
    def sequence(self) -> int:
        """Its place in the chain, from 1."""
        ...

    @property
    def content(self) -> Content | None:
        """What it says; None once redacted."""
        ...

    @property
    def salt(self) -> str | None:
        """What is hashed with the content; None once redacted."""
        ...

    @property
    def content_hash(self) -> str:
        """The hash over salt and content."""
        ...

    @property
    def previous_hash(self) -> str:
        """The hash of the entry before."""
        ...

    @property
    def entry_hash(self) -> str:
        """The hash over everything else."""
        ...


_E = TypeVar("_E", bound=Chained)


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that doesn't prove: at which sequence, and what (a short key)."""

    sequence: int
    problem: str


def verify_chain(
    entries: Iterable[_E], *, head: ChainHead, hash_of: Callable[[_E], str]
) -> tuple[Flaw, ...]:
    """Return every flaw of a whole chain, given in order of sequence; none means proven."""
    flaws: list[Flaw] = []
    previous = ChainHead(0, GENESIS_HASH)
    for entry in entries:
        if entry.sequence != previous.sequence + 1:
            flaws.append(Flaw(entry.sequence, "sequence_gap"))
        if entry.previous_hash != previous.entry_hash:
            flaws.append(Flaw(entry.sequence, "broken_link"))
        if hash_of(entry) != entry.entry_hash:
            flaws.append(Flaw(entry.sequence, "entry_changed"))
        if not _content_proves(entry):
            flaws.append(Flaw(entry.sequence, "content_changed"))
        previous = ChainHead(entry.sequence, entry.entry_hash)
    if previous != head:
        flaws.append(Flaw(head.sequence, "head_differs"))
    return tuple(flaws)


def _content_proves(entry: Chained) -> bool:
    if entry.content is None and entry.salt is None:
        return True  # redacted: the hash still commits to what stood here
    if entry.content is None or entry.salt is None:
        return False
    try:
        return hash_content(entry.content, entry.salt) == entry.content_hash
    except ValueError:  # no hash can be made of it, so none was: it isn't what was written
        return False
