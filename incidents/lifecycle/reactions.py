"""What follows from changes of status, severity and facts."""

from typing import Any

from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind


def invite_for_severity(plan: IncidentPlan[Any]) -> None:
    """A worse severity brings in whom the policy names for it."""
    facts = plan.facts
    is_worse = bool((plan.entry.content or {}).get("is_worse"))
    if not is_worse or not facts.is_open or facts.is_private or facts.is_drill:
        return
    severity = plan.policy.find_severity(facts.severity_key)
    plan.invite_policy(severity.invites if severity else ())


def retitle(plan: IncidentPlan[Any]) -> None:
    """A new title is shown in the channel's topic."""
    if "title" in ((plan.entry.content or {}).get("changes") or {}):
        plan.set_topic()


def watch_for_silence(plan: IncidentPlan[Any]) -> None:
    """An open incident in which nothing happens for days is asked about."""
    if plan.facts.is_open:
        plan.remind(ReminderKind.STALE, after=plan.policy.reminders.stale_after)
    else:
        plan.cancel(ReminderKind.STALE)
