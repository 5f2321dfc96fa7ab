"""Entries of this room: one payload per kind, which tells itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from incidents.core.sentences import Who
from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateReminded(Payload):
    """update_reminded."""

    kind: ClassVar[str] = "update_reminded"
    is_bookkeeping: ClassVar[bool] = True
    step: str = ""
    due_at: datetime | None = None
    snooze_seconds: int = 0
    to: tuple[Who, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSnoozed(Payload):
    """update_snoozed."""

    kind: ClassVar[str] = "update_snoozed"
    is_bookkeeping: ClassVar[bool] = True
    was_due_at: datetime | None = None
    until: datetime | None = None
    delay_seconds: int = 0
    reason: str = ""


ENTRIES: Final[tuple[type[Payload], ...]] = (
    UpdateReminded,
    UpdateSnoozed,
)
