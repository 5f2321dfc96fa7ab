"""The intake: every Slack request, by HTTP or socket, passes through it to Bolt.

It counts the requests in flight, which shutdown waits for; it measures them and limits how many run
at once.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.framework.requests import WorkspaceInfo
from bot.inbound.envelope import Unreadable, checked
from bot.inbound.own_events import is_own_event
from bot.operations.telemetry import REQUEST_SECONDS, REQUESTS, Telemetry
from bot.slack.errors import SlackTemporary

MOST_AT_ONCE = 64
# Shorter than a request's deadline: what waited so long for its turn is only told so.
LONGEST_TURN_SECONDS = 2.3
# The context's key for when the request arrived, by `time.monotonic()`.
ARRIVED_AT = "arrived_at"
_KINDS = frozenset(
    {
        "block_actions",
        "block_suggestion",
        "event_callback",
        "message_action",
        "shortcut",
        "url_verification",
        "view_closed",
        "view_submission",
    }
)


log = structlog.get_logger(__name__)


class Intake:
    """Takes requests until it is closed, and counts those not yet answered."""

    def __init__(self, bolt: AsyncApp, telemetry: Telemetry, *, us: WorkspaceInfo) -> None:
        """Store the Bolt app that handles the requests, and the bot's identity in Slack (`us`)."""
        self.is_open = False
        # Shutting down: still answers, but reports not ready so that new requests go elsewhere.
        self.is_leaving = False
        self.in_flight = 0
        self._bolt = bolt
        self._us = us
        self._telemetry = telemetry
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        self._idle = asyncio.Event()
        self._idle.set()

    async def take(self, body: object, headers: Mapping[str, Any]) -> BoltResponse:
        """Answer one request: 400 if Slack doesn't send such; 503 while closed.

        After 503, Slack delivers an event again.
        """
        try:
            request = _bolt_request(checked(body), headers)
        except Unreadable as error:
            log.warning("request_unreadable", problem=str(error))
            self._telemetry.count(REQUESTS, kind="other", outcome="unreadable")
            return BoltResponse(status=HTTPStatus.BAD_REQUEST, body="not what Slack sends")
        kind = _kind_of(request.body)
        if not self.is_open:
            self._telemetry.count(REQUESTS, kind=kind, outcome="not_ready")
            return BoltResponse(status=HTTPStatus.SERVICE_UNAVAILABLE, body="")
        if is_own_event(request.body, self._us):
            self._telemetry.count(REQUESTS, kind=kind, outcome="own_event")
            return BoltResponse(status=HTTPStatus.OK, body="")
        return await self._dispatch(request, kind=kind)

    async def _dispatch(self, request: AsyncBoltRequest, *, kind: str) -> BoltResponse:
        started = time.monotonic()
        self.in_flight += 1
        self._idle.clear()
        outcome = "failed"
        try:
            request.context[ARRIVED_AT] = started
            async with self._turn():
                with structlog.contextvars.bound_contextvars(correlation_id=""):
                    response = await self._bolt.async_dispatch(request)
            if response.status == HTTPStatus.NOT_FOUND:
                # A kind of request that we don't handle, perhaps a new one of Slack's.
                response = BoltResponse(status=HTTPStatus.OK, body="")
            outcome = "ok" if response.status == HTTPStatus.OK else f"http_{response.status}"
        finally:
            self.in_flight -= 1
            if not self.in_flight:
                self._idle.set()
            self._telemetry.count(REQUESTS, kind=kind, outcome=outcome)
            self._telemetry.observe(REQUEST_SECONDS, time.monotonic() - started, kind=kind)
        return response

    async def hear(self, body: Mapping[str, Any]) -> None:
        """Handle an event that was missed, as if Slack delivered it now; skip one we can't read.

        One that can't be read never can be: it is left out, so that the others are heard.

        Raises: SlackTemporary if we aren't open; whatever a handler raises.
        """
        response = await self.take(dict(body), {})
        if response.status not in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}:
            raise SlackTemporary(f"not heard: {response.status}")

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait for a place among those that run at once, but no longer than the person does."""
        try:
            await asyncio.wait_for(self._slots.acquire(), LONGEST_TURN_SECONDS)
        except TimeoutError:
            log.warning("no_turn_in_time")
            yield
            return
        try:
            yield
        finally:
            self._slots.release()

    async def drained(self, *, timeout_seconds: float) -> bool:
        """Wait until nothing is in flight or time is up; return whether nothing is."""
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_seconds)
        except TimeoutError:
            return False
        return True


def _bolt_request(body: dict[str, Any], headers: Mapping[str, Any]) -> AsyncBoltRequest:
    """Return the request for Bolt, which looks for ids in more places than we do."""
    try:
        return AsyncBoltRequest(body=body, headers=dict(headers), mode="socket_mode")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"Bolt can't read it: {type(error).__name__}") from None


def _kind_of(body: Mapping[str, Any]) -> str:
    if "command" in body:
        return "command"
    kind = str(body.get("type") or "")
    return kind if kind in _KINDS else "other"
