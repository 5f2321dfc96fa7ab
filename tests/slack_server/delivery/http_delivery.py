"""Signed HTTP deliveries to the app's one request URL."""

import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

import aiohttp

from tests.slack_server.delivery.delivery import Ack, Delivery, DeliveryKind, Retry
from tests.slack_server.render import Json

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"


def sign(body: str | bytes, *, secret: str, timestamp: int | str | None = None) -> dict[str, str]:
    """Make the signature headers of a body; `timestamp` is now by default."""
    stamp = str(int(time.time()) if timestamp is None else timestamp)
    raw = body if isinstance(body, bytes) else body.encode()
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + raw, hashlib.sha256)
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest.hexdigest()}"}


def encode(delivery: Delivery) -> tuple[str, str]:
    """Encode a payload as Slack does; return body and content type."""
    match delivery.kind:
        case DeliveryKind.EVENT:
            return json.dumps(delivery.payload), JSON_TYPE
        case DeliveryKind.COMMAND:
            return urlencode(delivery.payload), FORM_TYPE
        case DeliveryKind.INTERACTIVE:
            return urlencode({"payload": json.dumps(delivery.payload)}), FORM_TYPE


class HttpTransport:
    """Posts payloads to a URL."""

    is_ready = True

    def __init__(self, session: aiohttp.ClientSession, *, url: str, secret: str) -> None:
        self.url = url
        self._session = session
        self._secret = secret

    async def deliver(self, delivery: Delivery, retry: Retry | None, timeout: float) -> Ack:
        """Post once."""
        body, content_type = encode(delivery)
        headers = {"Content-Type": content_type, **sign(body, secret=self._secret)}
        if retry:
            headers["x-slack-retry-num"] = str(retry.number)
            headers["x-slack-retry-reason"] = retry.reason
        limit = aiohttp.ClientTimeout(total=timeout)
        try:
            async with self._session.post(
                self.url, data=body.encode(), headers=headers, timeout=limit, max_redirects=2
            ) as response:
                return await _ack_of(response)
        except TimeoutError:
            return Ack(ok=False, error="http_timeout")
        except aiohttp.TooManyRedirects:
            return Ack(ok=False, error="too_many_redirects")
        except aiohttp.ClientError:
            return Ack(ok=False, error="connection_failed")

    async def post_raw(self, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        """Post exactly this, signed or not; return status and text."""
        async with self._session.post(self.url, data=body, headers=headers) as response:
            return response.status, await response.text()


async def _ack_of(response: aiohttp.ClientResponse) -> Ack:
    raw = await response.text()
    body: Json | None = None
    if response.content_type == JSON_TYPE and raw:
        parsed = json.loads(raw)
        body = parsed if isinstance(parsed, dict) else {"text": raw}
    elif raw:
        body = {"text": raw}
    is_ok = 200 <= response.status < 300
    return Ack(
        ok=is_ok,
        status=response.status,
        body=body or None,
        error="" if is_ok else "http_error",
        no_retry=response.headers.get("x-slack-no-retry") == "1",
    )
