"""What follows for the cadence of stakeholder updates."""

from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind
from incidents.incident.entries import SeverityChanged, StatusChanged, UpdateMissed
from incidents.incident.payload import Payload
from incidents.updates.entries import LATE, UpdateReminded


def keep_cadence(plan: IncidentPlan[Payload]) -> None:
    """The next stakeholder update is reminded of when it is due, and not once resolved."""
    due_at = plan.facts.next_update_due_at
    if due_at is None:
        plan.cancel(ReminderKind.UPDATE_DUE)
        return
    plan.remind(ReminderKind.UPDATE_DUE, after=due_at - plan.facts.now)


def follow_due(plan: IncidentPlan[StatusChanged | SeverityChanged]) -> None:
    """A step that moved the next update's due time moves its reminder; others leave it be.

    Setting it anew when nothing moved would say again what was said already.
    """
    if plan.event.next_update_due_at or not plan.facts.is_open:
        keep_cadence(plan)


def say_reminder(plan: IncidentPlan[UpdateReminded]) -> None:
    """An update that is due is said in the channel; a late one to those who lead, directly."""
    if plan.event.step != LATE:
        plan.post()
        return
    for person in plan.event.to:
        plan.tell(person.id)


def say_miss(plan: IncidentPlan[UpdateMissed]) -> None:
    """A missed update is said in the channel, unless that was said often enough."""
    if not plan.event.is_quiet:
        plan.post()
