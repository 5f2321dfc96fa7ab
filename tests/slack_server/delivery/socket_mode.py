"""Socket Mode: the WebSocket side, with one-time tickets, envelopes and acks."""

import asyncio
import contextlib
import itertools
import json

from aiohttp import WSMsgType, web

from tests.slack_server.backend import Backend
from tests.slack_server.delivery.delivery import Ack, Delivery, DeliveryKind, Retry
from tests.slack_server.delivery.faults import Faults
from tests.slack_server.render import Json

MOST_CONNECTIONS = 10


class SocketHub:
    """All open connections; a payload goes to any one of them."""

    def __init__(self, backend: Backend, faults: Faults) -> None:
        self._backend = backend
        self._faults = faults
        self._open: list[web.WebSocketResponse] = []
        self._leaving: set[web.WebSocketResponse] = set()
        self._turns = itertools.count()
        self._waiting: dict[str, asyncio.Future[Ack]] = {}
        self._carrier: dict[str, web.WebSocketResponse] = {}
        self.handshakes = 0
        self.stray_acks: list[Json] = []

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return len(self._open)

    @property
    def is_ready(self) -> bool:
        """Whether any connection takes payloads."""
        return bool(self._takers())

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Take one handshake and keep its connection until it ends."""
        self.handshakes += 1
        ticket = request.query.get("ticket", "")
        if self._faults.refused_handshakes >= 1:
            self._faults.refused_handshakes -= 1
            return web.Response(status=403)
        if self._faults.is_down:
            return web.Response(status=503)
        if ticket not in self._backend.tickets:
            return web.Response(status=400, text="bad ticket")
        self._backend.tickets.discard(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self._open) >= MOST_CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        self._open.append(socket)
        await socket.send_json(self._hello())
        self._backend.ws.pulse()
        try:
            await self._listen(socket)
        finally:
            self._forget(socket)
        return socket

    async def deliver(self, delivery: Delivery, retry: Retry | None, timeout: float) -> Ack:
        """Send an envelope over any one connection and wait for its ack."""
        takers = self._takers()
        socket = takers[next(self._turns) % len(takers)]
        answer: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._waiting[delivery.envelope_id] = answer
        self._carrier[delivery.envelope_id] = socket
        try:
            await socket.send_json(_envelope(delivery, retry))
            return await asyncio.wait_for(answer, timeout)
        except TimeoutError:
            return Ack(ok=False, error="http_timeout")
        except ConnectionError:
            return Ack(ok=False, error="connection_failed")
        finally:
            self._waiting.pop(delivery.envelope_id, None)
            self._carrier.pop(delivery.envelope_id, None)

    async def disconnect(self, reason: str, *, close_after: float | None) -> None:
        """Send `disconnect` on every connection; close it after `close_after` s unless None."""
        for socket in list(self._open):
            frame = {"type": "disconnect", "reason": reason, "debug_info": {"host": "embedded"}}
            if reason != "warning":
                self._leaving.add(socket)
            with contextlib.suppress(ConnectionError):
                await socket.send_json(frame)
        if close_after is not None:
            await asyncio.sleep(close_after)
            await self.cut()

    async def cut(self) -> None:
        """Close every connection."""
        for socket in list(self._open):
            self._leaving.add(socket)
        sockets = list(self._open)
        await asyncio.gather(*(socket.close() for socket in sockets), return_exceptions=True)

    def _takers(self) -> list[web.WebSocketResponse]:
        return [s for s in self._open if s not in self._leaving and not s.closed]

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._open),
            "debug_info": {"host": "embedded", "approximate_connection_time": 18060},
            "connection_info": {"app_id": self._backend.ws.app_id},
        }

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                continue
            ack: Json = json.loads(frame.data)
            waiting = self._waiting.get(str(ack.get("envelope_id")))
            if waiting is None or waiting.done():
                self.stray_acks.append(ack)
                continue
            waiting.set_result(Ack(ok=True, status=200, body=ack.get("payload") or None))

    def _forget(self, socket: web.WebSocketResponse) -> None:
        self._open.remove(socket)
        self._leaving.discard(socket)
        for envelope_id, carrier in list(self._carrier.items()):
            waiting = self._waiting.get(envelope_id)
            if carrier is socket and waiting and not waiting.done():
                waiting.set_result(Ack(ok=False, error="connection_failed"))
        self._backend.ws.pulse()


def _envelope(delivery: Delivery, retry: Retry | None) -> Json:
    envelope: Json = {
        "envelope_id": delivery.envelope_id,
        "type": delivery.kind.value,
        "payload": delivery.payload,
        "accepts_response_payload": delivery.kind is not DeliveryKind.EVENT,
    }
    if delivery.kind is DeliveryKind.EVENT or retry:
        envelope["retry_attempt"] = retry.number if retry else 0
        envelope["retry_reason"] = retry.reason if retry else ""
    return envelope
