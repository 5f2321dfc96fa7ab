"""What entries mean for those who learn: looked up afterwards, so that no change waits for it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from incidents.engine.plan import IncidentPlan
from incidents.incident.role_entries import CommanderChanged, RoleAssigned
from incidents.incident.timeline import EntryKind
from incidents.learning.effects import FollowLearners


def follow_learners(plan: IncidentPlan[Any]) -> None:
    """Shadows, juniors and their mentors are looked after once the change is committed."""
    effect = FollowLearners(incident_id=plan.facts.incident_id, entry_id=plan.entry.id)
    plan.add(effect, lane="learners")


# What counts as a decision, and how the question to shadows calls it.
DECISIONS: Final[Mapping[EntryKind, str]] = MappingProxyType(
    {
        EntryKind.STATUS_CHANGED: "status",
        EntryKind.SEVERITY_CHANGED: "severity",
        EntryKind.HANDOFF_OFFERED: "handoff",
        EntryKind.HANDOFF_REQUESTED: "handoff",
        EntryKind.COMMANDER_CHANGED: "handoff",
        EntryKind.ACTION_PROPOSED: "proposal",
    }
)

# Somebody takes a role: whoever is below solo gets a mentor beside them.
TAKING_ROLES: Final[Mapping[str, type[RoleAssigned | CommanderChanged]]] = MappingProxyType(
    {one.kind: one for one in (RoleAssigned, CommanderChanged)}
)

# What a junior asks others for; the mentor gets each.
ASKING: Final = frozenset(
    {
        EntryKind.ESCALATED,
        EntryKind.ESCALATION_COMPLETED,
        EntryKind.ACTION_PROPOSED,
        EntryKind.PROPOSAL_REVISED,
    }
)
