"""Move an incident through its lifecycle: status, close, reopen, cancel, duplicate.

Resolving is in `resolve.py`, because it asks for facts first; both use `move()`.
"""

from dataclasses import replace
from functools import partial

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import InvalidInput, TransitionRefused
from incidents.core.ids import Reference
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.ladder import end_escalations
from incidents.incident.cadence import due_after_status, move_due
from incidents.incident.entries import Declared, Moved, StatusChanged
from incidents.incident.incident import ByReference, Incident, IncidentRef
from incidents.incident.lifecycle import (
    ALLOWED_TRANSITIONS,
    OPEN_STATUSES,
    IncidentStatus,
    check_transition,
    milestones_after,
)
from incidents.incident.timeline import TimelineEntry
from incidents.lifecycle.entries import DuplicateFound
from incidents.lifecycle.severity import change_severity
from incidents.policy.policy import Action
from incidents.proposals.end import end_proposals
from incidents.roles.handoffs import end_handoff
from incidents.storage.database import trimmed

# How far to follow a chain of duplicates of duplicates.
_LONGEST_CHAIN = 50


async def change_status(
    uow: UnitOfWork, ref: IncidentRef, *, target: IncidentStatus, text: str = ""
) -> Outcome:
    """Move an open incident to another open status, or reopen a resolved or closed one.

    Raises: NotPermitted; TransitionRefused; InvalidInput for a status that isn't open.
    """
    if target not in OPEN_STATUSES:
        raise InvalidInput("status", "unknown", ", ".join(OPEN_STATUSES))
    incident = await uow.get_incident(ref)
    if not incident.is_open and target is IncidentStatus.INVESTIGATING:
        return await reopen(uow, ref, reason=text)
    await uow.permit(Action.CHANGE_STATUS, incident)
    await allow_move(uow.session, incident, target)
    return await move(uow, incident, StatusChanged(new=target, text=trimmed(text)))


async def change_both(
    uow: UnitOfWork,
    ref: IncidentRef,
    *,
    target: IncidentStatus,
    severity_key: str,
    text: str = "",
) -> Outcome:
    """Change status and severity at once, or neither; what is so already isn't asked again.

    Raises: what `change_status` and `change_severity` raise.
    """
    incident = await uow.get_incident(ref)
    severity = uow.policy.find_severity(severity_key)
    if severity is not None and severity.key == incident.severity_key:
        return await change_status(uow, ref, target=target, text=text)
    change = partial(change_severity, uow, ref, severity_key=severity_key, reason=text)
    if incident.lifecycle_status is target:
        return await change()
    if not incident.is_open:  # reopening is told by itself
        await change()
        return await change_status(uow, ref, target=target, text=text)
    await uow.permit(Action.CHANGE_STATUS, incident)
    await allow_move(uow.session, incident, target)
    changed = await change(is_told_with_status=True)
    old, new = changed.data["old"], changed.data["new"]
    step = StatusChanged(new=target, text=trimmed(text), old_severity=old, new_severity=new)
    moved = await move(uow, incident, step)
    return replace(moved, data={**moved.data, "severity": new})


async def close(uow: UnitOfWork, ref: IncidentRef, *, text: str = "") -> Outcome:
    """Close a resolved incident. Raises: NotPermitted; TransitionRefused."""
    incident = await uow.get_incident(ref)
    await uow.permit(Action.CLOSE, incident, arguments={"text": text})
    await allow_move(uow.session, incident, IncidentStatus.CLOSED)
    said = trimmed(text)
    return await move(uow, incident, StatusChanged(new=IncidentStatus.CLOSED, text=said))


async def reopen(uow: UnitOfWork, ref: IncidentRef, *, reason: str) -> Outcome:
    """Reopen a resolved or closed incident; resolving it asks everything again.

    Raises: NotPermitted; TransitionRefused; InvalidInput without a reason.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.REOPEN, incident)
    await allow_reopening(uow.session, incident)
    step = StatusChanged(
        new=IncidentStatus.INVESTIGATING,
        reason=_reason(reason, example="Errors are back since 14:05"),
        is_reopening=True,
        previous_resolution=incident.resolution,
    )
    incident.resolution = ""
    incident.has_customer_impact = True  # whether it had none is asked again, too
    return await move(uow, incident, step)


async def cancel(uow: UnitOfWork, ref: IncidentRef, *, reason: str) -> Outcome:
    """Cancel an open incident that turned out to be none.

    Raises: NotPermitted; TransitionRefused; InvalidInput without a reason.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.CANCEL, incident, arguments={"reason": reason})
    await allow_move(uow.session, incident, IncidentStatus.CANCELLED)
    why = _reason(reason, example="False alarm: the monitor was misconfigured")
    return await move(uow, incident, StatusChanged(new=IncidentStatus.CANCELLED, reason=why))


