"""Scenarios: scripted incidents for drills, as values read from files.

These classes are the schema of `config/scenarios/*.yaml`, as those of `incidents/policy` are the
schema of the policy. A scenario is a small state machine over facts: signals come with time, checks
show the current facts, actions change them. Scenarios are deterministic, so runs can be repeated
and compared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from incidents.policy.disagreements import Disagreement
from incidents.policy.schema import (
    DisplayName,
    Duration,
    Form,
    Names,
    Rule,
    holds,
    lasts,
    matches,
    short,
    some,
    word_key,
)

START: Final = "start"
ESCALATED: Final = "escalated"
ENGAGED: Final = "engaged"
UPDATED: Final = "updated"
MITIGATED: Final = "mitigated"
# Facts from the incident's record; a scenario's signals and actions set the others.
RECORDED_FACTS: Final = (START, ESCALATED, ENGAGED, UPDATED, MITIGATED)

# A form shows them as choices and can hold no more.
_MOST_CHOICES: Final = 10
# In characters; one message shows it all.
_MOST_SHOWN: Final = 2500

KEY: Final = word_key("error-rate", mark="-")
_FACT: Final = matches(
    r"[a-z][a-z0-9_]{0,39}", "isn't a fact: only small letters, digits and `_`", "rolled_back"
)
_IS_SET: Final = Names("nothing sets the fact", "facts")
_Key = Annotated[str, Form.AS_KEY, KEY]
_ReadFact = Annotated[str, _FACT, _IS_SET]
_SetFact = Annotated[
    str,
    _FACT,
    Rule(
        lambda fact: fact not in RECORDED_FACTS,
        "is told by the record and can't be set; choose another name",
    ),
]
_Condition = Annotated[
    str,
    matches(
        r"(?:not )?[a-z][a-z0-9_]{0,39}",
        "isn't a condition: a fact, or `not` and a fact",
        "[rolled_back, not restarted]",
    ),
    _IS_SET,
]
_Moment = Annotated[Duration, lasts("0s", "3h", "5m")]
# Screens are shown as code blocks, which a fence inside would end.
_Screen = Annotated[
    str,
    Rule(
        lambda text: "```" not in text, "can't hold ```, which ends what is shown", "errors 0.3 %"
    ),
]
# The text beside a choice in a form.
_Choice = Annotated[str, short(140, "one short sentence")]


class Level(StrEnum):
    """How difficult a scenario is."""

    STARTER = "starter"
    STANDARD = "standard"
    STRETCH = "stretch"


class Verdict(StrEnum):
    """The effect of an action on the incident: it helps, changes nothing, or makes it worse."""

    HELPS = "helps"
    HARMLESS = "harmless"
    WORSE = "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Something that happens `after` the fact `since`, if `when` holds at that moment.

    A condition is a fact, or `not` and a fact. `asks`: the signal is a stakeholder who waits for an
    update.
    """

    key: _Key
    source: DisplayName
    text: str
    after: _Moment
    since: _ReadFact = START
    when: tuple[_Condition, ...] = ()
    sets: tuple[_SetFact, ...] = ()
    asks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check shows while `when` holds."""

    when: tuple[_Condition, ...] = ()
    output: Annotated[_Screen, Form.ALONE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something to look at; it shows the first result whose condition holds.

    Below that it shows everything in `also` whose condition holds.
    """

    key: _Key
    name: DisplayName
    results: tuple[CheckResult, ...]
    also: tuple[CheckResult, ...] = ()

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield results that are never shown, and results too long for one message."""
        yield from _in_results(self.results)
        for number, result in enumerate(self.also):
            if not result.when:
                what = "always holds, so it belongs in each of the `results`; give it a `when`"
                yield Disagreement(("also", number), what)
        longest = max((len(result.output) for result in self.results), default=0)
        if longest + sum(len(result.output) for result in self.also) > _MOST_SHOWN:
            what = f"can show more than {_MOST_SHOWN} characters at once, more than one screen"
            yield Disagreement(("also",), what)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """The result of an action while `when` holds: what it shows, and the facts it changes."""

    when: tuple[_Condition, ...] = ()
    output: _Screen
    verdict: Verdict
    sets: tuple[_SetFact, ...] = ()
    clears: tuple[_ReadFact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioAction:
    """Something to do; people see its risk and how to undo it before they choose."""

    key: _Key
    name: DisplayName
    risk: _Choice
    undo: _Choice
    results: tuple[ActionResult, ...]

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield results that never apply."""
        yield from _in_results(self.results)


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationCall:
    """The escalation that a scenario expects: its target, why, how soon after the fact `since`."""

    to: DisplayName
    why: Annotated[str, short(300, "one short sentence")]
    within: Annotated[Duration, lasts("1m", "3h", "15m")]
    since: _ReadFact = START


