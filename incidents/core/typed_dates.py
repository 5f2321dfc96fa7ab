"""Days and times of day at the start of a text, as people and programs write them; pure.

Days: `today`, `yesterday`, `tomorrow`, `Friday`, `next Friday`, `2026-11-28`, `20261128`, `28.11.2026`,
`28.11.`, `28 Nov`, `Nov 28th`, `11/28`, `Sat, 28 Nov 2026`, `28/Nov/2026`. Times: `14:05`, `14:05:33`,
`14.05`, `14h05`, `08:05h`, `1405Z`, `2pm`, `2:05 p.m.`, `14:05 UTC`. Where only a time after it shows
that it is a day, one has to follow: `28.11 14:05`, `02-28 14:05`, `the 28th at 14:05`.
"""

import re
from dataclasses import dataclass
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
_MOST_MONTHS: Final = 12

MONTH: Final = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
WEEKDAY: Final = r"mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
# What is a time of day whatever follows: not a version, an amount or a count.
CLOCKISH: Final = (
    r"(?:at\s+|@\s*)?(?:\d{1,2}:\d{2}(?!\d)|\d{1,2}h\d{2}\b|\d{1,2}(?:[:.]\d{2})?\s?[ap]\.?m\b"
    r"|noon\b|midnight\b|\d{4}\s?(?:Z|UTC|GMT|hrs)\b)"
)
_CLOCK_FOLLOWS = rf"(?=,?\s+{CLOCKISH}|T\d)"
_END = r"(?=[\s,;:T)\]]|$)"
_DAY: Final = re.compile(
    rf"(?:on\s+)?(?:(?P<named>{WEEKDAY})[.,]*\s+(?=(?:{MONTH}|\d{{1,4}})[\s./-]))?(?:"
    rf"(?P<word>today|yesterday|tomorrow)"
    rf"|(?:(?P<which>last|next|this)\s+)?(?P<weekday>{WEEKDAY})\.?"
    rf"|(?P<iso>\d{{4}}[-/]\d{{1,2}}[-/]\d{{1,2}}|\d{{4}}\.\d{{1,2}}\.\d{{1,2}})"
    rf"|(?P<compact>20\d{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))"
    rf"|(?P<dotted>\d{{1,2}}\.\d{{1,2}}\.(?:\d{{4}})?)"
    rf"|(?P<short>\d{{1,2}}\.\d{{1,2}}\.\d{{2}}{_CLOCK_FOLLOWS}|\d{{2}}\.\d{{2}}\.\d{{2}}|\d{{1,2}}\.\d{{1,2}}{_CLOCK_FOLLOWS})"
    rf"|(?P<slashed>\d{{1,2}}/\d{{1,2}}(?:/\d{{4}}|/\d{{2}})?|\d{{1,2}}-\d{{1,2}}-\d{{4}})"
    rf"|(?P<dashed>\d{{1,2}}-\d{{1,2}}){_CLOCK_FOLLOWS}"
    rf"|(?:the\s+)?(?P<dm>\d{{1,2}})(?:st|nd|rd|th)?\.?[\s/-]\s*(?:of\s+)?(?P<dmonth>{MONTH})\.?(?:[\s,/-]+(?P<dyear>\d{{4}}))?"
    rf"|(?P<month>{MONTH})\.?[\s-]\s*(?P<md>\d{{1,2}})(?:st|nd|rd|th)?(?!:)(?:,?\s+(?P<myear>20\d{{2}})(?!\s?(?:Z|UTC|GMT|hrs)\b))?"
    rf"|(?:the\s+)?(?P<ordinal>\d{{1,2}})(?:st|nd|rd|th){_CLOCK_FOLLOWS}"
    rf"){_END}",
    re.IGNORECASE,
)
# What `date` and `ctime` write: the year comes last.
_YEAR_LAST: Final = re.compile(
    rf"((?:(?:{WEEKDAY})\s+)?(?:{MONTH})\s+\d{{1,2}})\s+(\d{{2}}:\d{{2}}:\d{{2}})\s+((?:[A-Z]{{3,5}}\s+)?)(20\d{{2}})\b",
    re.IGNORECASE,
)
_CLOCK: Final = re.compile(
    r"(?:at\s+|@\s*|(?P<t>T))?\[?(?:(?P<word>noon|midnight)|"
    r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:[.,]\d{1,9})?)?(?:\s*(?P<half>[ap]\.?m\b\.?))?"
    r"|(?P<hd>1[0-2]|0?[1-9])\.(?P<md>[0-5]\d)\s*(?P<dhalf>[ap]\.?m\b\.?)"
    r"|(?P<dotted>[01]\d|2[0-3])\.(?P<dminute>[0-5]\d)(?:\.(?P<dsecond>[0-5]\d))?"
    r"|(?P<h>[01]?\d|2[0-3])h(?P<hminute>[0-5]\d)"
    r"|(?P<ch>[01]\d|2[0-3])(?P<cm>[0-5]\d)(?P<cs>[0-5]\d)?(?:(?<=T\d{4})|(?<=T\d{6})|(?=\s?(?:Z|UTC|GMT|hrs|h)\b|[-+]\d{2}))"
    r"|(?P<bare>1[0-2]|0?[1-9])\s*(?P<bhalf>[ap]\.?m\b\.?)"
    r")\]?(?:\s?(?P<hours>h|hrs|uhr)\b)?"
    r"(?:\s*\(?(?P<zone>Z|UTC|GMT)\b\)?(?!\s?[-+]\d)|\s*(?:UTC|GMT)\s?(?P<named>[-+]\d{1,2}(?::?[0-5]\d)?)(?!\d)"
    r"|\s*(?P<offset>[-+]\d{2}:?[0-5]\d|\+\d{2})(?!\d)|\s(?:local|my) time\b)?"
    r"(?=[\s,;:.)\]>|=\u2192\u2013\u2014]|-[\s>]|$)(?!::)(?![.,:\u2013\u2014-]\d)(?!\s[-\u2013\u2014]\s?\d{1,2}[:h]\d)",
    re.IGNORECASE,
)
# Zones that people name after a time, which may mean several, or not their own.
_OTHER_ZONE: Final = re.compile(
    r"(?:[ECMP][SD]?T|CES?T|EES?T|WES?T|MSK|BST|IST|JST|KST|SGT|HKT|A[CEW][SD]T|NZ[SD]T|AK[SD]T|HST"
    r"|[A-Z][a-z]+/[A-Z]\w+|(?:[A-Z]\w+|server|their|your) time)\b"
)
# A number with two decimals is no time before a unit: `12.50 EUR`, `14.05 % of carts`.
UNIT: Final = (
    r"(?:%|[€$£]|[a-zµ]{1,3}/|(?:percent|eur|usd|gbp|ms|s|secs?|seconds?|k|kb|mb|gb|tb|[kmg]ib|x|rps|qps|mbps|gbps|m|h|min"
    r"|mins|minutes|hours|days|million|billion|thousand|points?|times|degrees|km|kg)\b)"
)
_UNIT: Final = re.compile(rf"\s*{UNIT}", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"[\s,;:.)\]>|=\u2192]*(?:[-\u2013\u2014]+>?\s+)?")


