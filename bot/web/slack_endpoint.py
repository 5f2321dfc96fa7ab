"""Slack's endpoint: verifies that a request is from Slack and well formed before handling it.

It never logs a body. The checks run cheapest first: size, timestamp, signature, form.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.inbound.intake import Intake

MOST_BYTES: Final = 1024 * 1024
OLDEST_SECONDS: Final = 5 * 60
_RETRY_HEADERS: Final = ("x-slack-retry-num", "x-slack-retry-reason")
_FORM: Final = "application/x-www-form-urlencoded"

log = structlog.get_logger(__name__)


class Refused(Exception):
    """A refused request, answered with `status`."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class SlackEndpoint:
    """`POST /slack/events`, for commands, presses, forms and events alike."""

    def __init__(self, intake: Intake, *, secret: str) -> None:
        """Store the intake, and the signing secret that verifies requests."""
        self._intake = intake
        # Slack signs with real time, so this doesn't use the program's corrected clock.
        self._verifier = SignatureVerifier(secret)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        try:
            raw = await _read(request)
            if _is_ssl_check(raw):
                # Slack sometimes probes the endpoint without a signature.
                return web.Response()
            self._prove(raw, request.headers)
            taken = _bolt_request(raw, request)
        except Refused as refused:
            log.warning("request_refused", reason=refused.reason, status=int(refused.status))
            return web.Response(status=refused.status, text=refused.reason)
        return await to_aiohttp_response(await self._intake.take(taken))

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


async def _read(request: web.Request) -> bytes:
    if (request.content_length or 0) > MOST_BYTES:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large")
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large") from None


def _is_ssl_check(raw: bytes) -> bool:
    if b"ssl_check" not in raw[:1000]:
        return False
    try:
        form = dict(parse_qsl(raw[:1000].decode("utf-8")))
    except UnicodeDecodeError:
        return False
    return form.get("ssl_check") == "1" and "command" not in form and "payload" not in form


def _bolt_request(raw: bytes, request: web.Request) -> AsyncBoltRequest:
    """Parse the request for Bolt.

    Bolt's own parser answers malformed JSON with a 500, and reads a form whose text contains the
    word "payload" as empty.
    """
    body = _parsed(raw, content_type=request.content_type)
    headers: dict[str, Any] = {
        name: request.headers[name] for name in _RETRY_HEADERS if name in request.headers
    }
    try:
        return AsyncBoltRequest(body=body, headers=headers, mode="socket_mode")
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Refused(HTTPStatus.BAD_REQUEST, "not what Slack sends") from None


def _parsed(raw: bytes, *, content_type: str) -> dict[str, Any]:
    try:
        text = raw.decode("utf-8")
        if content_type != _FORM:
            body = json.loads(text)
        else:
            form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=100))
            body = json.loads(form["payload"]) if "payload" in form else form
    except (ValueError, RecursionError):
        raise Refused(HTTPStatus.BAD_REQUEST, "malformed") from None
    if not isinstance(body, dict) or not _has_shape(body):
        raise Refused(HTTPStatus.BAD_REQUEST, "not what Slack sends")
    return body


def _has_shape(body: Mapping[str, Any]) -> bool:
    """Tell whether the body has the fields that later code relies on."""
    if "command" in body:
        return all(isinstance(body.get(key), str) for key in ("command", "user_id"))
    match body.get("type"):
        case "event_callback":
            event = body.get("event")
            return isinstance(event, dict) and isinstance(event.get("type"), str)
        case "block_actions":
            actions = body.get("actions")
            is_list = isinstance(actions, list) and all(isinstance(one, dict) for one in actions)
            return is_list and bool(actions) and _has_user(body)
        case "view_submission" | "view_closed":
            return isinstance(body.get("view"), dict) and _has_user(body)
        case "block_suggestion" | "shortcut" | "message_action":
            return _has_user(body)
        case kind:
            return isinstance(kind, str)


def _has_user(body: Mapping[str, Any]) -> bool:
    user = body.get("user")
    return isinstance(user, dict) and isinstance(user.get("id"), str)