@dataclass(frozen=True, slots=True, kw_only=True)
class MentorNotes:
    """Notes that only the mentor gets, at the start."""

    story: str
    first_move: str
    wrong_trail: str
    makes_worse: str
    questions: Annotated[
        tuple[Annotated[str, short(200, "one question")], ...],
        some("has to hold at least one question"),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One incident to practise on, fixed once every condition of `fixed_when` holds."""

    key: Annotated[str, Form.AS_KEY]
    name: DisplayName
    level: Level
    summary: _Choice
    title: Annotated[str, short(100, "Checkout errors for some customers")]
    severity: Annotated[str, short(20, "sev2")]
    service: DisplayName
    briefing: str
    time_limit: Annotated[Duration, lasts("5m", "3h", "45m")]
    fixed_when: tuple[_Condition, ...]
    signals: tuple[Signal, ...]
    checks: Annotated[tuple[Check, ...], holds(1, _MOST_CHOICES, "checks")]
    actions: Annotated[tuple[ScenarioAction, ...], holds(1, _MOST_CHOICES, "actions")]
    escalation: EscalationCall | None = None
    mentor: MentorNotes

    def find_check(self, word: str) -> Check | None:
        """Return the check with this key or name, in any case, or None."""
        return next((item for item in self.checks if _is_called(item, word)), None)

    def find_action(self, word: str) -> ScenarioAction | None:
        """Return the action with this key or name, in any case, or None."""
        return next((item for item in self.actions if _is_called(item, word)), None)

    @property
    def facts(self) -> frozenset[str]:
        """Every fact that can become true."""
        by_signals = (signal.sets for signal in self.signals)
        by_actions = (result.sets for action in self.actions for result in action.results)
        return frozenset(RECORDED_FACTS).union(*by_signals, *by_actions)

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield contradictions that would keep the scenario from starting, running or ending."""
        if not any(signal.since == START and not signal.after for signal in self.signals):
            what = "has to hold one that comes at once (`after: 0s`): the one that calls somebody"
            yield Disagreement(("signals",), what)
        for signal in self.signals:
            if signal.after >= self.time_limit:
                what = "comes after the time limit, so nobody would ever see it"
                yield Disagreement(("signals", signal.key, "after"), what)
        yield from _same_names("checks", self.checks)
        yield from _same_names("actions", self.actions)
        results = [result for action in self.actions for result in action.results]
        if all(result.verdict is not Verdict.HELPS for result in results):
            yield Disagreement(("actions",), "none of them helps, so nobody could ever succeed")
        if all(
            (one.removeprefix("not ") == START) is not one.startswith("not ")
            for one in self.fixed_when
        ):
            what = "already holds at the start; name what has to be done first"
            yield Disagreement(("fixed_when",), what)
        if self.escalation is not None and self.escalation.within >= self.time_limit:
            yield Disagreement(("escalation", "within"), "has to be shorter than the time limit")


def _is_called(item: Check | ScenarioAction, word: str) -> bool:
    wanted = " ".join(word.split()).casefold()
    return wanted in {item.key.casefold(), item.key.replace("-", " "), item.name.casefold()}


def _same_names(
    name: str, choices: Sequence[Check] | Sequence[ScenarioAction]
) -> Iterator[Disagreement]:
    names: set[str] = set()
    for choice in choices:
        if choice.name.casefold() in names:
            yield Disagreement((name, choice.key, "name"), "is already the name of another")
        names.add(choice.name.casefold())


def _in_results(results: Sequence[CheckResult | ActionResult]) -> Iterator[Disagreement]:
    if not results or results[-1].when:
        what = "the last one must always hold (no `when`), or there may be nothing to show"
        yield Disagreement(("results", max(len(results) - 1, 0)), what)
    for number, result in enumerate(results[:-1]):
        if not result.when:
            what = "always holds, so what comes after it is never shown; give it a `when`"
            yield Disagreement(("results", number), what)
