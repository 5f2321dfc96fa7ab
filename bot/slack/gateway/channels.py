"""Channels: create, find, invite, describe, archive."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.slack.errors import SlackPermanent
from bot.slack.gateway.calls import SlackCalls
from bot.slack.ids import ChannelId, UserId, is_channel_id
from bot.slack.mentions import tidy_line
from bot.slack.truncation import shorten

_MOST_INVITED = 100
_PAGE = 200
_LARGE_PAGE = 999
_MAX_TOPIC = 250
_KINDS = "public_channel,private_channel"
# Slack's clock and ours may differ, and `created` has whole seconds.
_CLOCK_SLACK = timedelta(minutes=2)

_ALREADY_IN = frozenset({"already_in_channel", "cant_invite_self"})
_NOT_FOUND = frozenset({"channel_not_found"})
# Errors about the invited person; all others are about the channel or us.
_INVITEE_ERRORS = frozenset(
    {
        "already_in_channel",
        "cant_invite",
        "cant_invite_self",
        "invitee_cant_see_channel",
        "no_external_invite_permission",
        "no_user",
        "org_user_not_in_team",
        "ura_max_channels",
        "user_disabled",
        "user_is_restricted",
        "user_is_ultra_restricted",
        "user_not_found",
        "users_not_found",
        "user_team_not_in_channel",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel as Slack describes it."""

    id: ChannelId
    name: str
    is_private: bool = False
    is_archived: bool = False
    is_member: bool = False
    # Also with another workspace of the same organisation.
    is_shared: bool = False
    # With another organisation.
    has_strangers: bool = False
    is_general: bool = False
    creator: UserId | None = None
    created_at: datetime | None = None
    topic: str = ""
    topic_by: UserId | None = None
    purpose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteOutcome:
    """The result of one invitation; `error` is Slack's code, None if the person is in."""

    user_id: UserId
    error: str | None = None


