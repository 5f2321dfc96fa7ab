"""What follows from entries about postmortems and action items; collected in `reactions.py`."""

import uuid
from typing import Any

from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind
from incidents.postmortem.due import first_reminder
from incidents.postmortem.effects import UploadPostmortem


def upload_postmortem(plan: IncidentPlan[Any]) -> None:
    """A postmortem goes to the channel as a file, unless it is kept elsewhere."""
    content = plan.entry.content or {}
    if content.get("link"):
        return
    effect = UploadPostmortem(
        incident_id=plan.facts.incident_id, postmortem_id=uuid.UUID(content["postmortem_id"])
    )
    plan.add(effect, lane="channel", after=plan.channel_gate)


def remind_of_postmortem(plan: IncidentPlan[Any]) -> None:
    """The postmortem is reminded of on the business day before it is due, and on the day."""
    plan.set_reminder(first_reminder(plan.entry, plan.facts, plan.policy))


def end_postmortem_reminder(plan: IncidentPlan[Any]) -> None:
    """Once published there is nothing left to remind of."""
    plan.cancel(ReminderKind.POSTMORTEM_DUE)


def pause_postmortem_reminder(plan: IncidentPlan[Any]) -> None:
    """A reopened incident gets a new draft, with a new date, when it is resolved again."""
    if plan.facts.is_open:
        plan.cancel(ReminderKind.POSTMORTEM_DUE)


def tell_owner(plan: IncidentPlan[Any]) -> None:
    """Whoever others gave something to hears of it directly."""
    owner_id = (plan.entry.content or {}).get("owner_id")
    if owner_id is not None and owner_id != str(plan.entry.actor_id):
        plan.tell(uuid.UUID(owner_id))


def remind_owner(plan: IncidentPlan[Any]) -> None:
    """The owner is reminded directly; without one, the channel is."""
    owner_id = (plan.entry.content or {}).get("owner_id")
    if owner_id is None:
        plan.post()
    else:
        plan.tell(uuid.UUID(owner_id))
