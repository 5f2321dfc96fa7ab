"""Entries of this room: one payload per kind, which tells itself."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckinAsked(Payload):
    """checkin_asked."""

    kind: ClassVar[str] = "checkin_asked"
    checkin_id: uuid.UUID | None = None
    round: int = 0
    person_id: uuid.UUID | None = None
    person_external_id: str = ""
    person_name: str = ""
    question: str = ""
    box_seconds: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckinUnderstood(Payload):
    """checkin_understood."""

    kind: ClassVar[str] = "checkin_understood"
    checkin_id: uuid.UUID | None = None
    round: int = 0
    person_id: uuid.UUID | None = None
    person_external_id: str = ""
    person_name: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckinDue(Payload):
    """checkin_due."""

    kind: ClassVar[str] = "checkin_due"
    is_bookkeeping: ClassVar[bool] = True
    checkin_id: uuid.UUID | None = None
    round: int = 0
    person_id: uuid.UUID | None = None
    person_external_id: str = ""
    person_name: str = ""
    question: str = ""
    box_seconds: int = 0
    due_at: datetime | None = None
    is_understood: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckinAnswered(Payload):
    """checkin_answered."""

    kind: ClassVar[str] = "checkin_answered"
    checkin_id: uuid.UUID | None = None
    round: int = 0
    person_id: uuid.UUID | None = None
    person_external_id: str = ""
    person_name: str = ""
    asked_by_id: uuid.UUID | None = None
    answer: str = ""
    text: str = ""
    due_at: datetime | None = None
    box_seconds: int = 0


ENTRIES: Final[tuple[type[Payload], ...]] = (
    CheckinAsked,
    CheckinUnderstood,
    CheckinDue,
    CheckinAnswered,
)
