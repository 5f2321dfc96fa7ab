"""Entries that several features read: declaration, changes, stakeholder updates, the channel."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, Final

from incidents.core.sentences import (
    ChannelName,
    Detail,
    Link,
    Part,
    Telling,
    When,
    Who,
    Words,
    detail,
    listed,
    said,
    telling,
    when,
)
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared(Payload):
    """Somebody declared the incident."""

    kind: ClassVar[str] = "declared"
    title: str = ""
    severity: str = ""
    severity_key: str = ""
    severity_rank: int = 0
    status: str = ""
    impact: str = ""
    summary: str = ""
    services: tuple[str, ...] = ()
    is_private: bool = False
    is_drill: bool = False
    detected_at: datetime | None = None
    source_link: str = ""
    # The address of the page that woke somebody before it was declared.
    page_link: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what was declared, how bad, and what was known then."""
        severity = (" as ", Words(self.severity)) if self.severity else ()
        return telling(
            "declared the incident",
            *severity,
            ": ",
            Words(self.title),
            details=(
                said(self.impact, "Impact"),
                said(self.summary, "Summary"),
                Detail(listed(Words(one) for one in self.services), "Services"),
                detail("Detected", when(self.detected_at)),
                detail("Declared from", Link(self.source_link) if self.source_link else None),
                detail("Page", Link(self.page_link) if self.page_link else None),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """An instant before and after a change; None means that there was none, or is none now."""

    old: datetime | None = None
    new: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged(Payload):
    """The incident's status changed."""

    kind: ClassVar[str] = "status_changed"
    old: str = ""
    new: str = ""
    text: str = ""
    reason: str = ""
    is_reopening: bool = False
    is_duplicate: bool = False
    # Also empty for the duplicate of a private incident.
    duplicate_of: str = ""
    resolution: str = ""
    previous_resolution: str = ""
    # None where the step doesn't say.
    has_customer_impact: bool | None = None
    milestones: Mapping[str, Moved] = field(default_factory=dict)
    next_update_due_at: Moved | None = None
    # Where the severity was changed in the same line; it has an entry of its own.
    old_severity: str = ""
    new_severity: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return the step, and what was said about it."""
        no_impact = Detail(("No customer impact",)) if self.has_customer_impact is False else None
        both = (" and the severity: ", Words(self.old_severity), " → ", Words(self.new_severity))
        return telling(
            f"{self._step()}: {self.old} → {self.new}",
            *(both if self.new_severity else ()),
            details=(
                no_impact,
                said(self.resolution, "What fixed it"),
                said(self.text),
                said(self.reason),
            ),
        )

    def _step(self) -> str:
        if self.is_reopening:
            return "reopened the incident"
        match self.new:
            case IncidentStatus.RESOLVED | IncidentStatus.CLOSED:
                return f"{self.new} the incident"
            case IncidentStatus.CANCELLED if self.is_duplicate:
                original = self.duplicate_of or "another incident"
                return f"cancelled the incident as a duplicate of {original}"
            case IncidentStatus.CANCELLED:
                return "cancelled the incident"
        return "changed the status"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityChanged(Payload):
    """The severity was raised or lowered."""

    kind: ClassVar[str] = "severity_changed"
    old: str = ""
    new: str = ""
    old_key: str = ""
    new_key: str = ""
    old_rank: int = 0
    new_rank: int = 0
    is_worse: bool = False
    reason: str = ""
    next_update_due_at: Moved | None = None
    # The message about the new status tells it, too.
    is_told_with_status: bool = False

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return the change, why, and when the next update is due if that moved."""
        verb = "raised" if self.is_worse else "lowered"
        due_at = self.next_update_due_at.new if self.next_update_due_at else None
        return telling(
            f"{verb} the severity: ",
            Words(self.old),
            " → ",
            Words(self.new),
            details=(said(self.reason), detail("Next update due", when(due_at))),
        )


FieldValue = str | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A field of the incident before and after it was edited."""

    old: FieldValue = ""
    new: FieldValue = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited(Payload):
    """Somebody edited the incident's title, summary, impact or services."""

    kind: ClassVar[str] = "edited"
    changes: Mapping[str, FieldChange] = field(default_factory=dict)

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return the fields that changed, each with its old and new text."""
        return telling(
            f"edited {', '.join(self.changes) or 'the incident'}",
            details=(
                Detail((_text(change.old), " → ", _text(change.new)), name.capitalize())
                for name, change in self.changes.items()
            ),
        )


def _text(value: FieldValue) -> Part:
    text = value if isinstance(value, str) else ", ".join(value)
    return Words(text) if text else "nothing"


_MOMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "detected_at": "time of detection",
        "impact_started_at": "start of the impact",
        "impact_ended_at": "end of the impact",
        "mitigated_at": "time of mitigation",
        "resolved_at": "time of resolution",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneSet(Payload):
    """Somebody set, corrected or removed one of the incident's times."""

    kind: ClassVar[str] = "milestone_set"
    name: str = ""
    old: datetime | None = None
    new: datetime | None = None

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which moment was set, corrected or removed."""
        moment = f"the {_MOMENTS.get(self.name, self.name.replace('_', ' '))}"
        if self.new is None:
            was = (", which was ", When(self.old)) if self.old else ()
            return telling(f"removed {moment}", *was)
        if self.old is None:
            return telling(f"set {moment}: ", When(self.new))
        return telling(f"corrected {moment}: ", When(self.old), " → ", When(self.new))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePosted(Payload):
    """A stakeholder update was posted."""

    kind: ClassVar[str] = "update_posted"
    number: int = 0
    text: str = ""
    impact: str = ""
    actions: str = ""
    next_steps: str = ""
    needed: str = ""
    # Posted with one tap, which said that nothing has changed.
    is_no_change: bool = False
    status: str = ""
    severity: str = ""
    was_due_at: datetime | None = None
    next_update_due_at: datetime | None = None
    # The incident's impact, if the update changed it.
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
            said(self.needed, "Needs"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMissed(Payload):
    """Stakeholder updates were missed, or the bot was away when they were due."""

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
            away = "was away when a stakeholder update was due (at "
            return telling(away, *due, "); it doesn't count as missed")
        if self.count == 1:
            return telling("recorded that nobody posted the stakeholder update due at ", *due)
        return telling(f"recorded {self.count} missed stakeholder updates, the first due at ", *due)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOpened(Payload):
    """The incident's channel was opened."""

    kind: ClassVar[str] = "channel_opened"
    is_bookkeeping: ClassVar[bool] = True
    channel_id: str = ""
    channel_name: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which channel was opened."""
        opened = ChannelName(self.channel_name, self.channel_id)
        return telling("opened ", opened, " as the incident channel")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLinked(Payload):
    """Somebody chose an existing channel, instead of the incident's previous one if it had any.

    `people` are those who see a private incident: they go along.
    """

    kind: ClassVar[str] = "channel_linked"
    is_bookkeeping: ClassVar[bool] = True
    people: tuple[Who, ...] = ()
    channel_id: str = ""
    channel_name: str = ""
    old_channel_id: str = ""
    old_channel_name: str = ""
    # The old channel could be read by people who may not see the incident.
    was_exposed: bool = False

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which channel was chosen, or where the incident moved from and to."""
        chosen = ChannelName(self.channel_name, self.channel_id)
        if not self.old_channel_id:
            return telling("chose ", chosen, " as the incident channel")
        was = ChannelName(self.old_channel_name, self.old_channel_id)
        return telling("moved the incident from ", was, " to ", chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedToPrivate(Payload):
    """Somebody made the incident private, in a channel for chosen people.

    `is_in_place`: the incident followed its channel, which was made private in Slack. `people` are
    then those who also see it without being in the channel.
    """

    kind: ClassVar[str] = "moved_to_private"
    people: tuple[Who, ...] = ()
    reason: str = ""
    old_channel_id: str = ""
    old_channel_name: str = ""
    is_in_place: bool = False

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who is in the private channel, and why it was moved."""
        if self.is_in_place:
            what = "made the incident channel private in Slack" if actor_id else _FOUND_PRIVATE
            also = (detail("Also see it", *listed(self.people)),) if self.people else ()
            return telling(what, ", so the incident is private now", details=also)
        details = (detail("Members", *listed(self.people)), said(self.reason))
        return telling("moved the incident to a private channel", details=details)


@dataclass(frozen=True, slots=True, kw_only=True)
class SightOpened(Payload):
    """Somebody agreed to open a private incident to people who didn't see it."""

    kind: ClassVar[str] = "sight_opened"
    is_bookkeeping: ClassVar[bool] = True
    people: tuple[Who, ...] = ()
    # They see it once an escalation calls them.
    later: tuple[Who, ...] = ()

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return the people it was opened to, and those it may be opened to."""
        if not self.people:
            return telling(
                "agreed that an escalation may open this incident to ", *listed(self.later)
            )
        later = (
            (detail("If an escalation gets to them", *listed(self.later)),) if self.later else ()
        )
        return telling("opened this private incident to ", *listed(self.people), details=later)


_FOUND_PRIVATE: Final = "found that the incident channel was made private in Slack"


ENTRIES: Final[tuple[type[Payload], ...]] = (
    Declared,
    StatusChanged,
    SeverityChanged,
    Edited,
    MilestoneSet,
    UpdatePosted,
    UpdateMissed,
    ChannelOpened,
    ChannelLinked,
    MovedToPrivate,
    SightOpened,
)
