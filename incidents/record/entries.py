"""Entries of this room: one payload per kind, which tells itself."""

from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar, Final

from incidents.incident.payload import EntryTypes, Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Payload):
    """note."""

    kind: ClassVar[str] = "note"
    text: str = ""
    is_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked(Payload):
    """marked."""

    kind: ClassVar[str] = "marked"
    text: str = ""
    author_name: str = ""
    author_external_id: str = ""
    permalink: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned(Payload):
    """pinned."""

    kind: ClassVar[str] = "pinned"
    text: str = ""
    author_name: str = ""
    author_external_id: str = ""
    permalink: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLinked(Payload):
    """file_linked."""

    kind: ClassVar[str] = "file_linked"
    name: str = ""
    permalink: str = ""
    file_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended(Payload):
    """amended."""

    kind: ClassVar[str] = "amended"
    is_bookkeeping: ClassVar[bool] = True
    text: str = ""
    occurred_at: datetime | None = None
    target_kind: str = ""
    target_sequence: int = 0
    target_occurred_at: datetime | None = None
    is_message_deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn(Payload):
    """withdrawn."""

    kind: ClassVar[str] = "withdrawn"
    is_bookkeeping: ClassVar[bool] = True
    target_kind: str = ""
    target_sequence: int = 0
    target_occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted(Payload):
    """redacted."""

    kind: ClassVar[str] = "redacted"
    is_bookkeeping: ClassVar[bool] = True
    reason: str = ""
    target_kind: str = ""
    target_sequence: int = 0
    target_occurred_at: datetime | None = None


ENTRIES: Final[tuple[type[Payload], ...]] = (
    Note,
    Marked,
    Pinned,
    FileLinked,
    Amended,
    Withdrawn,
    Redacted,
)
RECORD_TYPES: Final[EntryTypes] = MappingProxyType({payload.kind: payload for payload in ENTRIES})
