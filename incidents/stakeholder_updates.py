"""Stakeholder updates and the cadence rule: when the next update is due."""

from datetime import datetime, timedelta

from incidents.lifecycle import IncidentStatus, is_open
from incidents.policy import Policy


def cadence_for(policy: Policy, *, severity_key: str, status: IncidentStatus) -> timedelta | None:
    """Return the time between updates, or None when none are due; longer once mitigated."""
    severity = policy.find_severity(severity_key)
    if severity is None or severity.cadence is None or not is_open(status):
        return None
    if status is IncidentStatus.MITIGATED:
        return severity.cadence * policy.mitigated_cadence_factor
    return severity.cadence


def next_update_due(
    policy: Policy, *, severity_key: str, status: IncidentStatus, since: datetime
) -> datetime | None:
    """Return when the next update is due, counted from declaring or from the last update."""
    cadence = cadence_for(policy, severity_key=severity_key, status=status)
    return None if cadence is None else since + cadence
