"""Entries of the cadence: reminders of stakeholder updates, and snoozes."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from incidents.core.sentences import HowLong, Telling, When, Who, listed, said, telling
from incidents.incident.payload import Payload

DUE: Final = "due"
LATE: Final = "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateReminded(Payload):
    """The bot reminded somebody of a stakeholder update that is due or late."""

    kind: ClassVar[str] = "update_reminded"
    is_bookkeeping: ClassVar[bool] = True
    step: str = DUE
    due_at: datetime | None = None
    snooze_seconds: int = 900
    to: tuple[Who, ...] = ()

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who was reminded, and since when the update is due."""
        late = "late " if self.step == LATE else ""
        people = ("reminded ", *listed(self.to), " of") if self.to else ("asked for",)
        due = (", due ", When(self.due_at)) if self.due_at else ()
        return telling(*people, f" the {late}stakeholder update", *due)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSnoozed(Payload):
    """Somebody snoozed the next stakeholder update."""

    kind: ClassVar[str] = "update_snoozed"
    is_bookkeeping: ClassVar[bool] = True
    was_due_at: datetime | None = None
    until: datetime | None = None
    delay_seconds: int = 0
    reason: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return by how long, to when and why."""
        until = (", to ", When(self.until)) if self.until else ()
        delay = HowLong(timedelta(seconds=self.delay_seconds))
        return telling("put off the next update by ", delay, *until, details=(said(self.reason),))


ENTRIES: Final[tuple[type[Payload], ...]] = (UpdateReminded, UpdateSnoozed)
