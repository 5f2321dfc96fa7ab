"""Business days: every day except weekends and the public holidays of the policy's country."""

from collections.abc import Callable
from datetime import date, timedelta

_DAY = timedelta(days=1)
_SATURDAY = 5

IsBusinessDay = Callable[[date], bool]


def business_days(country: str | None) -> IsBusinessDay:
    """Return a test for business days; without a country it excludes only weekends."""
    if country is None:
        return lambda day: day.weekday() < _SATURDAY
    from holidays import country_holidays  # noqa: PLC0415 - slow to import

    return country_holidays(country).is_working_day


def add_business_days(start: date, days: int, *, is_business_day: IsBusinessDay) -> date:
    """Return the date `days` business days after `start`; for 0, the first from `start` on."""
    day = start
    left = days
    while left > 0:
        day += _DAY
        if is_business_day(day):
            left -= 1
    while not is_business_day(day):
        day += _DAY
    return day


def previous_business_day(day: date, *, is_business_day: IsBusinessDay) -> date:
    """Return the last business day before `day`."""
    day -= _DAY
    while not is_business_day(day):
        day -= _DAY
    return day
