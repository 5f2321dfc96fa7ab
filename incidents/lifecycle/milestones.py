"""Corrections of an incident's milestones: impact, detection, mitigation, resolution.

Figures use these fields, never the time when a row was last written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from incidents.core.errors import AlreadySo, InvalidInput
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.entries import MilestoneSet
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.lifecycle import IncidentStatus
from incidents.policy.policy import Action

Moments = Mapping[str, datetime | None]

EDITABLE = (
    "detected_at",
    "impact_started_at",
    "impact_ended_at",
    "mitigated_at",
    "resolved_at",
)

# Pairs of milestones: the first can't come after the second.
_ORDER = (
    ("impact_started_at", "impact_ended_at"),
    ("detected_at", "mitigated_at"),
    ("detected_at", "resolved_at"),
    ("mitigated_at", "resolved_at"),
)


@dataclass(frozen=True, slots=True)
class MilestoneProblem:
    """What is wrong with one milestone (a key), and which other milestone it clashes with."""

    field: str
    problem: str  # empty, future, order, not_reached
    other: str = ""


async def set_milestones(uow: UnitOfWork, ref: IncidentRef, *, moments: Moments) -> Outcome:
    """Set the given milestones, each with its own entry.

    Raises: NotPermitted; AlreadySo; InvalidInput for a time that is in the future, out of order,
        not reached yet, or missing although the status says that it was reached.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.EDIT, incident)
    fitted = fit(incident, moments)
    if fitted.get("impact_started_at") or fitted.get("impact_ended_at"):
        incident.has_customer_impact = True
    problems = find_problems(incident, fitted, now=uow.now)
    if problems:
        raise InvalidInput(problems[0].field, problems[0].problem)
    changed = apply(uow, incident, fitted)
    if not changed:
        raise AlreadySo("everything")
    data = {"reference": str(incident.reference), "changed": list(changed)}
    return Outcome("milestones_set", incident.id, data)


def apply(uow: UnitOfWork, incident: Incident, moments: Moments) -> tuple[str, ...]:
    """Set the milestones that differ, with an entry each, and return their names."""
    changed: list[str] = []
    for name, value in moments.items():
        old = getattr(incident, name)
        if old == value:
            continue
        setattr(incident, name, value)
        changed.append(name)
        uow.record(incident, MilestoneSet(name=name, old=old, new=value), occurred_at=value)
    return tuple(changed)


def fit(incident: Incident, moments: Moments) -> dict[str, datetime | None]:
    """Return the times at full precision: people choose minutes, the record has seconds.

    A time in the same minute as the recorded one keeps the recorded seconds. An end in the same
    minute as its start is never before it.
    """
    fitted = {name: _kept(getattr(incident, name), value) for name, value in moments.items()}
    for earlier, later in _ORDER:
        start, end = _value(incident, fitted, earlier), fitted.get(later)
        if start and end and end < start and _minute(start) == _minute(end):
            fitted[later] = start
    return fitted


def find_problems(
    incident: Incident, moments: Moments, *, now: datetime
) -> tuple[MilestoneProblem, ...]:
    """Return every problem with these times, given the rest of the record."""
    problems: dict[str, MilestoneProblem] = {}
    for name, value in moments.items():
        problem = _problem(incident, name, value, now=now)
        if problem:
            problems[name] = MilestoneProblem(name, problem)
    for earlier, later in _ORDER:
        start, end = _value(incident, moments, earlier), _value(incident, moments, later)
        if start is None or end is None or start <= end:
            continue
        wrong, other = (later, earlier) if later in moments else (earlier, later)
        if wrong in moments:
            problems.setdefault(wrong, MilestoneProblem(wrong, "order", other))
    return tuple(problems.values())


def reachable(status: IncidentStatus) -> tuple[str, ...]:
    """Return the milestones that an incident with this status can have."""
    match status:
        case IncidentStatus.RESOLVED | IncidentStatus.CLOSED:
            return EDITABLE
        case IncidentStatus.MITIGATED | IncidentStatus.CANCELLED:
            return EDITABLE[:4]
    return EDITABLE[:3]


def _problem(incident: Incident, name: str, value: datetime | None, *, now: datetime) -> str:
    if name not in EDITABLE:
        return "unknown"
    if value is None:
        return "empty" if name in _needed(incident) else ""
    if value > now:
        return "future"
    return "" if name in reachable(incident.lifecycle_status) else "not_reached"


def _needed(incident: Incident) -> frozenset[str]:
    needed = {"detected_at"}
    match incident.lifecycle_status:
        case IncidentStatus.MITIGATED:
            needed.add("mitigated_at")
        case IncidentStatus.RESOLVED | IncidentStatus.CLOSED:
            needed.add("resolved_at")
            if incident.has_customer_impact:
                needed |= {"impact_started_at", "impact_ended_at"}
    return frozenset(needed)


def _value(incident: Incident, moments: Moments, name: str) -> datetime | None:
    value: datetime | None = getattr(incident, name)
    return moments.get(name, value)


def _kept(known: datetime | None, chosen: datetime | None) -> datetime | None:
    if known is None or chosen is None:
        return chosen
    return known if _minute(known) == _minute(chosen) else chosen


def _minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)
