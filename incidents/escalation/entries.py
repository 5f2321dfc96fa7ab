"""Entries of this room: one payload per kind, which tells itself."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final

from incidents.core.sentences import Who
from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated(Payload):
    """escalated."""

    kind: ClassVar[str] = "escalated"
    escalation_id: uuid.UUID | None = None
    number: int = 0
    template: str = ""
    template_key: str = ""
    service: str = ""
    to: str = ""
    author: Who | None = None
    is_urgent: bool = False
    severity: str = ""
    version: int = 0
    packet: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationCalled(Payload):
    """escalation_called."""

    kind: ClassVar[str] = "escalation_called"
    escalation_id: uuid.UUID | None = None
    number: int = 0
    step: int = 0
    to: tuple[str, ...] = ()
    people: tuple[Mapping[str, Any], ...] = ()
    skipped: tuple[Mapping[str, Any], ...] = ()
    looking_up: tuple[str, ...] = ()
    away: tuple[Mapping[str, Any], ...] = ()
    because: str = ""
    due_at: datetime | None = None
    wait_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationTaken(Payload):
    """escalation_taken."""

    kind: ClassVar[str] = "escalation_taken"
    escalation_id: uuid.UUID | None = None
    number: int = 0
    person: Who | None = None
    author: Who | None = None
    waited_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationDeclined(Payload):
    """escalation_declined."""

    kind: ClassVar[str] = "escalation_declined"
    escalation_id: uuid.UUID | None = None
    number: int = 0
    person: Who | None = None
    author: Who | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationRedirected(Payload):
    """escalation_redirected."""

    kind: ClassVar[str] = "escalation_redirected"
    escalation_id: uuid.UUID | None = None
    number: int = 0
    person: Who | None = None
    author: Who | None = None
    to: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationQuestioned(Payload):
    """escalation_questioned."""

    kind: ClassVar[str] = "escalation_questioned"
    escalation_id: uuid.UUID | None = None
    number: int = 0
    person: Who | None = None
    author: Who | None = None
    field: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationCompleted(Payload):
    """escalation_completed."""

    kind: ClassVar[str] = "escalation_completed"
    escalation_id: uuid.UUID | None = None
    number: int = 0
    version: int = 0
    changed: tuple[str, ...] = ()
    asked_by: Who | None = None
    packet: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationExhausted(Payload):
    """escalation_exhausted."""

    kind: ClassVar[str] = "escalation_exhausted"
    escalation_id: uuid.UUID | None = None
    number: int = 0
    author: Who | None = None
    called: tuple[Mapping[str, Any], ...] = ()
    waited_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationWithdrawn(Payload):
    """escalation_withdrawn."""

    kind: ClassVar[str] = "escalation_withdrawn"
    escalation_id: uuid.UUID | None = None
    number: int = 0
    because: str = ""
    reason: str = ""
    author: Who | None = None


ENTRIES: Final[tuple[type[Payload], ...]] = (
    Escalated,
    EscalationCalled,
    EscalationTaken,
    EscalationDeclined,
    EscalationRedirected,
    EscalationQuestioned,
    EscalationCompleted,
    EscalationExhausted,
    EscalationWithdrawn,
)
