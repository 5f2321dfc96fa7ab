"""Past moments at the start of a text: `-10m`, `two hours ago`, `14:05`, `yesterday 14:05`; pure."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from incidents.core.errors import InvalidInput
from incidents.core.times import find_duration, split_duration, zone_of
from incidents.core.typed_dates import (
    MONTH,
    WEEKDAY,
    Clock,
    UnclearDayError,
    at,
    split_clock,
    split_day,
)
from incidents.core.typed_doubts import (
    SAYS,
    is_plain_number,
    is_rather_a_ratio,
    may_be_a_moment,
)

MOMENT_EXAMPLE: Final = "-10m, 14:05 or yesterday 14:05"

# Phones turn a minus into a long dash.
_DASH: Final = re.compile("^[\N{MINUS SIGN}\N{EN DASH}\N{EM DASH}](?=\\d)|^--(?=\\d)")
_BULLET: Final = re.compile(r"(?:[-*•>+]|\d{1,2}[.)])\s+(?=\S)")
# Brackets, stars and quotes around a time.
_WRAPPED: Final = re.compile(
    r"([(\[<*_`\"'\u201c]+)([^)\]>*_`\"'\u201d\n]{2,34})([)\]>*_`\"'\u201d]+)(?=[\s,;:]|$)"
)
_AGO: Final = re.compile(r"([^\n]{1,40}?)\s+ago(?=[\s,;:.)-]|$)", re.IGNORECASE)
_OF_DAYS: Final = re.compile(r"(?:\bd|days?|\dd|w|weeks?)\s*$", re.IGNORECASE)
_EPOCH: Final = re.compile(r"@?(\d{10})(?:\.\d{1,6}|\d{3})?(?=[\s,;:]|$)")
# `this morning at 9:05`, `9:05 this morning`: the part of the day has to agree.
_PART: Final = re.compile(
    r"(?:this|(?P<day>today|yesterday)) (?P<part>morning|afternoon|evening)(?=[\s,]|$)[\s,]*",
    re.IGNORECASE,
)
_HOURS: Final = {"morning": range(12), "afternoon": range(12, 19), "evening": range(16, 24)}
# `10 min ago`, `at 14:05`, `yesterday at 2pm`; not `every day 14:05`.
_SAYS_WHEN: Final = re.compile(
    rf"at \d{{1,2}}[:.h]\d|at \d{{1,2}}\s?[ap]\.?m|(?:today|yesterday|{WEEKDAY})\b|.* ago$",
    re.IGNORECASE,
)
_MOST_WORDS: Final = 6
# A day after the time: `14:05 yesterday`, `14:05 on Friday`, `14:05, 28 Nov`.
_DAY_AFTER: Final = re.compile(
    rf"today|yesterday|tomorrow|(?:on|last)\s|\d{{4}}-\d|\d{{1,2}}\.\d{{1,2}}\.|\d{{1,2}}/\d{{1,2}}/\d"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\.? (?:{MONTH})\b|(?:{MONTH})\.? \d",
    re.IGNORECASE,
)
_UNCLEAR_AFTER: Final = re.compile(
    rf"(?:{WEEKDAY}|(?:on )?the \d{{1,2}}(?:st|nd|rd|th)|last night|tonight)(?=[\s,;:]|$)",
    re.IGNORECASE,
)
_RANGE_AFTER: Final = re.compile(
    r"(?:[-\u2013\u2014]|to|until|till)\s*\d{1,2}[:.h]\d", re.IGNORECASE
)
_STARTS_WITH_A_WEEKDAY: Final = re.compile(rf"(?:on\s+)?(?:{WEEKDAY})(?=\W)", re.IGNORECASE)
_SHORT_WEEKDAY: Final = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)\b(?![.,:;])", re.IGNORECASE)
_SAYS: Final = re.compile(SAYS, re.IGNORECASE)
_A_DAY_HAS_PASSED: Final = timedelta(days=1)


def find_moment(text: str, *, now: datetime, zone: str) -> datetime | None:
    """Parse a text that is only a past moment, as `split_moment` does; None for any other."""
    if text.strip().casefold() in {"now", "just now"}:
        return now
    try:
        found, rest = split_moment(text, now=now, zone=zone)
    except InvalidInput:
        return None
    return found if not rest else None


def parse_moment(text: str, *, now: datetime, zone: str) -> datetime:
    """Parse a past moment as `find_moment` does. Raises: InvalidInput."""
    found = find_moment(text, now=now, zone=zone)
    if found is None:
        raise _unclear()
    return found


def split_moment(text: str, *, now: datetime, zone: str) -> tuple[datetime | None, str]:
    """Split off a past moment at the start of the text, if there is one; return both parts.

    A moment is `-10m`, `10 min ago`, a time of day (the latest such), or a day with a time of day.

    Raises: InvalidInput if the text begins like a time that isn't clear: `-10`, `25:99`, `+10m`,
        `yesterday` without a time of day, `3/4 14:05`.
    """
    written = _DASH.sub("-", text.lstrip())
    bullet = _BULLET.match(written)
    if bullet is not None:
        written = _DASH.sub("-", written[bullet.end() :])
    found, rest = _split_wrapped(written, now=now, zone=zone)
    if found is None:
        found, rest = _split_plain(written, now=now, zone=zone)
    return (found, rest) if found is not None else (None, text.lstrip())


def _split_plain(text: str, *, now: datetime, zone: str) -> tuple[datetime | None, str]:
    found, rest = _split_ago(text, now=now, zone=zone)
    if found is None and is_plain_number(text):
        return None, text
    if found is None:
        found, rest = _split_epoch(text, now=now)
    if found is None:
        found, rest = _split_dated(text, now=now, zone=zone)
    if found is None and may_be_a_moment(text):
        raise _unclear()
    return found, rest


def moment_at_the_end(text: str, *, now: datetime, zone: str) -> str:
    """Return the words at the end that may say when it was: `10 min ago`, `at 14:05`; else "".

    The text may also say when something else is, so that nobody can date it by this.
    """
    words = text.rstrip(".!)").split()
    for count in range(min(len(words) - 1, _MOST_WORDS), 0, -1):
        said = " ".join(words[-count:])
        if _SAYS_WHEN.match(said) and find_moment(said, now=now, zone=zone) is not None:
            return said
    return ""


def _unclear(problem: str = "not_a_time") -> InvalidInput:
    return InvalidInput("time", problem, MOMENT_EXAMPLE)


def _split_wrapped(text: str, *, now: datetime, zone: str) -> tuple[datetime | None, str]:
    """Split off `(14:05)`, `*yesterday 14:05*`, `[28/Nov/2026:14:05:33 +0000]`."""
    match = _WRAPPED.match(text)
    if match is None:
        return None, text
    try:
        found, rest = split_moment(match[2], now=now, zone=zone)
    except InvalidInput:
        if re.search(r"\d:\d\d|[a-z]{4}", match[2], re.IGNORECASE):
            raise
        return None, text
    if found is None or rest:
        return None, text
    return found, text[match.end() :].lstrip(" ,;:-")


def _split_epoch(text: str, *, now: datetime) -> tuple[datetime | None, str]:
    """Split off seconds since 1970, as in logs and Slack's links, if they are of the last week."""
    match = _EPOCH.match(text)
    if match is None:
        return None, text
    age = now - datetime.fromtimestamp(int(match[1]), UTC)
    if timedelta(0) <= age <= timedelta(days=7):
        return now - age, text[match.end() :].lstrip(" ,;:")
    if abs(age) <= timedelta(days=366):
        raise _unclear()
    return None, text


