"""The bot's commands that may need approval: stored as data, worded for people, carried out later.

Arguments are the JSON values that the use case passed to `uow.permit(…, arguments=…)`. Carrying out
runs exactly that use case as the person who asked, with all its own checks.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, IncidentRef
from incidents.lifecycle.resolve import Resolution, resolve
from incidents.lifecycle.severity import change_severity
from incidents.lifecycle.status import cancel, close, mark_duplicate
from incidents.policy.policy import Action
from incidents.updates.post import draft_from, post_update

Arguments = Mapping[str, Any]
Performer = Callable[[UnitOfWork, IncidentRef, Arguments], Awaitable[Outcome]]


async def _lower_severity(uow: UnitOfWork, ref: IncidentRef, given: Arguments) -> Outcome:
    key, reason = str(given["severity_key"]), str(given.get("reason") or "")
    return await change_severity(uow, ref, severity_key=key, reason=reason)


async def _resolve(uow: UnitOfWork, ref: IncidentRef, given: Arguments) -> Outcome:
    resolution = Resolution(
        text=str(given.get("text") or ""),
        impact_started_at=_instant(given.get("impact_started_at")),
        impact_ended_at=_instant(given.get("impact_ended_at")),
        has_customer_impact=given.get("has_customer_impact"),
    )
    return await resolve(uow, ref, resolution=resolution)


async def _cancel(uow: UnitOfWork, ref: IncidentRef, given: Arguments) -> Outcome:
    return await cancel(uow, ref, reason=str(given.get("reason") or ""))


async def _mark_duplicate(uow: UnitOfWork, ref: IncidentRef, given: Arguments) -> Outcome:
    other = await uow.get_incident(ById(uuid.UUID(str(given["original_id"]))))
    reason = str(given.get("reason") or "")
    return await mark_duplicate(uow, ref, original=other.reference, reason=reason)


async def _close(uow: UnitOfWork, ref: IncidentRef, given: Arguments) -> Outcome:
    return await close(uow, ref, text=str(given.get("text") or ""))


async def _post_update(uow: UnitOfWork, ref: IncidentRef, given: Arguments) -> Outcome:
    return await post_update(uow, ref, draft=draft_from(given))


PERFORMERS: Mapping[str, Performer] = MappingProxyType(
    {
        Action.LOWER_SEVERITY: _lower_severity,
        Action.RESOLVE: _resolve,
        Action.CANCEL: _cancel,
        Action.MARK_DUPLICATE: _mark_duplicate,
        Action.CLOSE: _close,
        Action.POST_UPDATE: _post_update,
    }
)


def command_text(command: str, arguments: Arguments) -> str:
    """Return in words what the command will do, for the record and for people."""
    match command:
        case Action.LOWER_SEVERITY:
            head = f"Lower the severity to {arguments.get('severity_name', '')}"
        case Action.RESOLVE:
            head = "Resolve the incident"
        case Action.CANCEL:
            head = "Cancel the incident"
        case Action.MARK_DUPLICATE:
            original = arguments.get("original") or "a private incident"
            head = f"Cancel the incident as a duplicate of {original}"
        case Action.CLOSE:
            head = "Close the incident"
        case Action.POST_UPDATE:
            head = "Post a stakeholder update"
        case _:
            head = command.replace("_", " ").capitalize()
    said = "; ".join(_said(command, arguments))
    return f"{head}: {said}" if said else head


def _said(command: str, arguments: Arguments) -> list[str]:
    labels = {
        "impact": "impact: ",
        "actions": "under way: ",
        "next_steps": "next: ",
        "needed": "needs: ",
        "status": "status ",
    }
    shown = ("text", "reason", *(labels if command == Action.POST_UPDATE else ()))
    said = [f"{labels.get(name, '')}{arguments[name]}" for name in shown if arguments.get(name)]
    if arguments.get("has_customer_impact") is False:
        said.append("without customer impact")
    return said


def _instant(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None
