"""Scenarios: incidents that unfold by themselves, for practice; the values that files fill.

These classes are the schema of `config/scenarios/*.yaml`, as those of `policy.py` are of the
policy. A scenario is a small machine of facts: signals come with time, checks show what is so,
actions change it. Nothing is left to chance, so that a run can be played again and compared.

A run keeps the scenario that it began with (`encode`, `decode`), whatever becomes of the file.
"""

import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, NewType, TypeVar, get_args, get_origin, get_type_hints

# A text of several lines, such as a log; longer than the policy's texts may be.
LongText = NewType("LongText", str)

START: Final = "start"
ESCALATED: Final = "escalated"
ENGAGED: Final = "engaged"
UPDATED: Final = "updated"
MITIGATED: Final = "mitigated"
# Facts that the record itself tells, beside those that a scenario's signals and actions set.
RECORDED_FACTS: Final = (START, ESCALATED, ENGAGED, UPDATED, MITIGATED)

T = TypeVar("T")


class Level(StrEnum):
    """How much a scenario asks of the person who practises."""

    STARTER = "starter"
    STANDARD = "standard"
    STRETCH = "stretch"


class Verdict(StrEnum):
    """What an action does to the incident: it helps, changes nothing, or makes it worse."""

    HELPS = "helps"
    HARMLESS = "harmless"
    WORSE = "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Something that happens by itself, `after` the fact `since`, if `when` holds at that moment.

    A condition is a fact, or `not` and a fact. One that `asks` is a stakeholder waiting for an
    update.
    """

    key: str
    source: str
    text: LongText
    after: timedelta
    since: str = START
    when: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    asks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check shows while `when` holds."""

    when: tuple[str, ...] = ()
    output: LongText


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something one can look at; the first of the results whose condition holds is shown.

    Below it comes everything of `also` whose condition holds: what is so beside the rest.
    """

    key: str
    name: str
    results: tuple[CheckResult, ...]
    also: tuple[CheckResult, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """What an action comes to while `when` holds: what it shows, and which facts it changes."""

    when: tuple[str, ...] = ()
    output: LongText
    verdict: Verdict
    sets: tuple[str, ...] = ()
    clears: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioAction:
    """Something one can do, with its risk and how to undo it said beforehand."""

    key: str
    name: str
    risk: str
    undo: str
    results: tuple[ActionResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationCall:
    """When a scenario calls for escalating: to whom, why, and how soon after the fact `since`."""

    to: str
    why: str
    within: timedelta
    since: str = START


@dataclass(frozen=True, slots=True, kw_only=True)
class MentorNotes:
    """What the mentor alone reads at the start."""

    story: LongText
    first_move: LongText
    wrong_trail: LongText
    makes_worse: LongText
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One incident to practise on; it is fixed once every condition of `fixed_when` holds."""

    key: str
    name: str
    level: Level
    summary: str
    title: str
    severity: str
    service: str
    briefing: LongText
    time_limit: timedelta
    fixed_when: tuple[str, ...]
    signals: tuple[Signal, ...]
    checks: tuple[Check, ...]
    actions: tuple[ScenarioAction, ...]
    escalation: EscalationCall | None = None
    mentor: MentorNotes

    def find_check(self, word: str) -> Check | None:
        """Return the check with this key or name, in any case, or None."""
        return next((item for item in self.checks if _is_called(item, word)), None)

    def find_action(self, word: str) -> ScenarioAction | None:
        """Return the action with this key or name, in any case, or None."""
        return next((item for item in self.actions if _is_called(item, word)), None)


def _is_called(item: Check | ScenarioAction, word: str) -> bool:
    wanted = " ".join(word.split()).casefold()
    return wanted in {item.key.casefold(), item.key.replace("-", " "), item.name.casefold()}


def encode(value: object) -> Any:
    """Return a scenario as JSON values; durations become seconds."""
    match value:
        case timedelta():
            return value.total_seconds()
        case StrEnum():
            return value.value
        case tuple():
            return [encode(item) for item in value]
        case _ if is_dataclass(value):
            return {item.name: encode(getattr(value, item.name)) for item in fields(value)}
    return value


def decode(stored: Mapping[str, Any]) -> Scenario:
    """Return the scenario that was stored; what this version doesn't know is left out."""
    return _decode_class(Scenario, stored)


def _decode_class(cls: type[T], stored: Mapping[str, Any]) -> T:
    hints = get_type_hints(cls)
    values = {name: _decode(hints[name], stored[name]) for name in hints if name in stored}
    return cls(**values)


def _decode(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if get_origin(hint) is tuple:
        return tuple(_decode(get_args(hint)[0], item) for item in value)
    if isinstance(hint, types.UnionType):
        hint = next(option for option in get_args(hint) if option is not types.NoneType)
    if hint is timedelta:
        return timedelta(seconds=value)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    is_class = isinstance(hint, type) and is_dataclass(hint)
    return _decode_class(hint, value) if is_class else value
