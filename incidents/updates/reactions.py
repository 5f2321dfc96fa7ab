"""What follows for the cadence of stakeholder updates."""

import uuid
from typing import Any

from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind


def keep_cadence(plan: IncidentPlan[Any]) -> None:
    """The next stakeholder update is reminded of when it is due, and not once resolved."""
    due_at = plan.facts.next_update_due_at
    if due_at is None:
        plan.cancel(ReminderKind.UPDATE_DUE)
        return
    plan.remind(ReminderKind.UPDATE_DUE, after=due_at - plan.facts.now)


def follow_due(plan: IncidentPlan[Any]) -> None:
    """A step that moved the next update's due time moves its reminder; others leave it be.

    Setting it anew when nothing moved would say again what was said already.
    """
    content = plan.entry.content or {}
    if "next_update_due_at" in content or not plan.facts.is_open:
        keep_cadence(plan)


def say_reminder(plan: IncidentPlan[Any]) -> None:
    """An update that is due is said in the channel; a late one to those who lead, directly."""
    content = plan.entry.content or {}
    if content.get("step") != "late":
        plan.post()
        return
    for person in content.get("to", ()):
        plan.tell(uuid.UUID(person["id"]))


def say_miss(plan: IncidentPlan[Any]) -> None:
    """A missed update is said in the channel, unless that was said often enough."""
    if not (plan.entry.content or {}).get("is_quiet"):
        plan.post()
