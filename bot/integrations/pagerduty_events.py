"""PagerDuty by its Events API v2: an alert by a service's routing key, which needs no user.

The same key again while its alert is open is the same alert; afterwards it opens a new one.
PagerDuty takes an event before it looks at the key: one of nobody's is accepted all the same.
"""

from collections.abc import Sequence
from typing import Any, Final

from bot.integrations.deliveries import Delivery
from bot.integrations.system import System
from bot.integrations.v3_webhooks import read_webhook
from bot.slack.truncation import shorten
from incidents.paging.port import Accepted, Heard, HeardKind, Page

PUBLIC: Final = "https://events.pagerduty.com"
LONGEST_SUMMARY: Final = 1024
# Of each detail; PagerDuty refuses an event of more than 512 KB.
_LONGEST_DETAIL: Final = 8 * 1024
_SOURCE: Final = "Sitrep"


class PagerDutyEvents(System):
    """One account; an address is a name, whose routing key is in the secrets."""

    keeps_keys = True
    can_acknowledge = True

    async def trigger(self, page: Page) -> Accepted:
        """Open an alert, or repeat the one that this key opened."""
        details = {name: shorten(value, _LONGEST_DETAIL) for name, value in page.details.items()}
        event: dict[str, Any] = {
            "payload": {
                "summary": shorten(page.headline, LONGEST_SUMMARY),
                "source": _SOURCE,
                "severity": "critical" if page.is_urgent else "warning",
                "custom_details": details,
            },
            "client": _SOURCE,
        }
        if page.link:
            event["client_url"] = page.link
            event["links"] = [{"href": page.link, "text": "The channel in Slack"}]
        await self._send(page, "trigger", event)
        return Accepted()

    async def acknowledge(self, page: Page, *, by: str) -> None:
        """Acknowledge the alert's incident."""
        await self._send(page, "acknowledge", {})

    async def resolve(self, page: Page) -> None:
        """Resolve the alert; one that is resolved already stays so."""
        await self._send(page, "resolve", {})

    async def receive(self, delivery: Delivery) -> Sequence[Heard]:
        """Read a V3 webhook; without a token nobody can look up who declines.

        Raises: Unproven, Unreadable.
        """
        told = read_webhook(delivery, self.key, self._secrets.webhook_secrets)
        return (told[0],) if told and told[0].kind is not HeardKind.DECLINED else ()

    async def _send(self, page: Page, action: str, event: dict[str, Any]) -> None:
        key = self._address_key(page)
        body = {"routing_key": key, "event_action": action, "dedup_key": page.key, **event}
        await self._http.call("POST", f"{self._url}/v2/enqueue", body=body)
