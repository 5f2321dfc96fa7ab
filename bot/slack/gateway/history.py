"""Reading a channel afterwards: its messages, threads and pins as Slack keeps them.

Nobody waits for these calls, so they take only the share of Slack's limits that is left over.
"""

from bot.slack.gateway.calls import Answer, SlackCalls
from bot.slack.rate_limits import Priority

_PAGE = 200
# Slack's most for one call: a thread is read at once, or not to its end.
_THREAD = 999
_GONE = frozenset({"thread_not_found", "message_not_found"})


class HistoryCalls(SlackCalls):
    """Calls that read what was said in a channel; messages are Slack's own objects."""

    async def history_page(
        self, channel: str, *, before: str | None
    ) -> tuple[tuple[Answer, ...], bool]:
        """Return a page of messages before this ts, newest first, and whether there are older ones."""
        arguments = {"channel": channel, "limit": _PAGE, "latest": before}
        page = await self._call("conversations.history", arguments, priority=Priority.SPARE)
        return tuple(page.get("messages") or ()), bool(page.get("has_more"))

    async def thread(self, channel: str, ts: str) -> tuple[Answer, ...]:
        """Return the replies in a thread, oldest first; none if the thread is gone."""
        arguments = {"channel": channel, "ts": ts, "limit": _THREAD}
        page = await self._call(
            "conversations.replies", arguments, done=_GONE, priority=Priority.SPARE
        )
        return tuple(one for one in page.get("messages") or () if one.get("ts") != ts)

    async def pins(self, channel: str) -> tuple[Answer, ...]:
        """Return what is pinned in a channel: who pinned it when, and the message."""
        answer = await self._call("pins.list", {"channel": channel}, priority=Priority.SPARE)
        return tuple(answer.get("items") or ())
