"""A webhook of one's own, signed by the Standard Webhooks scheme, and the same scheme back.

Its JSON is documented in docs/operators.md. A message that is sent again keeps its `webhook-id`, so
that a receiver takes it once.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bot.integrations.deliveries import Delivery, Unproven, digest, instant, is_same, part, text
from bot.integrations.system import System
from incidents.paging.port import Accepted, Heard, HeardKind, Page, PagerRefused

TOLERANCE: Final = timedelta(minutes=5)
_BASE64: Final = "whsec_"
_SECOND: Final = re.compile(r"[0-9]{1,11}")
# Other words than ours: nobody can send our own message back to us.
_KINDS: Final = {
    "acknowledged": HeardKind.ACKNOWLEDGED,
    "declined": HeardKind.DECLINED,
    "resolved": HeardKind.RESOLVED,
}


class Webhook(System):
    """One receiver, at the policy's `url`; an address is whatever it makes of the name."""

    keeps_keys = True
    can_acknowledge = True

    async def trigger(self, page: Page) -> Accepted:
        """Tell the receiver to wake somebody."""
        data = {"urgent": page.is_urgent, **_words(page)}
        await self._send(page, "triggered", data)
        return Accepted()

    async def update(self, page: Page, text: str) -> None:
        """Tell it what has changed."""
        # The same words again later are other news.
        minute = int(self._http.clock.now().timestamp()) // 60
        await self._send(page, "updated", {"text": text, **_words(page)}, digest(text, minute)[:16])

    async def acknowledge(self, page: Page, *, by: str) -> None:
        """Tell it that somebody is on it; who, only of an incident that isn't private."""
        await self._send(page, "acknowledged", {"by": by} if page.title else {})

    async def resolve(self, page: Page) -> None:
        """Tell it that the page is over."""
        await self._send(page, "resolved", {})

    async def receive(self, delivery: Delivery) -> Sequence[Heard]:
        """Read what the receiver says of a page. Raises: Unproven, Unreadable."""
        number = self._require_signature(delivery)
        body = delivery.json()
        kind = _KINDS.get(text(body, "type"))
        if kind is None:
            return ()
        data = part(body, "data")
        return (
            Heard(
                pager=self.key,
                delivery_id=digest(number),
                kind=kind,
                key=text(data, "key"),
                name=text(data, "name"),
                email=text(data, "email"),
                occurred_at=instant(body, "timestamp") or delivery.arrived_at,
            ),
        )

    async def _send(self, page: Page, what: str, data: dict[str, Any], *more: str) -> None:
        keys = [_key(one) for one in self._secrets.webhook_secrets]
        if not all(keys):
            raise PagerRefused(f"a `webhook_secret` of {self.key} isn't base64 after `{_BASE64}`")
        if not keys:
            raise PagerRefused(f"the secrets file has no `webhook_secret` for {self.key}")
        now = self._http.clock.now()
        known = {"key": page.key, "address": page.address, "incident": page.reference}
        body = {
            "type": f"page.{what}",
            "timestamp": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "data": {**known, **data},
        }
        raw = json.dumps(body, ensure_ascii=False).encode()
        number, second = ".".join((page.key, what, *more)), str(int(now.timestamp()))
        headers = {
            "webhook-id": number,
            "webhook-timestamp": second,
            "webhook-signature": " ".join(_sign(one, number, second, raw) for one in keys),
        }
        await self._http.call("POST", self._url, headers=headers, body=raw)

    def _require_signature(self, delivery: Delivery) -> str:
        """Return the delivery's number, once its signature and time are proven. Raises: Unproven."""
        number, second, signatures = (
            delivery.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
        )
        if not (number and _SECOND.fullmatch(second)):
            raise Unproven
        age = delivery.arrived_at - datetime.fromtimestamp(int(second), tz=UTC)
        keys = filter(None, map(_key, self._secrets.webhook_secrets))
        known = [_sign(one, number, second, delivery.raw) for one in keys]
        given = signatures.split(" ")
        is_ours = any(is_same(one, ours) for one in given for ours in known)
        if not is_ours or abs(age) > TOLERANCE:
            raise Unproven
        return number


def _words(page: Page) -> dict[str, Any]:
    """Return what is said of the incident; of a private one nothing beside its number."""
    if not page.title:
        return {}
    return {
        "title": page.title,
        "severity": page.severity_key,
        "severity_rank": page.severity_rank,
        "email": page.email,
        "link": page.link,
        "details": dict(page.details),
    }


def _key(secret: str) -> bytes:
    """Return a secret's bytes, b"" if it says that it is base64 and isn't."""
    if not secret.startswith(_BASE64):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_BASE64), validate=True)
    except binascii.Error:
        return b""


def _sign(secret: bytes, number: str, second: str, raw: bytes) -> str:
    signed = b".".join((number.encode(errors="surrogateescape"), second.encode(), raw))
    return f"v1,{base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()}"
