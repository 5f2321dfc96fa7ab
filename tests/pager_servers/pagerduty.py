"""PagerDuty's REST API, Events API v2 and V3 webhooks, as its documents have them (developer-docs)."""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.pager_servers.server import Asked, PagerServer, Wrong

TOKEN = "u+restkey"
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
_INCIDENT = {
    "type",
    "title",
    "service",
    "urgency",
    "incident_key",
    "body",
    "assignments",
    "escalation_policy",
}
_EVENT = {"routing_key", "event_action", "dedup_key", "payload", "links", "client", "client_url"}


@dataclass(slots=True)
class Incident:
    """An incident; `woken` are the users who were notified."""

    id: str
    key: str
    title: str
    urgency: str
    body: str = ""
    status: str = "triggered"
    policy: str = ""
    acknowledged_by: str = ""
    woken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class PagerDutyServer(PagerServer):
    """One account: users by email, services with their escalation policy, who is on call for it."""

    def __init__(self) -> None:
        super().__init__()
        self.users = {"bot@example.com": "PUBOT01", "kim@example.com": "PUKIM01"}
        self.services = {"PSCHECK": "PECHECK", "PSPEOPLE": "PECHECK"}
        self.on_call = {"PECHECK": ["PUKIM01"], "PESEARCH": ["PUKIM01"]}
        self.secrets = ["signing-secret"]
        self.incidents: list[Incident] = []
        # Events that no webhook has told yet.
        self.news: list[dict[str, Any]] = []

    @property
    def open(self) -> list[Incident]:
        """Incidents that page, or did."""
        return [one for one in self.incidents if one.status != "resolved"]

    async def answer(self, request: web.Request, asked: Asked) -> tuple[int, object]:
        if request.path == "/v2/enqueue":
            return self._enqueue(request, asked.body)
        if request.headers.get("Authorization") != f"Token token={TOKEN}":
            raise Wrong(401, _error(2006, "Unauthorized"))
        sender = self.users.get(request.headers.get("From", ""), "")
        if request.method != "GET" and not sender:
            raise Wrong(400, _error(1008, "Requester User Not Found"))
        if request.method == "GET":
            return 200, self._get(request)
        if (request.method, request.path) == ("POST", "/incidents"):
            return 201, self._create(asked.body, by=sender)
        return self._change(request, asked.body, by=sender)

    def signed(self, raw: bytes) -> dict[str, str]:
        found = [hmac.new(one.encode(), raw, hashlib.sha256).hexdigest() for one in self.secrets]
        return {"X-PagerDuty-Signature": ",".join(f"v1={one}" for one in found)}

    async def deliver(self, *, backwards: bool = False) -> set[int]:
        """Tell the news, each twice, as PagerDuty may; return what we answered."""
        news, self.news = self.news, []
        return {
            await self.tell({"event": one})
            for one in (reversed(news) if backwards else news)
            for _ in range(2)
        }

    def act(self, incident: Incident, name: str, *, by: str = "PUKIM01") -> None:
        """Let somebody do something in PagerDuty, or PagerDuty itself ("")."""
        status = {
            "acknowledged": "acknowledged",
            "resolved": "resolved",
            "reassigned": incident.status,
        }
        incident.status = status.get(name, "triggered")
        if name == "acknowledged":
            incident.acknowledged_by = by
        self._happened(incident, name, by=by)

    def replies(self, incident: Incident, state: str, *, by: str = "PUKIM01") -> None:
        """Let somebody who was asked to join answer."""
        self._happened(incident, "responder.replied", by=by)
        self.news[-1]["data"] = {
            "type": "incident_responder",
            "incident": {"id": incident.id, "type": "incident_reference"},
            "user": self._user(by),
            "state": state,
        }

    def _get(self, request: web.Request) -> object:
        _, kind, *rest = request.path.split("/")
        if kind == "incidents" and not rest:
            key = request.query["incident_key"]
            return {"incidents": [_shown(one) for one in self.incidents if one.key == key]}
        if kind == "incidents":
            for one in self.incidents:
                if one.id == rest[0]:
                    return {"incident": _shown(one)}
        if kind == "users" and not rest:
            words = request.query["query"].casefold().partition("@")[0]
            return {"users": [self._user(one) for mail, one in self.users.items() if words in mail]}
        if kind == "users" and rest[0] in self.users.values():
            return {"user": self._user(rest[0])}
        if kind == "services" and rest[0] in self.services:
            return {"service": {"id": rest[0], "escalation_policy": {"id": self.services[rest[0]]}}}
        if kind == "oncalls":
            assert request.query.getall("include[]") == ["users"]
            found = enumerate(self.on_call[request.query["escalation_policy_ids[]"]], start=1)
            duties = [
                {"user": self._user(one), "escalation_level": level, "end": "2026-12-02T09:00:00Z"}
                for level, one in found
            ]
            return {"oncalls": duties[::-1]}
        raise Wrong(404, _error(2100, "Not Found"))

    def _create(self, body: Any, *, by: str) -> object:
        new = body["incident"]
        assert set(new) <= _INCIDENT, "PagerDuty would ignore this"
        service = self.services.get(new["service"]["id"])
        if service is None:
            raise Wrong(400, _error(2001, "Invalid Input Provided", "Service is invalid"))
        if any(one.key == new["incident_key"] for one in self.open):
            what = "Open incident with matching dedup key already exists on this service"
            raise Wrong(400, _error(2002, "Arguments Caused Error", what))
        if "assignments" in new and "escalation_policy" in new:
            what = "Assignee and Escalation Policy cannot both be specified"
            raise Wrong(400, _error(2001, "Invalid Input Provided", what))
        policy = new.get("escalation_policy", {}).get("id", service)
        if policy not in self.on_call or len(new["title"]) > 1024:
            raise Wrong(400, _error(2001, "Invalid Input Provided", "Escalation policy is invalid"))
        given = [one["assignee"]["id"] for one in new.get("assignments", ())]
        assigned = given or self.on_call[policy][:1]
        incident = self._add(new["incident_key"], new["title"], new["urgency"], assigned, by=by)
        incident.policy = "" if given else policy
        incident.body = new.get("body", {}).get("details", "")
        return {"incident": _shown(incident)}

    def _change(self, request: web.Request, body: Any, *, by: str) -> tuple[int, object]:
        found = re.fullmatch(r"/incidents/(\w+)(/notes)?", request.path)
        known = {one.id: one for one in self.incidents}
        if found is None or found[1] not in known:
            raise Wrong(404, _error(2100, "Not Found"))
        incident = known[found[1]]
        if request.method == "POST" and found[2]:
            incident.notes.append(body["note"]["content"])
            return 201, {"note": {"content": body["note"]["content"]}}
        assert (request.method, body["incident"]["type"]) == ("PUT", "incident_reference")
        if incident.status == "resolved":
            raise Wrong(400, _error(2001, "Invalid Input Provided", "Incident Already Resolved"))
        self.act(incident, body["incident"]["status"], by=by)
        return 200, {"incident": _shown(incident)}

    def _enqueue(self, request: web.Request, body: Any) -> tuple[int, object]:
        assert request.method == "POST"
        assert set(body) <= _EVENT, "PagerDuty would ignore this"
        errors = []
        if len(body.get("routing_key", "")) != 32:
            errors.append("Length of 'routing_key' is incorrect (should be 32 characters)")
        payload, action = body.get("payload", {}), body.get("event_action")
        if action == "trigger":
            missing = {"summary", "source", "severity"} - {key for key in payload if payload[key]}
            errors += [f"'payload.{one}' is missing or blank" for one in sorted(missing)]
            assert payload.get("severity") in {"critical", "error", "warning", "info"}
            assert len(payload["summary"]) <= 1024
            assert len(json.dumps(body)) <= 512 * 1024
        if errors:
            what = {"status": "invalid event", "message": "Event object is invalid"}
            raise Wrong(400, {**what, "errors": errors})
        if body["routing_key"] == ROUTING_KEY:
            self._process(action, body)
        # A key of nobody is accepted all the same.
        done = {"status": "success", "message": "Event processed"}
        return 202, {**done, "dedup_key": body["dedup_key"]}

    def _process(self, action: str, body: Any) -> None:
        known = next((one for one in self.open if one.key == body["dedup_key"]), None)
        if action == "trigger" and known is None:
            urgency = "high" if body["payload"]["severity"] in {"critical", "error"} else "low"
            on_call = self.on_call["PECHECK"][:1]
            made = self._add(body["dedup_key"], body["payload"]["summary"], urgency, on_call, by="")
            made.body = str(body["payload"].get("custom_details", ""))
        elif action != "trigger" and known is not None:
            self.act(known, f"{action}d", by="")

    def _add(self, key: str, title: str, urgency: str, assigned: list[str], *, by: str) -> Incident:
        incident = Incident(f"Q{len(self.incidents) + 1:07}", key, title, urgency)
        self.incidents.append(incident)
        self._happened(incident, "triggered", by=by)
        if by in assigned:
            # An incident of one's own is acknowledged already.
            self.act(incident, "acknowledged", by=by)
        else:
            incident.woken += assigned
        return incident

    def _happened(self, incident: Incident, name: str, *, by: str) -> None:
        agent = {"id": "PSINTEG", "type": "inbound_integration_reference", "summary": "Events"}
        if by:
            agent = {"id": by, "type": "user_reference", "summary": self._user(by)["name"]}
        self.news.append(
            {
                "id": f"01EVENT{hashlib.sha256(str((incident, name, by)).encode()).hexdigest()[:8]}",
                "event_type": f"incident.{name}",
                "resource_type": "incident",
                "occurred_at": "2026-12-01T03:00:00.000Z",
                "agent": agent,
                "data": _shown(incident),
            }
        )

    def _user(self, user: str) -> dict[str, str]:
        email = next(mail for mail, one in self.users.items() if one == user)
        name = email.partition("@")[0].title()
        return {"id": user, "type": "user", "name": name, "summary": name, "email": email}


def _shown(one: Incident) -> dict[str, object]:
    user = {"id": one.acknowledged_by, "type": "user_reference"}
    is_acknowledged = one.status == "acknowledged" and one.acknowledged_by
    return {
        "acknowledgements": [{"acknowledger": user}] if is_acknowledged else [],
        "id": one.id,
        "type": "incident",
        "html_url": f"https://example.pagerduty.com/incidents/{one.id}",
        "incident_key": one.key,
        "title": one.title,
        "status": one.status,
        "urgency": one.urgency,
    }


def _error(code: int, message: str, *errors: str) -> dict[str, object]:
    return {"error": {"code": code, "message": message, "errors": list(errors)}}
