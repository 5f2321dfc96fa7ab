"""Reactions for people who are guided."""

import uuid
from datetime import datetime

from incidents.engine.plan import IncidentPlan, Plan
from incidents.engine.reminders import Remind, ReminderKind
from incidents.guidance.events import GuidanceAwaited, GuidanceBegun
from incidents.guidance.tables import guidance_id
from incidents.incident.payload import Payload


def look_after_guided(plan: IncidentPlan[Payload]) -> None:
    """Check at once, in private, on everybody who is guided or may be from now on."""
    for person_id in plan.facts.to_guide:
        plan.set_reminder(_look(plan.facts.incident_id, person_id, at=plan.now))


def look_again(plan: Plan[GuidanceAwaited]) -> None:
    """Look at somebody's guidance as soon as this is committed."""
    plan.set_reminder(_look(plan.event.incident_id, plan.event.person_id, at=plan.now))


def start_time_box(plan: Plan[GuidanceBegun]) -> None:
    """Set the time box that asks a guided person how it goes after a quiet while."""
    plan.set_reminder(
        Remind(
            kind=ReminderKind.TIME_BOX,
            subject_type="guidance",
            subject_id=plan.event.guidance_id,
            incident_id=plan.event.incident_id,
            due_at=plan.now + plan.policy.guidance.time_box,
        )
    )


def _look(incident_id: uuid.UUID, person_id: uuid.UUID, *, at: datetime) -> Remind:
    return Remind(
        kind=ReminderKind.PROMPT_STEP,
        subject_type="guidance",
        subject_id=guidance_id(incident_id, person_id),
        incident_id=incident_id,
        due_at=at,
        data={"person_id": str(person_id)},
    )
