"""Entries of the lifecycle that only this feature reads: duplicates, and quiet incidents."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from incidents.core.sentences import IncidentName, Telling, When, Words, telling
from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateFound(Payload):
    """Another incident was marked as a duplicate of this one."""

    kind: ClassVar[str] = "duplicate_found"
    duplicate: str = ""
    title: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which incident it is."""
        duplicate, title = IncidentName(self.duplicate), Words(self.title)
        return telling("marked ", duplicate, " as a duplicate of this incident: ", title)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleAsked(Payload):
    """Nothing happened for a long time, so the bot asked the channel if the incident is over."""

    kind: ClassVar[str] = "stale_asked"
    is_bookkeeping: ClassVar[bool] = True
    last_activity_at: datetime | None = None
    status: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return since when nothing was added."""
        at = self.last_activity_at
        since = (", since nothing was added after ", When(at)) if at else ()
        return telling("asked whether the incident is over", *since)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleAnswered(Payload):
    """Somebody said that they are still working on the incident."""

    kind: ClassVar[str] = "stale_answered"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return that work goes on."""
        return telling("confirmed that work goes on")


ENTRIES: Final[tuple[type[Payload], ...]] = (DuplicateFound, StaleAsked, StaleAnswered)
