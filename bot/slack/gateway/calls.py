"""A single Web API call: rate limit, timeout, metrics and failures."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.errors import (
    SlackFailure,
    SlackPermanent,
    SlackTemporary,
    SlackUnauthorized,
    failure_of,
)
from bot.slack.rate_limits import Priority, RateLimits
from incidents.core.clock import Clock

log = structlog.get_logger(__name__)

OnCall = Callable[[str, str, float], None]
Answer = Mapping[str, Any]

CALL_TIMEOUT_SECONDS = 12.0
_MOST_PAGES = 200


class SlackCalls:
    """The base of all parts of the gateway; it never logs tokens or people's text."""

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        limits: RateLimits,
        clock: Clock,
        team_id: str | None = None,
        on_call: OnCall | None = None,
        timeout_seconds: float = CALL_TIMEOUT_SECONDS,
    ) -> None:
        """Store a client without retry handlers; `on_call` gets method, outcome and seconds."""
        self.client = client
        self.limits = limits
        self.team_id = team_id
        # The organisation of our workspace on Enterprise Grid ("E…"); "" if it belongs to none.
        self.enterprise_id = ""
        self._clock = clock
        self._on_call = on_call
        self._timeout_seconds = timeout_seconds

    async def _call(
        self,
        method: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        done: frozenset[str] = frozenset(),
        priority: Priority = Priority.WORK,
    ) -> Answer:
        """Call a method; errors in `done` count as success.

        Raises:
            SlackTemporary: the call may work later.
            SlackPermanent: the call won't work.
            SlackUnauthorized: no call will work with this token.
        """
        try:
            response = await self._response(method, arguments or {}, priority=priority)
        except SlackFailure as failure:
            if failure.error in done:
                return {"ok": True}
            raise
        data = response.data
        return data if isinstance(data, dict) else {}

    async def _response(
        self, method: str, arguments: Mapping[str, Any], *, priority: Priority = Priority.WORK
    ) -> AsyncSlackResponse:
        channel = str(arguments.get("channel") or "")
        await self.limits.wait(method, channel=channel, priority=priority)
        function = getattr(self.client, method.replace(".", "_"))
        given = {key: value for key, value in arguments.items() if value is not None}
        started = time.perf_counter()
        try:
            async with self._failures(method):
                response: AsyncSlackResponse = await function(**given)
        except SlackFailure as failure:
            self._note_refusal(failure, channel=channel)
            self._report(method, outcome_of(failure), started)
            raise
        self._report(method, "ok", started)
        return response

    async def _pages(
        self, method: str, arguments: Mapping[str, Any], *, most: int = _MOST_PAGES
    ) -> AsyncIterator[Answer]:
        cursor = ""
        for _ in range(most):
            page = await self._call(method, {**arguments, "cursor": cursor or None})
            yield page
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return

    async def _post_http(
        self, method: str, url: str, *, json: Answer | None = None, data: bytes | None = None
    ) -> None:
        """Post to an address that Slack gave us, outside the Web API."""
        started = time.perf_counter()
        try:
            async with (
                self._failures(method),
                self._session() as session,
                session.post(url, json=json, data=data) as response,
            ):
                await response.read()
                if response.status != HTTPStatus.OK:
                    raise failure_of(
                        f"http_{response.status}",
                        method=method,
                        status=response.status,
                        retry_after=_retry_after(response.headers),
                    )
        except SlackFailure as failure:
            self._report(method, outcome_of(failure), started)
            raise
        self._report(method, "ok", started)

    @asynccontextmanager
    async def _failures(self, method: str) -> AsyncIterator[None]:
        """Turn any error in the block into one of our failures.

        Causes aren't chained: the SDK's errors hold answers and addresses, including people's text.
        """
        try:
            async with asyncio.timeout(self._timeout_seconds):
                yield
        except SlackApiError as error:
            raise _of_answer(error, method=method) from None
        except SlackClientError as error:
            raise SlackPermanent(f"client_{type(error).__name__}", method=method) from None
        except aiohttp.ConnectionTimeoutError:
            raise SlackTemporary("unreachable", method=method) from None
        except TimeoutError:
            raise SlackTemporary("timeout", method=method, uncertain=True, settled=True) from None
        except aiohttp.ClientConnectorError:
            raise SlackTemporary("unreachable", method=method) from None
        except aiohttp.InvalidURL:
            raise SlackPermanent("invalid_url", method=method) from None
        except (aiohttp.ClientError, OSError):
            raise SlackTemporary("connection_lost", method=method, uncertain=True) from None
        except (AttributeError, ValueError):
            # The SDK raises these for a 200 whose body isn't a JSON object.
            raise SlackTemporary("unreadable_answer", method=method, uncertain=True) from None

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        if self.client.session is not None:
            yield self.client.session
            return
        timeout = aiohttp.ClientTimeout(total=self._timeout_seconds)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            yield session

    def _note_refusal(self, failure: SlackFailure, *, channel: str) -> None:
        if isinstance(failure, SlackTemporary) and failure.retry_after is not None:
            self.limits.refused(failure.method, retry_after=failure.retry_after, channel=channel)

    def _report(self, method: str, outcome: str, started: float) -> None:
        # With the request's and the effect's id, if it comes of one.
        log.info("slack_called", method=method, outcome=outcome)
        if self._on_call is not None:
            self._on_call(method, outcome, time.perf_counter() - started)


def _of_answer(error: SlackApiError, *, method: str) -> SlackFailure:
    # Usually the SDK's response, but aiohttp's if the body wasn't JSON.
    answer = error.response
    status: int = getattr(answer, "status_code", 0) or getattr(answer, "status", HTTPStatus.OK)
    data = getattr(answer, "data", None)
    code = str(data.get("error") or "") if isinstance(data, Mapping) else ""
    retry_after = _retry_after(getattr(answer, "headers", None) or {})
    needed = str(data.get("needed") or "") if data and code == "missing_scope" else ""
    return failure_of(code, method=method, status=status, retry_after=retry_after, needed=needed)


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    seconds = str(headers.get("Retry-After", "")).strip()
    return timedelta(seconds=int(seconds)) if seconds.isdecimal() else None


def outcome_of(failure: SlackFailure) -> str:
    """Return the failure's kind as a metric label."""
    match failure:
        case SlackUnauthorized():
            return "unauthorized"
        case SlackTemporary():
            return "temporary"
        case _:
            return "permanent"
