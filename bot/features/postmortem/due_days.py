"""The day in an action item's words: `by Friday fix it`, `fix it tomorrow`, `fix it by eod`."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from bot.framework.reading import DAY_EXAMPLE, find_day, split_due_day
from incidents.core.errors import InvalidInput
from incidents.core.times import zone_of
from incidents.core.typed_dates import CLOCKISH, MONTH, WEEKDAY

_BEFORE: Final = re.compile(r"(by|until|till|due|before|on):?(?:\s+(?:by|on))?\s+", re.IGNORECASE)
# `by hand` is text; `by 31.`, `by end of May` and `by May` were meant as dates.
_LIKE_A_DAY: Final = re.compile(rf"\d|(?:the )?end of|(?:next|this) |(?:{MONTH})\b", re.IGNORECASE)
_SURE: Final = frozenset({"by", "until", "till", "due"})
_CLOCK: Final = re.compile(rf"{CLOCKISH}(?:\s?[ap]\.?m\b)?(?:\s(?:UTC|GMT))?", re.IGNORECASE)
_BY_AT_THE_END: Final = re.compile(
    rf"\b(?:by|until|till|due|before):?\s+(\S+?(?:\s+\S+?){{0,3}}?)(?:,?\s+{CLOCKISH}\S*(?:\s?[ap]\.?m)?)?[.!)]*$",
    re.IGNORECASE,
)
# A day alone, which may belong to the text: `review what broke Friday`.
_DAY_AT_THE_END: Final = re.compile(
    rf"\s\(?((?:on |next |this )?(?:{WEEKDAY})|today|tomorrow|tonight|eo[dwm]|cob|(?:the )?end of (?:the |this )?"
    rf"(?:day|week|month)|in \S+ (?:days?|weeks?)|(?:on )?\d{{4}}-\d\d?-\d\d?|(?:on )?\d{{1,2}}\.\d{{1,2}}\.(?:\d{{4}})?"
    rf"|(?:on )?(?:{MONTH}) \d{{1,2}}|(?:on )?\d{{1,2}} (?:{MONTH}))(?:,?\s+{CLOCKISH}\S*(?:\s?[ap]\.?m)?)?[.!)]*$",
    re.IGNORECASE,
)
# These say when it's to be done, whatever comes before.
_TO_COME: Final = re.compile(r"tomorrow|eo[dwm]|cob|in |next |(?:the )?end of", re.IGNORECASE)
_PLAIN_AT_THE_START: Final = re.compile(
    r"(?:tomorrow|eo[dwm]|cob|in \S+ (?:day|week))", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Due:
    """The day that a text names, and the text without it; `is_doubtful` if it may be text, too."""

    day: date | None
    text: str
    is_doubtful: bool = False


def due_in(text: str, *, now: datetime, zone: str) -> Due:
    """Return the day at the start of the text, or at its end, where the words stay as they are.

    Raises: InvalidInput for a day that isn't one, or that is past.
    """
    written = text.strip()
    due = _at_the_start(written, now=now, zone=zone) or _at_the_end(written, now=now, zone=zone)
    today = now.astimezone(zone_of(zone)).date()
    if due is not None and due.day is not None and due.day < today:
        if due.is_doubtful:
            return Due(None, written)
        raise InvalidInput("due_on", "past", DAY_EXAMPLE)
    return due or Due(None, written)


def _at_the_start(text: str, *, now: datetime, zone: str) -> Due | None:
    by = _BEFORE.match(text)
    after = text[by.end() :] if by else text
    if by and _CLOCK.match(after):  # `by 17:00 fix it`: today, or perhaps tomorrow
        return Due(now.astimezone(zone_of(zone)).date(), text, is_doubtful=True)
    try:
        day, rest = split_due_day(after, now=now, zone=zone)
    except InvalidInput:
        if by:
            raise
        return None
    if day is None:
        if by and by[1].casefold() in _SURE and _LIKE_A_DAY.match(after):
            raise InvalidInput("due_on", "not_a_day", DAY_EXAMPLE)
        return None
    if _CLOCK.match(rest):
        rest = text  # an item has no time of day, so that it stays in the words
    is_doubtful = by is None and (not rest or not _PLAIN_AT_THE_START.match(after))
    return Due(day, rest, is_doubtful)


def _at_the_end(text: str, *, now: datetime, zone: str) -> Due | None:
    by = _BY_AT_THE_END.search(text)
    day = find_day(by[1], now=now, zone=zone) if by else None
    if day is not None:
        return Due(day, text)
    alone = _DAY_AT_THE_END.search(text)
    day = find_day(alone[1], now=now, zone=zone) if alone else None
    if alone is None or day is None:
        return None
    return Due(day, text, is_doubtful=not _TO_COME.match(alone[1]))
