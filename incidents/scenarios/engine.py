"""The state machine that plays a scenario: (scenario, state, time) → signals; pure.

Time is in seconds since the start, without the bot's absences. Each signal has one moment: if its
condition doesn't hold then, it never fires.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from incidents.scenarios.scenario import (
    START,
    ActionResult,
    Check,
    Scenario,
    ScenarioAction,
    Signal,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Acted:
    """An action taken, when (in seconds), and its verdict."""

    key: str
    at: float
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """The state of a run: facts, signals, checks and actions, each with its second."""

    facts: Mapping[str, float] = field(default_factory=lambda: {START: 0.0})
    fired: Mapping[str, float] = field(default_factory=dict)
    passed_over: tuple[str, ...] = ()
    # When each check was first made.
    checked: Mapping[str, float] = field(default_factory=dict)
    acted: tuple[Acted, ...] = ()
    fixed_at: float | None = None

    def holds(self, conditions: tuple[str, ...]) -> bool:
        """Tell whether all these conditions hold: facts, or `not` and a fact."""
        return all(_holds(condition, self.facts) for condition in conditions)

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {
            "facts": dict(self.facts),
            "fired": dict(self.fired),
            "passed_over": list(self.passed_over),
            "checked": dict(self.checked),
            "acted": [[item.key, item.at, item.verdict.value] for item in self.acted],
            "fixed_at": self.fixed_at,
        }


def state_from(stored: Mapping[str, Any]) -> RunState:
    """Rebuild a stored state."""
    return RunState(
        facts=stored["facts"],
        fired=stored["fired"],
        passed_over=tuple(stored["passed_over"]),
        checked=stored["checked"],
        acted=tuple(Acted(key, at, Verdict(verdict)) for key, at, verdict in stored["acted"]),
        fixed_at=stored["fixed_at"],
    )


def split_condition(condition: str) -> tuple[str, bool]:
    """Return the fact of a condition, and whether it has to be true."""
    word, _, fact = condition.partition(" ")
    return (fact.strip(), False) if word == "not" and fact else (condition, True)


def _holds(condition: str, facts: Mapping[str, float]) -> bool:
    fact, is_wanted = split_condition(condition)
    return (fact in facts) is is_wanted


def advance(
    scenario: Scenario, state: RunState, *, elapsed: float
) -> tuple[RunState, tuple[Signal, ...]]:
    """Fire the signals due by now, in order of time; return the new state and these signals."""
    happened: list[Signal] = []
    while True:
        due = _next_signal(scenario, state)
        if due is None or due[0] > elapsed:
            return _look_if_fixed(scenario, state), tuple(happened)
        at, signal = due
        if not state.holds(signal.when):
            state = replace(state, passed_over=(*state.passed_over, signal.key))
            continue
        state = replace(state, fired={**state.fired, signal.key: at})
        state = _look_if_fixed(scenario, _with_facts(state, signal.sets, at=at), at=at)
        happened.append(signal)


def next_at(scenario: Scenario, state: RunState) -> float | None:
    """Return the second of the next signal, or None."""
    due = _next_signal(scenario, state)
    return None if due is None else due[0]


def learn(state: RunState, facts: Mapping[str, float]) -> RunState:
    """Add facts from the incident's record; a known fact keeps its first second."""
    return replace(state, facts={**facts, **state.facts})


def look(check: Check, state: RunState, *, elapsed: float) -> tuple[RunState, str]:
    """Make a check and return what it shows; the state changes only in that the check was made."""
    first = next(item for item in check.results if state.holds(item.when))
    shown = [first, *(item for item in check.also if state.holds(item.when))]
    output = "\n".join(item.output for item in shown)
    return replace(state, checked={check.key: elapsed, **state.checked}), output


def act(
    scenario: Scenario, action: ScenarioAction, state: RunState, *, elapsed: float
) -> tuple[RunState, ActionResult]:
    """Take an action: apply the facts that its result sets and clears."""
    result = next(item for item in action.results if state.holds(item.when))
    facts = {fact: at for fact, at in state.facts.items() if fact not in result.clears}
    state = replace(
        state, facts=facts, acted=(*state.acted, Acted(action.key, elapsed, result.verdict))
    )
    return _look_if_fixed(scenario, _with_facts(state, result.sets, at=elapsed), at=elapsed), result


def is_fixed(scenario: Scenario, state: RunState) -> bool:
    """Tell whether the scenario's problem is fixed."""
    return state.holds(scenario.fixed_when)


def _next_signal(scenario: Scenario, state: RunState) -> tuple[float, Signal] | None:
    settled = {*state.fired, *state.passed_over}
    waiting = [
        (state.facts[signal.since] + signal.after.total_seconds(), signal)
        for signal in scenario.signals
        if signal.key not in settled and signal.since in state.facts
    ]
    # At the same second, the signal written first fires first: `min` keeps the order.
    return min(waiting, key=lambda due: due[0], default=None)


def _with_facts(state: RunState, facts: tuple[str, ...], *, at: float) -> RunState:
    return replace(state, facts={**dict.fromkeys(facts, at), **state.facts})


def _look_if_fixed(scenario: Scenario, state: RunState, *, at: float | None = None) -> RunState:
    """Record when the problem was fixed, or that it no longer is."""
    if not is_fixed(scenario, state):
        return replace(state, fixed_at=None)
    if state.fixed_at is not None:
        return state
    latest = max(
        (state.facts.get(split_condition(item)[0], 0.0) for item in scenario.fixed_when),
        default=0.0,
    )
    return replace(state, fixed_at=latest if at is None else at)