class UnclearDayError(ValueError):
    """The text begins like a date or time that could be two, or none: `3/4`, `31.02.`, `9:00 PST`."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day, and its zone if one was named.

    `is_dotted`: written like a number with two decimals, which it may be.
    """

    time: time
    zone: tzinfo | None = None
    is_dotted: bool = False


def split_day(text: str, *, today: date, is_past: bool) -> tuple[date | None, str]:
    """Return the day that the text begins with, if any, and the text after it.

    `is_past`: a weekday or a date without a year means the latest one, otherwise the next one.

    Raises: UnclearDayError.
    """
    rest = (
        _YEAR_LAST.sub(r"\1 \4 \2 \3", text.lstrip(), count=1) if _YEAR_LAST.match(text) else text
    )
    rest = rest.lstrip()
    match = _DAY.match(rest)
    if match is None:
        return None, rest
    day = _day_in(match, today=today, is_past=is_past)
    if day is None:
        return None, rest
    if match["named"] and _WEEKDAYS[day.weekday()] != match["named"][:3].casefold():
        raise UnclearDayError(match[0])  # the weekday says otherwise than the date
    return day, rest[match.end() :].lstrip(" ,;:)]")


def split_clock(text: str) -> tuple[Clock | None, str]:
    """Return the time of day that the text begins with, if any, and the text after it.

    Raises: UnclearDayError if a zone is named that isn't UTC or an offset from it.
    """
    rest = text.lstrip()
    match = _CLOCK.match(rest)
    if match is None or (
        match["dotted"] and not match["hours"] and _UNIT.match(rest[match.end() :])
    ):
        return None, rest
    after = rest[_BETWEEN.match(rest, match.end()).end() :]  # type: ignore[union-attr]
    zone = _zone_in(match)
    if zone is None and _OTHER_ZONE.match(after):
        raise UnclearDayError(match[0])
    found = _time_in(match)
    if found is None:
        return None, rest
    return Clock(found, zone, is_dotted=bool(match["dotted"] and not match["hours"])), after


def _time_in(match: re.Match[str]) -> time | None:
    if match["word"]:
        return time(12 if match["word"].casefold() == "noon" else 0)
    hour = int(_first(match, "hour", "hd", "dotted", "h", "ch", "bare"))
    minute = int(_first(match, "minute", "md", "dminute", "hminute", "cm"))
    half = _first(match, "half", "dhalf", "bhalf")[0].casefold()
    if half in {"a", "p"}:
        if not 1 <= hour <= 12:  # noqa: PLR2004 - 13:05 pm
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    return time(hour, minute, int(_first(match, "second", "dsecond", "cs")))


