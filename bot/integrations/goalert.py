"""GoAlert: alerts by the generic integration key of a service, and its webhook back.

An alert closed by its `dedup` stays closed; the same key again while it is open is the same alert.
With an integration key alone GoAlert can't be told that somebody is on it.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from bot.integrations.deliveries import Delivery, digest, part, text
from bot.integrations.http import Answer
from bot.integrations.system import System
from incidents.paging.port import Accepted, Heard, HeardKind, Page

LONGEST_SUMMARY: Final = 1024
LONGEST_DETAILS: Final = 6 * 1024
_META: Final = "sitrep_page"
# The first word of GoAlert's log entry.
_KINDS: Final = {
    "acknowledged": HeardKind.ACKNOWLEDGED,
    "closed": HeardKind.RESOLVED,
    "escalated": HeardKind.UNACKNOWLEDGED,
}
_BY: Final = re.compile(r" by (.{1,200}?)(?: \([^()]*\))?$")


class GoAlert(System):
    """One GoAlert; an address is a service there, whose integration key is in the secrets."""

    keeps_keys = True

    async def trigger(self, page: Page) -> Accepted:
        """Open an alert, or find the one that this key opened."""
        lines = [f"{name}: {value}" for name, value in page.details.items()]
        body = {
            "summary": page.headline[:LONGEST_SUMMARY],
            "details": "\n".join(filter(None, (*lines, page.link)))[:LONGEST_DETAILS],
            "dedup": page.key,
            "meta": {_META: page.key},
        }
        answer = await self._tell(page, body)
        found = answer.text("AlertID")
        return Accepted(remote_id=found, url=f"{self._url}/alerts/{found}" if found else "")

    async def resolve(self, page: Page) -> None:
        """Close the alert; one that is closed already stays so."""
        body = {"action": "close", "dedup": page.key, "summary": page.reference}
        await self._tell(page, body, accept="*/*")

    async def receive(self, delivery: Delivery) -> Sequence[Heard]:
        """Read a webhook; GoAlert's are signed with a key nobody can check, so the path proves it.

        Raises: Unproven, Unreadable.
        """
        delivery.require_secret(self._secrets.webhook_secrets)
        body = delivery.json()
        if part(body, "Type") not in {"AlertStatus", "AlertStatusBundle"}:
            return ()
        entry = text(body, "LogEntry")
        kind = _KINDS.get(entry.partition(" ")[0].casefold())
        alert = text(body, "AlertID")
        if kind is None or not alert:
            return ()
        by = _BY.search(entry)
        # GoAlert numbers no deliveries: the same words within a minute are one.
        minute = int(delivery.arrived_at.timestamp()) // 60
        return (
            Heard(
                pager=self.key,
                delivery_id=digest(alert, entry, minute),
                kind=kind,
                key=text(body, "Meta", _META),
                remote_id=alert,
                url=f"{self._url}/alerts/{alert}",
                name=by[1] if by else "",
                occurred_at=delivery.arrived_at,
            ),
        )

    async def _tell(
        self, page: Page, body: dict[str, Any], *, accept: str = "application/json"
    ) -> Answer:
        url = f"{self._url}/api/v2/generic/incoming"
        # In the query, because GoAlert doesn't read it in a JSON body.
        params = {"token": self._address_key(page)}
        return await self._http.call(
            "POST", url, headers={"Accept": accept}, params=params, body=body
        )
