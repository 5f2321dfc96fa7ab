"""A Web API method: its table entry, and a call of it with its arguments."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from tests.slack_server.backend import Backend
from tests.slack_server.render import Json
from tests.slack_server.state import Channel, Kind, Message, SlackError, User

_TRUE = {"1", "true", "True"}
_CONVERSATION_PREFIXES = tuple(kind.scope_prefix for kind in Kind)


class Access(IntEnum):
    """What a method needs of its channel, each level including the ones before."""

    NONE = 0
    SEEN = 1
    MEMBER = 2
    WRITABLE = 3


@dataclass(frozen=True, slots=True)
class Method:
    """A method's name, handler, rate tier and checks; `scopes` are alternatives."""

    name: str
    run: "Callable[[Call], Json]"
    tier: int
    scopes: tuple[str, ...] = ()
    access: Access = Access.NONE
    channel_arg: str = "channel"
    archived: str = "is_archived"
    required: tuple[str, ...] = ()
    serial: str = ""
    for_app_token: bool = False


def method(name: str, *, tier: int, **spec: Any) -> "Callable[[Callable[[Call], Json]], Method]":
    """Make a table entry of a handler."""

    def wrap(run: "Callable[[Call], Json]") -> Method:
        return Method(name, run, tier, **spec)

    return wrap


class Call:
    """One call, and its arguments however they were sent."""

    def __init__(self, backend: Backend, spec: Method, args: Json) -> None:
        self.backend = backend
        self.ws = backend.ws
        self.bot = backend.ws.bot
        self.args = args
        self._spec = spec
        self._channel: Channel | None = None

    @property
    def channel(self) -> Channel:
        """The channel that the call is about, after its checks."""
        if self._channel is None:
            raise SlackError("channel_not_found")
        return self._channel

    def check(self) -> None:
        """Run the checks of the table entry.

        Raises: SlackError with Slack's code.
        """
        for name in self._spec.required:
            if self.args.get(name) in (None, ""):
                texts = [f"[ERROR] missing required field: {name}"]
                raise SlackError("invalid_arguments", response_metadata={"messages": texts})
        if self._spec.access is Access.NONE:
            self.need_scope(*self._spec.scopes)
            return
        self._channel = self.seen_channel(self.text(self._spec.channel_arg))
        self.need_scope(*self._scopes_for(self._channel))
        self.check_access(self._channel)

    def check_access(self, channel: Channel) -> None:
        """Check membership and archival as the method needs them.

        Raises: SlackError `not_in_channel` or the method's code for archived channels.
        """
        if self._spec.access >= Access.MEMBER and self.bot.id not in channel.members:
            raise SlackError("not_in_channel")
        if self._spec.access >= Access.WRITABLE and channel.is_archived:
            raise SlackError(self._spec.archived)

    def use_channel(self, channel: Channel) -> None:
        """Set the channel that the call is about."""
        self._channel = channel

    def need_scope(self, *alternatives: str) -> None:
        """Require one of these scopes.

        Raises: SlackError `missing_scope`.
        """
        granted = self.backend.scopes
        if alternatives and not granted.intersection(alternatives):
            needed, provided = ",".join(alternatives), ",".join(sorted(granted))
            raise SlackError("missing_scope", needed=needed, provided=provided)

    def seen_channel(self, channel_id: str) -> Channel:
        """Return a conversation that the bot can see, by id only.

        Raises: SlackError `channel_not_found`.
        """
        channel = self.ws.channels.get(channel_id)
        if channel is None or (channel.is_private and self.bot.id not in channel.members):
            raise SlackError("channel_not_found")
        return channel

    def message(self, ts_arg: str) -> Message:
        """Return the message that `ts_arg` names in the call's channel.

        Raises: SlackError `message_not_found`.
        """
        found = self.channel.find_message(self.text(ts_arg))
        if found is None:
            raise SlackError("message_not_found")
        return found

    def user(self, name: str = "user") -> User:
        """Return the user that an argument names.

        Raises: SlackError `user_not_found`.
        """
        return self.ws.get_user(self.text(name))

    def user_of(self, user_id: str) -> User:
        """Return a user by id.

        Raises: SlackError `user_not_found`.
        """
        return self.ws.get_user(user_id)

    def text(self, name: str, default: str = "") -> str:
        """Read a string."""
        value = self.args.get(name)
        return default if value is None else str(value)

    def flag(self, name: str) -> bool:
        """Read a boolean."""
        return str(self.args.get(name, "")) in _TRUE

    def number(self, name: str, *, default: int, most: int) -> int:
        """Read a whole number from 1 to `most`.

        Raises: SlackError `invalid_limit`.
        """
        raw = self.text(name)
        if not raw:
            return default
        if not raw.isdigit() or not 1 <= int(raw) <= most:
            raise SlackError("invalid_limit")
        return int(raw)

    def words(self, name: str) -> list[str]:
        """Read a list, comma-separated or JSON."""
        value = self.args.get(name)
        if isinstance(value, list):
            return [str(item) for item in value]
        return [word.strip() for word in str(value or "").split(",") if word.strip()]

    def struct(self, name: str, *, default: Any, code: str = "invalid_arguments") -> Any:
        """Read JSON, even if it was sent as a string.

        Raises: SlackError `code` if it isn't JSON.
        """
        value = self.args.get(name)
        if value is None or value == "":
            return default
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(code) from None

    def _scopes_for(self, channel: Channel) -> tuple[str, ...]:
        own = channel.kind.scope_prefix
        return tuple(
            scope
            for scope in self._spec.scopes
            if scope.startswith(own) or not scope.startswith(_CONVERSATION_PREFIXES)
        )


def page(items: list[Any], call: Call, *, default: int, most: int) -> tuple[list[Any], Json]:
    """Cut a list to the page that `cursor` and `limit` ask for, with the answer's metadata.

    Raises: SlackError `invalid_cursor`, `invalid_limit`.
    """
    limit = call.number("limit", default=default, most=most)
    cursor = call.text("cursor", "at:0")
    if not cursor.removeprefix("at:").isdigit():
        raise SlackError("invalid_cursor")
    start = int(cursor.removeprefix("at:"))
    following = f"at:{start + limit}" if start + limit < len(items) else ""
    return items[start : start + limit], {"response_metadata": {"next_cursor": following}}
