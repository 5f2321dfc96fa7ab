"""Reactions to entries about postmortems and action items."""

import uuid
from typing import Any

from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind
from incidents.postmortem.due import first_reminder
from incidents.postmortem.effects import UploadPostmortem


def upload_postmortem(plan: IncidentPlan[Any]) -> None:
    """Upload a postmortem to the channel as a file, unless it is kept elsewhere."""
    content = plan.entry.content or {}
    if content.get("link"):
        return
    effect = UploadPostmortem(
        incident_id=plan.facts.incident_id, postmortem_id=uuid.UUID(content["postmortem_id"])
    )
    plan.add(effect, lane="channel", after=plan.channel_gate)


def remind_of_postmortem(plan: IncidentPlan[Any]) -> None:
    """Set the reminder for the business day before the postmortem is due, or for the day."""
    plan.set_reminder(first_reminder(plan.entry, plan.facts, plan.policy))


def end_postmortem_reminder(plan: IncidentPlan[Any]) -> None:
    """Cancel the reminder once the postmortem is published."""
    plan.cancel(ReminderKind.POSTMORTEM_DUE)


def pause_postmortem_reminder(plan: IncidentPlan[Any]) -> None:
    """Cancel the reminder on reopening: resolving again makes a new draft with a new date."""
    if plan.facts.is_open:
        plan.cancel(ReminderKind.POSTMORTEM_DUE)


def tell_owner(plan: IncidentPlan[Any]) -> None:
    """Tell the owner directly what others assigned to them."""
    owner_id = (plan.entry.content or {}).get("owner_id")
    if owner_id is not None and owner_id != str(plan.entry.actor_id):
        plan.tell(uuid.UUID(owner_id))


def remind_owner(plan: IncidentPlan[Any]) -> None:
    """Remind the owner directly, or the channel if there is no owner."""
    owner_id = (plan.entry.content or {}).get("owner_id")
    if owner_id is None:
        plan.post()
    else:
        plan.tell(uuid.UUID(owner_id))
