"""The policy's rotations: people who are on call in turn, handing over at a time on the wall clock."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic_core import core_schema

from incidents.policy.disagreements import Disagreement
from incidents.policy.references import PersonRef
from incidents.policy.schema import Duration, Form, Refusal, Rule, lasts, matches, some

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HANDOVER: Final = re.compile(r"([a-z]+)\s+([0-9]{1,2}):([0-9]{2})", re.IGNORECASE)
_WALL_TIME: Final = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{1,2}):(\d{2})(?::00)?")
_SHORTEST_NAME: Final = 3


@dataclass(frozen=True, slots=True)
class Handover:
    """A weekday (0 is Monday) and a time on the wall clock."""

    weekday: int
    at: time

    def __str__(self) -> str:
        return f"{DAYS[self.weekday]} {self.at:%H:%M}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Let pydantic parse it from the text in a file."""
        return core_schema.no_info_plain_validator_function(_read_handover)


@dataclass(frozen=True, slots=True)
class WallTime:
    """A moment on the wall clock of a zone that is named elsewhere."""

    day: date
    at: time

    def __str__(self) -> str:
        return f"{self.day.isoformat()} {self.at:%H:%M}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Let pydantic parse it from the text in a file."""
        return core_schema.no_info_plain_validator_function(_read_wall_time)

    def within(self, zone: ZoneInfo) -> datetime:
        """Return the instant; of two with this reading the first, of none the one after the gap."""
        return datetime.combine(self.day, self.at, zone).astimezone(UTC)


def _read_handover(text: object) -> Handover:
    match = _HANDOVER.fullmatch(text) if isinstance(text, str) else None
    word = match[1].casefold() if match else ""
    days = [day for day in DAYS if len(word) >= _SHORTEST_NAME and day.startswith(word)]
    at = _read_time(match[2], match[3]) if match else None
    if not days or at is None:
        raise Refusal("has to be a weekday and a time of day", "monday 09:00")
    return Handover(DAYS.index(days[0]), at)


def _read_wall_time(text: object) -> WallTime:
    match = _WALL_TIME.fullmatch(text) if isinstance(text, str) else None
    at = _read_time(match[2], match[3]) if match else None
    try:
        day = date.fromisoformat(match[1]) if match else None
    except ValueError:
        day = None
    if day is None or at is None:
        raise Refusal("has to be a day and a time, without a zone", "2026-12-24T09:00")
    return WallTime(day, at)


def _read_time(hour: str, minute: str) -> time | None:
    try:
        return time(int(hour), int(minute))
    except ValueError:
        return None


def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


# Read from disk once; a process keeps few of them.
@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationOverride:
    """Somebody on call instead of the one whose turn it is, by the rotation's wall clock."""

    who: PersonRef
    since: WallTime
    until: WallTime

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield an override that ends before it begins."""
        if (self.until.day, self.until.at) <= (self.since.day, self.since.at):
            what = f"has to be after since ({self.since})"
            yield Disagreement(("until",), what, other=("since",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """People who are on call in turn, `every` so many days each.

    The first of `people` begins at the handover of `starts_on`. Before that, the turns go back in
    the same order, so that there is always somebody.
    """

    key: Annotated[
        str,
        Form.AS_KEY,
        matches(
            r"[a-z][a-z0-9_-]{0,39}",
            "isn't a key: only small letters, digits, `-` and `_`, a letter first",
            "checkout-primary",
        ),
    ]
    people: Annotated[
        tuple[PersonRef, ...], some("has to name at least one person", "[kim@example.com]")
    ]
    handover: Handover
    every: Annotated[
        Duration,
        lasts("1d", "365d", "7d"),
        Rule(lambda value: value % timedelta(days=1) == timedelta(0), "has to be whole days", "7d"),
    ]
    time_zone: Annotated[str, Rule(_is_zone, "isn't a time zone that I know", "Europe/Berlin")]
    starts_on: date
    overrides: tuple[RotationOverride, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone by whose wall clock it hands over."""
        return _zone(self.time_zone)

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield a first day that isn't the handover's weekday."""
        found = self.starts_on.weekday()
        if found != self.handover.weekday:
            said, day = DAYS[self.handover.weekday].title(), DAYS[found].title()
            first = self.starts_on - timedelta(days=(found - self.handover.weekday) % 7)
            what = f"has to be a day of handover: it is a {day}, and handover is on {said}"
            yield Disagreement(("starts_on",), what, first.isoformat(), other=("handover",))
