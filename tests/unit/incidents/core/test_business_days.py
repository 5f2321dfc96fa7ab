"""Business days and the reminders that follow from them."""

from datetime import UTC, date, datetime

import pytest

from incidents.core.business_days import add_business_days, business_days, previous_business_day
from incidents.postmortem.due import Say, Wait, decide, reminder_instant


@pytest.mark.parametrize(
    ("start", "due"),
    [
        (date(2026, 3, 2), date(2026, 3, 9)),  # Monday
        (date(2026, 3, 6), date(2026, 3, 13)),  # Friday
        (date(2026, 3, 7), date(2026, 3, 13)),  # Saturday: Monday is the first of five
    ],
)
def test_five_business_days_skip_weekends(start: date, due: date) -> None:
    assert add_business_days(start, 5, is_business_day=business_days(None)) == due


def test_public_holidays_of_the_country_dont_count() -> None:
    germany, weekends = business_days("DE"), business_days(None)
    thursday = date(2026, 4, 2)  # Good Friday and Easter Monday follow
    assert add_business_days(thursday, 1, is_business_day=weekends) == date(2026, 4, 3)
    assert add_business_days(thursday, 1, is_business_day=germany) == date(2026, 4, 7)
    assert previous_business_day(date(2026, 4, 7), is_business_day=germany) == thursday


def test_a_country_with_another_weekend_has_its_own_business_days() -> None:
    friday = date(2026, 3, 6)
    assert not business_days("SA")(friday)
    assert business_days("SA")(date(2026, 3, 8))  # Sunday


def test_a_due_date_of_today_falls_on_a_business_day() -> None:
    saturday = date(2026, 3, 7)
    assert add_business_days(saturday, 0, is_business_day=business_days(None)) == date(2026, 3, 9)


def test_reminders_come_on_the_business_day_before_and_on_the_day() -> None:
    due = date(2026, 4, 7)
    assert reminder_instant(due, step=1, country="DE") == datetime(2026, 4, 7, 9, 0, tzinfo=UTC)
    assert reminder_instant(due, step=0, country="DE") == datetime(2026, 4, 2, 9, 0, tzinfo=UTC)


DUE = date(2026, 3, 9)


@pytest.mark.parametrize(
    ("now", "step", "zone", "decision"),
    [
        (datetime(2026, 3, 6, 9, 0, tzinfo=UTC), 0, "UTC", Say(is_due=False, next_step=1)),
        (datetime(2026, 3, 9, 9, 0, tzinfo=UTC), 1, "UTC", Say(is_due=True, next_step=None)),
        # The bot was away on the day before.
        (datetime(2026, 3, 10, 9, 0, tzinfo=UTC), 0, "UTC", Say(is_due=True, next_step=None)),
        (datetime(2026, 3, 6, 9, 0, tzinfo=UTC), 0, "Asia/Tokyo", Say(is_due=False, next_step=1)),
        (datetime(2026, 3, 6, 9, 0, tzinfo=UTC), 0, "Nowhere/Land", Say(is_due=False, next_step=1)),
    ],
)
def test_each_reminder_decides_what_to_say_and_what_is_next(
    now: datetime, step: int, zone: str, decision: Say
) -> None:
    assert decide(due_on=DUE, step=step, now=now, zone=zone) == decision


def test_nobody_is_reminded_at_night() -> None:
    night = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)  # 4 in the morning there
    decision = decide(due_on=DUE, step=0, now=night, zone="America/New_York")
    assert decision == Wait(until=datetime(2026, 3, 6, 14, 0, tzinfo=UTC))