def _first(match: re.Match[str], *names: str) -> str:
    """Return what the first of these groups that took part matched, else "0"."""
    return next((match[name] for name in names if match[name]), "0")


def _zone_in(match: re.Match[str]) -> tzinfo | None:
    if match["zone"]:
        return UTC
    written = match["named"] or match["offset"]
    if not written:
        return None
    if re.match(r"-\d+:", match["offset"] or "") and not match["second"]:
        raise UnclearDayError(match[0])  # `10:30-11:00` says from when until when
    hours, minutes = re.fullmatch(r"[-+](\d{1,2}):?(\d{2})?", written).groups()  # type: ignore[union-attr]
    ahead = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if ahead >= timedelta(days=1):
        raise UnclearDayError(match[0])
    return timezone(-ahead if written[0] == "-" else ahead)


def _day_in(match: re.Match[str], *, today: date, is_past: bool) -> date | None:
    if match["word"]:
        shift = {"today": 0, "yesterday": -1, "tomorrow": 1}[match["word"].casefold()]
        return today + timedelta(days=shift)
    if match["weekday"]:
        which = (match["which"] or "").casefold()
        return _weekday(match["weekday"], which, today=today, is_past=is_past)
    if match["ordinal"]:
        return _of_month(int(match["ordinal"]), today=today, is_past=is_past)
    if match["short"]:
        return _short(match, today=today, is_past=is_past)
    return _numbered(match, today=today, is_past=is_past)


def _numbered(match: re.Match[str], *, today: date, is_past: bool) -> date:
    if match["iso"]:
        year, month, day = (int(part) for part in re.split("[-/.]", match["iso"]))
        return _dated(day, month, year)
    if match["compact"]:
        written = match["compact"]
        return _dated(int(written[6:]), int(written[4:6]), int(written[:4]))
    if match["dotted"]:
        first, second, given = match["dotted"].split(".")
        return _near(int(first), int(second), given, today=today, is_past=is_past)
    if match["slashed"]:
        return _slashed(match["slashed"], today=today, is_past=is_past)
    if match["dashed"]:
        return _slashed(match["dashed"], today=today, is_past=is_past)
    name, number = match["dmonth"] or match["month"], match["dm"] or match["md"]
    month = _MONTHS.index(name[:3].casefold()) + 1
    given = match["dyear"] or match["myear"] or ""
    return _near(int(number), month, given, today=today, is_past=is_past)


def _short(match: re.Match[str], *, today: date, is_past: bool) -> date | None:
    """Return the date in `28.11.26` or `28.11`; None for a version such as `20.10.24`."""
    day, month, *year = (int(part) for part in match["short"].split("."))
    is_alone = re.match(rf",?\s+{CLOCKISH}", match.string[match.end() :], re.IGNORECASE) is None
    if year and is_alone and abs(2000 + year[0] - today.year) > 1:
        return None
    if is_alone and not 1 <= month <= _MOST_MONTHS:
        return None
    given = str(year[0]) if year else ""
    return _near(day, month, given, today=today, is_past=is_past)


def _weekday(name: str, which: str, *, today: date, is_past: bool) -> date:
    wanted = _WEEKDAYS.index(name[:3].casefold())
    if which == "last" or (is_past and not which):
        back = (today.weekday() - wanted) % _WEEK
        return today - timedelta(days=back or (_WEEK if which else 0))
    ahead = (wanted - today.weekday()) % _WEEK
    return today + timedelta(days=ahead or (_WEEK if which == "next" else 0))


def _of_month(day: int, *, today: date, is_past: bool) -> date:
    """Return the latest, or next, day with this number in its month."""
    for shift in range(3):
        months = today.year * 12 + today.month - 1 + (-shift if is_past else shift)
        try:
            found = date(months // 12, months % 12 + 1, day)
        except ValueError:
            continue
        if found <= today if is_past else found >= today:
            return found
    raise UnclearDayError(str(day))


def _slashed(text: str, *, today: date, is_past: bool) -> date:
    first, second, *year = re.split("[/-]", text)
    one, two = int(first), int(second)
    if one <= _MOST_MONTHS and two <= _MOST_MONTHS and one != two:
        raise UnclearDayError(text)  # 3/4 is in March to some, in April to others
    day, month = (one, two) if one > _MOST_MONTHS else (two, one)
    return _near(day, month, year[0] if year else "", today=today, is_past=is_past)


def _near(day: int, month: int, year: str, *, today: date, is_past: bool) -> date:
    """Return the date; without a year the latest or the next one."""
    if year:
        return _dated(day, month, int(year) if len(year) > 2 else 2000 + int(year))  # noqa: PLR2004
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
