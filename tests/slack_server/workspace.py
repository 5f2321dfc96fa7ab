"""The workspace without its network: stores and finds everything, and tells of changes."""

import asyncio
import secrets
import string
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any

from tests.slack_server.ids import Clock, Ids, Timestamps
from tests.slack_server.render import Json
from tests.slack_server.state import (
    Change,
    ChangeKind,
    Channel,
    Kind,
    Message,
    SlackError,
    UploadedFile,
    User,
    UserGroup,
    View,
)
from tests.slack_server.validation import Problem

TEAM_ID = "T0EMBEDDED"
APP_ID = "A0EMBEDDED"


class Workspace:
    """State of the embedded Slack, and the two ways out: events to the app, changes to watchers."""

    def __init__(self, clock: Clock, *, bot_name: str = "sitrep") -> None:
        self.clock = clock
        self.ids = Ids()
        self.timestamps = Timestamps(clock)
        self.team_id = TEAM_ID
        self.app_id = APP_ID
        self.domain = "embedded"
        self.enterprise_id = ""  # on Enterprise Grid, "E…"
        self.is_org_wide = False  # whether the token is the organisation's
        self.event_team_id = ""  # the outer `team_id` of events, if not ours
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.groups: dict[str, UserGroup] = {}
        self.files: dict[str, UploadedFile] = {}
        self.views: dict[str, View] = {}
        self.homes: dict[str, View] = {}
        self.ephemerals: list[Message] = []
        self.names: dict[str, str] = {}
        self.violations: list[str] = []
        self.emitters: list[Callable[[Json], None]] = []
        self.watchers: list[Callable[[Change], None]] = []
        self._changed = asyncio.Event()
        self.bot = self.add_user(
            User(self.ids.mint("U"), bot_name, bot_name.title(), TEAM_ID, is_bot=True)
        )
        self.slackbot = self.add_user(User("USLACKBOT", "slackbot", "Slackbot", TEAM_ID))

    @property
    def bot_id(self) -> str:
        """The `B…` id of the app's bot."""
        return f"B{self.bot.id[1:]}"

    @property
    def now(self) -> datetime:
        """The current instant by the given clock."""
        return self.clock()

    @property
    def epoch(self) -> int:
        """The current instant in whole seconds."""
        return int(self.clock().timestamp())

    # storing

    def add_user(self, user: User) -> User:
        """Store a user."""
        self.users[user.id] = user
        self.names[user.id] = f"@{user.name}"
        return user

    def add_group(self, group: UserGroup) -> UserGroup:
        """Store a user group."""
        self.groups[group.id] = group
        self.names[group.id] = f"@{group.handle}"
        return group

    def add_channel(
        self, name: str, *, kind: Kind, creator: str, members: Iterable[str] = ()
    ) -> Channel:
        """Store a new conversation."""
        channel = Channel(
            id=self.ids.mint("D" if kind is Kind.DIRECT else "C"),
            name=name,
            kind=kind,
            creator=creator,
            created=self.epoch,
            names=self.names,
            members=list(dict.fromkeys(members)),
        )
        self.channels[channel.id] = channel
        self.names[channel.id] = f"#{name}"
        return channel

    def new_hash(self) -> str:
        """Make the `hash` of a view's next state."""
        letters = string.ascii_letters + string.digits
        return f"{self.epoch}.{''.join(secrets.choice(letters) for _ in range(8))}"

    # finding

    def find_channel(self, name_or_id: str) -> Channel | None:
        """Find a conversation by id or current name, with or without `#`."""
        if name_or_id in self.channels:
            return self.channels[name_or_id]
        name = name_or_id.removeprefix("#")
        return next((c for c in self.channels.values() if c.name == name and name), None)

    def find_user(self, name_or_id: str) -> User | None:
        """Find a user by id or handle."""
        if name_or_id in self.users:
            return self.users[name_or_id]
        name = name_or_id.removeprefix("@")
        return next((u for u in self.users.values() if u.name == name), None)

    def get_user(self, user_id: str) -> User:
        """Return a user by id.

        Raises: SlackError `user_not_found`.
        """
        user = self.users.get(user_id)
        if user is None:
            raise SlackError("user_not_found")
        return user

    def find_dm(self, user_id: str) -> Channel | None:
        """Find the direct conversation of the bot with a person."""
        wanted = {self.bot.id, user_id}
        direct = (c for c in self.channels.values() if c.kind is Kind.DIRECT)
        return next((c for c in direct if set(c.members) == wanted), None)

    def open_dm(self, user_id: str) -> Channel:
        """Return the direct conversation of the bot with a person; open it if needed."""
        found = self.find_dm(user_id)
        if found:
            return found
        return self.add_channel(
            "", kind=Kind.DIRECT, creator=self.bot.id, members=[self.bot.id, user_id]
        )

    def find_group_dm(self, user_ids: Iterable[str]) -> Channel | None:
        """Find the group conversation of the bot with exactly these people."""
        wanted = {self.bot.id, *user_ids}
        groups = (c for c in self.channels.values() if c.kind is Kind.GROUP_DIRECT)
        return next((c for c in groups if set(c.members) == wanted), None)

    def open_group_dm(self, user_ids: Iterable[str]) -> Channel:
        """Return the group conversation with these people, in any order; open it if new."""
        ids = list(user_ids)
        found = self.find_group_dm(ids)
        if found:
            return found
        name = "mpdm-" + "--".join(self.get_user(user_id).name for user_id in ids)
        members = [self.bot.id, *ids]
        return self.add_channel(name, kind=Kind.GROUP_DIRECT, creator=self.bot.id, members=members)

    def place(self, channel: Channel) -> str:
        """Name a conversation as people would: `#incidents` or `DM @alice`."""
        if channel.kind is not Kind.DIRECT:
            return f"#{channel.name}"
        others = [self.names[m] for m in channel.members if m != self.bot.id]
        return f"DM {others[0] if others else '?'}"

    # telling

    def emit(self, event: Json, channel: Channel | None = None, *, always: bool = False) -> None:
        """Send an event to the app if it can see the channel that it concerns."""
        if channel and not always and self.bot.id not in channel.members:
            return
        for emitter in self.emitters:
            emitter({"event_ts": self.timestamps.next(), **event})

    def notify(
        self,
        kind: ChangeKind,
        *,
        who: str,
        text: str,
        channel: Channel | None = None,
        message: Message | None = None,
        view: View | None = None,
        where: str = "",
        thread_ts: str = "",
    ) -> None:
        """Tell the watchers about something visible; `who` is a user id."""
        place = where or (self.place(channel) if channel else "")
        who_name = self.names.get(who, who)
        change = Change(kind, who_name, place, text, message, view, channel, thread_ts)
        for watcher in list(self.watchers):
            watcher(change)
        self.pulse()

    def pulse(self) -> None:
        """Wake everybody who waits for a condition."""
        self._changed.set()
        self._changed = asyncio.Event()

    def next_pulse(self) -> Coroutine[Any, Any, bool]:
        """Wait for the next change after this call, even one before the waiting starts."""
        return self._changed.wait()

    def reject(self, problems: Iterable[Problem], *, about: str) -> None:
        """Record how the app broke the rules, and refuse the call.

        Raises: SlackError with the first problem's code, if there is any problem.
        """
        found = list(problems)
        if not found:
            return
        texts = [f"{problem.message} [json-pointer:{problem.pointer}]" for problem in found]
        self.violations.extend(f"{about}: {text}" for text in texts)
        raise SlackError(found[0].code, response_metadata={"messages": texts})


def utc_now() -> datetime:
    """The real current instant."""
    return datetime.now(UTC)
