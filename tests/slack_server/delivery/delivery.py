"""Delivers payloads to the app: wraps events, chooses the transport, retries, redelivers."""

import asyncio
import time
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from tests.slack_server.render import Json
from tests.slack_server.workspace import Workspace

ACK_TIMEOUT = 3.0  # seconds
# Slack retries at once, after one minute and after five.
RETRY_DELAYS = (0.0, 60.0, 300.0)


class DeliveryKind(StrEnum):
    """Kinds of payload; the values are Socket Mode's envelope types."""

    EVENT = "events_api"
    COMMAND = "slash_commands"
    INTERACTIVE = "interactive"


@dataclass(frozen=True, slots=True)
class Retry:
    """Which repeat of a delivery this is, and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Ack:
    """How the app answered: `body` as JSON (text becomes `{"text": …}`), `took` in seconds."""

    ok: bool
    status: int = 0
    body: Json | None = None
    took: float = 0.0
    error: str = ""
    no_retry: bool = False


@dataclass(slots=True, eq=False)
class Delivery:
    """One payload on its way, with all attempts so far."""

    kind: DeliveryKind
    payload: Json
    envelope_id: str
    attempts: list[Ack] = field(default_factory=list)
    first: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def event(self) -> Json:
        """The inner event, empty for other kinds."""
        inner: Json = self.payload.get("event") or {}
        return inner

    @property
    def type(self) -> str:
        """Type of the event or interaction, or the command."""
        return str(self.event.get("type") or self.payload.get("type") or self.payload["command"])

    @property
    def acked(self) -> bool:
        """Whether any attempt was acknowledged."""
        return any(attempt.ok for attempt in self.attempts)


class Transport(Protocol):
    """A way to the app."""

    @property
    def is_ready(self) -> bool:
        """Whether there is anyone to deliver to."""

    async def deliver(self, delivery: Delivery, retry: Retry | None, timeout: float) -> Ack:
        """Deliver once and wait for the answer for at most `timeout` seconds."""


class Deliveries:
    """All payloads sent to the app."""

    def __init__(
        self,
        ws: Workspace,
        *,
        transport: Transport,
        subscriptions: Iterable[str] | None,
        retry_delays: tuple[float, ...],
    ) -> None:
        self.transport = transport
        self.log: list[Delivery] = []
        self.ack_timeout = ACK_TIMEOUT
        self.paused = False
        self._ws = ws
        self._subscriptions = None if subscriptions is None else frozenset(subscriptions)
        self._retry_delays = retry_delays
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def under_way(self) -> bool:
        """Whether anything waits for its first answer."""
        return any(not delivery.first.is_set() for delivery in self.log)

    def emit(self, event: Json) -> None:
        """Send an event in the background, with Slack's retries, if the app subscribed to it."""
        if not self._is_subscribed(event):
            return
        delivery = self._new(DeliveryKind.EVENT, self.wrap(event))
        self._start(self._deliver_event(delivery))

    def wrap(self, event: Json) -> Json:
        """Wrap an event as the Events API does."""
        ws = self._ws
        channel = ws.channels.get(str(event.get("channel") or event.get("channel_id")))
        return {
            "token": "verification-token",
            "team_id": ws.event_team_id or ws.team_id,
            "api_app_id": ws.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": ws.ids.mint("Ev"),
            "event_time": ws.epoch,
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": ws.team_id,
                    "user_id": ws.bot.id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": bool(channel and channel.is_external),
            "event_context": ws.ids.mint("4-"),
        }

    async def interact(self, kind: DeliveryKind, payload: Json) -> Ack:
        """Deliver a command or interaction: once, as Slack does."""
        delivery = self._new(kind, payload)
        return await self._attempt(delivery, None)

    async def redeliver(self, delivery: Delivery, *, reason: str = "http_timeout") -> Ack:
        """Deliver the same thing again, with the same ids and retry headers."""
        return await self._attempt(delivery, Retry(max(1, len(delivery.attempts)), reason))

    async def first_answers(self, mark: int) -> None:
        """Wait until everything sent since `mark` (a length of the log) has been tried once."""
        for delivery in self.log[mark:]:
            await delivery.first.wait()

    async def close(self) -> None:
        """Cancel what is still under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _new(self, kind: DeliveryKind, payload: Json) -> Delivery:
        delivery = Delivery(kind, payload, self._ws.ids.mint("E"))
        self.log.append(delivery)
        return delivery

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver_event(self, delivery: Delivery) -> None:
        ack = await self._attempt(delivery, None)
        for number, delay in enumerate(self._retry_delays, start=1):
            if ack.ok or ack.no_retry:
                return
            await asyncio.sleep(delay)
            ack = await self._attempt(delivery, Retry(number, ack.error))

    async def _attempt(self, delivery: Delivery, retry: Retry | None) -> Ack:
        started = time.perf_counter()
        try:
            if self.paused or not self.transport.is_ready:
                ack = Ack(ok=False, error="connection_failed")
            else:
                ack = await self.transport.deliver(delivery, retry, self.ack_timeout)
            taken = Ack(
                ack.ok, ack.status, ack.body, time.perf_counter() - started, ack.error, ack.no_retry
            )
            delivery.attempts.append(taken)
        finally:
            delivery.first.set()
            self._ws.pulse()
        return taken

    def _is_subscribed(self, event: Json) -> bool:
        if self._subscriptions is None:
            return True
        name = str(event["type"])
        if name == "message":
            channel = self._ws.channels[str(event["channel"])]
            name = f"message.{channel.kind.event_suffix}"
        return name in self._subscriptions
