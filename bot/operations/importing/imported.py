"""What an export becomes: rotations, services and people of a policy, and what is left over."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.operations.first_day.draft import key_of, unused_keys
from bot.operations.importing.reading import Part, shown, text
from incidents.policy.references import EMAIL

_DAY: Final = timedelta(days=1)
# The bounds of a step's wait in the policy.
_SHORTEST_WAIT: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that couldn't be carried over as it was, and what to do about it."""

    what: str
    todo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """How a schedule's layer goes round: `starts` is when the first of the people begins.

    `hours`: when it applies, in words; "" for always.
    """

    name: str
    people: tuple[str, ...]
    every: timedelta
    starts: datetime
    ends: datetime | None = None
    hours: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Somebody on call instead of the one whose turn it is."""

    who: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule as it was: the layers that count most come first."""

    id: str
    name: str
    time_zone: str
    layers: tuple[Turns, ...]
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A rotation of the policy; the first of `people` begins at `starts`, its local time."""

    key: str
    name: str
    people: tuple[str, ...]
    every: timedelta
    starts: datetime
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """People called together, and how long for an answer: addresses or `rotation/KEY`."""

    who: tuple[str, ...]
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedService:
    """A service of the policy, whose levels are called one after the other.

    `team` owned it; `reach` is how the old pager names it.
    """

    key: str
    name: str
    levels: tuple[Level, ...] = ()
    owner: str = ""
    team: str = ""
    reach: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """Everything that the policy will say, and what it can't."""

    rotations: tuple[Rotation, ...]
    services: tuple[ImportedService, ...]
    people: tuple[str, ...]
    leftovers: tuple[Leftover, ...]


@dataclass(slots=True)
class People:
    """The export's users: their addresses by id, and who has none."""

    by_id: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    missed: dict[str, str] = field(default_factory=dict)

    def add(self, user_id: str, *, email: str, name: str) -> None:
        """Add a user; without a usable address they can't be named in a policy."""
        self.names[user_id] = name or email or user_id
        if EMAIL.fullmatch(email):
            self.by_id[user_id] = email.lower()

    def find(self, user_id: str, *, email: str = "", name: str = "") -> str | None:
        """Return somebody's address, else remember that they were asked for."""
        if found := self.by_id.get(user_id):
            return found
        if EMAIL.fullmatch(email):
            return email.lower()
        self.missed[user_id or name] = self.names.get(user_id) or name or email or user_id
        return None

    def leftovers(self) -> Iterator[Leftover]:
        """Yield who is named by a schedule or an escalation, but has no address."""
        for name in dict.fromkeys(self.missed.values()):
            yield Leftover(
                f"{shown(name) or 'Somebody'} is on call, but has no e-mail address in the file",
                "add the address or the Slack member id at their place in the policy",
            )


def rotations_of(
    schedules: Iterable[Schedule], *, now: datetime, leftovers: list[Leftover]
) -> tuple[tuple[Rotation, ...], dict[str, tuple[str, ...]]]:
    """Return the rotations, and those of each schedule by the schedule's id.

    A layer with hours of its own becomes a rotation only if its schedule has no other.
    """
    kept: list[tuple[Schedule, Turns]] = []
    for schedule in schedules:
        layers = [one for one in schedule.layers if one.ends is None or one.ends > now]
        whole = [one for one in layers if not one.hours]
        leftovers += [_hours_left(schedule, one, is_kept=not whole) for one in layers if one.hours]
        kept += [
            (schedule, one) for one in whole or layers if _can_go_round(schedule, one, leftovers)
        ]
    by_schedule: dict[str, tuple[str, ...]] = {}
    names = [_name(one, layer, kept) for one, layer in kept]
    keys = list(unused_keys(_rotation_key(name) for name in names))
    found = []
    for (schedule, layer), name, key in zip(kept, names, keys, strict=True):
        is_first = schedule.id not in by_schedule
        by_schedule[schedule.id] = (*by_schedule.get(schedule.id, ()), f"rotation/{key}")
        overrides = tuple(one for one in schedule.overrides if one.until > now and is_first)
        found.append(_rotation(schedule, layer, key, name, overrides, now))
    return tuple(found), by_schedule


