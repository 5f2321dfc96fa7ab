"""Slack's endpoint: verifies that a request is from Slack and well formed before handling it.

It never logs a body. The checks run cheapest first: size, timestamp, signature, form. What isn't
signed ends its connection, and is one debug line: anybody can send it.
"""

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
from bot.web.bodies import BodyReader, Refused

OLDEST_SECONDS: Final = 5 * 60
_WARNED_SECONDS: Final = 60.0
_RETRY_HEADERS: Final = ("x-slack-retry-num", "x-slack-retry-reason")
_FORM: Final = "application/x-www-form-urlencoded"

log = structlog.get_logger(__name__)


class SlackEndpoint:
    """`POST /slack/events`, for commands, presses, forms and events alike."""

    def __init__(self, intake: Intake, *, secret: str) -> None:
        """Store the intake, and the signing secret that verifies requests."""
        self.bodies = BodyReader()
        self._warns_at = 0.0
        self._intake = intake
        # Slack signs with real time, so this doesn't use the program's corrected clock.
        self._verifier = SignatureVerifier(secret)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        try:
            raw = await self.bodies.read(request)
            if _is_ssl_check(raw):
                # Slack sometimes probes the endpoint without a signature.
                return web.Response()
            self._prove(raw, request.headers)
            body = _parsed(raw, content_type=request.content_type)
        except Refused as refused:
            self._tell(refused)
            return refused.response()
        headers = {
            name: request.headers[name] for name in _RETRY_HEADERS if name in request.headers
        }
        return await to_aiohttp_response(await self._intake.take(body, headers))

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
