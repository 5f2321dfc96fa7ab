"""What the fakes share: serving, what they were asked, failing when told to, telling us back."""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
from aiohttp import web


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Fault:
    """How the next request fails: with a status, or by hanging up (None), or by silence.

    `took_effect`: what was asked was done all the same.
    """

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    took_effect: bool = False
    is_silent: bool = False


class Wrong(Exception):
    """The real system wouldn't take this; it answers so."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body


class PagerServer:
    """A system on loopback."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.faults: deque[Fault] = deque()
        # Where it tells us what happened.
        self.webhook = ""
        self.is_down = False
        # Asked at each request; see `Fault`.
        self.strikes: Callable[[], Fault | None] | None = None
        self.session: aiohttp.ClientSession

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Self]:
        """Serve until the block ends."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        try:
            async with aiohttp.ClientSession() as self.session:
                yield self
        finally:
            await runner.cleanup()

    def go_down(self) -> None:
        """Answer every request with 503 until it comes back."""
        self.is_down = True

    def come_back(self) -> None:
        """Answer again."""
        self.is_down = False

    def fail(self, status: int | None = None, **how: Any) -> None:
        """Let the next request fail."""
        self.faults.append(Fault(status, **how))

    async def answer(self, request: web.Request, asked: Asked) -> tuple[int, object]:
        """Return the status and the body that the real system answers. Raises: Wrong."""
        raise NotImplementedError

    async def tell(self, body: object, headers: dict[str, str] | None = None) -> int:
        """Post to our webhook as the system does; return the status that we answered."""
        raw = json.dumps(body).encode()
        given = {"Content-Type": "application/json", **self.signed(raw), **(headers or {})}
        async with self.session.post(self.webhook, data=raw, headers=given) as response:
            return response.status

    def signed(self, raw: bytes) -> dict[str, str]:
        """Return the headers that prove a body."""
        return {}

    async def _take(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw
        asked = Asked(request.method, request.path, dict(request.headers), body)
        self.asked.append(asked)
        fault = self.faults.popleft() if self.faults else None
        fault = Fault(503) if self.is_down else fault
        fault = self.strikes() if self.strikes is not None else fault
        if fault is not None and not fault.took_effect:
            return await self._failed(request, fault)
        try:
            status, answer = await self.answer(request, asked)
        except Wrong as wrong:
            status, answer = wrong.status, wrong.body
        if fault is not None:
            return await self._failed(request, fault)
        if isinstance(answer, str):
            return web.Response(status=status, text=answer)
        return (
            web.Response(status=status)
            if answer is None
            else web.json_response(answer, status=status)
        )

    async def _failed(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.is_silent:
            await asyncio.sleep(30)
        if fault.status is None:
            if request.transport is not None:  # who asked may be gone already
                request.transport.abort()
            return web.Response()
        return web.Response(status=fault.status, headers=fault.headers, text=fault.text)
