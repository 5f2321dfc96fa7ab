"""Entries of this room: one payload per kind, which tells itself."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final

from incidents.core.sentences import Detail, Telling, When, Who, Words, detail, said, telling, when
from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared(Payload):
    """declared."""

    kind: ClassVar[str] = "declared"
    title: str = ""
    severity: str = ""
    severity_key: str = ""
    status: str = ""
    impact: str = ""
    summary: str = ""
    services: tuple[str, ...] = ()
    is_private: bool = False
    is_drill: bool = False
    detected_at: datetime | None = None
    source_link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged(Payload):
    """status_changed."""

    kind: ClassVar[str] = "status_changed"
    old: str = ""
    new: str = ""
    reason: str = ""
    milestones: Mapping[str, Any] = field(default_factory=dict)
    next_update_due_at: Mapping[str, Any] = field(default_factory=dict)
    is_reopening: bool = False
    has_customer_impact: bool = False
    resolution: str = ""
    previous_resolution: str = ""
    text: str = ""
    is_duplicate: bool = False
    duplicate_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityChanged(Payload):
    """severity_changed."""

    kind: ClassVar[str] = "severity_changed"
    old: str = ""
    new: str = ""
    old_key: str = ""
    new_key: str = ""
    old_rank: int = 0
    new_rank: int = 0
    is_worse: bool = False
    reason: str = ""
    next_update_due_at: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited(Payload):
    """edited."""

    kind: ClassVar[str] = "edited"
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneSet(Payload):
    """milestone_set."""

    kind: ClassVar[str] = "milestone_set"
    name: str = ""
    old: datetime | None = None
    new: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePosted(Payload):
    """A stakeholder update was posted."""

    kind: ClassVar[str] = "update_posted"
    number: int = 0
    text: str = ""
    impact: str = ""
    actions: str = ""
    next_steps: str = ""
    status: str = ""
    severity: str = ""
    was_due_at: datetime | None = None
    next_update_due_at: datetime | None = None
    # The incident's impact, where the update changed it.
    changes: Mapping[str, Any] = field(default_factory=dict)

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return the update with all that it says."""
        return telling(
            f"posted stakeholder update {self.number} ({self.status}, ",
            Words(self.severity),
            ")",
            details=(*self.said(), detail("Next update due", when(self.next_update_due_at))),
        )

    def said(self) -> tuple[Detail | None, ...]:
        """Return the author's own words."""
        return (
            said(self.text),
            said(self.impact, "Impact"),
            said(self.actions, "Doing"),
            said(self.next_steps, "Next"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMissed(Payload):
    """Stakeholder updates were not posted in time, or the bot was away when they were due."""

    kind: ClassVar[str] = "update_missed"
    count: int = 1
    due_at: datetime | None = None
    missed_at: datetime | None = None
    next_due_at: datetime | None = None
    is_bots: bool = False
    is_quiet: bool = False
    is_last_call: bool = False

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return how many were missed, or that it was the bot's own absence."""
        due = (When(self.due_at),) if self.due_at else ("an unknown time",)
        if self.is_bots:
            away = "was away when a stakeholder update was due ("
            return telling(away, *due, "); it doesn't count as missed")
        if self.count == 1:
            return telling("saw no stakeholder update, due ", *due)
        return telling(f"saw {self.count} stakeholder updates missed, the first due ", *due)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAssigned(Payload):
    """role_assigned."""

    kind: ClassVar[str] = "role_assigned"
    role: str = ""
    role_name: str = ""
    person: Who | None = None
    previous: Who | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleEnded(Payload):
    """role_ended."""

    kind: ClassVar[str] = "role_ended"
    role: str = ""
    role_name: str = ""
    person: Who | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommanderChanged(Payload):
    """commander_changed."""

    kind: ClassVar[str] = "commander_changed"
    outgoing: Who | None = None
    incoming: Who | None = None
    how: str = ""
    reason: str = ""
    handoff_id: uuid.UUID | None = None
    asked: Who | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOpened(Payload):
    """channel_opened."""

    kind: ClassVar[str] = "channel_opened"
    is_bookkeeping: ClassVar[bool] = True
    channel_id: str = ""
    channel_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLinked(Payload):
    """channel_linked."""

    kind: ClassVar[str] = "channel_linked"
    is_bookkeeping: ClassVar[bool] = True
    channel_id: str = ""
    channel_name: str = ""
    old_channel_id: str | None = None
    old_channel_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedToPrivate(Payload):
    """moved_to_private."""

    kind: ClassVar[str] = "moved_to_private"
    people: tuple[Who, ...] = ()
    reason: str = ""
    old_channel_id: str = ""
    old_channel_name: str = ""
    old_places: tuple[str, ...] = ()


ENTRIES: Final[tuple[type[Payload], ...]] = (
    Declared,
    StatusChanged,
    SeverityChanged,
    Edited,
    MilestoneSet,
    UpdatePosted,
    UpdateMissed,
    RoleAssigned,
    RoleEnded,
    CommanderChanged,
    ChannelOpened,
    ChannelLinked,
    MovedToPrivate,
)
