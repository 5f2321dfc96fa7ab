"""Entries of stakeholder updates: reminders, snoozes, and announcements that couldn't be made."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, Final

from incidents.core.sentences import ChannelName, HowLong, Telling, When, Who, listed, said, telling
from incidents.engine.entries import refusal_reason
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
    # When the next one comes after *No change*.
    next_seconds: int = 1800
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementMissed(Payload):
    """The incident couldn't be announced; `problem` is a `NoAnnouncement` or Slack's error."""

    kind: ClassVar[str] = "announcement_missed"
    is_bookkeeping: ClassVar[bool] = True
    channel_name: str = ""
    problem: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return where it couldn't be announced, and why."""
        why = refusal_reason(self.problem) or _PROBLEMS.get(self.problem, self.problem)
        return telling(
            "couldn't announce the incident in ", ChannelName(self.channel_name), f": {why}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementPossible(Payload):
    """The announcement channel is there again, so the incident is announced after all."""

    kind: ClassVar[str] = "announcement_possible"
    is_bookkeeping: ClassVar[bool] = True
    channel_name: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which channel is there again."""
        name = self.channel_name.removeprefix("#")  # the policy names it with or without
        return telling("found ", ChannelName(name), " again, to announce the incident")


class NoAnnouncement(StrEnum):
    """Why there is no channel to announce in."""

    MISSING = "missing"
    ARCHIVED = "archived"


_PROBLEMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        NoAnnouncement.MISSING: "it isn't there, or Sitrep can't see it",
        NoAnnouncement.ARCHIVED: "it is archived",
    }
)


ENTRIES: Final[tuple[type[Payload], ...]] = (
    UpdateReminded,
    UpdateSnoozed,
    AnnouncementMissed,
    AnnouncementPossible,
)
