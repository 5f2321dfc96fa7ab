"""Socket Mode: keeps connections to Slack open, and receives requests over them.

This replaces the SDK's client: it opens the next connection before the old one closes, never
reuses an address, and logs no payload (docs/decisions/0008-own-socket-client.md).

    open ──hello──▶ serving ──disconnect frame──▶ leaving ──Slack closes it──▶ gone
      ▲                │ pong missing, closed        │ a new one is opened at once
      └──── wait ◀─────┘                             ▼
"""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import structlog

from bot.inbound.envelope import Unreadable, parse_json
from bot.inbound.intake import Intake
from bot.slack.errors import SlackFailure, SlackTemporary, SlackUnauthorized

HANDSHAKE_SECONDS = 15.0
# An envelope holds one request; Slack's own limit on views is a quarter of a megabyte.
MOST_BYTES = 4 * 1024 * 1024
SWITCHED_OFF_SECONDS = 60.0
LEAVING_SECONDS = 30.0
# If Slack ends a connection sooner than this, we back off rather than reconnect in a tight loop.
HURRIED_SECONDS = 1.0

log = structlog.get_logger(__name__)

OpenSocket = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketTuning:
    """Connections and their timing; a dead one is noticed after 1.5 times `ping_seconds`."""

    connections: int = 2
    ping_seconds: float = 10.0
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 30.0
    # While no connection takes requests, nobody is heard.
    longest_deaf_seconds: float = 5.0


class SocketMode:
    """Keeps several connections, so that one can be replaced without missing a request."""

    def __init__(
        self, intake: Intake, open_socket: OpenSocket, *, tuning: SocketTuning | None = None
    ) -> None:
        """Store the intake, and `open_socket`, which asks Slack for a new connection's address."""
        self.tuning = tuning or SocketTuning()
        self.refusal: str | None = None
        self._intake = intake
        self._open_socket = open_socket
        self._open: set[_Connection] = set()
        self._keepers: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        # Set once Slack has accepted or refused our token.
        self._known = asyncio.Event()
        self.was_connected = False

    @property
    def connected(self) -> int:
        """Return how many connections take requests."""
        return sum(connection.is_serving for connection in self._open)

    def start(self) -> None:
        """Start connecting; needs a running event loop."""
        # Proxies come from the environment, as for calls.
        self._session = aiohttp.ClientSession(trust_env=True)
        self._keepers = [
            asyncio.create_task(self._keep(number), name=f"socket:{number}")
            for number in range(self.tuning.connections)
        ]

    async def wait_connected(self, *, timeout_seconds: float) -> bool:
        """Wait until we are connected, refused or out of time; tell whether we are connected."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._known.wait(), timeout_seconds)
        return bool(self.connected)

    async def stop(self) -> None:
        """Close all connections; the caller drains pending answers first."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(connection.close() for connection in list(self._open)))
        if self._session is not None:
            await self._session.close()

    async def _keep(self, number: int) -> None:
        """Keep one connection open; reconnect after any failure."""
        failures = 0
        while True:
            started = time.monotonic()
            wait: float | None = None
            try:
                wait = await self._connect_once()
            except SlackFailure as failure:
                wait = self._note_failure(failure)
            except (aiohttp.ClientError, OSError) as error:
                log.info("socket_not_connected", number=number, error=type(error).__name__)
            except Exception:
                log.exception("socket_failed", number=number)
            is_hurried = wait == 0.0 and time.monotonic() - started < HURRIED_SECONDS
            failures = failures + 1 if wait is None or is_hurried else 0
            if wait is None or is_hurried:
                wait = self._backoff(failures)
            await asyncio.sleep(wait)

    async def _connect_once(self) -> float | None:
        """Open a connection and serve it; return the seconds to wait, or None for the backoff."""
        address = await self._open_socket()
        assert self._session is not None  # noqa: S101 - start() came before
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            websocket = await self._session.ws_connect(
                address, heartbeat=self.tuning.ping_seconds, max_msg_size=MOST_BYTES
            )
        self.refusal = None
        connection = _Connection(websocket, self._intake, on_hello=self._note_hello)
        self._open.add(connection)
        connection.start(on_end=self._open.discard)
        reason = await connection.left()
        if reason == "":
            # One that worked is replaced at once: if the network cut both, nobody is heard.
            return 0.0 if connection.has_served else None
        log.info("socket_leaving", reason=reason)
        if reason == "link_disabled":
            log.error("socket_mode_switched_off", todo="switch it on in the app's settings")
            return SWITCHED_OFF_SECONDS
        # Slack asked us to reconnect: do so at once, unless there are too many connections.
        return None if reason == "too_many_websockets" else 0.0

    def _note_hello(self) -> None:
        self.was_connected = True
        self._known.set()

    def _note_failure(self, failure: SlackFailure) -> float | None:
        match failure:
            case SlackUnauthorized(error=error):
                self.refusal = error
                self._known.set()
                log.error("app_token_refused", error=error, todo="check SLACK_APP_TOKEN")
                return self.tuning.longest_wait_seconds
            case SlackTemporary(retry_after=after) if after is not None:
                log.info("socket_rate_limited", seconds=after.total_seconds())
                return after.total_seconds()
            case _:
                log.info("socket_not_connected", error=failure.error)
                return None

    def _backoff(self, failures: int) -> float:
        tuning = self.tuning
        longest = tuning.longest_wait_seconds if self.connected else tuning.longest_deaf_seconds
        doubled: float = tuning.first_wait_seconds * 2 ** min(max(failures - 1, 0), 10)
        return min(doubled, longest) * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret


