"""Entries of this room: one payload per kind, which tells itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateFound(Payload):
    """duplicate_found."""

    kind: ClassVar[str] = "duplicate_found"
    duplicate: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleAsked(Payload):
    """stale_asked."""

    kind: ClassVar[str] = "stale_asked"
    is_bookkeeping: ClassVar[bool] = True
    last_activity_at: datetime | None = None
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleAnswered(Payload):
    """stale_answered."""

    kind: ClassVar[str] = "stale_answered"
    # SCHEMA UNKNOWN


ENTRIES: Final[tuple[type[Payload], ...]] = (
    DuplicateFound,
    StaleAsked,
    StaleAnswered,
)
