"""Entries of the incident's channel: people who join and leave, and changes of the channel."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final

from incidents.core.sentences import (
    SOMEBODY,
    ChannelName,
    Sentence,
    Telling,
    Who,
    listed,
    said,
    telling,
)
from incidents.engine.entries import refusal_reason
from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonJoined(Payload):
    """Somebody joined the incident channel for the first time."""

    kind: ClassVar[str] = "person_joined"
    is_bookkeeping: ClassVar[bool] = True
    person_kind: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return that they joined."""
        return telling("joined the incident channel")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLeft(Payload):
    """Somebody left the incident channel for the first time."""

    kind: ClassVar[str] = "person_left"
    is_bookkeeping: ClassVar[bool] = True
    person_kind: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return that they left."""
        return telling("left the incident channel")


@dataclass(frozen=True, slots=True, kw_only=True)
class SightEnded(Payload):
    """Somebody left a private incident's channel, or was removed: they no longer see it."""

    kind: ClassVar[str] = "sight_ended"
    # The one person left who sees the incident, if it is only one.
    last: Who | None = None

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return that they are outside now, and who is left if it is only one."""
        left = (": only ", self.last, " still does") if self.last else ()
        return telling("left the private channel and no longer sees this incident", *left)


@dataclass(frozen=True, slots=True, kw_only=True)
class SightTakenBack(Payload):
    """Somebody inside a private incident took sight back from a person."""

    kind: ClassVar[str] = "sight_taken_back"
    person: Who = SOMEBODY
    reason: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who doesn't see it any more, and why."""
        what = "took sight of this private incident back from "
        return telling(what, self.person, details=(said(self.reason),))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalRefused(Payload):
    """Slack didn't remove somebody from the channel whose sight was taken back."""

    kind: ClassVar[str] = "removal_refused"
    is_bookkeeping: ClassVar[bool] = True
    person: Who = SOMEBODY
    # Who took it back.
    by: Who = SOMEBODY
    error: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who is still in the channel, and why."""
        why = refusal_reason(self.error) or self.error.replace("_", " ")
        return telling("couldn't remove ", self.person, f" from the incident channel: {why}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleInvited(Payload):
    """Somebody invited people to the incident and its channel."""

    kind: ClassVar[str] = "people_invited"
    is_bookkeeping: ClassVar[bool] = True
    people: tuple[Who, ...] = ()
    reason: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who was invited, and why."""
        return telling("invited ", *listed(self.people), details=(said(self.reason),))


@dataclass(frozen=True, slots=True, kw_only=True)
class SightRecovered(Payload):
    """The policy's recovery person opened a private incident, with a reason."""

    kind: ClassVar[str] = "sight_recovered"
    reason: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return that they see the incident now, and why."""
        what = "opened this private incident as the policy's recovery person"
        return telling(what, details=(said(self.reason, "Reason"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRefused(Payload):
    """Slack refused the channel for good; it has a name if joining an existing one failed."""

    kind: ClassVar[str] = "channel_refused"
    is_bookkeeping: ClassVar[bool] = True
    error: str = ""
    effect_id: uuid.UUID | None = None
    channel_name: str = ""
    can_use_existing: bool = False

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which channel was refused, and why."""
        name = self.channel_name
        what = ("get into ", ChannelName(name)) if name else ("open the incident channel",)
        why = refusal_reason(self.error) or self.error.replace("_", " ")
        return telling("couldn't ", *what, f": {why}" if why else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelEntry(Payload):
    """An entry about the incident's channel."""

    channel_id: str = ""
    channel_name: str = ""

    def channel(self) -> Sentence:
        """Return the incident channel, with its name if known."""
        name = (" ", ChannelName(self.channel_name)) if self.channel_name else ()
        return ("the incident channel", *name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRenamed(Payload):
    """Somebody renamed the channel."""

    kind: ClassVar[str] = "channel_renamed"
    is_bookkeeping: ClassVar[bool] = True
    channel_id: str = ""
    old: str = ""
    new: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return the old name and the new one."""
        was = (" from ", ChannelName(self.old)) if self.old else ()
        return telling("renamed the incident channel", *was, " to ", ChannelName(self.new))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelArchived(ChannelEntry):
    """Somebody, or the policy, archived the channel."""

    kind: ClassVar[str] = "channel_archived"
    is_bookkeeping: ClassVar[bool] = True
    is_by_policy: bool = False

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which channel was archived."""
        return telling("archived ", *self.channel())


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelUnarchived(ChannelEntry):
    """The channel was brought back."""

    kind: ClassVar[str] = "channel_unarchived"
    is_bookkeeping: ClassVar[bool] = True

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which channel was brought back."""
        return telling("brought back ", *self.channel())


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelDeleted(ChannelEntry):
    """Somebody deleted the channel."""

    kind: ClassVar[str] = "channel_deleted"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which channel was deleted."""
        return telling("deleted ", *self.channel())


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelIdChanged(ChannelEntry):
    """Slack gave the channel another id."""

    kind: ClassVar[str] = "channel_id_changed"
    old_channel_id: str = ""

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return the channel that has a new id."""
        return telling("followed ", *self.channel(), " to another id in Slack")


@dataclass(frozen=True, slots=True, kw_only=True)
class BotRemoved(ChannelEntry):
    """Sitrep was removed from the channel; `bot_id` is what to invite back."""

    kind: ClassVar[str] = "bot_removed"
    is_bookkeeping: ClassVar[bool] = True
    bot_id: str = ""
    by: Who | None = None

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return the channel that the bot was removed from, and who removed it, if known."""
        by = (" by ", self.by) if self.by is not None else ()
        return telling("was removed from ", *self.channel(), *by)


@dataclass(frozen=True, slots=True, kw_only=True)
class BotReturned(ChannelEntry):
    """Sitrep is back in the channel."""

    kind: ClassVar[str] = "bot_returned"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return the channel that the bot is back in."""
        return telling("came back to ", *self.channel())


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedInvite:
    """A person, or an address or group that matched nobody, and Slack's reason."""

    person: Who = SOMEBODY
    error: str = ""

    def told(self) -> Sentence:
        """Return the name, and the reason in words."""
        return (self.person, f" ({_REASONS.get(self.error, self.error.replace('_', ' '))})")


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteRefused(Payload):
    """Slack refused to invite people."""

    kind: ClassVar[str] = "invite_refused"
    is_bookkeeping: ClassVar[bool] = True
    refused: tuple[RefusedInvite, ...] = ()

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who couldn't be invited, each with the reason."""
        named = [
            part
            for place, one in enumerate(self.refused)
            for part in (*((", ",) if place else ()), *one.told())
        ]
        return telling("couldn't invite ", *named)


_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "user_is_restricted": "guests can't be invited here",
        "user_is_ultra_restricted": "guests can't be invited here",
        "ura_max_channels": "a single-channel guest",
        "cant_invite": "Slack doesn't allow it",
        "user_disabled": "the account is deactivated",
        "not_found": "not found in this workspace",
        "user_not_found": "not found in this workspace",
    }
)

ENTRIES: Final[tuple[type[Payload], ...]] = (
    PersonJoined,
    PersonLeft,
    SightEnded,
    SightTakenBack,
    RemovalRefused,
    PeopleInvited,
    SightRecovered,
    ChannelRefused,
    ChannelRenamed,
    ChannelArchived,
    ChannelUnarchived,
    ChannelDeleted,
    ChannelIdChanged,
    BotRemoved,
    BotReturned,
    InviteRefused,
)
