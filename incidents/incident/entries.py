"""Entries of this room: one payload per kind, which tells itself."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final

from incidents.core.sentences import (
    ChannelName,
    Telling,
    Who,
    detail,
    listed,
    said,
    telling,
)
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
    """update_posted."""

    kind: ClassVar[str] = "update_posted"
    text: str = ""
    impact: str = ""
    actions: str = ""
    next_steps: str = ""
    number: int = 0
    status: str = ""
    severity: str = ""
    was_due_at: datetime | None = None
    next_update_due_at: datetime | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMissed(Payload):
    """update_missed."""

    kind: ClassVar[str] = "update_missed"
    count: int = 0
    due_at: datetime | None = None
    missed_at: datetime | None = None
    next_due_at: datetime | None = None
    is_bots: bool = False
    is_quiet: bool = False
    is_last_call: bool = False


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
    """The incident's channel was opened."""

    kind: ClassVar[str] = "channel_opened"
    is_bookkeeping: ClassVar[bool] = True
    channel_id: str = ""
    channel_name: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which channel was opened."""
        return telling("opened ", ChannelName(self.channel_name, self.channel_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLinked(Payload):
    """Somebody chose an existing channel, in place of the one that the incident had, if any."""

    kind: ClassVar[str] = "channel_linked"
    is_bookkeeping: ClassVar[bool] = True
    channel_id: str = ""
    channel_name: str = ""
    old_channel_id: str = ""
    old_channel_name: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which channel was chosen, or where the incident moved from and to."""
        chosen = ChannelName(self.channel_name, self.channel_id)
        if not self.old_channel_id:
            return telling("chose ", chosen, " as the incident channel")
        was = ChannelName(self.old_channel_name, self.old_channel_id)
        return telling("moved the incident from ", was, " to ", chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedToPrivate(Payload):
    """Somebody made the incident private, in a channel for chosen people."""

    kind: ClassVar[str] = "moved_to_private"
    people: tuple[Who, ...] = ()
    reason: str = ""
    old_channel_id: str = ""
    old_channel_name: str = ""
    # Where messages of ours stand in the old channel.
    old_places: tuple[str, ...] = ()

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who is in the private channel, and why it was moved."""
        details = (detail("In it", *listed(self.people)), said(self.reason))
        return telling("moved the incident to a private channel", details=details)


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
