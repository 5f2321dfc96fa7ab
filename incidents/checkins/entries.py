"""Entries of check-ins: asked, understood, due at the end of the box, answered."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final

from incidents.core.sentences import SOMEBODY, HowLong, Sentence, Telling, Who, said, telling, until
from incidents.incident.payload import Payload


class CheckinAnswer(StrEnum):
    """How it went."""

    DONE = "done"
    MORE_TIME = "more_time"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckinEntry(Payload):
    """A check-in: its id, which time box it is in, and whose task it is."""

    checkin_id: uuid.UUID | None = None
    round: int = 0
    person: Who = SOMEBODY
    box_seconds: int = 0
    due_at: datetime | None = None

    @property
    def box(self) -> timedelta:
        """How much time the person has."""
        return timedelta(seconds=self.box_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckinAsked(CheckinEntry):
    """Somebody gave a named person a task with a time box."""

    kind: ClassVar[str] = "checkin_asked"
    question: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who is asked, for how long, and what."""
        asked = ("asked ", self.person, " for a check-in within ", HowLong(self.box))
        return telling(*asked, *until(self.due_at), details=(said(self.question),))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckinUnderstood(CheckinEntry):
    """The person understood the task and takes it on."""

    kind: ClassVar[str] = "checkin_understood"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return that it is taken on, and until when."""
        return telling("took on the check-in", *until(self.due_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckinDue(CheckinEntry):
    """The box is over: the bot asks the person and the commander how it went."""

    kind: ClassVar[str] = "checkin_due"
    is_bookkeeping: ClassVar[bool] = True
    question: str = ""
    is_understood: bool = False

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who is asked, and what their task was."""
        return telling("asked ", self.person, " how it went", details=(said(self.question),))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckinAnswered(CheckinEntry):
    """The person, or somebody for them, said how it went."""

    kind: ClassVar[str] = "checkin_answered"
    asked_by_id: uuid.UUID | None = None
    answer: str = ""
    text: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return how it went, and what the person said."""
        is_own = actor_id is not None and actor_id == self.person.id
        whose = () if is_own else ("said that ", self.person, " ")
        return telling(*whose, *self._how_it_went(), details=(said(self.text),))

    def _how_it_went(self) -> Sentence:
        match self.answer:
            case CheckinAnswer.DONE:
                return ("finished the check-in",)
            case CheckinAnswer.STUCK:
                return ("was stuck on the check-in",)
        return ("asked for ", HowLong(self.box), " more for the check-in", *until(self.due_at))


ENTRIES: Final[tuple[type[Payload], ...]] = (
    CheckinAsked,
    CheckinUnderstood,
    CheckinDue,
    CheckinAnswered,
)