async def mark_duplicate(
    uow: UnitOfWork, ref: IncidentRef, *, original: Reference, reason: str = ""
) -> Outcome:
    """Cancel an open incident as a duplicate of another, and link the two.

    Raises: NotPermitted; TransitionRefused; IncidentNotFound for an original that the actor
        can't see; InvalidInput for the incident itself or a duplicate of it.
    """
    incident = await uow.get_incident(ref)
    other = await uow.get_incident(ByReference(original))
    # People who read a proposal may not know of a private incident.
    asked = {"original": None if other.is_private else str(original), "original_id": str(other.id)}
    await uow.permit(Action.MARK_DUPLICATE, incident, arguments={**asked, "reason": reason})
    await allow_move(uow.session, incident, IncidentStatus.CANCELLED)
    await _check_original(uow.session, incident, other)
    incident.duplicate_of_id = other.id
    step = StatusChanged(
        new=IncidentStatus.CANCELLED,
        reason=trimmed(reason),
        is_duplicate=True,
        # People who read this incident's record may not know of a private one.
        duplicate_of="" if other.is_private else str(other.reference),
    )
    outcome = await move(uow, incident, step)
    # The original's people may not know of a private incident either.
    if other.is_open and not incident.is_private:
        found_here = DuplicateFound(duplicate=str(incident.reference), title=incident.title)
        uow.record(other, found_here)
    found = {"duplicate_of": str(other.reference), "original_status": str(other.status)}
    return replace(outcome, data={**outcome.data, **found})


async def allow_move(session: AsyncSession, incident: Incident, target: IncidentStatus) -> None:
    """Check that the step is allowed. Raises: TransitionRefused with who made the last one."""
    try:
        check_transition(incident.lifecycle_status, target)
    except TransitionRefused:
        raise await _refusal(session, incident, target) from None


async def allow_reopening(session: AsyncSession, incident: Incident) -> None:
    """Check that the incident can be reopened. Raises: TransitionRefused."""
    if incident.is_open:
        raise await _refusal(session, incident, "reopened")
    await allow_move(session, incident, IncidentStatus.INVESTIGATING)


async def move(uow: UnitOfWork, incident: Incident, step: StatusChanged) -> Outcome:
    """Take an allowed step to `step.new`: set status, milestones and cadence, and record it.

    Once the incident is over, this also ends its open escalations and proposals.
    """
    old = incident.lifecycle_status
    incident.status = step.new
    milestones = _set_milestones(uow, incident, old=old)
    due_at = due_after_status(incident, old=old, policy=uow.policy, now=uow.now)
    moved = move_due(incident, due_at)
    uow.record(incident, replace(step, old=old, milestones=milestones, next_update_due_at=moved))
    if not incident.is_open:
        await end_escalations(uow, incident)
        await end_proposals(uow, incident)
        await end_handoff(uow, incident)
    data = {"reference": str(incident.reference), "old": old.value, "new": incident.status}
    return Outcome("status_changed", incident.id, data)


async def find_last_step(session: AsyncSession, incident: Incident) -> TimelineEntry | None:
    """Return the entry that set the current status: the last change, or the declaration."""
    query = (
        select(TimelineEntry)
        .where(
            TimelineEntry.incident_id == incident.id,
            TimelineEntry.kind.in_([Declared.kind, StatusChanged.kind]),
        )
        .order_by(TimelineEntry.sequence.desc())
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def _refusal(session: AsyncSession, incident: Incident, target: str) -> TransitionRefused:
    step = await find_last_step(session, incident)
    return TransitionRefused(
        current=incident.status,
        target=target,
        possible=ALLOWED_TRANSITIONS[incident.lifecycle_status],
        by=step.actor_name if step else "",
        at=step.occurred_at if step else None,
    )


def _set_milestones(
    uow: UnitOfWork, incident: Incident, *, old: IncidentStatus
) -> dict[str, Moved]:
    """Set and clear the step's milestones; return old and new values of the changed ones."""
    changed: dict[str, Moved] = {}
    for name, value in milestones_after(old, incident.lifecycle_status, now=uow.now).items():
        before = getattr(incident, name)
        if before != value:
            setattr(incident, name, value)
            changed[name] = Moved(old=before, new=value)
    return changed


async def _check_original(session: AsyncSession, incident: Incident, other: Incident) -> None:
    link: Incident | None = other
    for _ in range(_LONGEST_CHAIN):
        if link is None:
            return
        if link.id == incident.id:
            problem = "same" if other.id == incident.id else "its_duplicate"
            raise InvalidInput("original", problem)
        if link.duplicate_of_id is None:
            return
        link = await session.get(Incident, link.duplicate_of_id)


def _reason(text: str, *, example: str) -> str:
    reason = trimmed(text)
    if not reason:
        raise InvalidInput("reason", "empty", example)
    return reason
