"""Reactions that keep the cadence of stakeholder updates, and tell people outside."""

from enum import Enum, auto

from incidents.engine.plan import IncidentPlan, Plan
from incidents.engine.reminders import CancelReminder, Remind, ReminderKind
from incidents.incident.entries import SeverityChanged, StatusChanged, UpdateMissed, UpdatePosted
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.payload import Payload
from incidents.updates.effects import (
    PostMaintenanceNews,
    PostNews,
    ShowMaintenance,
    TellFollowers,
    TellMaintenance,
    TellMaintenanceFollowers,
)
from incidents.updates.entries import LATE, UpdateReminded
from incidents.updates.maintenance import MaintenanceChanged, MaintenanceNews, Said


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


def tell_outside(plan: IncidentPlan[UpdatePosted | StatusChanged | SeverityChanged]) -> None:
    """Reply to the announcement with what people outside should hear, and tell its followers.

    What calls for everybody, or ends that, is broadcast. The reply follows the announcement in its
    lane, so that a lost one is posted anew first.
    """
    facts, importance = plan.facts, _importance(plan)
    if importance is None or facts.is_drill:
        return
    if plan.policy.announcement.enabled and not facts.is_private:
        is_broadcast = importance is _Importance.EVERYBODY
        effect = PostNews(
            incident_id=facts.incident_id, entry_id=plan.entry.id, is_broadcast=is_broadcast
        )
        plan.add(effect, lane="announcement")
    tell_followers(plan)


def tell_followers(plan: IncidentPlan[Payload]) -> None:
    """Tell those who follow the incident, its services or its severity by direct message.

    It counts as a refresh, so that it leaves places for what people wait for.
    """
    if plan.facts.has_followers and not plan.facts.is_drill:
        effect = TellFollowers(incident_id=plan.facts.incident_id, entry_id=plan.entry.id)
        key = f"{effect.kind}:{plan.entry.id}"
        plan.add(effect, lane="followers", coalesce_key=key)


def show_maintenance(plan: Plan[MaintenanceChanged]) -> None:
    """Post or update the notice, unless it is the news that something couldn't be posted."""
    event = plan.event
    if event.news not in {MaintenanceNews.UNPOSTED, MaintenanceNews.UNSAID}:
        effect = ShowMaintenance(maintenance_id=event.maintenance_id)
        key = f"{effect.kind}:{event.maintenance_id}"
        plan.add(effect, lane=f"maintenance:{event.maintenance_id}", coalesce_key=key)


def say_maintenance(plan: Plan[MaintenanceChanged]) -> None:
    """Say under the notice, to the channel and to followers what they must hear.

    An edit makes no sound. The notice itself says what is planned; it comes first in its lane.
    """
    event = plan.event
    if event.says is None:
        return
    lane = f"maintenance:{event.maintenance_id}"
    if event.says is not Said.PLANNED:
        news = PostMaintenanceNews(maintenance_id=event.maintenance_id, says=event.says)
        plan.add(news, lane=lane)
    effect = TellMaintenanceFollowers(maintenance_id=event.maintenance_id, says=event.says)
    key = f"{effect.kind}:{plan.source_id}"
    plan.add(effect, lane=f"{lane}:followers", coalesce_key=key)


def tell_of_maintenance(plan: Plan[MaintenanceChanged]) -> None:
    """Tell the author that it has begun, should be done, or couldn't be said."""
    event = plan.event
    if event.news is not None:
        effect = TellMaintenance(
            maintenance_id=event.maintenance_id,
            person_id=event.author_id,
            news=event.news,
            problem=event.problem,
        )
        plan.add(effect, lane=f"maintenance:{event.maintenance_id}:{event.author_id}")


def time_maintenance(plan: Plan[MaintenanceChanged]) -> None:
    """Set the reminder for the next of its times, or cancel it."""
    event, kind, subject = plan.event, ReminderKind.MAINTENANCE_DUE, "maintenance"
    if event.is_over:
        plan.set_reminder(
            CancelReminder(kind=kind, subject_type=subject, subject_id=event.maintenance_id)
        )
    elif event.remind_at is not None:
        plan.set_reminder(
            Remind(
                kind=kind,
                subject_type=subject,
                subject_id=event.maintenance_id,
                incident_id=None,
                due_at=event.remind_at,
            )
        )


class _Importance(Enum):
    FOLLOWERS = auto()
    EVERYBODY = auto()


def _importance(
    plan: IncidentPlan[UpdatePosted | StatusChanged | SeverityChanged],
) -> _Importance | None:
    """Return who should hear of it: those who follow the incident, everybody, or nobody outside."""
    match plan.event:
        case StatusChanged(is_reopening=True) | StatusChanged(new=IncidentStatus.RESOLVED):
            return _Importance.EVERYBODY
        case StatusChanged(new=IncidentStatus.CANCELLED):
            return _Importance.FOLLOWERS
        case StatusChanged():
            return None
        case SeverityChanged(is_worse=True) as change if plan.policy.is_severe(change.new_key):
            return _Importance.EVERYBODY
    return _Importance.FOLLOWERS
