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
    detail,
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
    # Whose words couldn't be posted there, if that showed what happened.
    author_id: uuid.UUID | None = None

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
        did = "renamed the incident channel" if actor_id else "found the incident channel renamed"
        return telling(did, *was, " to ", ChannelName(self.new))


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
    """The channel was unarchived."""

    kind: ClassVar[str] = "channel_unarchived"
    is_bookkeeping: ClassVar[bool] = True

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which channel was unarchived."""
        return telling("unarchived ", *self.channel())


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
        return telling("found that ", *self.channel(), " has a new id in Slack")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureEntry(ChannelEntry):
    """An entry about who can read the channel; `people` are those inside a private incident."""

    is_bookkeeping: ClassVar[bool] = True
    people: tuple[Who, ...] = ()

    def found_or(self, actor_id: uuid.UUID | None, did: str, state: str) -> Telling:
        """Return what somebody made of the channel, or (without an actor) what was found."""
        if actor_id is not None:
            return telling("made ", *self.channel(), " ", did)
        return telling("found that ", *self.channel(), " ", state)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMadePublic(ExposureEntry):
    """The channel was made public in Slack; a private incident stays private."""

    kind: ClassVar[str] = "channel_made_public"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which channel everybody can read now."""
        return self.found_or(actor_id, "public in Slack", "is public in Slack")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMadePrivateAgain(ExposureEntry):
    """The channel of a private incident is private in Slack again."""

    kind: ClassVar[str] = "channel_made_private_again"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which channel only its members can read again."""
        return self.found_or(actor_id, "private in Slack again", "is private in Slack again")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelShared(ExposureEntry):
    """The channel is shared with another organisation, whose people can read it."""

    kind: ClassVar[str] = "channel_shared"
    # Whether this stops us from posting there until somebody answers.
    is_exposure: bool = False

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which channel others can read."""
        return telling("found that ", *self.channel(), " is shared with another organisation")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelUnshared(ExposureEntry):
    """The channel is no longer shared with another organisation."""

    kind: ClassVar[str] = "channel_unshared"

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which channel others can't read any more."""
        return telling("found that ", *self.channel(), " is no longer shared with others")


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingAccepted(ChannelEntry):
    """Somebody inside decided that a private incident goes on in a shared channel.

    `people` are those inside.
    """

    kind: ClassVar[str] = "sharing_accepted"
    people: tuple[Who, ...] = ()

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return which channel the incident stays in."""
        shared = ", which another organisation can read"
        return telling("kept the incident in ", *self.channel(), shared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What happened to our messages in one channel, and what is still readable there."""

    channel_id: str = ""
    channel_name: str = ""
    removed: int = 0
    reduced: int = 0
    # Messages that Slack lets us neither delete nor edit, such as notices of a topic.
    refused: int = 0
    files_removed: int = 0
    files_refused: int = 0
    # Messages and files of people; those in threads count.
    of_people: int = 0
    readable_by: str = ""

    def told(self) -> Sentence:
        """Return it in words."""
        gone = f": deleted {self.removed}, shortened {self.reduced}, files deleted {self.files_removed}"
        stuck = self.refused + self.files_refused
        left = (
            f"; still readable by {self.readable_by}: {self.of_people} by people, {stuck} by Sitrep"
        )
        return (ChannelName(self.channel_name, self.channel_id), gone, left)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesRemoved(Payload):
    """We took our messages about a private incident out of places that others can read."""

    kind: ClassVar[str] = "messages_removed"
    is_bookkeeping: ClassVar[bool] = True
    channels: tuple[Remains, ...] = ()
    # Direct messages to people who no longer see the incident.
    direct: int = 0

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what was removed and what remains, channel by channel."""
        details = [detail("In", *one.told()) for one in self.channels]
        details.append(detail("Direct messages deleted", f"{self.direct}") if self.direct else None)
        what = "removed messages about the incident from places that others can read"
        return telling(what, details=details)


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
        return (self.person, f" ({invite_reason(self.error)})")


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteRefused(Payload):
    """Slack refused to invite people."""

    kind: ClassVar[str] = "invite_refused"
    is_bookkeeping: ClassVar[bool] = True
    refused: tuple[RefusedInvite, ...] = ()
    # The effect that can be retried, and the refusals that are shown together with it.
    effect_id: uuid.UUID | None = None
    batch_id: uuid.UUID | None = None

    @property
    def people(self) -> tuple[Who, ...]:
        """Return who couldn't be invited."""
        return tuple(one.person for one in self.refused)

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return who couldn't be invited, each with the reason."""
        named = [
            part
            for place, one in enumerate(self.refused)
            for part in (*((", ",) if place else ()), *one.told())
        ]
        return telling("couldn't invite ", *named)


def invite_reason(error: str) -> str:
    """Return in words why somebody couldn't be invited."""
    return _REASONS.get(error) or refusal_reason(error) or error.replace("_", " ")


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
    ChannelRefused,
    ChannelRenamed,
    ChannelArchived,
    ChannelUnarchived,
    ChannelDeleted,
    ChannelIdChanged,
    ChannelMadePublic,
    ChannelMadePrivateAgain,
    ChannelShared,
    ChannelUnshared,
    SharingAccepted,
    MessagesRemoved,
    BotRemoved,
    BotReturned,
    InviteRefused,
)
