"""Events of a shift handover, which belongs to no incident and no timeline."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverEvent(FeatureEvent):
    """Something happened to the note from `author_id` to `successor_id`.

    `news` is the key of the message that one of them gets; empty if nobody gets one.
    """

    news: ClassVar[str] = ""
    handover_id: uuid.UUID
    author_id: uuid.UUID
    successor_id: uuid.UUID
    question_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverOffered(HandoverEvent):
    """The author offered the note to the next person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverWithdrawn(HandoverEvent):
    """The author withdrew the note or replaced it by a newer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverAccepted(HandoverEvent):
    """The next person accepted the note: the shift is theirs."""

    news: ClassVar[str] = "accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverAsked(HandoverEvent):
    """The next person asked about the note."""

    news: ClassVar[str] = "asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverAnswered(HandoverEvent):
    """The author answered a question about the note."""

    news: ClassVar[str] = "answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverRated(HandoverEvent):
    """The next person said whether the note was enough; `mentors` are those of its author."""

    news: ClassVar[str] = "rated"
    mentors: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverWaiting(HandoverEvent):
    """The next person hasn't accepted the note yet and is to be reminded."""

    news: ClassVar[str] = "reminder"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverUnaccepted(HandoverEvent):
    """The note wasn't accepted in time: tell its author."""

    news: ClassVar[str] = "unaccepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverUndelivered(HandoverEvent):
    """The note couldn't be delivered to the next person."""

    news: ClassVar[str] = "undelivered"
