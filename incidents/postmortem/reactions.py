"""Reactions to entries about postmortems and action items."""

from typing import Any

from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind
from incidents.postmortem.due import first_reminder
from incidents.postmortem.effects import UploadPostmortem
from incidents.postmortem.entries import (
    OwnedEntry,
    PostmortemDrafted,
    PostmortemEntry,
    PostmortemPublished,
)


def upload_postmortem(plan: IncidentPlan[PostmortemDrafted | PostmortemPublished]) -> None:
    """Upload the postmortem to the channel as a file, unless it is kept elsewhere."""
    event, incident_id = plan.event, plan.facts.incident_id
    is_elsewhere = isinstance(event, PostmortemPublished) and event.link
    if is_elsewhere or event.postmortem_id is None:
        return
    effect = UploadPostmortem(incident_id=incident_id, postmortem_id=event.postmortem_id)
    plan.add(effect, lane="card", after=plan.channel_gate)


def remind_of_postmortem(plan: IncidentPlan[PostmortemEntry]) -> None:
    """Set the first reminder of the day on which the postmortem is due."""
    if plan.event.due_on is not None:
        plan.set_reminder(first_reminder(plan.event.due_on, plan.facts, plan.policy))


def end_postmortem_reminder(plan: IncidentPlan[Any]) -> None:
    """Cancel the reminder once the postmortem is published."""
    plan.cancel(ReminderKind.POSTMORTEM_DUE)


def pause_postmortem_reminder(plan: IncidentPlan[Any]) -> None:
    """Cancel the reminder on reopening: resolving again makes a new draft with a new date."""
    if plan.facts.is_open:
        plan.cancel(ReminderKind.POSTMORTEM_DUE)


def tell_owner(plan: IncidentPlan[OwnedEntry]) -> None:
    """Tell the owner directly, unless they assigned it to themselves."""
    owner = plan.event.owner
    if owner is not None and owner.id != plan.entry.actor_id:
        plan.tell(owner.id)


def remind_owner(plan: IncidentPlan[OwnedEntry]) -> None:
    """Remind the owner directly; without an owner, post in the channel."""
    owner = plan.event.owner
    if owner is None:
        plan.ask()
    else:
        plan.tell(owner.id)
