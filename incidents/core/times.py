"""Durations as people type them (`15m`, `1h30`, `half an hour`), zones, and how they read; pure."""

import re
from datetime import UTC, date, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from incidents.core.errors import InvalidInput

LONGEST = timedelta(days=366)

_PART = re.compile(
    r"(\d{1,6}(?:[.,]\d{1,2})?)\s*"
    r"(w|wks?|weeks?|d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)(?![a-z])[\s,]*"
    r"(?:and\s+(?=\d))?",
    re.IGNORECASE,
)
_GLUED = re.compile(r"(?:\d{1,6}[dhms])+", re.IGNORECASE)
_MINUTES_AT_THE_END = re.compile(r"(\d\s?h)([0-5]?\d)$", re.IGNORECASE)  # `1h30`
_WORD = re.compile(r"\S+")
_MOST_WORDS = 5
_LONGEST_TEXT = 80
_BEFORE_A_DURATION = re.compile(r"^(?:in|within|for)\s+(?=\d|half\b|an?\b)", re.IGNORECASE)
_MINUTES = re.compile(r"[1-9]\d{0,2}")
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_COUNTS = {
    "forty-five": 45,
    "an": 1,
    "a": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "ninety": 90,
}
COUNT = "|".join(_COUNTS)
# Not seconds: `a second opinion`, `one second deploy`.
_UNIT = r"(?:weeks?|days?|hours?|hrs?|minutes?|mins?)\b"
_HALF = re.compile(
    rf"^half (?:an? )?(?={_UNIT})|^(?:a )?quarter of an (?=hour)|^(?:an?|one) (hour|day|week) and a half\b"
    rf"|^(?:({COUNT}|\d{{1,3}}) and a half )(?={_UNIT})",
    re.IGNORECASE,
)
_COUNTED = re.compile(rf"\b(?:a )?couple of (?={_UNIT})|\b({COUNT}) (?={_UNIT})", re.IGNORECASE)


def find_duration(text: str) -> timedelta | None:
    """Parse a text that is only a duration (`15m`, `1h30m`, `1 h 30 min`); None for any other."""
    if len(text) > _LONGEST_TEXT:
        return None
    rest = _MINUTES_AT_THE_END.sub(r"\1 \2m", _in_figures(text.strip()))
    seconds = 0.0
    if _GLUED.fullmatch(rest):
        rest = re.sub(r"([dhms])(?=\d)", r"\1 ", rest, flags=re.IGNORECASE)
    while rest:
        match = _PART.match(rest)
        if match is None:
            return None
        seconds += float(match[1].replace(",", ".")) * _SECONDS[match[2][0].lower()]
        rest = rest[match.end() :]
    found = timedelta(seconds=seconds)
    return found if timedelta(0) < found <= LONGEST else None


def _in_figures(text: str) -> str:
    """Return `half an hour` as `0.5 hour`, `two hours` as `2 hours`."""
    return _COUNTED.sub(lambda found: f"{_counted(found[1] or 'two')} ", _HALF.sub(_halves, text))


def _halves(found: re.Match[str]) -> str:
    if found[1]:
        return f"1.5 {found[1]}"
    if found[2]:
        return f"{_counted(found[2])}.5 "
    return "0.25 " if "quarter" in found[0].casefold() else "0.5 "


def _counted(word: str) -> int:
    return _COUNTS.get(word.casefold()) or int(word)


def parse_duration(text: str, *, field: str = "duration", example: str = "15m") -> timedelta:
    """Parse a duration; a bare number means minutes. Raises: InvalidInput."""
    written = text.strip()
    found = find_duration(f"{written}m" if written.isdecimal() else written)
    if found is None:
        raise InvalidInput(field, "not_a_duration", example)
    return found


def split_duration(text: str, *, takes_minutes: bool = False) -> tuple[timedelta | None, str]:
    """Split off the duration that the text begins with; return both parts.

    `takes_minutes`: a bare number of up to three digits counts as minutes.
    """
    written = text.lstrip()
    if takes_minutes:
        written = _BEFORE_A_DURATION.sub("", written)
    first = _WORD.match(written)
    if first is None:
        return None, ""
    longest = list(islice(_WORD.finditer(written), _MOST_WORDS))
    for word in reversed(longest):  # `1 h 30 min` before `1 h`
        found = find_duration(written[: word.end()].rstrip(",;:"))
        if found is not None:
            return found, written[word.end() :].lstrip()
    bare = first[0].rstrip(",;:")
    if takes_minutes and _MINUTES.fullmatch(bare):
        return timedelta(minutes=int(bare)), written[first.end() :].lstrip()
    return None, text.lstrip()


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
