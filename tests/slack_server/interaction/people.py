"""People of the workspace: what they do, and what they see then."""

import html
import re
import uuid
from typing import Any

from tests.slack_server.interaction import channel_actions, forms, message_actions
from tests.slack_server.interaction.forms import CannotDoError
from tests.slack_server.interaction.interactions import Choice, Stage
from tests.slack_server.interaction.message_actions import Draft
from tests.slack_server.interaction.outcome import Outcome
from tests.slack_server.state import Channel, Kind, Message, UploadedFile, User, View
from tests.slack_server.workspace import Workspace

Place = Channel | str

_HANDLE = re.compile(r"(?<![\w&])([@#])([\w.-]*\w)")
_BROADCASTS = {"here", "channel", "everyone"}


class Person:
    """Someone who uses Slack; every method acts as they would, and waits for the app's answer."""

    def __init__(self, user: User, stage: Stage) -> None:
        self.user = user
        self._stage = stage

    def __repr__(self) -> str:
        return f"@{self.user.name}"

    @property
    def id(self) -> str:
        """Their `U…` id."""
        return self.user.id

    @property
    def name(self) -> str:
        """Their handle."""
        return self.user.name

    @property
    def mention(self) -> str:
        """The mark-up that mentions them."""
        return self.user.mention

    @property
    def ephemerals(self) -> list[Message]:
        """Private messages that only they see, oldest first."""
        shown = self._ws.ephemerals
        return [m for m in shown if m.ephemeral_to == self.id and not m.deleted]

    # commands, forms, buttons

    async def command(self, line: str, *, channel: Place = "general") -> Outcome:
        """Type a slash command, e.g. `/incident declare sev2 Checkout errors`."""
        name, _, text = line.partition(" ")
        place = self._seen(channel)
        escaped = self._formatted(text.strip(), labelled=True)
        return await self._stage.command(self.user, name, escaped, place)

    async def click(self, where: Message | View, action: str, value: Any = None) -> Outcome:
        """Press or choose in a message, form or home tab, by action id or visible label.

        `value` picks one of several like buttons, or is the choice in a select.
        Raises: CannotDoError if it isn't there.
        """
        if isinstance(where, Message) and where.ephemeral_to not in ("", self.id):
            raise CannotDoError(f"{self!r} doesn't see this message")
        if isinstance(where, Message) and where.channel.is_private:
            self._seen(where.channel)
        placed = forms.get_pressed(where.blocks, action, value)
        return await self._stage.press(self.user, where, placed, value)

    async def submit(self, view: View, values: dict[str, Any] | None = None) -> Outcome:
        """Fill in and submit a form; fields by block id, action id or label.

        Raises: CannotDoError if the form is closed or its client-side checks refuse.
        """
        if not view.is_open:
            raise CannotDoError(f"the form {view.title!r} is no longer open")
        return await self._stage.submit(self.user, view, values or {})

    async def fills(self, view: View, values: dict[str, Any]) -> None:
        """Fill in fields of a form without submitting it."""
        await self._stage.fill(self.user, view, values)

    async def close(self, view: View) -> Outcome:
        """Close a form without submitting it."""
        return await self._stage.close(self.user, view)

    async def suggestions(self, where: Message | View, action: str, text: str = "") -> list[Choice]:
        """Type into an external select and see what it offers."""
        placed = forms.get_field(where.blocks, action)
        return await self._stage.suggestions(self.user, where, placed, text)

    async def shortcut(self, callback_id: str) -> Outcome:
        """Run a global shortcut."""
        return await self._stage.shortcut(self.user, callback_id, None)

    async def message_shortcut(self, callback_id: str, message: Message) -> Outcome:
        """Run a shortcut on a message."""
        return await self._stage.shortcut(self.user, callback_id, message)

    async def opens_home(self, tab: str = "home") -> View | None:
        """Open the app's home tab; return what it shows once the app has answered."""
        ws = self._ws
        async with self._waiting():
            event = {
                "type": "app_home_opened",
                "user": self.id,
                "channel": ws.open_dm(self.id).id,
                "tab": tab,
            }
            ws.emit(event)
        return ws.homes.get(self.id)

    # talking

    async def says(
        self,
        text: str,
        channel: Place = "general",
        *,
        thread: Message | None = None,
        broadcast: bool = False,
    ) -> Message:
        """Write a message; `@handle` and `#channel` become mentions."""
        place = self._entered(thread.channel if thread else channel)
        draft = Draft(
            text=self._formatted(text),
            thread_ts=(thread.thread_ts or thread.ts) if thread else "",
            broadcast=broadcast,
            extra={"client_msg_id": str(uuid.uuid4()), "team": self.user.team_id},
        )
        async with self._waiting():
            return message_actions.post(self._ws, place, self.user, draft)

    async def edits(self, message: Message, text: str) -> None:
        """Change one of their messages."""
        self._own(message)
        async with self._waiting():
            message_actions.edit(self._ws, message, {"text": self._formatted(text)})

    async def deletes(self, message: Message) -> None:
        """Delete one of their messages."""
        self._own(message)
        async with self._waiting():
            message_actions.delete(self._ws, message)

    async def reacts(self, message: Message, emoji: str) -> None:
        """Add a reaction."""
        self._entered(message.channel)
        async with self._waiting():
            message_actions.react(self._ws, message, self.user, emoji.strip(":"))

    async def unreacts(self, message: Message, emoji: str) -> None:
        """Remove their reaction."""
        async with self._waiting():
            name = emoji.strip(":")
            message_actions.react(self._ws, message, self.user, name, remove=True)

    async def pins(self, message: Message) -> None:
        """Pin a message."""
        self._entered(message.channel)
        async with self._waiting():
            message_actions.pin(self._ws, message, self.user)

    async def unpins(self, message: Message) -> None:
        """Unpin a message."""
        async with self._waiting():
            message_actions.pin(self._ws, message, self.user, remove=True)

    async def shares_file(
        self,
        name: str,
        content: bytes | str,
        channel: Place = "general",
        *,
        comment: str = "",
        thread: Message | None = None,
    ) -> Message:
        """Share a file in a channel."""
        ws, raw = self._ws, content.encode() if isinstance(content, str) else content
        place = self._entered(thread.channel if thread else channel)
        file = UploadedFile(
            ws.ids.mint("F"), name, name, self.id, len(raw), ws.epoch, raw, complete=True
        )
        ws.files[file.id] = file
        draft = Draft(
            self._formatted(comment),
            thread_ts=(thread.thread_ts or thread.ts) if thread else "",
        )
        async with self._waiting():
            return message_actions.share_files(ws, place, self.user, [file], draft)

    # channels

    async def creates_channel(self, name: str, *, private: bool = False) -> Channel:
        """Create a channel."""
        async with self._waiting():
            return channel_actions.create(self._ws, name, self.user, private=private)

    async def joins(self, channel: Place) -> None:
        """Join a channel that they can see."""
        place = self._seen(channel)
        async with self._waiting():
            channel_actions.join(self._ws, place, self.user)

    async def leaves(self, channel: Place) -> None:
        """Leave a channel."""
        place = self._entered(channel)
        async with self._waiting():
            channel_actions.leave(self._ws, place, self.user)

    async def invites(self, other: "Person | User", channel: Place) -> None:
        """Invite someone, or the bot, to a channel."""
        place = self._entered(channel)
        async with self._waiting():
            user = self._ws.users[other.id]
            channel_actions.join(self._ws, place, user, inviter=self.user)

    async def kicks(self, other: "Person | User", channel: Place) -> None:
        """Remove someone, or the bot, from a channel."""
        place = self._entered(channel)
        async with self._waiting():
            channel_actions.leave(self._ws, place, self._ws.users[other.id], actor=self.user)

    async def archives(self, channel: Place) -> None:
        """Archive a channel."""
        place = self._entered(channel)
        async with self._waiting():
            channel_actions.set_archived(self._ws, place, self.user, archived=True)

    async def unarchives(self, channel: Place) -> None:
        """Unarchive a channel."""
        place = self._seen(channel)
        async with self._waiting():
            channel_actions.set_archived(self._ws, place, self.user, archived=False)

    async def converts(self, channel: Place, *, private: bool, tells: bool = True) -> None:
        """Make a channel private or public; without `tells`, no event says so."""
        place = self._entered(channel)
        async with self._waiting():
            channel_actions.convert(self._ws, place, self.user, private=private, tells=tells)

    async def deletes_channel(self, channel: Place) -> None:
        """Delete a channel."""
        place = self._seen(channel)
        async with self._waiting():
            channel_actions.delete(self._ws, place, self.user)

    async def renames(self, channel: Place, name: str) -> None:
        """Rename a channel."""
        place = self._entered(channel)
        async with self._waiting():
            channel_actions.rename(self._ws, place, self.user, name)

    async def sets_topic(self, channel: Place, topic: str) -> None:
        """Change a channel's topic by hand."""
        place = self._entered(channel)
        async with self._waiting():
            channel_actions.set_topic(self._ws, place, self.user, topic)

    # how

    @property
    def _ws(self) -> Workspace:
        return self._stage.backend.ws

    def _waiting(self) -> "_FirstAnswers":
        return _FirstAnswers(self._stage)

    def _seen(self, place: Place) -> Channel:
        if self.user.deleted:
            raise CannotDoError(f"{self!r} is deactivated")
        channel = place if isinstance(place, Channel) else self._ws.find_channel(place)
        if channel is None or (channel.is_private and self.id not in channel.members):
            raise CannotDoError(f"{self!r} sees no channel {place!r}")
        return channel

    def _entered(self, place: Place) -> Channel:
        channel = self._seen(place)
        if self.id not in channel.members:
            raise CannotDoError(f"{self!r} is not in {self._ws.place(channel)}")
        if channel.is_archived:
            raise CannotDoError(f"{self._ws.place(channel)} is archived")
        return channel

    def _own(self, message: Message) -> None:
        if message.user_id != self.id:
            raise CannotDoError(f"the message isn't by {self!r}")

    def _formatted(self, text: str, *, labelled: bool = False) -> str:
        """Escape a text as Slack's clients do; commands carry names beside the ids."""

        def reference(match: re.Match[str]) -> str:
            sign, name = match.groups()
            if sign == "#":
                channel = self._ws.find_channel(name)
                if channel and channel.kind is Kind.PRIVATE and labelled:
                    return f"<#{channel.id}|>"  # its name is for members, not for apps
                known = channel and channel.kind is Kind.PUBLIC
                return f"<#{channel.id}|{name}>" if channel and known else match[0]
            if name in _BROADCASTS:
                return f"<!{name}>"
            user = self._ws.find_user(name)
            if user:
                return f"<@{user.id}|{user.name}>" if labelled else user.mention
            group = next((g for g in self._ws.groups.values() if g.handle == name), None)
            return f"<!subteam^{group.id}|@{name}>" if group else match[0]

        return _HANDLE.sub(reference, html.escape(text, quote=False))


class _FirstAnswers:
    """On leaving, waits until the app has answered the events that the block caused."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._mark = 0

    async def __aenter__(self) -> None:
        self._mark = len(self._stage.deliveries.log)

    async def __aexit__(self, *failure: object) -> None:
        await self._stage.deliveries.first_answers(self._mark)
