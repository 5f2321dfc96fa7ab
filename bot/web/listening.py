"""Listens on an address, with bounds on time, size and number before we know who is calling.

What aiohttp says of broken requests is one debug line: anybody can send them.
"""

import asyncio
import contextlib
import logging
from typing import Any, Final

import structlog
from aiohttp import web

from bot.web.routes import Handler

MOST_CONNECTIONS: Final = 512
# From connecting to the end of the first request's headers.
HEAD_SECONDS: Final = 10.0
# Longer than proxies keep idle connections (nginx and AWS: 60 s): they must be the ones to close.
KEEPALIVE_SECONDS: Final = 75.0
_MOST_HEADERS: Final = 64
_FULL: Final = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

log = structlog.get_logger(__name__)


class Listening:
    """Serves an application on an address."""

    def __init__(self, app: web.Application) -> None:
        """Store the application, and watch for its first requests."""
        self.head_seconds = HEAD_SECONDS
        self.most_connections = MOST_CONNECTIONS
        app.middlewares.insert(0, self._note_first_request)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_Quiet(logging.getLogger("aiohttp.server")),
            shutdown_timeout=1.0,
            keepalive_timeout=KEEPALIVE_SECONDS,
            lingering_time=1.0,
            max_headers=_MOST_HEADERS,
            # Slack doesn't compress, and a small body can decompress to a huge one.
            auto_decompress=False,
        )
        self._silent: dict[asyncio.BaseProtocol, asyncio.TimerHandle] = {}

    async def start(self, stack: contextlib.AsyncExitStack, *, host: str, port: int) -> str:
        """Listen until the stack is closed; return the URL. Raises: OSError."""
        await self._runner.setup()
        stack.push_async_callback(self._runner.cleanup)
        server = await asyncio.get_running_loop().create_server(self._connect, host, port)
        stack.callback(server.close)
        bound, number = server.sockets[0].getsockname()[:2]
        return f"http://{bound}:{number}"

    def _connect(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        if server is None or len(server.connections) >= self.most_connections:
            log.debug("connection_refused", reason="too many")
            return _Full()
        protocol = server()
        loop = asyncio.get_running_loop()
        self._silent[protocol] = loop.call_later(self.head_seconds, self._hang_up, protocol)
        return protocol

    def _hang_up(self, protocol: web.RequestHandler) -> None:
        del self._silent[protocol]
        if protocol.transport is not None:
            log.debug("connection_closed", reason="no request in time")
            protocol.force_close()

    @web.middleware
    async def _note_first_request(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        timer = self._silent.pop(request.protocol, None)
        if timer is not None:
            timer.cancel()
        return await handler(request)


class _Full(asyncio.Protocol):
    """Answers a connection that is one too many, and closes it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        transport.write(_FULL)
        transport.close()


class _Quiet(logging.LoggerAdapter[logging.Logger]):
    """aiohttp's log: what it can't parse, as one line without traceback."""

    def exception(self, msg: object, *args: object, **more: Any) -> None:
        error = more.get("exc_info")
        log.debug("request_broken", error=type(error).__name__)
