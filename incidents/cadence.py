"""When the next update is due after a change of severity or status; pure.

More urgent never waits longer than the new cadence; less urgent never comes sooner than what was
promised; nothing was due before: the clock starts now.
"""

from datetime import datetime, timedelta

from incidents.incident import Incident
from incidents.lifecycle import IncidentStatus
from incidents.policy import Policy
from incidents.stakeholder_updates import cadence_for


def due_when_more_urgent(
    current: datetime | None, *, cadence: timedelta | None, now: datetime
) -> datetime | None:
    """Return the sooner of what is due now and one new cadence from now; None without cadence."""
    if cadence is None:
        return None
    return now + cadence if current is None else min(current, now + cadence)


def due_when_less_urgent(
    current: datetime | None, *, cadence: timedelta | None, since: datetime, now: datetime
) -> datetime | None:
    """Return one new cadence after the last update, or what was promised for later."""
    if cadence is None:
        return None
    return now + cadence if current is None else max(current, since + cadence)


def due_after_status(
    incident: Incident, *, old: IncidentStatus, policy: Policy, now: datetime
) -> datetime | None:
    """Return when the next update is due, the incident having left the status `old` now."""
    before = cadence_for(policy, severity_key=incident.severity_key, status=old)
    after = cadence_for(
        policy, severity_key=incident.severity_key, status=incident.lifecycle_status
    )
    current = incident.next_update_due_at
    if before == after and (after is None or current is not None):
        return current
    if before is None or (after is not None and after < before):
        return due_when_more_urgent(current, cadence=after, now=now)
    return due_when_less_urgent(current, cadence=after, since=last_update_at(incident), now=now)


def last_update_at(incident: Incident) -> datetime:
    """Return when stakeholders last heard: the last update, else the declaration."""
    return incident.last_update_at or incident.declared_at


def move_due(incident: Incident, due_at: datetime | None) -> dict[str, object]:
    """Set when the next update is due and return what the entry says of it: {} if unchanged."""
    before = incident.next_update_due_at
    if before == due_at:
        return {}
    incident.next_update_due_at = due_at
    return {"next_update_due_at": {"old": before, "new": due_at}}
