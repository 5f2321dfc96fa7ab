"""ntfy's publishing as JSON, with its limits, and a phone that presses buttons (docs/publish.md)."""

import re
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.pager_servers.server import Asked, PagerServer, Wrong

_TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
_KNOWN = {"topic", "title", "message", "priority", "tags", "click", "actions"}


@dataclass(frozen=True, slots=True)
class Pushed:
    """A message as the phone shows it."""

    id: str
    topic: str
    title: str
    text: str
    priority: int
    click: str
    buttons: tuple[dict[str, Any], ...]


class NtfyServer(PagerServer):
    """One ntfy server whose topics need this token; `most` messages a day."""

    def __init__(self, *, token: str, most: int = 250) -> None:
        super().__init__()
        self.token = token
        self.most = most
        self.pushed: list[Pushed] = []

    async def answer(self, request: web.Request, asked: Asked) -> tuple[int, object]:
        if request.method not in {"POST", "PUT"} or request.path != "/":
            raise Wrong(404, _error(40401, 404, "page not found"))
        body = asked.body
        if not isinstance(body, dict):
            raise Wrong(400, _error(40024, 400, "invalid request: request body must be valid JSON"))
        if not _TOPIC.fullmatch(str(body.get("topic", ""))):
            raise Wrong(400, _error(40009, 400, "invalid request: topic invalid"))
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            raise Wrong(403, _error(40301, 403, "forbidden"))
        if len(self.pushed) >= self.most:
            raise Wrong(429, _error(42908, 429, "limit reached: daily message quota reached"))
        assert set(body) <= _KNOWN, "ntfy would ignore this"
        pushed = self._message(body)
        self.pushed.append(pushed)
        return 200, {"id": pushed.id, "event": "message", "topic": pushed.topic}

    async def press(self, pushed: Pushed, label: str, *, method: str = "") -> int:
        """Press a button on the phone; return what the address answered."""
        (button,) = [one for one in pushed.buttons if one["label"] == label]
        method = method or button.get("method", "POST")
        async with self.session.request(method, button["url"]) as response:
            return response.status

    def _message(self, body: dict[str, Any]) -> Pushed:
        priority, text = body.get("priority", 3), body.get("message", "")
        if priority not in range(1, 6):
            raise Wrong(400, _error(40007, 400, "invalid priority parameter"))
        assert len(text.encode()) <= 4096, "ntfy would make an attachment of it"
        buttons = tuple(body.get("actions", ()))
        if len(buttons) > 3 or not all(_is_button(one) for one in buttons):
            raise Wrong(400, _error(40018, 400, "invalid request: actions invalid"))
        return Pushed(
            id=f"m{len(self.pushed) + 1:011}",
            topic=body["topic"],
            title=body.get("title", ""),
            text=text or "triggered",
            priority=priority,
            click=body.get("click", ""),
            buttons=buttons,
        )


def _is_button(one: dict[str, Any]) -> bool:
    return one.get("action") == "http" and bool(one.get("label")) and bool(one.get("url"))


def _error(code: int, http: int, error: str) -> dict[str, object]:
    return {"code": code, "http": http, "error": error, "link": "https://ntfy.sh/docs/"}
