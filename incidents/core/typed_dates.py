"""Days and times of day at the start of a text, as people type them; pure.

Days: `today`, `yesterday`, `tomorrow`, `Friday`, `next Friday`, `2026-11-28`, `28.11.2026`, `28.11.`,
`28 Nov`, `Nov 28th`, `11/28`. Times: `14:05`, `14.05`, `14h05`, `2pm`, `2:05 pm`, `14:05 UTC`.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Final

_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK: Final = 7

MONTH: Final = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_WEEKDAY = r"mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
_END = r"(?=[\s,;:T]|$)"
_DAY: Final = re.compile(
    rf"(?:on\s+)?(?:"
    rf"(?P<word>today|yesterday|tomorrow)"
    rf"|(?:(?P<which>last|next|this)\s+)?(?P<weekday>{_WEEKDAY})"
    rf"|(?P<iso>\d{{4}}[-/]\d{{1,2}}[-/]\d{{1,2}})"
    rf"|(?P<dotted>\d{{1,2}}\.\d{{1,2}}\.(?:\d{{4}})?)"
    rf"|(?P<slashed>\d{{1,2}}/\d{{1,2}}(?:/\d{{4}})?)"
    rf"|(?P<dm>\d{{1,2}})(?:st|nd|rd|th)?\.?\s+(?P<dmonth>{MONTH})\.?(?:\s+(?P<dyear>\d{{4}}))?"
    rf"|(?P<month>{MONTH})\.?\s+(?P<md>\d{{1,2}})(?:st|nd|rd|th)?(?!:)(?:,?\s+(?P<myear>\d{{4}}))?"
    rf"){_END}",
    re.IGNORECASE,
)
_CLOCK: Final = re.compile(
    r"(?:at\s+|@\s*|T)?\[?(?:(?P<word>noon|midnight)|"
    r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:[.,]\d{1,9})?)?(?:\s*(?P<half>[ap]\.?m\b\.?))?"
    r"|(?P<dotted>[01]\d|2[0-3])\.(?P<dminute>[0-5]\d)"
    r"|(?P<h>[01]?\d|2[0-3])h(?P<hminute>[0-5]\d)"
    r"|(?P<bare>1[0-2]|0?[1-9])\s*(?P<bhalf>[ap]\.?m\b\.?)"
    r")\]?(?:\s*(?P<zone>Z|UTC|GMT)\b(?![+-])|\s*(?:UTC|GMT)?(?P<offset>[-+]\d{2}:?[0-5]\d)(?!\d))?"
    r"(?=\s|[,;](?!\d)|:(?!\d)|$)",
    re.IGNORECASE,
)
# A number with two decimals is no time before a unit: `12.50 EUR`, `14.05 % of carts`.
# Zones that people name after a time, which may mean several, or not their own.
_OTHER_ZONE: Final = re.compile(
    r"(?:[ECMP][SD]?T|CES?T|EES?T|WES?T|MSK|BST|IST|JST|KST|SGT|HKT|A[CEW][SD]T|NZ[SD]T|AK[SD]T|HST|[A-Z][a-z]+/[A-Z]\w+)\b"
)
_UNIT: Final = re.compile(
    r"\s*(?:%|[€$£]|[a-zµ]{1,3}/|(?:percent|eur|usd|gbp|ms|s|k|kb|mb|gb|tb|x|rps|qps)\b)",
    re.IGNORECASE,
)


class UnclearDayError(ValueError):
    """The text begins like a date or time that could be two, or none: `3/4`, `31.02.`, `9:00 PST`."""


def split_day(text: str, *, today: date, is_past: bool) -> tuple[date | None, str]:
    """Return the day that the text begins with, if any, and the text after it.

    `is_past`: a weekday or a date without a year means the latest one, otherwise the next one.

    Raises: UnclearDayError.
    """
    rest = text.lstrip()
    match = _DAY.match(rest)
    if match is None:
        return None, rest
    day = _day_in(match, today=today, is_past=is_past)
    return day, rest[match.end() :].lstrip(" ,;:")


def split_clock(text: str) -> tuple[time | None, tzinfo | None, str]:
    """Return the time of day that the text begins with, if any, its zone if named, and the rest.

    Raises: UnclearDayError if a zone is named that isn't UTC or an offset from it.
    """
    rest = text.lstrip()
    match = _CLOCK.match(rest)
    if match is None or (match["dotted"] and _UNIT.match(rest[match.end() :])):
        return None, None, rest
    after = rest[match.end() :].lstrip(" ,;:")
    zone = _zone_in(match)
    if zone is None and _OTHER_ZONE.match(after):
        raise UnclearDayError(match[0])
    if match["word"]:
        clock = time(12 if match["word"].casefold() == "noon" else 0)
        return clock, zone, after
    hour = int(match["hour"] or match["dotted"] or match["h"] or match["bare"])
    minute = int(match["minute"] or match["dminute"] or match["hminute"] or 0)
    half = (match["half"] or match["bhalf"] or "")[:1].casefold()
    if half:
        if hour > 12:  # noqa: PLR2004 - 13:05 pm
            return None, None, rest
        hour = hour % 12 + (12 if half == "p" else 0)
    return time(hour, minute, int(match["second"] or 0)), zone, after


def _zone_in(match: re.Match[str]) -> tzinfo | None:
    if match["zone"]:
        return UTC
    if not match["offset"]:
        return None
    if re.match(r"-\d+:", match["offset"]) and not match["second"]:
        raise UnclearDayError(match[0])  # `10:30-11:00` says from when until when
    digits = match["offset"].replace(":", "")
    ahead = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:]))
    if ahead >= timedelta(days=1):
        raise UnclearDayError(match[0])
    return timezone(-ahead if digits[0] == "-" else ahead)


def _day_in(match: re.Match[str], *, today: date, is_past: bool) -> date:
    if match["word"]:
        shift = {"today": 0, "yesterday": -1, "tomorrow": 1}[match["word"].casefold()]
        return today + timedelta(days=shift)
    if match["weekday"]:
        which = (match["which"] or "").casefold()
        return _weekday(match["weekday"], which, today=today, is_past=is_past)
    if match["iso"]:
        year, month, day = (int(part) for part in re.split("[-/]", match["iso"]))
        return _dated(day, month, year)
    if match["dotted"]:
        first, second, given = match["dotted"].split(".")
        return _near(int(first), int(second), given, today=today, is_past=is_past)
    if match["slashed"]:
        return _slashed(match["slashed"], today=today, is_past=is_past)
    name, number = match["dmonth"] or match["month"], match["dm"] or match["md"]
    month = _MONTHS.index(name[:3].casefold()) + 1
    given = match["dyear"] or match["myear"] or ""
    return _near(int(number), month, given, today=today, is_past=is_past)


def _weekday(name: str, which: str, *, today: date, is_past: bool) -> date:
    wanted = _WEEKDAYS.index(name[:3].casefold())
    if which == "last" or (is_past and not which):
        back = (today.weekday() - wanted) % _WEEK
        return today - timedelta(days=back or (_WEEK if which else 0))
    ahead = (wanted - today.weekday()) % _WEEK
    return today + timedelta(days=ahead or (_WEEK if which == "next" else 0))


def _slashed(text: str, *, today: date, is_past: bool) -> date:
    first, second, *year = text.split("/")
    one, two, most = int(first), int(second), 12
    if one <= most and two <= most and one != two:
        raise UnclearDayError(text)  # 3/4 is in March to some, in April to others
    day, month = (one, two) if one > most else (two, one)
    return _near(day, month, year[0] if year else "", today=today, is_past=is_past)


def _near(day: int, month: int, year: str, *, today: date, is_past: bool) -> date:
    """Return the date; without a year the latest or the next one."""
    if year:
        return _dated(day, month, int(year))
    found = _dated(day, month, today.year)
    if is_past and found > today:
        return _dated(day, month, today.year - 1)
    if not is_past and found < today:
        return _dated(day, month, today.year + 1)
    return found


def _dated(day: int, month: int, year: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise UnclearDayError(f"{day}.{month}.{year}") from None


def at(day: date, clock: time, zone: tzinfo) -> datetime:
    """Return the instant, in UTC, at which clocks in the zone show this time on this day."""
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
