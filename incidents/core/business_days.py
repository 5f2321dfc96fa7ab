"""Business days: weekends and public holidays left out, by the country that the policy names."""

from collections.abc import Callable
from datetime import date, timedelta

_DAY = timedelta(days=1)
_SATURDAY = 5

IsBusinessDay = Callable[[date], bool]


def business_days(country: str | None) -> IsBusinessDay:
    """Return what tells business days apart; without a country only weekends are left out."""
    if country is None:
        return _is_weekday
    from holidays import country_holidays  # noqa: PLC0415 - takes a while to import

    return country_holidays(country).is_working_day


def add_business_days(start: date, days: int, *, is_business_day: IsBusinessDay) -> date:
    """Return the date so many business days after `start`; none: the first one from `start` on."""
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


def _is_weekday(day: date) -> bool:
    return day.weekday() < _SATURDAY
