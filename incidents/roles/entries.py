"""Entries of this room: one payload per kind, which tells itself."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final

from incidents.core.sentences import Who
from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffOffered(Payload):
    """handoff_offered."""

    kind: ClassVar[str] = "handoff_offered"
    handoff_id: uuid.UUID | None = None
    asked: Who | None = None
    handoff_kind: str = ""
    outgoing: Who | None = None
    incoming: Who | None = None
    proposed_by: Who | None = None
    expires_at: datetime | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRequested(Payload):
    """handoff_requested."""

    kind: ClassVar[str] = "handoff_requested"
    handoff_id: uuid.UUID | None = None
    asked: Who | None = None
    handoff_kind: str = ""
    outgoing: Who | None = None
    incoming: Who | None = None
    proposed_by: Who | None = None
    expires_at: datetime | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffDeclined(Payload):
    """handoff_declined."""

    kind: ClassVar[str] = "handoff_declined"
    handoff_id: uuid.UUID | None = None
    asked: Who | None = None
    handoff_kind: str = ""
    outgoing: Who | None = None
    incoming: Who | None = None
    proposed_by: Who | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffWithdrawn(Payload):
    """handoff_withdrawn."""

    kind: ClassVar[str] = "handoff_withdrawn"
    handoff_id: uuid.UUID | None = None
    asked: Who | None = None
    handoff_kind: str = ""
    outgoing: Who | None = None
    incoming: Who | None = None
    proposed_by: Who | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuccessorWanted(Payload):
    """successor_wanted."""

    kind: ClassVar[str] = "successor_wanted"
    handoff_id: uuid.UUID | None = None
    asked: str | None = None
    handoff_kind: str = ""
    outgoing: Who | None = None
    incoming: str | None = None
    proposed_by: Who | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommanderMissing(Payload):
    """commander_missing."""

    kind: ClassVar[str] = "commander_missing"
    step: int = 0
    minutes: int = 0
    backup: Mapping[str, Any] = field(default_factory=dict)


ENTRIES: Final[tuple[type[Payload], ...]] = (
    HandoffOffered,
    HandoffRequested,
    HandoffDeclined,
    HandoffWithdrawn,
    SuccessorWanted,
    CommanderMissing,
)
