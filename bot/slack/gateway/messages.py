"""Messages: post, update, find, read, pin; and channel bookmarks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.slack.blocks import Message
from bot.slack.errors import SlackPermanent
from bot.slack.gateway.channels import ChannelCalls
from bot.slack.ids import ChannelId, MessageTs, UserId, instant_to_ts, is_user_id
from bot.slack.mentions import tidy_line
from bot.slack.message_content import SharedFile, author_of, file_of, files_of, text_of
from bot.slack.rate_limits import Priority
from bot.slack.truncation import shorten

EFFECT_EVENT_TYPE = "sitrep_effect"
_HISTORY = "conversations.history"
_REPLIES = "conversations.replies"
_NO_THREAD = frozenset({"thread_not_found", "message_not_found"})
_HISTORY_PAGE = 200
# Slack's most for one call.
_THREAD = 999
# We search only messages since an uncertain call; more pages than this mean another problem.
_MOST_HISTORY_PAGES = 10
_MAX_BOOKMARK_TITLE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """Where a message is; if posted to a person's id, `channel` is the direct conversation."""

    channel: ChannelId
    ts: MessageTs


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackMessage:
    """A message as Slack keeps it; `text` is Slack's mrkdwn, wherever the message has it.

    `user_id` is None for integrations; `posted_as` is the name that an integration gave itself.
    """

    channel: ChannelId
    ts: MessageTs
    text: str
    user_id: UserId | None = None
    posted_as: str = ""
    bot_id: str | None = None
    subtype: str | None = None
    thread_ts: MessageTs | None = None
    files: tuple[SharedFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PastMessage:
    """A message in a channel's history: who wrote it, and which effect if it is ours."""

    ts: MessageTs
    user_id: UserId | None = None
    subtype: str | None = None
    effect_id: str | None = None
    replies: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """A link at the top of a channel."""

    id: str
    title: str
    link: str


class MessageCalls(ChannelCalls):
    """Calls about messages in channels, threads and direct conversations."""

    async def post(
        self,
        channel: str,
        message: Message,
        *,
        effect_id: str,
        unfurl: bool = False,
        thread_ts: str | None = None,
        is_broadcast: bool = False,
        priority: Priority = Priority.WORK,
    ) -> Posted:
        """Post a message with the effect's id in its metadata, so that it can be found again.

        `thread_ts` is the message that it replies to; a broadcast reply shows in the channel, too.
        """
        thread = {"thread_ts": thread_ts, "reply_broadcast": is_broadcast} if thread_ts else {}
        answer = await self._call(
            "chat.postMessage",
            {
                "channel": channel,
                **thread,
                **message.payload(),
                "unfurl_links": unfurl,
                "unfurl_media": unfurl,
                "metadata": {
                    "event_type": EFFECT_EVENT_TYPE,
                    # Only an id: anybody in the workspace can read it.
                    "event_payload": {"effect_id": effect_id},
                },
            },
            priority=priority,
        )
        return Posted(channel=ChannelId(str(answer["channel"])), ts=MessageTs(str(answer["ts"])))

    async def update(self, channel: str, ts: str, message: Message) -> None:
        """Replace one of our messages; its metadata stays."""
        await self._call("chat.update", {"channel": channel, "ts": ts, **message.payload()})

    async def delete(self, channel: str, ts: str) -> None:
        """Delete one of our messages, unless it is gone already."""
        done = frozenset({"message_not_found"})
        await self._call("chat.delete", {"channel": channel, "ts": ts}, done=done)

    async def find_posted(
        self, channel: str, *, effect_id: str, oldest: datetime, thread_ts: str | None = None
    ) -> MessageTs | None:
        """Return the ts of the message that an earlier attempt at this effect posted, if any.

        With `thread_ts`, look among the replies to that message.
        """
        place = await self.open_direct(channel) if is_user_id(channel) else channel
        arguments = {
            "channel": place,
            "oldest": instant_to_ts(oldest),
            "inclusive": True,
            "include_all_metadata": True,
            "limit": _HISTORY_PAGE,
        }
        method = _HISTORY
        if thread_ts is not None:
            method, arguments["ts"] = _REPLIES, thread_ts
        try:
            async for page in self._pages(method, arguments, most=_MOST_HISTORY_PAGES):
                for raw in page.get("messages") or ():
                    if _effect_id_of(raw) == effect_id:
                        return MessageTs(str(raw["ts"]))
        except SlackPermanent as error:
            if error.error not in _NO_THREAD:
                raise
        return None

    async def past_messages(
        self, channel: str, *, oldest: datetime | None = None, latest: datetime | None = None
    ) -> list[PastMessage]:
        """Return all messages of a channel in a time, without those in threads."""
        arguments: dict[str, Any] = {
            "channel": channel,
            "include_all_metadata": True,
            "limit": _HISTORY_PAGE,
        }
        if oldest is not None:
            arguments["oldest"] = instant_to_ts(oldest)
        if latest is not None:
            arguments["latest"] = instant_to_ts(latest)
        found: list[PastMessage] = []
        async for page in self._pages(_HISTORY, arguments):
            found += [_past_message(raw) for raw in page.get("messages") or ()]
        return found

    async def past_replies(self, channel: str, ts: str) -> list[PastMessage]:
        """Return the replies in a thread, without those that the channel shows, too."""
        arguments = {"channel": channel, "ts": ts, "include_all_metadata": True, "limit": _THREAD}
        found: list[PastMessage] = []
        try:
            async for page in self._pages(_REPLIES, arguments):
                found += [_past_message(raw) for raw in page.get("messages") or ()]
        except SlackPermanent as error:
            if error.error not in _NO_THREAD:
                raise
        return [one for one in found if one.ts != ts and one.subtype != "thread_broadcast"]

    async def has_file(
        self, channel: str, *, filename: str, oldest: datetime, thread: str | None = None
    ) -> bool:
        """Tell whether a file with this title was shared in a channel since then, or in a thread.

        Files have no metadata, so callers give each upload a unique name.
        """
        arguments = {
            "channel": channel,
            "oldest": instant_to_ts(oldest),
            "inclusive": True,
            "limit": _HISTORY_PAGE,
        }
        async for page in self._pages(_HISTORY, arguments, most=_MOST_HISTORY_PAGES):
            if _holds_file(page, filename):
                return True
        if thread is None:
            return False
        given = {**arguments, "ts": thread, "limit": _THREAD}
        return _holds_file(await self._call(_REPLIES, given, done=_NO_THREAD), filename)

    async def fetch_message(
        self, channel: str, ts: str, *, thread_ts: str | None = None
    ) -> SlackMessage | None:
        """Return a message or a reply in a thread, or None if it is gone.

        A reaction event doesn't say whether its message is a reply. `conversations.replies` finds a
        reply by its own ts.
        """
        window = {"channel": channel, "latest": ts, "oldest": ts, "inclusive": True}
        if thread_ts is None or thread_ts == ts:
            page = await self._call("conversations.history", {**window, "limit": 1})
            found = _message_at(page, channel=channel, ts=ts)
            if found is not None:
                return found
        arguments = {**window, "ts": thread_ts or ts, "limit": _HISTORY_PAGE}
        page = await self._call(_REPLIES, arguments, done=_NO_THREAD)
        return _message_at(page, channel=channel, ts=ts)

    async def permalink(self, channel: str, ts: str) -> str:
        """Return a message's address."""
        arguments = {"channel": channel, "message_ts": ts}
        return str((await self._call("chat.getPermalink", arguments))["permalink"])

    async def pin(self, channel: str, ts: str) -> None:
        """Pin a message, unless it is pinned already."""
        done = frozenset({"already_pinned"})
        await self._call("pins.add", {"channel": channel, "timestamp": ts}, done=done)

    async def unpin(self, channel: str, ts: str) -> None:
        """Unpin a message, unless it isn't pinned or is gone."""
        done = frozenset({"no_pin", "not_pinned", "message_not_found"})
        await self._call("pins.remove", {"channel": channel, "timestamp": ts}, done=done)

    async def add_reaction(self, channel: str, ts: str, emoji: str) -> None:
        """Put our reaction on a message, unless it is there."""
        arguments = {"channel": channel, "timestamp": ts, "name": emoji}
        await self._call("reactions.add", arguments, done=frozenset({"already_reacted"}))

    async def remove_reaction(self, channel: str, ts: str, emoji: str) -> None:
        """Take our reaction off a message, unless it isn't there or the message is gone."""
        arguments = {"channel": channel, "timestamp": ts, "name": emoji}
        done = frozenset({"no_reaction", "message_not_found"})
        await self._call("reactions.remove", arguments, done=done)

    async def list_bookmarks(self, channel: str) -> tuple[Bookmark, ...]:
        """Return a channel's bookmarks."""
        answer = await self._call("bookmarks.list", {"channel_id": channel})
        return tuple(_bookmark(raw) for raw in answer.get("bookmarks") or ())

    async def add_bookmark(self, channel: str, *, title: str, link: str) -> Bookmark:
        """Add a link at the top of a channel; look for it first: Slack accepts duplicates."""
        shown = shorten(tidy_line(title) or link, _MAX_BOOKMARK_TITLE)
        arguments = {"channel_id": channel, "title": shown, "type": "link", "link": link}
        return _bookmark((await self._call("bookmarks.add", arguments))["bookmark"])

    async def post_ephemeral(self, channel: str, user: str, message: Message) -> None:
        """Show a message in a channel to one person, at most once."""
        arguments = {"channel": channel, "user": user, **message.payload()}
        await self._call("chat.postEphemeral", arguments, priority=Priority.PERSON)

    async def respond(
        self, response_url: str, message: Message, *, replace_original: bool = False
    ) -> None:
        """Answer a person through their request's address: at most five times in 30 minutes."""
        answer = {
            **message.payload(),
            "response_type": "ephemeral",
            "replace_original": replace_original,
        }
        await self._post_http("response_url", response_url, json=answer)


def _holds_file(page: Mapping[str, Any], filename: str) -> bool:
    return any(
        file_of(shared).name == filename
        for raw in page.get("messages") or ()
        for shared in raw.get("files") or ()
    )


def _effect_id_of(raw: Mapping[str, Any]) -> str | None:
    metadata = raw.get("metadata") or {}
    if metadata.get("event_type") != EFFECT_EVENT_TYPE:
        return None
    return (metadata.get("event_payload") or {}).get("effect_id")


def _past_message(raw: Mapping[str, Any]) -> PastMessage:
    return PastMessage(
        ts=MessageTs(str(raw["ts"])),
        user_id=UserId(str(raw["user"])) if raw.get("user") else None,
        subtype=raw.get("subtype"),
        effect_id=_effect_id_of(raw),
        replies=int(raw.get("reply_count") or 0),
    )


def _message_at(page: Mapping[str, Any], *, channel: str, ts: str) -> SlackMessage | None:
    for raw in page.get("messages") or ():
        if raw.get("ts") == ts:
            return message_of(raw, channel=channel)
    return None


def message_of(raw: Mapping[str, Any], *, channel: str) -> SlackMessage:
    """Return a message from Slack's own object, as in answers, events and shortcuts."""
    return SlackMessage(
        channel=ChannelId(channel),
        ts=MessageTs(str(raw["ts"])),
        text=text_of(raw),
        user_id=UserId(str(raw["user"])) if raw.get("user") else None,
        posted_as=author_of(raw),
        bot_id=raw.get("bot_id"),
        subtype=raw.get("subtype"),
        thread_ts=MessageTs(str(raw["thread_ts"])) if raw.get("thread_ts") else None,
        files=files_of(raw),
    )


def _bookmark(raw: Mapping[str, Any]) -> Bookmark:
    return Bookmark(
        id=str(raw["id"]), title=str(raw.get("title") or ""), link=str(raw.get("link") or "")
    )
