"""Moments to come, as people type them: `18:00`, `tomorrow 9:00`, `Friday 18:00`, `2h`; pure."""

import re
from datetime import datetime, timedelta
from typing import Final

from incidents.core.errors import InvalidInput
from incidents.core.times import split_duration, zone_of
from incidents.core.typed_dates import WEEKDAY, UnclearDayError, at, split_clock, split_day

COMING_EXAMPLE: Final = "until 18:00"
_WEEKDAY: Final = re.compile(rf"(?:on\s+)?(?:next\s+)?(?:{WEEKDAY})\b", re.IGNORECASE)


def split_coming(text: str, *, now: datetime, zone: str) -> tuple[datetime, str]:
    """Split off the moment to come at the start of the text; return it and the text after it.

    It is a duration from now, a time of day (the next such), or a day with a time of day.

    Raises: InvalidInput for any other text, a day without a time, or a moment that has passed.
    """
    duration, rest = split_duration(text)
    if duration is not None:
        return now + duration, rest
    local = zone_of(zone)
    today = now.astimezone(local).date()
    try:
        day, rest = split_day(text, today=today, is_past=False)
        clock, rest = split_clock(rest)
        if clock is not None and day is None:
            day, rest = split_day(rest, today=today, is_past=False)
    except UnclearDayError:
        raise InvalidInput("until", "not_a_time", COMING_EXAMPLE) from None
    if clock is None:
        problem = "needs a time of day" if day is not None else "not_a_time"
        raise InvalidInput("until", problem, COMING_EXAMPLE)
    found = at(day or today, clock.time, clock.zone or local)
    if found <= now and (day is None or _WEEKDAY.match(text.strip())):
        days = timedelta(days=1 if day is None else 7)
        found = at((day or today) + days, clock.time, clock.zone or local)
    if found <= now:
        raise InvalidInput("until", "is over already", COMING_EXAMPLE)
    return found, rest.strip()
