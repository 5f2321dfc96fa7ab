"""Reactions to changes of status, severity and facts."""

from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind
from incidents.incident.entries import SeverityChanged
from incidents.incident.payload import Payload


def invite_for_severity(plan: IncidentPlan[SeverityChanged]) -> None:
    """Invite the people that the policy names for a worse severity."""
    facts = plan.facts
    if not plan.event.is_worse or not facts.is_open or facts.is_private or facts.is_drill:
        return
    rules = plan.policy.rules_for(facts.severity_key, facts.services)
    plan.invite_policy(one for rule in rules for one in rule.invite)


def post_severity(plan: IncidentPlan[SeverityChanged]) -> None:
    """Post a new severity, unless the message about the new status tells it."""
    if not plan.event.is_told_with_status:
        plan.post()


def watch_for_silence(plan: IncidentPlan[Payload]) -> None:
    """Set the reminder that asks about an open incident in which nothing happens for days."""
    if plan.facts.is_open:
        plan.remind(ReminderKind.STALE, after=plan.policy.reminders.stale_after)
    else:
        plan.cancel(ReminderKind.STALE)
