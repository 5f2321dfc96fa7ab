"""Entries of this room: one payload per kind, which tells itself."""

from dataclasses import dataclass
from typing import ClassVar, Final

from incidents.core.sentences import Who
from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillStarted(Payload):
    """drill_started."""

    kind: ClassVar[str] = "drill_started"
    scenario: str = ""
    name: str = ""
    level: str = ""
    service: str = ""
    briefing: str = ""
    limit_seconds: int = 0
    junior: Who | None = None
    mentor: Who | None = None
    checks: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillSignal(Payload):
    """drill_signal."""

    kind: ClassVar[str] = "drill_signal"
    signal: str = ""
    source: str = ""
    text: str = ""
    is_question: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillChecked(Payload):
    """drill_checked."""

    kind: ClassVar[str] = "drill_checked"
    check: str = ""
    name: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillActed(Payload):
    """drill_acted."""

    kind: ClassVar[str] = "drill_acted"
    action: str = ""
    name: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillEnded(Payload):
    """drill_ended."""

    kind: ClassVar[str] = "drill_ended"
    how: str = ""
    name: str = ""


ENTRIES: Final[tuple[type[Payload], ...]] = (
    DrillStarted,
    DrillSignal,
    DrillChecked,
    DrillActed,
    DrillEnded,
)
