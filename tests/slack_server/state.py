"""What the embedded Slack remembers: people, channels, messages, views, files."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from tests.slack_server.render import Json, render

# The subtypes of messages; all others are the channel's own notices (joins, topics).
_SAID = {"", "bot_message", "file_share", "thread_broadcast", "me_message"}


class SlackError(Exception):
    """A refusal by Slack: `code` goes into `error`, `extra` beside it."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra


class Kind(StrEnum):
    """Kinds of conversation; the values are Slack's `channel_type`."""

    PUBLIC = "channel"
    PRIVATE = "group"
    DIRECT = "im"
    GROUP_DIRECT = "mpim"

    @property
    def scope_prefix(self) -> str:
        """Beginning of the scopes that concern this kind."""
        return {"channel": "channels:", "group": "groups:"}.get(self.value, f"{self.value}:")

    @property
    def event_suffix(self) -> str:
        """Ending of the `message.…` subscription of this kind."""
        return {"channel": "channels", "group": "groups"}.get(self.value, self.value)


@dataclass(slots=True)
class User:
    """A person or bot as Slack stores it; `team_id` differs for people of another company."""

    id: str
    name: str
    real_name: str
    team_id: str
    email: str = ""
    phone: str = ""
    tz: str = "Europe/Berlin"
    is_bot: bool = False
    guest: str = ""  # "", "multi" or "single": channels that a guest may be in
    deleted: bool = False
    app_user: bool = False
    # On Enterprise Grid: the team that their presses and forms carry, if not `team_id`, and what
    # else Slack writes into their user object.
    home_team: str = ""
    described: dict[str, Any] = field(default_factory=dict)
    status: str = ""  # e.g. `:palm_tree: On holiday`
    quiet: tuple[int, int] | None = None  # do-not-disturb from and until, in seconds since 1970

    @property
    def mention(self) -> str:
        """The mark-up that mentions this person."""
        return f"<@{self.id}>"


@dataclass(slots=True)
class UserGroup:
    """A user group such as `@sre`."""

    id: str
    handle: str
    name: str
    users: list[str]


@dataclass(slots=True)
class Bookmark:
    """A link at the top of a channel."""

    id: str
    channel_id: str
    title: str
    link: str
    emoji: str = ""
    created: int = 0


