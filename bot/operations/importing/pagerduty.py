"""What PagerDuty exports: schedules of layers, escalation policies, services.

Fields as in its public REST API v2: of a schedule's layers the first that applies counts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_A_WEEK: Final = 604_800


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
            self.people.add(text(user, "id"), email=text(user, "email"), name=_name(user))
        schedules = [self._schedule(one) for one in self.export.list("schedules")]
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

    def _schedule(self, found: Part) -> Schedule:
        name = _name(found) or "A schedule"
        if "schedule_layers" not in found:
            self._left(
                f"{name} has no layers in the file",
                "download each schedule by its id, as docs/on-call.md shows",
            )
        layers = [self._turns(one) for one in parts(found.get("schedule_layers"))]
        return Schedule(
            id=text(found, "id"),
            name=name,
            time_zone=zone_of(found, "time_zone", name, self.leftovers),
            layers=tuple(self._that_count(layers)),
            overrides=tuple(self._overrides(found)),
        )

    def _that_count(self, layers: list[Turns]) -> Iterator[Turns]:
        """Yield the layers down to the first without hours: it covers all below it."""
        for layer in layers:
            if layer.ends is not None and layer.ends <= self.now:
                continue
            yield layer
            if not layer.hours:
                return

    def _turns(self, found: Part) -> Turns:
        users = (part(one, "user") for one in parts(found.get("users")))
        people = (self._person(one) for one in users)
        seconds = min(max(number(found, "rotation_turn_length_seconds"), 60), 10_000 * _A_WEEK)
        start = instant(found, "rotation_virtual_start") or instant(found, "start")
        return Turns(
            name=_name(found) or "layer",
            people=tuple(one for one in people if one),
            every=timedelta(seconds=seconds),
            starts=beginning(start),
            ends=instant(found, "end"),
            hours=" and ".join(map(_span, parts(found.get("restrictions")))),
        )

    def _overrides(self, schedule: Part) -> Iterator[Override]:
        for one in parts(schedule.get("overrides")):
            since, until = instant(one, "start"), instant(one, "end")
            who = self._person(part(one, "user"))
            if who and since and until and until > self.now:
                yield Override(who=who, since=since, until=until)

    # -- services --------------------------------------------------------------------------------

    def _services(self) -> Iterator[ImportedService]:
        policies = {text(one, "id"): one for one in self.export.list("escalation_policies")}
        found = self.export.list("services")
        names = [_name(one) or "Service" for one in found]
        keys = unused_keys(key_of(name) or "service" for name in names)
        for service, name, key in zip(found, names, keys, strict=True):
            if text(service, "status") == "disabled":
                self._left(f"{name} is switched off in PagerDuty", f"remove services.{key}")
            kept = part(service, "escalation_policy")
            policy = policies.get(text(kept, "id"), kept)
            levels = tuple(self._levels(policy))
            if not levels:
                self._left(f"{name} calls nobody", f"set on_call under services.{key}")
            self._say_urgency(name, part(service, "incident_urgency_rule"))
            yield ImportedService(
                key=key,
                name=name[:60],
                levels=levels,
                team=next((_name(one) for one in parts(service.get("teams"))), ""),
                reach=text(service, "id"),
            )

    def _levels(self, policy: Part) -> Iterator[Level]:
        name = _name(policy) or "An escalation policy"
        if policy and "escalation_rules" not in policy:
            self._left(f"{name} isn't in the file", "download the escalation policies, too")
        if number(policy, "num_loops"):
            self._left(
                f"{name} repeats; a ladder in Sitrep ends after its last step, and alerts the channel",
                "put the people to call last into escalation.steps",
            )
        for rule in parts(policy.get("escalation_rules")):
            strategy = text(rule, "escalation_rule_assignment_strategy", "type")
            if strategy == "round_robin":
                self._left(
                    f"{name} calls its people in turn (round robin)",
                    "Sitrep calls all of them together: make them a rotation, or name fewer",
                )
            who = [one for target in parts(rule.get("targets")) for one in self._target(target)]
            if who:
                yield level_of(who, minutes(number(rule, "escalation_delay_in_minutes")))

    def _target(self, target: Part) -> tuple[str, ...]:
        if text(target, "type").startswith("user"):
            person = self._person(target)
            return (person,) if person else ()
        found = self.by_schedule.get(text(target, "id"), ())
        if not found:
            name = _name(target) or "a schedule"
            self._left(
                f"{name} is called, but isn't in the policy",
                "name people there, or ask PagerDuty who is on call: pagerduty/"
                f"{shown(text(target, 'id'))}",
            )
        return found

    def _say_urgency(self, service: str, rule: Part) -> None:
        if text(rule, "type") == "use_support_hours":
            what = f"{service} is urgent only in its support hours"
            self._left(what, "decide by the severity instead: see call: in the policy")
        elif text(rule, "urgency") == "low":
            what = f"{service} never wakes anybody there (low urgency)"
            self._left(what, "write a rule of its own under call: with by: message")

    def _person(self, found: Part) -> str | None:
        return self.people.find(text(found, "id"), email=text(found, "email"), name=_name(found))

    def _left(self, what: str, todo: str) -> None:
        self.leftovers.append(Leftover(what, todo))


def import_pagerduty(export: Export, *, now: datetime) -> Imported:
    """Return what an export of PagerDuty becomes."""
    return _Reader(export, now).imported()


def _name(found: Part) -> str:
    return shown(text(found, "name") or text(found, "summary"))


def _span(found: Part) -> str:
    """Return in words when a layer applies."""
    day = number(found, "start_day_of_week")
    name = f"{_DAYS[day - 1]} " if 1 <= day <= len(_DAYS) else ""
    hours = timedelta(seconds=number(found, "duration_seconds")) / timedelta(hours=1)
    unit = "hour" if hours == 1 else "hours"
    return f"{name}{shown(text(found, 'start_time_of_day')[:5])} for {hours:g} {unit}"
