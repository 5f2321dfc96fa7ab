"""The lifecycle of an incident: statuses, transitions and what resolving needs; pure.

triage ──▶ investigating ──▶ identified ──▶ mitigated ──▶ resolved ──▶ closed
│  any open status goes to any later one, up to resolved   │           │
│             ▲             ▲               │              │           │
│             └─────────────┴── slipped ────┘              │           │
│             └────────────────── reopened ────────────────┴───────────┘
└─▶ cancelled   (from any open status; a duplicate is cancelled with a link)
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from incidents.core.errors import TransitionRefused


class IncidentStatus(StrEnum):
    """Where an incident is in its lifecycle."""

    TRIAGE = "triage"
    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"


OPEN_STATUSES = (
    IncidentStatus.TRIAGE,
    IncidentStatus.INVESTIGATING,
    IncidentStatus.IDENTIFIED,
    IncidentStatus.MITIGATED,
)

# Resolved ones, too: their channel lives, and people work on the postmortem.
STATUSES_GOING_ON = (*OPEN_STATUSES, IncidentStatus.RESOLVED)

ALLOWED_TRANSITIONS: Mapping[IncidentStatus, tuple[IncidentStatus, ...]] = MappingProxyType(
    {
        IncidentStatus.TRIAGE: (
            IncidentStatus.INVESTIGATING,
            IncidentStatus.IDENTIFIED,
            IncidentStatus.MITIGATED,
            IncidentStatus.RESOLVED,
            IncidentStatus.CANCELLED,
        ),
        IncidentStatus.INVESTIGATING: (
            IncidentStatus.IDENTIFIED,
            IncidentStatus.MITIGATED,
            IncidentStatus.RESOLVED,
            IncidentStatus.CANCELLED,
        ),
        IncidentStatus.IDENTIFIED: (
            IncidentStatus.MITIGATED,
            IncidentStatus.RESOLVED,
            IncidentStatus.CANCELLED,
        ),
        IncidentStatus.MITIGATED: (
            IncidentStatus.INVESTIGATING,
            IncidentStatus.IDENTIFIED,
            IncidentStatus.RESOLVED,
            IncidentStatus.CANCELLED,
        ),
        IncidentStatus.RESOLVED: (IncidentStatus.CLOSED, IncidentStatus.INVESTIGATING),
        IncidentStatus.CLOSED: (IncidentStatus.INVESTIGATING,),
        IncidentStatus.CANCELLED: (),
    }
)


def is_open(status: IncidentStatus) -> bool:
    """Tell whether an incident with this status is still being worked on."""
    return status in OPEN_STATUSES


def check_transition(current: IncidentStatus, target: IncidentStatus) -> None:
    """Check that the transition is allowed. Raises: TransitionRefused with the possible ones."""
    possible = ALLOWED_TRANSITIONS[current]
    if target not in possible:
        raise TransitionRefused(current=current, target=target, possible=possible)


def milestones_after(
    old: IncidentStatus, new: IncidentStatus, *, now: datetime
) -> Mapping[str, datetime | None]:
    """Return the milestones that a transition sets or clears, by field name.

    The latest value wins. A step back means that mitigation or resolution didn't hold, so the
    impact continues; the old values remain on the entries that set them.
    """
    match new:
        case IncidentStatus.MITIGATED:
            return {"mitigated_at": now}
        case IncidentStatus.RESOLVED:
            return {"resolved_at": now}
        case IncidentStatus.CLOSED:
            return {"closed_at": now}
        case IncidentStatus.CANCELLED:
            return {"cancelled_at": now}
    if old not in _HELD_UNTIL_NOW:
        return {}
    return dict.fromkeys(("mitigated_at", "impact_ended_at", "resolved_at", "closed_at"))


_HELD_UNTIL_NOW = frozenset(
    {IncidentStatus.MITIGATED, IncidentStatus.RESOLVED, IncidentStatus.CLOSED}
)


def closing_blockers(
    *,
    impact_started_at: datetime | None,
    impact_ended_at: datetime | None,
    resolution: str,
    has_customer_impact: bool = True,
) -> tuple[str, ...]:
    """Return the facts that resolving still needs, in the order to ask for them.

    Without customer impact, no times of impact are needed.
    """
    facts: dict[str, object] = {"resolution": resolution.strip()}
    if has_customer_impact:
        facts = {
            "impact_started_at": impact_started_at,
            "impact_ended_at": impact_ended_at,
            **facts,
        }
    return tuple(name for name, value in facts.items() if not value)
