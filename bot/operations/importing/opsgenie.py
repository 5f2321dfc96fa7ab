"""What Opsgenie exports: schedules of rotations, escalations of rules, teams that own services.

Fields as in its public REST API: users by `username`, delays counted from the alert's creation.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from types import MappingProxyType
from typing import Final

from bot.operations.first_day.draft import key_of, unused_keys
from bot.operations.importing.imported import (
    Imported,
    ImportedService,
    Leftover,
    Level,
    Override,
    People,
    Schedule,
    Turns,
    beginning,
    level_of,
    people_in,
    rotations_of,
    zone_of,
)
from bot.operations.importing.reading import (
    Export,
    Part,
    instant,
    minutes,
    number,
    part,
    parts,
    shown,
    text,
)

_NOTHING: Final[Part] = MappingProxyType({})
_UNITS: Final = {"hourly": "hours", "daily": "days", "weekly": "weeks"}
_IN_MINUTES: Final = {"minutes": 1, "hours": 60, "days": 1440}
# How a rule chooses from a schedule or team, where that isn't who is on call.
_CHOICES: Final = {
    "next": "the next person on call",
    "previous": "the previous person on call",
    "admins": "only the team's admins",
    "users": "only the team's users",
    "random": "one at random (round robin)",
    "all": "everybody",
}


@dataclass(slots=True)
class _Reader:
    """Reads one export; `leftovers` grows on the way."""

    export: Export
    now: datetime
    people: People = field(default_factory=People)
    leftovers: list[Leftover] = field(default_factory=list)
    by_schedule: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def imported(self) -> Imported:
        for user in self.export.list("users"):
            self.people.add(
                text(user, "id"), email=text(user, "username"), name=text(user, "fullName")
            )
        schedules = [one for one in map(self._schedule, self.export.list("schedules")) if one]
        rotations, self.by_schedule = rotations_of(
            schedules, now=self.now, leftovers=self.leftovers
        )
        services = tuple(self._services())
        self.leftovers += self.people.leftovers()
        return Imported(
            rotations=rotations,
            services=services,
            people=people_in(rotations, services),
            leftovers=tuple(dict.fromkeys(self.leftovers)),
        )

    # -- schedules -------------------------------------------------------------------------------

    def _schedule(self, found: Part) -> Schedule | None:
        name = shown(text(found, "name")) or "A schedule"
        if found.get("enabled") is False:
            self._left(f"{name} is switched off", "left out; enable it there first if you need it")
            return None
        if "rotations" not in found:
            self._left(
                f"{name} has no rotations in the file",
                "download the schedules with expand=rotation, as docs/on-call.md shows",
            )
        rotations = parts(found.get("rotations"))
        return Schedule(
            id=text(found, "id"),
            name=name,
            time_zone=zone_of(found, "timezone", name, self.leftovers),
            layers=tuple(self._turns(name, one) for one in rotations),
            overrides=tuple(self._overrides(name, parts(found.get("overrides")))),
        )

    def _turns(self, schedule: str, found: Part) -> Turns:
        name = shown(text(found, "name")) or "rotation"
        people = []
        for one in parts(found.get("participants")):
            kind = text(one, "type") or "user"
            if kind == "user":
                person = self._person(one)
                people += [person] if person else []
            else:
                who = (
                    "nobody" if kind == "none" else f"the {kind} {shown(text(one, 'name'))}".strip()
                )
                self._left(
                    f"{schedule}, {name}: {who} has a turn; in Sitrep only people do",
                    "left out, so the order of turns changes: name people instead",
                )
        length = max(number(found, "length"), 1)
        unit = _UNITS.get(text(found, "type"), "weeks")
        return Turns(
            name=name,
            people=tuple(people),
            every=timedelta(**{unit: min(length, 10_000)}),
            starts=beginning(instant(found, "startDate")),
            ends=instant(found, "endDate"),
            hours=_hours(part(found, "timeRestriction")),
        )

    def _overrides(self, schedule: str, found: Iterable[Part]) -> Iterator[Override]:
        for one in found:
            since, until = instant(one, "startDate"), instant(one, "endDate")
            user = part(one, "user")
            if since is None or until is None or until <= self.now:
                continue
            if text(user, "type") not in {"", "user"}:
                what = f"{schedule}: an override by a {shown(text(user, 'type'))}"
                self._left(what, "write it again with a person, under overrides")
            elif who := self._person(user):
                yield Override(who=who, since=since, until=until)

    # -- services --------------------------------------------------------------------------------

    def _services(self) -> Iterator[ImportedService]:
        teams = {text(one, "id"): one for one in self.export.list("teams")}
        found = [(text(one, "name"), text(one, "teamId")) for one in self.export.list("services")]
        if not found:
            found = [(text(team, "name"), key) for key, team in teams.items()]
            if found:
                self._left(
                    "The file has no services, so each team became one",
                    "rename them to what people say is broken, and split or merge them",
                )
        names = [shown(name) or "Service" for name, _ in found]
        keys = unused_keys(key_of(name) or "service" for name in names)
        for name, key, (_, team_id) in zip(names, keys, found, strict=True):
            team = teams.get(team_id, {})
            levels = tuple(self._levels_of(team_id, team))
            if not levels:
                self._left(f"{name} calls nobody", f"set on_call under services.{key}")
            yield ImportedService(
                key=key,
                name=name[:60],
                levels=levels,
                owner=self._owner(team),
                team=shown(text(team, "name")),
            )

    def _owner(self, team: Part) -> str:
        admins = [one for one in parts(team.get("members")) if text(one, "role") == "admin"]
        found = (self._person(part(one, "user")) for one in admins)
        return next((one for one in found if one), "")

    def _levels_of(self, team_id: str, team: Part) -> Iterator[Level]:
        rules = parts(team.get("routingRules"))
        if any(rule.get("isDefault") is not True for rule in rules):
            self._left(
                f"{shown(text(team, 'name'))} routes alerts by rules",
                "the policy has the default rule's target; make services for the others",
            )
        target = next(
            (part(one, "notify") for one in rules if one.get("isDefault") is True), _NOTHING
        )
        if text(target, "type") == "schedule":
            yield from _some(level_of(self._on_call(target), None))
            return
        escalation = self._escalation(text(target, "id"), team_id, text(team, "name"))
        if escalation is not None:
            yield from self._levels(escalation)
            return
        owned = [
            one
            for one in self.export.list("schedules")
            if team_id and text(one, "ownerTeam", "id") == team_id
        ]
        yield from _some(level_of(chain.from_iterable(map(self._on_call, owned)), None))

    def _escalation(self, wanted: str, team_id: str, team: str) -> Part | None:
        """Return the escalation with this id, else the team's own: first of all its default one."""
        every = self.export.list("escalations")
        named = [one for one in every if wanted and text(one, "id") == wanted]
        owned = [one for one in every if team_id and text(one, "ownerTeam", "id") == team_id]
        owned.sort(key=lambda one: text(one, "name").casefold() != f"{team}_escalation".casefold())
        return next(iter((*named, *owned)), None)

    def _levels(self, escalation: Part) -> Iterator[Level]:
        name = shown(text(escalation, "name")) or "An escalation"
        if number(part(escalation, "repeat"), "count"):
            self._left(
                f"{name} repeats; a ladder in Sitrep ends after its last step, and alerts the channel",
                "put the people to call last into escalation.steps",
            )
        by_delay: dict[int, list[str]] = {}
        for rule in parts(escalation.get("rules")):
            by_delay.setdefault(_delay(rule), []).extend(self._recipients(name, rule))
        delays = sorted(delay for delay, who in by_delay.items() if who)
        for delay, following in zip(delays, (*delays[1:], None), strict=True):
            wait = None if following is None else minutes(following - delay)
            yield level_of(by_delay[delay], wait)

    def _recipients(self, escalation: str, rule: Part) -> Iterator[str]:
        recipient = part(rule, "recipient")
        kind, choice = text(recipient, "type"), text(rule, "notifyType")
        if choice in _CHOICES and not (kind == "team" and choice == "all"):
            self._left(
                f"{escalation} calls {_CHOICES[choice]} of {shown(text(recipient, 'name'))}",
                "the policy calls who is on call, or the whole team: correct that step",
            )
        if text(rule, "condition") == "if-not-closed":
            self._left(
                f"{escalation} goes on until the alert is closed",
                "nothing: a ladder in Sitrep goes on until somebody is on it",
            )
        match kind:
            case "user":
                person = self._person(recipient)
                yield from [person] if person else []
            case "schedule":
                yield from self._on_call(recipient)
            case "team":
                yield from self._members(escalation, recipient)
            case _:
                whom = f"a {shown(kind)}" if kind else "nobody"
                self._left(f"{escalation} calls {whom}", "name people instead")

    def _members(self, escalation: str, recipient: Part) -> Iterator[str]:
        teams = self.export.list("teams")
        team = next((one for one in teams if text(one, "id") == text(recipient, "id")), _NOTHING)
        members = [self._person(part(one, "user")) for one in parts(team.get("members"))]
        name = shown(text(recipient, "name") or text(team, "name"))
        self._left(
            f"{escalation} calls the team {name}, which is {_people(len(members))} in the policy",
            "name the team's Slack group instead, if it has one",
        )
        yield from (one for one in members if one)

    def _on_call(self, schedule: Part) -> tuple[str, ...]:
        found = self.by_schedule.get(text(schedule, "id"), ())
        if not found:
            name = shown(text(schedule, "name")) or "a schedule that isn't in the file"
            self._left(f"{name} isn't in the policy", "name people in the steps that called it")
        return found

    def _person(self, found: Part) -> str | None:
        return self.people.find(text(found, "id"), email=text(found, "username"))

    def _left(self, what: str, todo: str) -> None:
        self.leftovers.append(Leftover(what, todo))


def import_opsgenie(export: Export, *, now: datetime) -> Imported:
    """Return what an export of Opsgenie becomes."""
    return _Reader(export, now).imported()


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def _some(level: Level) -> Iterator[Level]:
    if level.who:
        yield level


def _delay(rule: Part) -> int:
    """Return after how many minutes a rule calls."""
    delay = part(rule, "delay")
    return max(number(delay, "timeAmount"), 0) * _IN_MINUTES.get(text(delay, "timeUnit"), 1)


def _hours(restriction: Part) -> str:
    """Return in words when a rotation applies; "" for always."""
    # A restriction by time of day is one map; by weekday it is a list.
    found = parts(restriction.get("restrictions")) or parts([restriction.get("restriction")])
    return " and ".join(map(_span, found))


def _span(found: Part) -> str:
    days = [text(found, key).capitalize() for key in ("startDay", "endDay")]
    times = [
        f"{number(found, f'{key}Hour'):02}:{number(found, f'{key}Min'):02}"
        for key in ("start", "end")
    ]
    return " to ".join(f"{day} {time}".strip() for day, time in zip(days, times, strict=True))
