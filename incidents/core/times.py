"""Times and durations as people type them: `15m`, `1h30m`, `-10m`, `14:05`; pure."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from incidents.core.errors import InvalidInput
from incidents.core.typed_dates import UnclearDayError, at, split_clock, split_day

LONGEST = timedelta(days=366)

_PART = re.compile(
    r"(\d{1,6})\s*(d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)(?![a-z])\s*",
    re.IGNORECASE,
)
_GLUED = re.compile(r"(?:\d{1,6}[dhms])+", re.IGNORECASE)
# Phones turn a minus into a long dash.
_DASH = re.compile("^[\N{MINUS SIGN}\N{EN DASH}\N{EM DASH}](?=\\d)|^--(?=\\d)")
_AGO = re.compile(
    r"((?:half an?|an?|\d{1,4})\s*[a-z]+(?:\s*\d{1,4}\s*[a-z]+)?)\s+ago(?=[\s,;:]|$)", re.IGNORECASE
)
# Nobody starts a sentence with these unless they mean a time or a day.
_CLOCK = r"(?:\d{1,2}:\d{2}(?::\d{2})?|\d{1,2}h\d{2})"
_LIKE_A_MOMENT = re.compile(
    rf"(?:[-+]\d+[a-z]*|(?:[12]\d|3[01]|0?[1-9])\.(?:0\d|1[0-2])|{_CLOCK}(?:-?ish)?"
    rf"|(?:~|around |about |ca\.? |since |from |after |before |between )\s*{_CLOCK}.*?"
    rf"|{_CLOCK}\s?[-\u2013\u2014/]\s?{_CLOCK}"
    r"|last night|(?:this|yesterday) (?:morning|afternoon|evening)|earlier today)"
    r"(?=[\s,;:]|$)",
    re.IGNORECASE,
)
# A day without a time of day: `today we saw …` is text, since a note is of today anyway.
_NEEDS_A_TIME = re.compile(
    r"(?:on\s+)?(?:yesterday|(?:last\s+)?\w+day\b|\d|(?:[a-z]{3,9})\.?\s+\d)(?<!today)",
    re.IGNORECASE,
)
_STARTS_WITH_A_WEEKDAY = re.compile(
    r"(?:on\s+)?(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*(?=\W)", re.IGNORECASE
)
# `midnight batch failed` is about a job; `noon, we saw` and `noon` are times.
_NAMES_A_THING = re.compile(r"(?:noon|midnight)\s+\w", re.IGNORECASE)
# Brackets, stars and quotes around a time.
_WRAPPED = re.compile(
    r"([(\[*_`\"']+)([^\s)\]*_`\"'][^)\]*_`\"'\n]{0,24}?)([)\]*_`\"']+)(?=[\s,;:]|$)"
)
_ONLY_A_MOMENT = re.compile(
    rf"-\d+\s?[a-z]+|(?:[\w./-]+[ T])?{_CLOCK}(?:\s?(?:Z|UTC|GMT|[ap]m))?", re.IGNORECASE
)
MOMENT_EXAMPLE = "-10m, 14:05 or yesterday 14:05"
_WORD = re.compile(r"\S+")
_MOST_WORDS = 4
_HALF_AN_HOUR = re.compile(r"^half an? hour\b", re.IGNORECASE)
_AN = re.compile(r"^an?\s+(?=(?:hour|minute|day)\b)", re.IGNORECASE)
_MINUTES = re.compile(r"[1-9]\d{0,2}")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def find_duration(text: str) -> timedelta | None:
    """Parse a text that is only a duration (`15m`, `1h30m`, `1 h 30 min`); None for any other."""
    rest = text.strip()
    seconds = 0
    if _GLUED.fullmatch(rest):
        rest = re.sub(r"([dhms])(?=\d)", r"\1 ", rest, flags=re.IGNORECASE)
    while rest:
        match = _PART.match(rest)
        if match is None:
            return None
        seconds += int(match[1]) * _SECONDS[match[2][0].lower()]
        rest = rest[match.end() :]
    found = timedelta(seconds=seconds)
    return found if timedelta(0) < found <= LONGEST else None


def parse_duration(text: str, *, field: str = "duration", example: str = "15m") -> timedelta:
    """Parse a duration; a bare number means minutes. Raises: InvalidInput."""
    written = text.strip()
    found = find_duration(f"{written}m" if written.isdecimal() else written)
    if found is None:
        raise InvalidInput(field, "not_a_duration", example)
    return found


def split_duration(text: str, *, takes_minutes: bool = False) -> tuple[timedelta | None, str]:
    """Split off the duration that the text begins with; return both parts.

    `takes_minutes`: a bare number of up to three digits counts as minutes, and `an hour` as one.
    """
    if takes_minutes:
        text = re.sub(r"^(?:in|within|for)\s+(?=\d)", "", text.lstrip(), flags=re.IGNORECASE)
    first = _WORD.match(text.lstrip())
    if first is None:
        return None, ""
    rest = text.lstrip()[first.end() :].lstrip()
    written = _AN.sub("1 ", _HALF_AN_HOUR.sub("30 min", text.lstrip())) if takes_minutes else text
    longest = list(_WORD.finditer(written.lstrip()))[:_MOST_WORDS]
    for word in reversed(longest):  # `1 h 30 min` before `1 h`
        start = written.lstrip()[: word.end()].rstrip(",;:")
        found = find_duration(start)
        if found is not None:
            return found, written.lstrip()[word.end() :].lstrip()
    bare = first[0].rstrip(",;:")
    if takes_minutes and _MINUTES.fullmatch(bare):
        return timedelta(minutes=int(bare)), rest
    return None, text.lstrip()


def find_moment(text: str, *, now: datetime, zone: str) -> datetime | None:
    """Parse a text that is only a past moment, as `split_moment` does; None for any other."""
    try:
        found, rest = split_moment(text, now=now, zone=zone)
    except InvalidInput:
        return None
    return found if not rest else None


def parse_moment(text: str, *, now: datetime, zone: str) -> datetime:
    """Parse a past moment as `find_moment` does. Raises: InvalidInput."""
    found = find_moment(text, now=now, zone=zone)
    if found is None:
        raise InvalidInput("time", "not_a_time", MOMENT_EXAMPLE)
    return found


def split_moment(text: str, *, now: datetime, zone: str) -> tuple[datetime | None, str]:
    """Split off a past moment at the start of the text, if there is one; return both parts.

    A moment is `-10m`, `10 min ago`, a time of day (the latest such), or a day with a time of day.

    Raises: InvalidInput if the text begins like a time that isn't clear: `-10`, `25:99`, `+10m`,
        `yesterday` without a time of day, `3/4 14:05`.
    """
    written = _DASH.sub("-", _WRAPPED.sub(_unwrapped, text.lstrip(), count=1))
    found, rest = _split_ago(written, now=now)
    if found is None:
        found, rest = _split_dated(written, now=now, zone=zone)
    if found is not None:
        return found, rest
    if _LIKE_A_MOMENT.match(written):
        raise InvalidInput("time", "not_a_time", MOMENT_EXAMPLE)
    return None, text.lstrip()


def _unwrapped(wrapped: re.Match[str]) -> str:
    """Return `14:05` for `(14:05)` at the start of a text, and anything else as it was."""
    is_moment = wrapped.start() == 0 and _ONLY_A_MOMENT.fullmatch(wrapped[2])
    return wrapped[2] if is_moment else wrapped[0]


def _split_ago(text: str, *, now: datetime) -> tuple[datetime | None, str]:
    """Split off `-10m`, `10 min ago` or `an hour ago`."""
    if text.startswith("-") and not text[1:2].isspace():  # `- 5 min delay` is a list
        ago, rest = split_duration(text[1:])
        return (now - ago, rest) if ago is not None else (None, text)
    match = _AGO.match(text)
    if match is None:
        return None, text
    words = re.sub(r"^half an? hour", "30 m", match[1], flags=re.IGNORECASE)
    ago = find_duration(re.sub(r"^an?\s", "1 ", words, flags=re.IGNORECASE))
    return (now - ago, text[match.end() :].lstrip(" ,;:")) if ago is not None else (None, text)


def _split_dated(text: str, *, now: datetime, zone: str) -> tuple[datetime | None, str]:
    """Split off a time of day, perhaps with a day before it. Raises: InvalidInput."""
    local = zone_of(zone)
    today = now.astimezone(local).date()
    try:
        day, rest = split_day(text, today=today, is_past=True)
        clock, named_zone, after = split_clock(rest)
    except UnclearDayError:
        raise InvalidInput("time", "not_a_time", MOMENT_EXAMPLE) from None
    if clock is None:
        if day is not None and _NEEDS_A_TIME.match(text):
            raise InvalidInput("time", "needs_a_clock_time", MOMENT_EXAMPLE)
        return None, text
    if day is None and _NAMES_A_THING.match(text):
        raise InvalidInput("time", "not_a_time", MOMENT_EXAMPLE)
    if day is None:
        return _latest(clock, now=now, zone=named_zone or local), after
    moment = at(day, clock, named_zone or local)
    if moment > now and day == today and _STARTS_WITH_A_WEEKDAY.match(text):
        moment = at(day - timedelta(days=7), clock, named_zone or local)
    return moment, after


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
    raise InvalidInput("time", "not_a_time", "14:05")


def zone_of(name: str) -> tzinfo:
    """Return the time zone with this name, or UTC if this machine doesn't know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def duration_text(duration: timedelta) -> str:
    """Return the duration as people type it, e.g. `1h30m`; in seconds if under a minute."""
    seconds = max(int(duration.total_seconds()), 0)
    if seconds < _SECONDS["m"]:
        return f"{seconds}s"
    days, rest = divmod(seconds // 60, 24 * 60)
    parts = ((days, "d"), (rest // 60, "h"), (rest % 60, "m"))
    return "".join(f"{count}{unit}" for count, unit in parts if count)


def day_text(day: date) -> str:
    """Return a date as people read it: `Mon 9 Mar 2026`."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def spoken_duration(duration: timedelta) -> str:
    """Return the duration in words, e.g. `1 h 30 min`; in seconds if under a minute."""
    words = {"d": "d", "h": "h", "m": "min", "s": "s"}
    parts = re.findall(r"(\d+)([dhms])", duration_text(duration))
    return " ".join(f"{count} {words[unit]}" for count, unit in parts)


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