@dataclass(slots=True)
class UploadedFile:
    """A file, complete once uploaded and shared; `content` in bytes."""

    id: str
    name: str
    title: str
    user_id: str
    length: int
    created: int
    content: bytes = b""
    complete: bool = False
    channels: list[str] = field(default_factory=list)
    shares: list[tuple[str, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode()


@dataclass(slots=True, eq=False)
class Channel:
    """A conversation with everything in it; `history` also holds notices and thread replies."""

    id: str
    name: str
    kind: Kind
    creator: str
    created: int
    names: Mapping[str, str] = field(repr=False)
    members: list[str] = field(default_factory=list)
    history: "list[Message]" = field(default_factory=list, repr=False)
    pins: "list[Message]" = field(default_factory=list, repr=False)
    pinned_by: dict[str, str] = field(default_factory=dict, repr=False)
    bookmarks: list[Bookmark] = field(default_factory=list)
    topic: str = ""
    topic_by: str = ""
    purpose: str = ""
    is_archived: bool = False
    is_general: bool = False
    is_external: bool = False
    read_only: bool = False
    previous_names: list[str] = field(default_factory=list)

    def __contains__(self, person: Any) -> bool:
        return getattr(person, "id", person) in self.members

    @property
    def is_private(self) -> bool:
        """Whether only its members can see it."""
        return self.kind is not Kind.PUBLIC

    @property
    def messages(self) -> "list[Message]":
        """What people see in the channel itself: no replies, notices or deleted messages."""
        return [m for m in self.history if m.is_visible and m.is_said and m.in_channel]

    @property
    def everything(self) -> "list[Message]":
        """The same with replies in threads, oldest first."""
        return [m for m in self.history if m.is_visible and m.is_said]

    @property
    def transcript(self) -> str:
        """Everything rendered, for reading a failed test."""
        return "\n\n".join(f"{self.names.get(m.user_id)}: {m.rendered}" for m in self.everything)

    def find_message(self, ts: str) -> "Message | None":
        """Find the message with this `ts`, unless it was deleted."""
        return next((m for m in reversed(self.history) if m.ts == ts and not m.deleted), None)


@dataclass(slots=True, eq=False)
class Message:
    """A message; edits change it, so keep `seen()` for what a client showed before."""

    channel: Channel = field(repr=False)
    ts: str
    user_id: str
    text: str
    blocks: list[Json] = field(default_factory=list, repr=False)
    attachments: list[Json] = field(default_factory=list, repr=False)
    thread_ts: str = ""
    subtype: str = ""
    metadata: Json | None = None
    is_bot: bool = False
    edited: str = ""
    deleted: bool = False
    ephemeral_to: str = ""
    files: list[UploadedFile] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    extra: Json = field(default_factory=dict)

    @property
    def is_visible(self) -> bool:
        """Whether people still see it."""
        return not self.deleted

    @property
    def is_said(self) -> bool:
        """Whether someone said it, as opposed to a notice by Slack."""
        return self.subtype in _SAID

    @property
    def in_channel(self) -> bool:
        """Whether it shows in the channel itself and not only in a thread."""
        return self.thread_ts in ("", self.ts) or self.subtype == "thread_broadcast"

    @property
    def replies(self) -> "list[Message]":
        """The replies in its thread, oldest first."""
        return [
            m
            for m in self.channel.history
            if m.thread_ts == self.ts and m.ts != self.ts and not m.deleted
        ]

    @property
    def rendered(self) -> str:
        """Its blocks (or else its text) as people read them."""
        return render(self, self.channel.names)

    @property
    def buttons(self) -> list[str]:
        """The action ids of its buttons and selects."""
        return [
            element["action_id"]
            for block in self.blocks
            if block["type"] == "actions"
            for element in block["elements"]
        ]

    @property
    def is_pinned(self) -> bool:
        """Whether it is pinned to its channel."""
        return any(pinned.ts == self.ts for pinned in self.channel.pins)

    def seen(self) -> "Message":
        """Copy it as a client shows it now, to press a button after it changes."""
        return replace(self, blocks=copy.deepcopy(self.blocks))


@dataclass(slots=True, eq=False)
class View:
    """A modal or a home tab; `payload` is what the app sent, `values` what was filled in."""

    id: str
    user_id: str
    payload: Json = field(repr=False)
    hash: str
    names: Mapping[str, str] = field(repr=False)
    root_view_id: str = ""
    previous_view_id: str | None = None
    is_open: bool = True
    errors: dict[str, str] = field(default_factory=dict)
    values: Json = field(default_factory=dict)
    choices: dict[str, list[Json]] = field(default_factory=dict, repr=False)

    @property
    def type(self) -> str:
        """`modal` or `home`."""
        return str(self.payload["type"])

    @property
    def title(self) -> str:
        """Its title."""
        return str((self.payload.get("title") or {}).get("text", ""))

    @property
    def callback_id(self) -> str:
        """The app's name for the form."""
        return str(self.payload.get("callback_id") or "")

    @property
    def private_metadata(self) -> str:
        """What the app stored in it."""
        return str(self.payload.get("private_metadata") or "")

    @property
    def blocks(self) -> list[Json]:
        """Its blocks."""
        blocks: list[Json] = self.payload["blocks"]
        return blocks

    @property
    def rendered(self) -> str:
        """The view as people read it."""
        return render(self.payload, self.names)

    def seen(self) -> "View":
        """Copy it as a client shows it now, to submit or press it once it is outdated."""
        return replace(self, payload=copy.deepcopy(self.payload))


class ChangeKind(StrEnum):
    """Kinds of changes that people can see."""

    MESSAGE = "message"
    EDITED = "edited"
    DELETED = "deleted"
    EPHEMERAL = "ephemeral"
    REACTION = "reaction"
    PINNED = "pinned"
    UNPINNED = "unpinned"
    BOOKMARK = "bookmark"
    TOPIC = "topic"
    JOINED = "joined"
    LEFT = "left"
    CREATED = "created"
    ARCHIVED = "archived"
    UNARCHIVED = "unarchived"
    RENAMED = "renamed"
    FILE = "file"
    COMMAND = "command"
    CLICK = "click"
    SUBMIT = "submit"
    VIEW = "view"
    VIEW_CHANGED = "view changed"
    HOME = "home"


@dataclass(frozen=True, slots=True)
class Change:
    """One visible change: kind, person (`@alice`), place (`#incidents`), text."""

    kind: ChangeKind
    who: str
    where: str
    text: str
    message: Message | None = None
    view: View | None = None
    channel: Channel | None = None
    thread_ts: str = ""
