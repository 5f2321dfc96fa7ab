"""How tests make the embedded Slack fail, and how they send the app raw requests."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

from tests.slack_server.backend import Backend
from tests.slack_server.delivery.delivery import Ack, Deliveries, Delivery
from tests.slack_server.delivery.faults import Fault, FaultKind, Faults, Match
from tests.slack_server.delivery.http_delivery import FORM_TYPE, JSON_TYPE, HttpTransport, sign
from tests.slack_server.delivery.socket_mode import SocketHub
from tests.slack_server.render import Json

FOREVER = float("inf")


class Failures:
    """The half of the server that fails on command."""

    backend: Backend
    faults: Faults
    sockets: SocketHub
    deliveries: Deliveries

    # the Web API

    def fail(
        self,
        method: str,
        *,
        error: str = "",
        status: int = 0,
        retry_after: int = 0,
        times: float = 1,
        match: Match | None = None,
        after: bool = False,
        **extra: Any,
    ) -> Fault:
        """Answer the next calls of a method (`*`: all) with an error, e.g. `name_taken`.

        With `status` alone the body isn't JSON; `after` lets the call take effect first;
        `match` checks the arguments; `error="ratelimited"` takes `retry_after`.
        """
        return self.faults.plan(
            Fault(
                method,
                FaultKind.ANSWER,
                times,
                match,
                error=error,
                status=status or (200 if error else 500),
                retry_after=retry_after or (1 if error == "ratelimited" else 0),
                after=after,
                extra=extra,
            )
        )

    def drop(
        self, method: str, *, after: bool = False, times: float = 1, match: Match | None = None
    ) -> Fault:
        """Drop the connection of the next calls, before or after they took effect."""
        return self.faults.plan(Fault(method, FaultKind.DROP, times, match, after=after))

    def hang(
        self, method: str, *, after: bool = False, times: float = 1, match: Match | None = None
    ) -> Fault:
        """Never answer the next calls, until `heal()` or `release()`."""
        return self.faults.plan(Fault(method, FaultKind.HANG, times, match, after=after))

    def hold(
        self, method: str, *, drop: bool = False, times: float = 1, match: Match | None = None
    ) -> Fault:
        """Carry the next calls out only at `release()`; with `drop`, don't answer them then."""
        return self.faults.plan(Fault(method, FaultKind.HOLD, times, match, after=drop))

    def release(self) -> None:
        """Drop the calls that hang at this moment, and carry out those that are held."""
        self.faults.release()

    def delay(self, method: str, seconds: float) -> None:
        """Make one method slow."""
        self.faults.latency_of[method] = seconds

    @property
    def latency(self) -> float:
        """Seconds that every call takes, unless `delay` says otherwise."""
        return self.faults.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self.faults.latency = seconds

    def heal(self) -> None:
        """End all failures, planned or under way, and accept the tokens again."""
        self.faults.heal()
        self.backend.token_error = ""
        self.deliveries.paused = False

    async def go_down(self) -> None:
        """Go down until `heal()`: calls get 503, sockets close, handshakes fail."""
        self.faults.is_down = True
        await self.sockets.cut()

    def revoke_tokens(self, error: str = "token_revoked") -> None:
        """Refuse the app's tokens (`invalid_auth`, `account_inactive` …) until `heal()`."""
        self.backend.token_error = error

    # Socket Mode and deliveries

    def refuse_handshakes(self, times: float = 1) -> None:
        """Refuse the next WebSocket handshakes with 403."""
        self.faults.refused_handshakes = times

    async def disconnect(
        self, reason: str = "refresh_requested", *, close_after: float | None = 0.0
    ) -> None:
        """Send `disconnect` on every socket; close them after `close_after` s unless None."""
        await self.sockets.disconnect(reason, close_after=close_after)

    async def cut_sockets(self) -> None:
        """Close every socket without warning."""
        await self.sockets.cut()

    def pause_deliveries(self) -> None:
        """Fail to reach the app until `heal()`; events are retried, interactions lost."""
        self.deliveries.paused = True

    def deliveries_of(self, kind: str) -> list[Delivery]:
        """Deliveries so far of an event type, interaction type or command."""
        return [delivery for delivery in self.deliveries.log if delivery.type == kind]

    async def redeliver(
        self, delivery: Delivery | None = None, *, reason: str = "http_timeout"
    ) -> Ack:
        """Deliver again (the latest by default), with the same ids and retry headers."""
        chosen = delivery or self.deliveries.log[-1]
        return await self.deliveries.redeliver(chosen, reason=reason)

    async def quiet(self, seconds: float = 0.05, *, timeout: float = 10.0) -> None:
        """Wait until nothing is called, delivered or changed for `seconds`.

        Raises: TimeoutError.
        """
        async with asyncio.timeout(timeout):
            while True:
                try:
                    await asyncio.wait_for(self.backend.ws.next_pulse(), seconds)
                except TimeoutError:
                    if not self._is_busy():
                        return

    # raw requests

    def signed_request(
        self,
        body: Json | str | bytes,
        *,
        timestamp: int | str | None = None,
        secret: str | None = None,
        content_type: str = "",
    ) -> tuple[bytes, dict[str, str]]:
        """Return a request's body and headers, by default signed now with the right secret.

        A dict becomes JSON if it has a `type`, else a form.
        """
        if isinstance(body, dict):
            is_json = "type" in body
            text = json.dumps(body) if is_json else urlencode(body)
            content_type = content_type or (JSON_TYPE if is_json else FORM_TYPE)
        else:
            text = body.decode("latin-1") if isinstance(body, bytes) else body
        raw = body if isinstance(body, bytes) else text.encode()
        key = self.backend.signing_secret if secret is None else secret
        headers = sign(raw, secret=key, timestamp=timestamp)
        return raw, {"Content-Type": content_type or JSON_TYPE, **headers}

    async def deliver_raw(self, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        """Post exactly this to the URL of `use_http`; return status and text."""
        transport = self.deliveries.transport
        if not isinstance(transport, HttpTransport):
            raise TypeError("call use_http(url) first")
        return await transport.post_raw(body, headers)

    def _is_busy(self) -> bool:
        return self.deliveries.under_way
