"""Draws, step by step, everything that somebody sees."""

from collections.abc import Awaitable
from typing import Any

from tests.looks.page import markdown, shot
from tests.slack_server import Change, ChangeKind, Message, SlackServer, View
from tests.slack_server.render import Json

_SHOWN = {ChangeKind.MESSAGE, ChangeKind.EPHEMERAL, ChangeKind.VIEW, ChangeKind.VIEW_CHANGED}
_LATER = {ChangeKind.EDITED, ChangeKind.HOME}


class Camera:
    """Draws what becomes visible in each step: everything new, and edits on request."""

    def __init__(self, bot: Any) -> None:
        """Watch the Slack of a running bot."""
        self._bot = bot
        self._slack: SlackServer = bot.slack
        self._seen: list[Change] = []
        self.parts: list[str] = []
        self._slack.on_change(self._seen.append)

    async def step(self, caption: str, action: Awaitable[Any], *, edits: str = "") -> Any:
        """Do something, settle, and draw the result; also edited messages that contain `edits`."""
        self._seen.clear()
        result = await action
        await self._bot.settle()
        things: list[tuple[Change, Message | View]] = []
        for change in self._seen:
            thing = change.message or change.view
            is_new = change.kind in _SHOWN
            if thing is None or not (is_new or (edits and change.kind in _LATER)):
                continue
            if not is_new and edits not in thing.rendered:
                continue
            if all(thing is not known for _, known in things):
                things.append((change, thing))
        for change, thing in things:
            is_reply = isinstance(thing, Message) and thing.thread_ts
            broadcast = isinstance(thing, Message) and thing.subtype == "thread_broadcast"
            place = "broadcast from a thread in" if broadcast else "thread in" if is_reply else "in"
            self._draw(caption, f"{change.kind} {place} {change.where}", thing)
        if errors := getattr(result, "errors", None):
            self.parts.append(f"<h2>{caption}: errors in fields</h2><div class=card>{errors}</div>")
        return result

    def file(self, name_part: str) -> None:
        """Draw the newest uploaded Markdown file whose name contains this."""
        found = [one for one in self._slack.files if name_part in one.name]
        self.parts.append(f"<h2>{found[-1].name}</h2>{markdown(found[-1].text)}")

    def _draw(self, caption: str, where: str, thing: Message | View) -> None:
        if isinstance(thing, Message) and not thing.is_bot:
            return
        names = thing.names if isinstance(thing, View) else thing.channel.names
        payload: Json = (
            thing.payload
            if isinstance(thing, View)
            else {"text": thing.text, "blocks": thing.blocks}
        )
        self.parts.append(shot(caption, where, payload, names, now=self._bot.clock.now()))
