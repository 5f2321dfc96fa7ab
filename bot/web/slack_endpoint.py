"""Slack's endpoint: verifies that a request is from Slack and well formed before handling it.

It never logs a body. The checks run cheapest first: size, timestamp, signature, form. What isn't
signed ends its connection, and is one debug line: anybody can send it.
"""

import asyncio
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_sdk.signature import SignatureVerifier

from bot.inbound.envelope import Unreadable, parse_json
from bot.inbound.intake import Intake

MOST_BYTES: Final = 1024 * 1024
OLDEST_SECONDS: Final = 5 * 60
# Slack waits three seconds for an answer, so its bodies come at once.
BODY_SECONDS: Final = 5.0
MOST_READING: Final = 128
_WARNED_SECONDS: Final = 60.0
_RETRY_HEADERS: Final = ("x-slack-retry-num", "x-slack-retry-reason")
_FORM: Final = "application/x-www-form-urlencoded"

log = structlog.get_logger(__name__)


class Refused(Exception):
    """A refused request, answered with `status`; anybody can send those that aren't `signed`."""

    def __init__(self, status: HTTPStatus, reason: str, *, signed: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.signed = signed


class SlackEndpoint:
    """`POST /slack/events`, for commands, presses, forms and events alike."""

    def __init__(self, intake: Intake, *, secret: str) -> None:
        """Store the intake, and the signing secret that verifies requests."""
        self.body_seconds = BODY_SECONDS
        self.most_reading = MOST_READING
        self._reading = 0
        self._warns_at = 0.0
        self._intake = intake
        # Slack signs with real time, so this doesn't use the program's corrected clock.
        self._verifier = SignatureVerifier(secret)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        try:
            raw = await self._read(request)
            if _is_ssl_check(raw):
                # Slack sometimes probes the endpoint without a signature.
                return web.Response()
            self._prove(raw, request.headers)
            body = _parsed(raw, content_type=request.content_type)
        except Refused as refused:
            self._tell(refused)
            response = web.Response(status=refused.status, text=refused.reason)
            if not refused.signed:
                response.force_close()
            return response
        headers = {
            name: request.headers[name] for name in _RETRY_HEADERS if name in request.headers
        }
        return await to_aiohttp_response(await self._intake.take(body, headers))

    async def _read(self, request: web.Request) -> bytes:
        """Return the body, which anybody may have sent: bounded in size, time and number."""
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "encoded")
        if (request.content_length or 0) > MOST_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large")
        if self._reading >= self.most_reading:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "too many at once")
        self._reading += 1
        try:
            async with asyncio.timeout(self.body_seconds):
                return await request.read()
        except TimeoutError:
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, "too slow") from None
        except web.HTTPRequestEntityTooLarge:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large") from None
        except (web.RequestPayloadError, ConnectionError):
            raise Refused(HTTPStatus.BAD_REQUEST, "cut off or malformed") from None
        finally:
            self._reading -= 1

    def _tell(self, refused: Refused) -> None:
        """Log a refusal. Ours may be the wrong secret, so once a minute that is a warning."""
        is_unproven = refused.status is HTTPStatus.UNAUTHORIZED
        is_news = is_unproven and time.monotonic() >= self._warns_at
        if is_news:
            self._warns_at = time.monotonic() + _WARNED_SECONDS
        tell = log.warning if refused.signed or is_news else log.debug
        tell("request_refused", reason=refused.reason, status=int(refused.status))

    def _prove(self, raw: bytes, headers: Mapping[str, str]) -> None:
        stamp = headers.get("X-Slack-Request-Timestamp", "")
        if not (stamp.isascii() and stamp.isdigit()) or len(stamp) > len("9999999999"):
            raise Refused(HTTPStatus.UNAUTHORIZED, "no timestamp")
        if abs(self._verifier.clock.now() - int(stamp)) > OLDEST_SECONDS:
            raise Refused(HTTPStatus.UNAUTHORIZED, "timestamp too far off")
        signature = headers.get("X-Slack-Signature", "")
        if not signature.isascii() or not self._is_signed(raw, stamp, signature):
            raise Refused(HTTPStatus.UNAUTHORIZED, "signature doesn't match")

    def _is_signed(self, raw: bytes, stamp: str, signature: str) -> bool:
        try:
            return self._verifier.is_valid(body=raw, timestamp=stamp, signature=signature)
        except UnicodeDecodeError:
            # Slack sends UTF-8, so these bytes aren't Slack's.
            return False


def _is_ssl_check(raw: bytes) -> bool:
    if b"ssl_check" not in raw[:1000]:
        return False
    try:
        form = dict(parse_qsl(raw[:1000].decode("utf-8")))
    except UnicodeDecodeError:
        return False
    return form.get("ssl_check") == "1" and "command" not in form and "payload" not in form


def _parsed(raw: bytes, *, content_type: str) -> object:
    """Parse the body: Bolt reads a form whose text contains the word "payload" as empty."""
    try:
        text = raw.decode("utf-8")
        if content_type != _FORM:
            return parse_json(text)
        form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=100))
        return parse_json(form["payload"]) if "payload" in form else form
    except (ValueError, Unreadable):
        raise Refused(HTTPStatus.BAD_REQUEST, "malformed", signed=True) from None