def _split_ago(text: str, *, now: datetime, zone: str) -> tuple[datetime | None, str]:
    """Split off `-10m`, `10 min ago`, `an hour ago` or `3 days ago at 14:05`."""
    if text.startswith("-") and not text[1:2].isspace():  # `- 5 min delay` is a list
        ago, rest = split_duration(text[1:])
        return (now - ago, rest) if ago is not None else (None, text)
    match = _AGO.match(text)
    ago = find_duration(match[1]) if match is not None else None
    if match is None or ago is None:
        return None, text
    rest = text[match.end() :].lstrip(" ,;:.)-")
    if not _OF_DAYS.search(match[1]):
        return now - ago, rest
    clock, after = _clock_of(rest)
    if clock is None:
        raise _unclear("needs_a_clock_time")
    local = clock.zone or zone_of(zone)
    return at((now - ago).astimezone(local).date(), clock.time, local), after


def _clock_of(text: str) -> tuple[Clock | None, str]:
    """Split off a time of day. Raises: InvalidInput if its zone isn't clear."""
    try:
        return split_clock(text)
    except UnclearDayError:
        raise _unclear() from None


def _split_dated(text: str, *, now: datetime, zone: str) -> tuple[datetime | None, str]:
    """Split off a time of day, perhaps with a day before or after it. Raises: InvalidInput."""
    local = zone_of(zone)
    today = now.astimezone(local).date()
    text, part = _without_part(text)
    try:
        day, rest = split_day(text, today=today, is_past=True)
        clock, after = split_clock(rest)
    except UnclearDayError:
        raise _unclear() from None
    if clock is None:
        return _without_clock(text, day, today=today, part=part)
    if day is None:
        if not _is_sure(clock, text, after):
            return None, text
        day, after, part = _day_after(after, part, today=today)
    moment = _moment(day, clock, now=now, local=clock.zone or local)
    if day == today and moment > now and _STARTS_WITH_A_WEEKDAY.match(text):
        moment -= 7 * _A_DAY_HAS_PASSED
    if _RANGE_AFTER.match(after) or (part and clock.time.hour not in _HOURS[part]):
        raise _unclear()
    return moment, after


