"""A receiver of signed webhooks, by the Standard Webhooks specification."""

import base64
import hashlib
import hmac
import json
from typing import Any

from aiohttp import web

from tests.pager_servers.server import Asked, PagerServer, Wrong


class Receiver(PagerServer):
    """Takes what is signed by one of its keys, no older than five minutes, and each id once."""

    def __init__(self, *keys: bytes, now: int) -> None:
        super().__init__()
        self.keys = list(keys)
        self.now = now
        self.taken: dict[str, dict[str, Any]] = {}

    async def answer(self, request: web.Request, asked: Asked) -> tuple[int, object]:
        given = {name: request.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp")}
        raw = await request.read()
        proofs = request.headers.get("webhook-signature", "").split(" ")
        known = {proof(key, given["id"], given["timestamp"], raw) for key in self.keys}
        if not known & set(proofs) or abs(int(given["timestamp"]) - self.now) > 300:
            raise Wrong(401, "not signed")
        self.taken.setdefault(given["id"], asked.body)
        return 204, None

    async def say(self, kind: str, *, number: str, age: int = 0, **data: object) -> int:
        """Tell Sitrep something of a page; return what it answered."""
        body = {"type": kind, "timestamp": "2026-12-01T03:00:00Z", "data": data}
        second = str(self.now - age)
        return await self.tell(
            body,
            {
                "webhook-id": number,
                "webhook-timestamp": second,
                "webhook-signature": proof(self.keys[0], number, second, json.dumps(body).encode()),
            },
        )


def proof(key: bytes, number: str, second: str, raw: bytes) -> str:
    """Return the signature of a message."""
    signed = f"{number}.{second}.".encode() + raw
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"
