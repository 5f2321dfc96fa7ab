"""Times and durations as people type them: `15m`, `1h30m`, `-10m`, `14:05`; pure."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from incidents.core.errors import InvalidInput

LONGEST = timedelta(days=366)

_PART = re.compile(
    r"(\d{1,6})\s*(d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)(?![a-z])\s*",
    re.IGNORECASE,
)
_GLUED = re.compile(r"(?:\d{1,6}[dhms])+", re.IGNORECASE)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
# Nobody starts a sentence with these unless they mean a time.
_LIKE_A_MOMENT = re.compile(r"[-\N{MINUS SIGN}]\d+[a-z]*|\d{1,2}:\d{2}", re.IGNORECASE)
_WORD = re.compile(r"\S+")
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


def split_duration(text: str) -> tuple[timedelta | None, str]:
    """Split off a duration of one or two words at the start of the text; return both parts."""
    first = _WORD.match(text.lstrip())
    if first is None:
        return None, ""
    rest = text.lstrip()[first.end() :].lstrip()
    found = find_duration(first[0])
    if found is not None:
        return found, rest
    second = _WORD.match(rest) if first[0].isdecimal() else None
    found = find_duration(f"{first[0]} {second[0]}") if second else None
    if found is not None and second is not None:
        return found, rest[second.end() :].lstrip()
    return None, text.lstrip()


def find_moment(text: str, *, now: datetime, zone: str) -> datetime | None:
    """Parse a past moment: `-10m` (ago) or the latest `14:05` in the zone; else None."""
    written = text.strip().replace("\N{MINUS SIGN}", "-")
    if written.startswith("-"):
        ago = find_duration(written[1:])
        return None if ago is None else now - ago
    match = _CLOCK.fullmatch(written)
    if match is None:
        return None
    return latest_clock_time(time(int(match[1]), int(match[2])), now=now, zone=zone)


def parse_moment(text: str, *, now: datetime, zone: str) -> datetime:
    """Parse a past moment as `find_moment` does. Raises: InvalidInput."""
    found = find_moment(text, now=now, zone=zone)
    if found is None:
        raise InvalidInput("time", "not_a_time", "-10m or 14:05")
    return found


def split_moment(text: str, *, now: datetime, zone: str) -> tuple[datetime | None, str]:
    """Split off a past moment at the start of the text, if there is one; return both parts.

    Raises: InvalidInput if the first word looks like a time but isn't one: `-10`, `25:99`.
    """
    first = _WORD.match(text.lstrip())
    if first is None:
        return None, ""
    found = find_moment(first[0], now=now, zone=zone)
    if found is not None:
        return found, text.lstrip()[first.end() :].lstrip()
    if _LIKE_A_MOMENT.fullmatch(first[0]):
        raise InvalidInput("time", "not_a_time", "-10m or 14:05")
    return None, text.lstrip()


def latest_clock_time(wall: time, *, now: datetime, zone: str) -> datetime:
    """Return the most recent instant, in UTC, at which clocks in the zone showed this time.

    When clocks change, a skipped time didn't happen that day and a repeated one happened twice.
    """
    local_zone = zone_of(zone)
    today = now.astimezone(local_zone).date()
    for days_ago in range(4):
        day = today - timedelta(days=days_ago)
        past = [moment for moment in _moments(day, wall, local_zone) if moment <= now]
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
