"""Severity: a change goes on the record as old → new, and moves the next update."""

from dataclasses import replace

from incidents.calling.at_once import call_at_once
from incidents.core.errors import AlreadySo, InvalidInput
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.ladder import shorten_waits
from incidents.incident.cadence import (
    cadence_for,
    due_when_less_urgent,
    due_when_more_urgent,
    last_update_at,
    move_due,
)
from incidents.incident.entries import SeverityChanged
from incidents.incident.incident import Incident, IncidentRef
from incidents.paging.pages import pages_in, tell_pages
from incidents.policy.policy import Action
from incidents.storage.database import trimmed


async def change_severity(
    uow: UnitOfWork,
    ref: IncidentRef,
    *,
    severity_key: str,
    reason: str = "",
    is_told_with_status: bool = False,
) -> Outcome:
    """Change the severity; a worse one brings the next update forward and invites people.

    Raises: NotPermitted (raising and lowering are two rights); AlreadySo; InvalidInput, also when
        lowering without a reason.
    """
    incident = await uow.get_incident(ref)
    severity = uow.policy.find_severity(severity_key)
    if severity is None:
        known = ", ".join(item.key for item in uow.policy.severities)
        raise InvalidInput("severity", "unknown", known, severity_key)
    if severity.key == incident.severity_key:
        raise AlreadySo("severity", incident.severity_name)
    is_worse = severity.rank < incident.severity_rank
    why = trimmed(reason)
    await uow.permit(
        Action.RAISE_SEVERITY if is_worse else Action.LOWER_SEVERITY,
        incident,
        arguments={"severity_key": severity.key, "severity_name": severity.name, "reason": reason},
    )
    if not is_worse and not why:
        raise InvalidInput(
            "reason", "empty", f"severity {severity.key} Only one customer is affected"
        )
    change = SeverityChanged(
        old=incident.severity_name,
        new=severity.name,
        old_key=incident.severity_key,
        new_key=severity.key,
        old_rank=incident.severity_rank,
        new_rank=severity.rank,
        is_worse=is_worse,
        reason=why,
        is_told_with_status=is_told_with_status,
    )
    incident.severity_key = severity.key
    incident.severity_name = severity.name
    incident.severity_rank = severity.rank
    cadence = cadence_for(uow.policy, severity_key=severity.key, status=incident.lifecycle_status)
    current = incident.next_update_due_at
    due_at = (
        due_when_more_urgent(current, cadence=cadence, now=uow.now)
        if is_worse
        else due_when_less_urgent(
            current, cadence=cadence, since=last_update_at(incident), now=uow.now
        )
    )
    uow.record(incident, replace(change, next_update_due_at=move_due(incident, due_at)))
    await _tell_called(uow, incident, is_worse=is_worse)
    data = {"reference": str(incident.reference), "old": change.old, "new": change.new}
    return Outcome("severity_changed", incident.id, data)


async def _tell_called(uow: UnitOfWork, incident: Incident, *, is_worse: bool) -> None:
    """Hurry those who are called, call who has to come now, and tell the pagers."""
    if is_worse:
        await shorten_waits(uow, incident)
        await call_at_once(uow, incident)
    tell_pages(uow, incident, await pages_in(uow.session, incident.id))
