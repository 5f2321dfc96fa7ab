"""The hash chain that proves the timeline and the audit log unchanged.

`content_hash = sha256(salt ‖ canonical(content))`; `entry_hash = sha256(canonical(everything but
content and salt, with the previous entry's hash))`. Canonical is RFC 8785. Content can be redacted
(content and salt nulled) without breaking the chain; any other change breaks it.
"""

import hashlib
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    """The newest link of a chain, stored separately so that a missing last entry shows up."""

    sequence: int
    entry_hash: str


def canonical(value: Any) -> bytes:
    """Return the canonical bytes of a JSON value (RFC 8785)."""
    return rfc8785.dumps(value)


def hash_content(content: Content, salt: str) -> str:
    """Return the hex hash that commits to the content."""
    return hashlib.sha256(bytes.fromhex(salt) + canonical(content)).hexdigest()


def hash_fields(fields: Mapping[str, Any]) -> str:
    """Return the hex hash over an entry's fields."""
    return hashlib.sha256(canonical(fields)).hexdigest()


def new_salt() -> str:
    """Return a random salt for one entry's content, in hex."""
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
    """The fields that an entry of any chain has."""

    @property
    def sequence(self) -> int:
        """The place in the chain, from 1."""
        ...

    @property
    def content(self) -> Content | None:
        """The recorded content; None once redacted."""
        ...

    @property
    def salt(self) -> str | None:
        """The hex salt hashed with the content; None once redacted."""
        ...

    @property
    def content_hash(self) -> str:
        """The hash over salt and content."""
        ...

    @property
    def previous_hash(self) -> str:
        """The hash of the previous entry."""
        ...

    @property
    def entry_hash(self) -> str:
        """The hash over everything but content and salt."""
        ...


_E = TypeVar("_E", bound=Chained)


@dataclass(frozen=True, slots=True)
class Flaw:
    """One failed check of the chain: the entry's sequence and the problem (a short key)."""

    sequence: int
    problem: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry that can't be read, in the place of one; `sequence` is where it stood."""

    sequence: int


def verify_chain(
    entries: Iterable[_E | Unreadable],
    *,
    head: ChainHead,
    hash_of: Callable[[_E], str],
    is_redacted: Callable[[_E], bool],
) -> tuple[Flaw, ...]:
    """Return every flaw of a complete chain, given in order of sequence; none means proven.

    `is_redacted` tells whether a later entry says that this one's content was erased: without one,
    its content may not be missing.
    """
    flaws: list[Flaw] = []
    previous: ChainHead | None = ChainHead(0, GENESIS_HASH)
    for entry in entries:
        if isinstance(entry, Unreadable):
            flaws.append(Flaw(entry.sequence, "unreadable"))
            previous = None
            continue
        if previous is not None:
            flaws += _link_flaws(entry, previous)
        flaws += _own_flaws(entry, hash_of, is_redacted)
        previous = ChainHead(entry.sequence, entry.entry_hash)
    if previous is not None and previous != head:
        flaws.append(Flaw(head.sequence, "head_differs"))
    return tuple(flaws)


def _link_flaws(entry: Chained, previous: ChainHead) -> Iterator[Flaw]:
    if entry.sequence != previous.sequence + 1:
        yield Flaw(entry.sequence, "sequence_gap")
    if entry.previous_hash != previous.entry_hash:
        yield Flaw(entry.sequence, "broken_link")


def _own_flaws(
    entry: _E, hash_of: Callable[[_E], str], is_redacted: Callable[[_E], bool]
) -> Iterator[Flaw]:
    if not _proves_entry(entry, hash_of):
        yield Flaw(entry.sequence, "entry_changed")
    if entry.content is None and entry.salt is None:
        if not is_redacted(entry):
            yield Flaw(entry.sequence, "content_missing")
    elif not proves_content(entry.content, entry.salt, entry.content_hash):
        yield Flaw(entry.sequence, "content_changed")


def _proves_entry(entry: _E, hash_of: Callable[[_E], str]) -> bool:
    try:
        return hash_of(entry) == entry.entry_hash
    except ValueError:  # a number too large to hash, so it isn't what was written
        return False


def proves_content(content: object, salt: object, content_hash: object) -> bool:
    """Tell whether salt and content, of whatever type, are what the hash commits to."""
    if not isinstance(content, dict) or not isinstance(salt, str):
        return False
    try:
        return hash_content(content, salt) == content_hash
    except (ValueError, TypeError, RecursionError):  # can't be hashed, so it isn't what was written
        return False