class _Connection:
    """One WebSocket: reads envelopes, and answers each once it is handled."""

    def __init__(
        self,
        websocket: aiohttp.ClientWebSocketResponse,
        intake: Intake,
        *,
        on_hello: Callable[[], None],
    ) -> None:
        self.is_serving = False
        self.has_served = False
        self._on_hello = on_hello
        self._websocket = websocket
        self._intake = intake
        self._left: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answers: set[asyncio.Task[None]] = set()
        self._reader: asyncio.Task[None] | None = None

    def start(self, *, on_end: Callable[["_Connection"], None]) -> None:
        """Start reading; `on_end` is called when the connection is gone."""
        self._reader = asyncio.create_task(self._read())
        self._reader.add_done_callback(lambda _: on_end(self))

    async def left(self) -> str:
        """Wait until the connection needs replacing; return Slack's reason, "" if it just ended."""
        return await asyncio.shield(self._left)

    async def close(self) -> None:
        """Close the connection."""
        self.is_serving = False
        await self._websocket.close()
        if self._reader is not None:
            await asyncio.wait({self._reader}, timeout=1)

    async def _read(self) -> None:
        try:
            async for frame in self._websocket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    self._take(frame.data)
        finally:
            self.is_serving = False
            self._leave("")

    def _take(self, text: str) -> None:
        try:
            frame = parse_json(text)
        except Unreadable:
            log.warning("socket_frame_unreadable", length=len(text))
            return
        match frame:
            case {"type": "hello"}:
                self.is_serving = self.has_served = True
                self._on_hello()
                log.info("socket_connected", connections=frame.get("num_connections"))
            case {"type": "disconnect"}:
                self._leave(str(frame.get("reason") or "refresh_requested"))
            case {"envelope_id": str(envelope_id), "payload": dict()}:
                self._spawn(self._answer(envelope_id, frame))
            case _:
                log.info("socket_frame_unknown", length=len(text))

    def _leave(self, reason: str) -> None:
        if not self._left.done():
            self._left.set_result(reason)
        if reason:
            # Slack closes it. If it doesn't, we do, once answers have had time to go out.
            self._spawn(self._close_later())

    async def _close_later(self) -> None:
        await asyncio.sleep(LEAVING_SECONDS)
        await self._websocket.close()

    def _spawn(self, work: Awaitable[None]) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _answer(self, envelope_id: str, frame: Mapping[str, Any]) -> None:
        """Handle one envelope; ack only on success, so that Slack redelivers a failed one."""
        try:
            response = await self._intake.take(frame["payload"], _retry_headers(frame))
        except Exception:
            log.exception("envelope_failed", kind=str(frame.get("type")))
            return
        if response.status != HTTPStatus.OK:
            log.info("envelope_not_acknowledged", status=response.status)
            return
        ack: dict[str, Any] = {"envelope_id": envelope_id}
        if response.body:
            ack["payload"] = _payload(response.body)
        try:
            await self._websocket.send_str(json.dumps(ack))
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            log.info("ack_lost", error=type(error).__name__)


def _retry_headers(frame: Mapping[str, Any]) -> dict[str, Any]:
    """Return the retry headers that HTTP would have; a repeated request changes nothing."""
    headers = {
        "x-slack-retry-num": frame.get("retry_attempt"),
        "x-slack-retry-reason": frame.get("retry_reason"),
    }
    return {name: str(value) for name, value in headers.items() if value}


def _payload(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {"text": body}