class ChannelCalls(SlackCalls):
    """Calls about channels and who is in them."""

    _own_user_id: UserId | None = None

    async def create_channel(self, name: str, *, private: bool) -> Channel:
        """Create a channel with the bot in it. Raises: SlackPermanent `name_taken` and others."""
        answer = await self._call(
            "conversations.create",
            {"name": name, "is_private": private, "team_id": self.team_id},
        )
        return _channel(answer["channel"])

    async def find_own_channel(self, name: str, *, created_after: datetime) -> Channel | None:
        """Return the channel that the bot created under this name since then, or None."""
        own = await self._get_own_user_id()
        earliest = created_after - _CLOCK_SLACK
        arguments = {"types": _KINDS, "limit": _PAGE, "team_id": self.team_id}
        async for channel in self._channels("users.conversations", arguments):
            if channel.name != name or channel.creator != own:
                continue
            if channel.created_at is not None and channel.created_at >= earliest:
                return channel
        return None

    async def find_channel(self, name_or_id: str) -> Channel | None:
        """Return a channel by id, or by name with or without `#`, if the bot can see it."""
        wanted = name_or_id.strip().removeprefix("#")
        if is_channel_id(wanted):
            return await self._find_by_id(wanted)
        arguments = {
            "types": _KINDS,
            "limit": _LARGE_PAGE,
            "exclude_archived": True,
            "team_id": self.team_id,
        }
        async for channel in self._channels("conversations.list", arguments):
            if channel.name == wanted:
                return channel
        return None

    async def all_channels(self) -> AsyncIterator[Channel]:
        """Yield every channel that the bot can see, archived ones too."""
        arguments = {"types": _KINDS, "limit": _LARGE_PAGE, "team_id": self.team_id}
        async for channel in self._channels("conversations.list", arguments):
            yield channel

    async def channel_info(self, channel: str) -> Channel:
        """Return a channel as Slack describes it."""
        answer = await self._call("conversations.info", {"channel": channel})
        return _channel(answer["channel"])

    async def members(self, channel: str) -> tuple[UserId, ...]:
        """Return the ids of a channel's members."""
        found: list[UserId] = []
        arguments = {"channel": channel, "limit": _LARGE_PAGE}
        async for page in self._pages("conversations.members", arguments):
            found.extend(UserId(user) for user in page.get("members") or ())
        return tuple(found)

    async def invite(self, channel: str, users: Sequence[str]) -> tuple[InviteOutcome, ...]:
        """Invite people and return each result; one failed invitation doesn't stop the others.

        Raises:
            SlackFailure: nobody can be invited to the channel, or Slack is unreachable.
        """
        wanted = list(dict.fromkeys(user for user in users if user))
        outcomes: list[InviteOutcome] = []
        for start in range(0, len(wanted), _MOST_INVITED):
            outcomes.extend(await self._invite_some(channel, wanted[start : start + _MOST_INVITED]))
        return tuple(outcomes)

    async def remove(self, channel: str, user: str) -> str | None:
        """Remove somebody from a channel; return Slack's error if it refuses, else None."""
        arguments = {"channel": channel, "user": user}
        try:
            await self._call("conversations.kick", arguments, done=frozenset({"not_in_channel"}))
        except SlackPermanent as refusal:
            return refusal.error
        return None

    async def join(self, channel: str) -> None:
        """Join a public channel."""
        await self._call("conversations.join", {"channel": channel}, done=_ALREADY_IN)

    async def set_topic(self, channel: str, topic: str) -> None:
        """Set the topic, cut to 250 characters."""
        shown = shorten(tidy_line(topic), _MAX_TOPIC)
        await self._call("conversations.setTopic", {"channel": channel, "topic": shown})

    async def archive(self, channel: str) -> None:
        """Archive a channel, unless it is archived already."""
        done = frozenset({"already_archived", "is_archived"})
        await self._call("conversations.archive", {"channel": channel}, done=done)

    async def unarchive(self, channel: str) -> None:
        """Unarchive a channel, if it is archived."""
        done = frozenset({"not_archived"})
        await self._call("conversations.unarchive", {"channel": channel}, done=done)

    async def open_direct(self, user: str) -> ChannelId:
        """Return the id of the direct conversation with a person; open it if needed."""
        answer = await self._call("conversations.open", {"users": user})
        return ChannelId(answer["channel"]["id"])

    async def open_group(self, users: Sequence[str]) -> ChannelId:
        """Return the id of the group conversation with these people; their order doesn't matter."""
        answer = await self._call("conversations.open", {"users": ",".join(sorted(users))})
        return ChannelId(answer["channel"]["id"])

    async def _get_own_user_id(self) -> UserId:
        if self._own_user_id is None:
            answer = await self._call("auth.test")
            self._own_user_id = UserId(str(answer.get("user_id") or ""))
        return self._own_user_id

    async def _find_by_id(self, channel: str) -> Channel | None:
        answer = await self._call("conversations.info", {"channel": channel}, done=_NOT_FOUND)
        return _channel(answer["channel"]) if "channel" in answer else None

    async def _channels(self, method: str, arguments: Mapping[str, Any]) -> AsyncIterator[Channel]:
        async for page in self._pages(method, arguments):
            for raw in page.get("channels") or ():
                yield _channel(raw)

    async def _invite_some(self, channel: str, users: Sequence[str]) -> list[InviteOutcome]:
        if len(users) == 1:
            return [await self._invite_one(channel, users[0])]
        arguments = {"channel": channel, "users": ",".join(users), "force": True}
        try:
            answer = await self._call("conversations.invite", arguments)
        except SlackPermanent as refusal:
            if refusal.error not in _INVITEE_ERRORS:
                raise
            return [await self._invite_one(channel, user) for user in users]
        refused = {entry.get("user"): entry.get("error") for entry in answer.get("errors") or ()}
        return [_invited(user, error=refused.get(user)) for user in users]

    async def _invite_one(self, channel: str, user: str) -> InviteOutcome:
        try:
            await self._call("conversations.invite", {"channel": channel, "users": user})
        except SlackPermanent as refusal:
            if refusal.error not in _INVITEE_ERRORS:
                raise
            return _invited(user, error=refusal.error)
        return _invited(user)


def _invited(user: str, *, error: str | None = None) -> InviteOutcome:
    return InviteOutcome(user_id=UserId(user), error=None if error in _ALREADY_IN else error)


def _channel(raw: Mapping[str, Any]) -> Channel:
    created = raw.get("created")
    return Channel(
        id=ChannelId(str(raw["id"])),
        name=str(raw.get("name") or raw.get("name_normalized") or ""),
        is_private=bool(raw.get("is_private")),
        is_archived=bool(raw.get("is_archived")),
        is_member=bool(raw.get("is_member")),
        is_shared=bool(raw.get("is_ext_shared") or raw.get("is_shared")),
        has_strangers=bool(
            raw.get("is_ext_shared") or (raw.get("is_shared") and not raw.get("is_org_shared"))
        ),
        is_general=bool(raw.get("is_general")),
        creator=UserId(str(raw["creator"])) if raw.get("creator") else None,
        created_at=datetime.fromtimestamp(created, UTC) if isinstance(created, int) else None,
        topic=str((raw.get("topic") or {}).get("value") or ""),
        topic_by=UserId(str((raw.get("topic") or {}).get("creator") or "")) or None,
        purpose=str((raw.get("purpose") or {}).get("value") or ""),
    )
