"""What entries mean for those who learn: looked up afterwards, so that no change waits for it."""

from incidents.learning_effects import FollowLearners
from incidents.learning_entries import FOLLOWED
from incidents.plan import Plan
from incidents.timeline import EntryKind


def follow_learners(plan: Plan) -> None:
    """Shadows, juniors and their mentors are looked after once the change is committed."""
    if EntryKind(plan.entry.kind) in FOLLOWED:
        effect = FollowLearners(incident_id=plan.facts.incident_id, entry_id=plan.entry.id)
        plan.add(effect, lane="learners")