def _hours_left(schedule: Schedule, layer: Turns, *, is_kept: bool) -> Leftover:
    who = ", ".join(layer.people) or "nobody"
    what = f"{schedule.name}, {layer.name}: {who} only {layer.hours}; rotations in Sitrep have no hours"
    todo = "to keep the hours, use a pager that Sitrep can ask, and name its address as on_call"
    if is_kept:
        todo = f"it is now a rotation for the whole day, so it may wake people at night; {todo}"
    else:
        todo = f"left out; {todo}"
    return Leftover(what, todo)


def _can_go_round(schedule: Schedule, layer: Turns, leftovers: list[Leftover]) -> bool:
    name = f"{schedule.name}, {layer.name}"
    if not layer.people:
        leftovers.append(
            Leftover(f"{name} has nobody with an address in it", "name its people in the policy")
        )
        return False
    if layer.every < _DAY or layer.every % _DAY:
        hours = layer.every / timedelta(hours=1)
        leftovers.append(
            Leftover(
                f"{name} hands over every {hours:g} hours; rotations in Sitrep hand over after whole days",
                f"left out ({', '.join(layer.people)}): keep it in the pager and name its address as "
                "on_call, or write a daily rotation",
            )
        )
        return False
    return True


def _name(schedule: Schedule, layer: Turns, kept: Sequence[tuple[Schedule, Turns]]) -> str:
    is_alone = sum(one is schedule for one, _ in kept) == 1
    return schedule.name if is_alone else f"{schedule.name} {layer.name}"


def _rotation_key(name: str) -> str:
    key = key_of(name)[:36].strip("-")
    return key if key[:1].isalpha() else f"rotation-{key}".strip("-")


def _rotation(
    schedule: Schedule,
    layer: Turns,
    key: str,
    name: str,
    overrides: tuple[Override, ...],
    now: datetime,
) -> Rotation:
    """Return the rotation with those first whose turn it is: handovers keep their local time."""
    zone = ZoneInfo(schedule.time_zone)
    first = layer.starts.astimezone(zone).replace(tzinfo=None)
    passed = max((now.astimezone(zone).replace(tzinfo=None) - first) // layer.every, 0)
    turn = passed % len(layer.people)
    return Rotation(
        key=key,
        name=name,
        people=layer.people[turn:] + layer.people[:turn],
        every=layer.every,
        starts=(first + passed * layer.every).replace(tzinfo=zone),
        overrides=tuple(_local(one, zone) for one in overrides),
    )


def _local(override: Override, zone: ZoneInfo) -> Override:
    return Override(
        who=override.who,
        since=override.since.astimezone(zone),
        until=override.until.astimezone(zone),
    )


def zone_of(found: Part, name: str, schedule: str, leftovers: list[Leftover]) -> str:
    """Return a schedule's time zone; UTC, and a leftover, if nobody knows it."""
    zone = text(found, name)
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        leftovers.append(
            Leftover(
                f"{schedule}: the time zone {shown(zone) or 'is missing'}"
                f"{' is unknown' if zone else ''}, so I took UTC",
                "correct time_zone in the policy",
            )
        )
        return "UTC"
    return zone


def level_of(who: Iterable[str], wait: timedelta | None) -> Level:
    """Return a level with a wait that the policy accepts."""
    bounded = None if wait is None else min(max(wait, _SHORTEST_WAIT), _DAY)
    return Level(who=tuple(dict.fromkeys(who)), wait=bounded)


def people_in(
    rotations: Iterable[Rotation], services: Iterable[ImportedService]
) -> tuple[str, ...]:
    """Return everybody who can be called, each once."""
    turns = chain.from_iterable(
        (*one.people, *(override.who for override in one.overrides)) for one in rotations
    )
    called = (who for one in services for level in one.levels for who in level.who)
    everybody = dict.fromkeys(chain(turns, called, (one.owner for one in services)))
    return tuple(one for one in everybody if re.search("@", one))


def beginning(value: datetime | None) -> datetime:
    """Return when turns begin; a Monday at 09:00 UTC if the file doesn't say."""
    return value or datetime(2024, 1, 1, 9, tzinfo=UTC)
