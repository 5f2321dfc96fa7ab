"""Entries of drills; they don't say if a step was right, which only the drill's two people see."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import ClassVar, Final

from incidents.core.sentences import HowLong, Sentence, Telling, Who, Words, said, telling
from incidents.incident.payload import Payload

_ENDS: Mapping[str, str] = MappingProxyType(
    {
        "solved": "the incident was resolved",
        "unsolved": "the incident was resolved",
        "timed_out": "its time was up",
        "abandoned": "it was stopped",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillStarted(Payload):
    """Somebody started a drill, with a mentor or alone."""

    kind: ClassVar[str] = "drill_started"
    run_id: uuid.UUID | None = None
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

    @property
    def limit(self) -> timedelta:
        """The longest time that the scenario runs."""
        return timedelta(seconds=self.limit_seconds)

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which scenario began, for how long, and who takes part."""
        mentor: Sentence = (", with ", self.mentor) if self.mentor else ()
        limit = HowLong(self.limit)
        return telling("began the drill ", Words(self.name), ", ", limit, " at most", *mentor)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillSignal(Payload):
    """Something happened in the scenario by itself."""

    kind: ClassVar[str] = "drill_signal"
    signal: str = ""
    source: str = ""
    text: str = ""
    is_question: bool = False

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return where it appeared, and what it was."""
        return telling("saw this in the drill", details=(said(self.text, self.source),))


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillChecked(Payload):
    """Somebody checked something in the scenario."""

    kind: ClassVar[str] = "drill_checked"
    check: str = ""
    name: str = ""
    output: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what they looked at, and what it showed."""
        looked = ("looked at ", Words(self.name), " in the drill")
        return telling(*looked, details=(said(self.output),))


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillActed(Payload):
    """Somebody took an action in the scenario."""

    kind: ClassVar[str] = "drill_acted"
    action: str = ""
    name: str = ""
    output: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what they did, and the result."""
        did = ("did this in the drill: ", Words(self.name))
        return telling(*did, details=(said(self.output),))


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillEnded(Payload):
    """A scenario ended; only its people get the scorecard."""

    kind: ClassVar[str] = "drill_ended"
    run_id: uuid.UUID | None = None
    how: str = ""
    name: str = ""
    people: tuple[uuid.UUID, ...] = ()

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return how it ended."""
        how = _ENDS.get(self.how, self.how.replace("_", " "))
        return telling("ended the drill ", Words(self.name), f": {how}")


ENTRIES: Final[tuple[type[Payload], ...]] = (
    DrillStarted,
    DrillSignal,
    DrillChecked,
    DrillActed,
    DrillEnded,
)
