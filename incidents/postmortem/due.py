"""When to remind the postmortem's owner: the business day before it is due, and on the day.

Pure: the rule that fires is in `postmortem.py`. Reminders are set for the start of the working day
in UTC; one that would reach its owner at night waits for their morning.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from incidents.core.business_days import add_business_days, business_days, previous_business_day
from incidents.core.times import zone_of
from incidents.engine.reminders import Remind, ReminderKind
from incidents.incident.facts import Facts
from incidents.policy.policy import Policy

MORNING = time(9, 0)

STEP_DAY_BEFORE = 0
STEP_ON_THE_DAY = 1


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet: wait for the owner's morning, at `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Say:
    """Say it now; `next_step` is the following reminder, None after the last one."""

    is_due: bool
    next_step: int | None


def first_reminder(due_on: date, facts: Facts, policy: Policy) -> Remind:
    """Return the next reminder of this due date that is still ahead."""
    country = policy.reminders.holidays_country
    for step in (STEP_DAY_BEFORE, STEP_ON_THE_DAY):
        at = reminder_instant(due_on, step=step, country=country)
        if at > facts.now:
            return _reminder_at(at, incident_id=facts.incident_id, step=step)
    # Resolved long ago and recorded now: the date is over, so the next morning will do.
    is_business_day = business_days(country)
    tomorrow = add_business_days(facts.now.date(), 1, is_business_day=is_business_day)
    return _reminder_at(_morning(tomorrow), incident_id=facts.incident_id, step=STEP_ON_THE_DAY)


def reminder_instant(due_on: date, *, step: int, country: str | None) -> datetime:
    """Return the instant of a step's reminder: 09:00 UTC of its day."""
    if step == STEP_ON_THE_DAY:
        return _morning(due_on)
    day = previous_business_day(due_on, is_business_day=business_days(country))
    return _morning(day)


def decide(*, due_on: date, step: int, now: datetime, zone: str) -> Wait | Say:
    """Decide what a due reminder does for an owner in that zone (an IANA name).

    If the bot was away at both times, only the reminder of the day itself is sent.
    """
    local = now.astimezone(zone_of(zone))
    if local.time() < MORNING:
        return Wait(until=local.replace(hour=MORNING.hour, minute=0, second=0, microsecond=0))
    is_due = step == STEP_ON_THE_DAY or now.date() >= due_on
    return Say(is_due=is_due, next_step=None if is_due else STEP_ON_THE_DAY)


def _morning(day: date) -> datetime:
    return datetime.combine(day, MORNING, tzinfo=UTC)


def _reminder_at(at: datetime, *, incident_id: uuid.UUID, step: int) -> Remind:
    return Remind(
        kind=ReminderKind.POSTMORTEM_DUE,
        subject_type="incident",
        subject_id=incident_id,
        incident_id=incident_id,
        due_at=at,
        step=step,
    )
