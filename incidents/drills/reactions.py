"""What follows from entries in a drill: its people, and the scenario's next step."""

import uuid
from datetime import timedelta
from typing import Any

from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind


def bring_in_mentor(plan: IncidentPlan[Any]) -> None:
    """The mentor of a drill is invited to its channel, so that they see all that is done."""
    mentor = (plan.entry.content or {}).get("mentor")
    if mentor:
        plan.invite(uuid.UUID(mentor["id"]))


def wake_scenario(plan: IncidentPlan[Any]) -> None:
    """What people do in a drill may change what happens in it: its scenario looks at once."""
    if plan.facts.is_drill:
        plan.remind(ReminderKind.SCENARIO_STEP, after=timedelta(0))
