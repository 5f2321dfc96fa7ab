"""GoAlert's generic integration keys and webhooks, as its source has them (genericapi, webhook)."""

import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.pager_servers.server import Asked, PagerServer, Wrong

LONGEST_SUMMARY, LONGEST_DETAILS = 1024, 6 * 1024
_KNOWN = {"summary", "details", "action", "dedup", "meta"}


@dataclass(slots=True)
class Alert:
    """An alert; GoAlert's status is triggered, active or closed."""

    id: int
    service: str
    dedup: str
    summary: str
    details: str
    meta: dict[str, str] = field(default_factory=dict)
    status: str = "triggered"
    log: list[str] = field(default_factory=list)
    # By the clock that benchmarks use.
    taken_at: float = field(default_factory=time.perf_counter)


class GoAlertServer(PagerServer):
    """One GoAlert with services, each with an integration key."""

    def __init__(self, **keys: str) -> None:
        super().__init__()
        self.services = {key: service for service, key in keys.items()}
        self.alerts: list[Alert] = []

    @property
    def open(self) -> list[Alert]:
        """Alerts that page, or did."""
        return [alert for alert in self.alerts if alert.status != "closed"]

    async def answer(self, request: web.Request, asked: Asked) -> tuple[int, object]:
        if request.path != "/api/v2/generic/incoming":
            raise Wrong(404, "Not Found")
        if request.method != "POST":
            raise Wrong(405, "Method Not Allowed")
        service = self.services.get(request.query.get("token", ""))
        if service is None:
            raise Wrong(401, "Unauthorized")
        if request.content_type != "application/json" or not isinstance(asked.body, dict):
            raise Wrong(400, "unexpected body")
        assert set(asked.body) <= _KNOWN, "GoAlert would ignore this"
        alert, is_new = self._set(service, asked.body)
        if request.headers.get("Accept") != "application/json" or alert is None:
            return 204, None
        return 200, {"AlertID": alert.id, "ServiceID": service, "IsNew": is_new}

    async def acknowledge(self, alert: Alert, *, by: str) -> int:
        """Let somebody acknowledge it in GoAlert; return what we answered."""
        alert.status = "active"
        return await self._changed(alert, f"Acknowledged by {by} (Web)")

    async def close(self, alert: Alert, *, by: str) -> int:
        """Let somebody close it in GoAlert."""
        alert.status = "closed"
        return await self._changed(alert, f"Closed by {by}")

    async def escalate(self, alert: Alert) -> int:
        """Let GoAlert go on to its next step."""
        alert.status = "triggered"
        return await self._changed(alert, "Escalated to step #2 automatically after 15 minutes")

    async def _changed(self, alert: Alert, entry: str) -> int:
        alert.log.append(entry)
        status = {"AppName": "GoAlert", "Type": "AlertStatus", "AlertID": alert.id}
        return await self.tell(
            {**status, "LogEntry": entry, "ServiceID": alert.service, "Meta": alert.meta}
        )

    def _set(self, service: str, body: dict[str, Any]) -> tuple[Alert | None, bool]:
        summary = str(body.get("summary", "")).strip()
        if not summary:
            raise Wrong(400, "invalid value for 'Summary': must not be empty")
        dedup = body.get("dedup", summary)
        same = (one for one in self.open if (one.service, one.dedup) == (service, dedup))
        known = next(same, None)
        if body.get("action") == "close":
            if known is not None:
                known.status = "closed"
                known.log.append("Closed via integration key (Generic API)")
            return known, False
        if known is not None:
            known.log.append("Suppressed duplicate: created via integration key (Generic API)")
            return known, False
        meta = body.get("meta", {})
        if not all(isinstance(value, str) for value in meta.values()):
            raise Wrong(400, "json: cannot unmarshal into Go struct field .Meta of type string")
        details = str(body.get("details", ""))[:LONGEST_DETAILS]
        alert = Alert(
            len(self.alerts) + 1, service, dedup, summary[:LONGEST_SUMMARY], details, meta
        )
        self.alerts.append(alert)
        return alert, True