def _without_part(text: str) -> tuple[str, str]:
    """Return `today 9:05` and `morning` for `this morning at 9:05`."""
    match = _PART.match(text)
    if match is None:
        return text, ""
    return f"{match['day'] or 'today'} {text[match.end() :]}", match["part"].casefold()


def _without_clock(
    text: str, day: date | None, *, today: date, part: str
) -> tuple[datetime | None, str]:
    """Return that this is text, or ask: a day other than today needs a time of day."""
    if part:
        raise _unclear()
    if (
        day is None
        or (day == today and text[:5].casefold() == "today")
        or _SHORT_WEEKDAY.match(text)
    ):
        return None, text
    raise _unclear("needs_a_clock_time")


def _is_sure(clock: Clock, text: str, after: str) -> bool:
    """Tell whether this is a time of day: `14.05 rolled back`, but not `14.05 average latency`."""
    if is_rather_a_ratio(text) or (text[:4].casefold() in {"noon", "midn"} and _has_a_word(text)):
        return False
    if not clock.is_dotted or clock.zone or text[:2].casefold() == "at":
        return True
    return not after or text[5:6] in {":", ",", ";"} or _SAYS.match(after) is not None


def _has_a_word(text: str) -> bool:
    """Tell whether a word follows at once: `midnight batch failed` is about a job."""
    return re.match(r"\w+\s+\w", text) is not None


def _day_after(after: str, part: str, *, today: date) -> tuple[date | None, str, str]:
    """Split off the day that follows a time of day. Raises: InvalidInput if it isn't clear."""
    match = _PART.match(after)
    if match is not None:
        is_before = (match["day"] or "").casefold() == "yesterday"
        day = today - _A_DAY_HAS_PASSED if is_before else today
        return day, after[match.end() :], match["part"].casefold()
    if _UNCLEAR_AFTER.match(after):
        raise _unclear()  # `14:05 Friday deploy broke`
    if not _DAY_AFTER.match(after):
        return None, after, part
    try:
        found, rest = split_day(after, today=today, is_past=True)
    except UnclearDayError:
        raise _unclear() from None
    return (found, rest, part) if found is not None else (None, after, part)


def _moment(day: date | None, clock: Clock, *, now: datetime, local: tzinfo) -> datetime:
    if day is None:
        return _latest(clock.time, now=now, zone=local)
    try:
        return at(day, clock.time, local)
    except OverflowError:  # the year 1 or 9999, in another zone
        raise _unclear() from None


def latest_clock_time(wall: time, *, now: datetime, zone: str) -> datetime:
    """Return the most recent instant, in UTC, at which clocks in the zone showed this time.

    When clocks change, a skipped time didn't happen that day and a repeated one happened twice.
    """
    return _latest(wall, now=now, zone=zone_of(zone))


def _latest(wall: time, *, now: datetime, zone: tzinfo) -> datetime:
    today = now.astimezone(zone).date()
    for days_ago in range(4):
        day = today - timedelta(days=days_ago)
        past = [moment for moment in _moments(day, wall, zone) if moment <= now]
        if past:
            return max(past)
    raise _unclear()


def _moments(day: date, wall: time, zone: tzinfo) -> list[datetime]:
    """Return the zero, one or two instants of a day at which clocks showed the time."""
    found: list[datetime] = []
    for fold in (0, 1):
        local = datetime.combine(day, wall, tzinfo=zone).replace(fold=fold)
        instant = local.astimezone(UTC)
        back = instant.astimezone(zone)
        if (back.date(), back.time().replace(fold=0)) == (day, wall):
            found.append(instant)
    return found
