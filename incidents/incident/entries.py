"""Entries of this room: one payload per kind, which tells itself."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

from incidents.core.sentences import (
    SOMEBODY,
    Detail,
    Sentence,
    Telling,
    When,
    Who,
    Words,
    detail,
    said,
    telling,
    when,
)
from incidents.incident.payload import Payload
from incidents.policy.policy import COMMANDER


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
    """Somebody took a role, or was given it."""

    kind: ClassVar[str] = "role_assigned"
    role: str = ""
    role_name: str = ""
    person: Who = SOMEBODY
    previous: Who | None = None

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who has the role now, and whom they replace."""
        role = Words(self.role_name or self.role)
        instead = (", in place of ", self.previous) if self.previous else ()
        if self.person.id == actor_id:
            return telling("took the role ", role, *instead)
        return telling("gave ", self.person, " the role ", role, *instead)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleEnded(Payload):
    """Somebody gave up a role, or lost it."""

    kind: ClassVar[str] = "role_ended"
    role: str = ""
    role_name: str = ""
    person: Who = SOMEBODY
    reason: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who no longer has the role, and why."""
        role, reason = Words(self.role_name or self.role), said(self.reason, "Reason")
        if self.person.id == actor_id:
            return telling("gave up the role ", role, details=(reason,))
        return telling("took the role ", role, " from ", self.person, details=(reason,))


class Move(StrEnum):
    """How command came to move."""

    ACCEPTED = "accepted"
    UNANSWERED = "unanswered"
    TAKEN_OVER = "taken_over"
    SUCCESSOR = "successor"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommanderChanged(Payload):
    """Command passed from one person to another."""

    kind: ClassVar[str] = "commander_changed"
    outgoing: Who = SOMEBODY
    incoming: Who = SOMEBODY
    how: str = ""
    reason: str = ""
    # The handoff that this settled, and whom it was put to.
    handoff_id: uuid.UUID | None = None
    asked: Who | None = None

    @property
    def role(self) -> str:
        """The role that changed hands, as entries about other roles name it."""
        return COMMANDER

    @property
    def person(self) -> Who:
        """Who has the role now."""
        return self.incoming

    @property
    def previous(self) -> Who:
        """Who had it before."""
        return self.outgoing

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return between whom command moved, and how it came to that."""
        return telling(*self._moved(actor_id), self._how(), details=(said(self.reason),))

    def _moved(self, actor_id: uuid.UUID | None) -> Sentence:
        if actor_id is not None and actor_id == self.incoming.id:
            verb = "took over" if self.how == Move.TAKEN_OVER else "took"
            return (f"{verb} command from ", self.outgoing)
        if actor_id is not None and actor_id == self.outgoing.id:
            return ("handed command to ", self.incoming)
        return ("moved command from ", self.outgoing, " to ", self.incoming)

    def _how(self) -> str:
        match self.how:
            case Move.ACCEPTED:
                return ": the handoff was accepted"
            case Move.UNANSWERED:
                return ": nobody answered the handoff in time"
            case Move.SUCCESSOR:
                return ", who had asked for a successor"
        return ""


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
