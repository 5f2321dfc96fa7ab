"""ntfy: pushes to a topic; the button *I'm on it* calls an address of ours.

It keeps no keys, so the same page sent twice arrives twice, and it has nothing to acknowledge or
end: later news are quiet messages.
"""

from collections.abc import Sequence
from typing import Any, Final

from bot.integrations.deliveries import Delivery, Unproven, is_same
from bot.integrations.http import Answer
from bot.integrations.page_links import signed_part
from bot.integrations.system import System
from incidents.paging.port import Accepted, Heard, HeardKind, Page

PUBLIC: Final = "https://ntfy.sh"
# In bytes: ntfy turns a longer message into an attachment.
LONGEST_MESSAGE: Final = 4096
_LONGEST_TITLE: Final = 250
_URGENT, _HIGH, _QUIET = 5, 4, 2


class Ntfy(System):
    """One ntfy server; an address is a topic, or a name that the secrets give a topic."""

    async def trigger(self, page: Page) -> Accepted:
        """Push the page, with a button where we can be reached."""
        body = self._message(page, _lines(page), priority=_URGENT if page.is_urgent else _HIGH)
        if page.acknowledge_url:
            button = {"action": "http", "label": "I'm on it", "url": page.acknowledge_url}
            body["actions"] = [{**button, "method": "POST", "clear": True}]
        return Accepted(remote_id=(await self._push(body)).text("id"))

    async def update(self, page: Page, text: str) -> None:
        """Push what has changed, quietly."""
        await self._push(self._message(page, text, priority=_QUIET))

    async def resolve(self, page: Page) -> None:
        """Push quietly that the call has ended."""
        await self._push(self._message(page, "This call has ended.", priority=_QUIET))

    async def receive(self, delivery: Delivery) -> Sequence[Heard]:
        """Read a press of the button: its address is signed for one page. Raises: Unproven."""
        page, _, _ = delivery.secret.partition(".")
        signed = [signed_part(secret, page) for secret in self._secrets.webhook_secrets]
        if not page or not any(is_same(delivery.secret, one) for one in signed):
            raise Unproven
        return (
            Heard(
                pager=self.key,
                delivery_id=f"button {page}",
                kind=HeardKind.ACKNOWLEDGED,
                key=page,
                occurred_at=delivery.arrived_at,
            ),
        )

    def _message(self, page: Page, text: str, *, priority: int) -> dict[str, Any]:
        body: dict[str, Any] = {
            "topic": self._secrets.addresses.get(page.address, page.address),
            "title": page.headline[:_LONGEST_TITLE],
            "message": _cut(text or page.reference),
            "priority": priority,
        }
        return {**body, "click": page.link} if page.link else body

    async def _push(self, body: dict[str, Any]) -> Answer:
        token = self._secrets.token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self._http.call("POST", f"{self._url}/", headers=headers, body=body)


def _lines(page: Page) -> str:
    return "\n".join(f"{name}: {value}" for name, value in page.details.items())


def _cut(text: str) -> str:
    raw = text.encode()
    if len(raw) <= LONGEST_MESSAGE:
        return text
    return f"{raw[: LONGEST_MESSAGE - len('…'.encode())].decode('utf-8', 'ignore')}…"
