"""Whether the parts of a scenario agree: facts that somebody sets, results that can be reached."""

from collections.abc import Iterator, Sequence

from config.disagreements import Disagreement
from config.policy_schema import did_you_mean
from incidents.scenarios.engine import RunState, is_fixed, split_condition
from incidents.scenarios.scenario import (
    RECORDED_FACTS,
    START,
    ActionResult,
    Check,
    CheckResult,
    Scenario,
    Verdict,
)

# A form shows them as choices, of which it takes no more.
MOST_CHOICES = 10
# One message shows it all.
MOST_SHOWN = 2500


def find_scenario_disagreements(scenario: Scenario) -> Iterator[Disagreement]:
    """Yield everything in which the parts of this scenario contradict each other."""
    yield from _in_facts(scenario)
    yield from _in_signals(scenario)
    yield from _in_choices(scenario)
    yield from _in_end(scenario)
    if len(scenario.mentor.questions) == 0:
        yield Disagreement(("mentor", "questions"), "has to hold at least one question")


def _in_facts(scenario: Scenario) -> Iterator[Disagreement]:
    for keys, fact in _facts_set(scenario):
        if fact in RECORDED_FACTS:
            what = f"`{fact}` is told by the record and can't be set; choose another name"
            yield Disagreement(keys, what)
    known = {*RECORDED_FACTS, *(fact for _, fact in _facts_set(scenario))}
    for keys, fact in _facts_read(scenario):
        if fact not in known:
            what = f"nothing sets the fact `{fact}`{did_you_mean(fact, known)}"
            yield Disagreement(keys, what)


def _facts_set(scenario: Scenario) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for signal in scenario.signals:
        for index, fact in enumerate(signal.sets):
            yield ("signals", signal.key, "sets", index), fact
    for action in scenario.actions:
        for number, result in enumerate(action.results):
            for index, fact in enumerate(result.sets):
                yield ("actions", action.key, "results", number, "sets", index), fact


def _facts_read(scenario: Scenario) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for signal in scenario.signals:
        yield ("signals", signal.key, "since"), signal.since
        yield from _conditions(("signals", signal.key, "when"), signal.when)
    for check in scenario.checks:
        for name, results in (("results", check.results), ("also", check.also)):
            for number, result in enumerate(results):
                yield from _conditions(("checks", check.key, name, number, "when"), result.when)
    for action in scenario.actions:
        for number, outcome in enumerate(action.results):
            at = ("actions", action.key, "results", number)
            yield from _conditions((*at, "when"), outcome.when)
            for index, fact in enumerate(outcome.clears):
                yield (*at, "clears", index), fact
    yield from _conditions(("fixed_when",), scenario.fixed_when)
    if scenario.escalation is not None:
        yield ("escalation", "since"), scenario.escalation.since


def _conditions(
    keys: tuple[str | int, ...], conditions: Sequence[str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for index, condition in enumerate(conditions):
        yield (*keys, index), split_condition(condition)[0]


def _in_signals(scenario: Scenario) -> Iterator[Disagreement]:
    if not any(_is_at_start(signal.since, signal.after) for signal in scenario.signals):
        what = "has to hold one that comes at once (`after: 0s`): what somebody is called by"
        yield Disagreement(("signals",), what)
    for signal in scenario.signals:
        if signal.after >= scenario.time_limit:
            what = "comes after the time limit, so nobody would ever see it"
            yield Disagreement(("signals", signal.key, "after"), what, other=("time_limit",))


def _is_at_start(since: str, after: object) -> bool:
    return since == START and not after


def _in_choices(scenario: Scenario) -> Iterator[Disagreement]:
    for name, choices in (("checks", scenario.checks), ("actions", scenario.actions)):
        if not 1 <= len(choices) <= MOST_CHOICES:
            yield Disagreement((name,), f"has to hold between 1 and {MOST_CHOICES}")
        names: set[str] = set()
        for choice in choices:
            if choice.name.casefold() in names:
                yield Disagreement((name, choice.key, "name"), "is the name of another, too")
            names.add(choice.name.casefold())
            yield from _in_results((name, choice.key, "results"), choice.results)
    for check in scenario.checks:
        yield from _in_also(check)
    verdicts = {result.verdict for action in scenario.actions for result in action.results}
    if Verdict.HELPS not in verdicts:
        yield Disagreement(("actions",), "none of them helps, so nobody could ever succeed")


def _in_also(check: Check) -> Iterator[Disagreement]:
    for number, result in enumerate(check.also):
        if not result.when:
            what = "holds always, so it belongs to each of the `results`; give it a `when`"
            yield Disagreement(("checks", check.key, "also", number), what)
    longest = max((len(result.output) for result in check.results), default=0)
    if longest + sum(len(result.output) for result in check.also) > MOST_SHOWN:
        what = f"can show more than {MOST_SHOWN} characters at once, which is no screen any more"
        yield Disagreement(("checks", check.key, "also"), what)


def _in_results(
    keys: tuple[str | int, ...], results: Sequence[CheckResult | ActionResult]
) -> Iterator[Disagreement]:
    if not results or results[-1].when:
        what = "the last one has to hold always (no `when`), or there may be nothing to show"
        yield Disagreement((*keys, max(len(results) - 1, 0)), what)
    for number, result in enumerate(results[:-1]):
        if not result.when:
            what = "holds always, so what comes after it is never shown; give it a `when`"
            yield Disagreement((*keys, number), what)


def _in_end(scenario: Scenario) -> Iterator[Disagreement]:
    if is_fixed(scenario, RunState()):
        yield Disagreement(("fixed_when",), "holds from the start; name what has to be done first")
    call = scenario.escalation
    if call is not None and call.within >= scenario.time_limit:
        what = "has to be shorter than the time limit"
        yield Disagreement(("escalation", "within"), what, other=("time_limit",))
