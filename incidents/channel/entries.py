"""Entries of this room: one payload per kind, which tells itself."""

import uuid
from dataclasses import dataclass
from typing import ClassVar, Final

from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonJoined(Payload):
    """person_joined."""

    kind: ClassVar[str] = "person_joined"
    is_bookkeeping: ClassVar[bool] = True
    person_kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLeft(Payload):
    """person_left."""

    kind: ClassVar[str] = "person_left"
    is_bookkeeping: ClassVar[bool] = True
    person_kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRefused(Payload):
    """channel_refused."""

    kind: ClassVar[str] = "channel_refused"
    is_bookkeeping: ClassVar[bool] = True
    error: str = ""
    effect_id: uuid.UUID | None = None
    channel_name: str | None = None
    can_use_existing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRenamed(Payload):
    """channel_renamed."""

    kind: ClassVar[str] = "channel_renamed"
    is_bookkeeping: ClassVar[bool] = True
    channel_id: str = ""
    old: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelArchived(Payload):
    """channel_archived."""

    kind: ClassVar[str] = "channel_archived"
    is_bookkeeping: ClassVar[bool] = True
    channel_id: str = ""
    channel_name: str = ""
    is_by_policy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelUnarchived(Payload):
    """channel_unarchived."""

    kind: ClassVar[str] = "channel_unarchived"
    is_bookkeeping: ClassVar[bool] = True
    channel_id: str = ""
    channel_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelDeleted(Payload):
    """channel_deleted."""

    kind: ClassVar[str] = "channel_deleted"
    channel_id: str = ""
    channel_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelIdChanged(Payload):
    """channel_id_changed."""

    kind: ClassVar[str] = "channel_id_changed"
    channel_id: str = ""
    channel_name: str = ""
    old_channel_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotRemoved(Payload):
    """bot_removed."""

    kind: ClassVar[str] = "bot_removed"
    is_bookkeeping: ClassVar[bool] = True
    channel_id: str = ""
    channel_name: str = ""
    bot_id: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotReturned(Payload):
    """bot_returned."""

    kind: ClassVar[str] = "bot_returned"
    channel_id: str = ""
    channel_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteRefused(Payload):
    """invite_refused."""

    kind: ClassVar[str] = "invite_refused"
    is_bookkeeping: ClassVar[bool] = True
    # SCHEMA UNKNOWN


ENTRIES: Final[tuple[type[Payload], ...]] = (
    PersonJoined,
    PersonLeft,
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
