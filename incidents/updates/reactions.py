"""Reactions that keep the cadence of stakeholder updates."""

from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind
from incidents.incident.entries import SeverityChanged, StatusChanged, UpdateMissed
from incidents.incident.payload import Payload
from incidents.updates.entries import LATE, UpdateReminded


def keep_cadence(plan: IncidentPlan[Payload]) -> None:
    """Set the reminder for the next stakeholder update, or cancel it if none is due."""
    due_at = plan.facts.next_update_due_at
    if due_at is None:
        plan.cancel(ReminderKind.UPDATE_DUE)
        return
    plan.remind(ReminderKind.UPDATE_DUE, after=due_at - plan.facts.now)


def follow_due(plan: IncidentPlan[StatusChanged | SeverityChanged]) -> None:
    """Move the reminder when a step moves the due time, and leave it alone otherwise.

    Setting it again without a move would repeat what was already said.
    """
    if plan.event.next_update_due_at or not plan.facts.is_open:
        keep_cadence(plan)


def say_reminder(plan: IncidentPlan[UpdateReminded]) -> None:
    """Post in the channel that an update is due; for a late one, tell the leads directly."""
    if plan.event.step != LATE:
        plan.ask()
        return
    for person in plan.event.to:
        plan.tell(person.id)


def say_miss(plan: IncidentPlan[UpdateMissed]) -> None:
    """Post a missed update in the channel, unless that was said often enough."""
    if not plan.event.is_quiet:
        plan.ask()
