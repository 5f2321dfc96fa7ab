"""The engine behind scenarios: time, facts, conditions; and both ends of every scenario."""

from dataclasses import dataclass, field

import pytest

from config.scenario_loader import load_scenarios
from incidents.scenarios.engine import (
    RunState,
    act,
    advance,
    is_fixed,
    learn,
    look,
    next_at,
    state_from,
)
from incidents.scenarios.scenario import ESCALATED, Scenario, Verdict

MINUTE = 60.0


@dataclass
class Play:
    """Plays a scenario minute by minute, as a run does."""

    scenario: Scenario
    state: RunState = field(default_factory=RunState)
    now: float = 0.0
    seen: list[str] = field(default_factory=list)

    def wait(self, minutes: float) -> None:
        self.now += minutes * MINUTE
        self.state, happened = advance(self.scenario, self.state, elapsed=self.now)
        self.seen += [signal.key for signal in happened]

    def check(self, key: str) -> str:
        found = self.scenario.find_check(key)
        assert found is not None
        self.state, output = look(found, self.state, elapsed=self.now)
        return output

    def do(self, key: str) -> Verdict:
        found = self.scenario.find_action(key)
        assert found is not None
        self.state, result = act(self.scenario, found, self.state, elapsed=self.now)
        self.wait(0)
        return result.verdict

    def escalate(self) -> None:
        self.state = learn(self.state, {ESCALATED: self.now})

    def is_fixed(self) -> bool:
        return is_fixed(self.scenario, self.state)


def play(key: str) -> Play:
    scenario = next(one for one in load_scenarios() if one.key == key)
    played = Play(scenario)
    played.wait(0)
    return played


SCENARIOS = [scenario.key for scenario in load_scenarios()]

# What solves each scenario, with the minutes to wait after each step; no step is wrong.
SOLUTIONS: dict[str, list[tuple[str, float]]] = {
    "bad-deploy": [("roll-back", 4)],
    "expired-certificate": [("renew", 1), ("reload", 5)],
    "queue-backlog": [("pause-import", 1), ("escalate", 2), ("park-message", 9)],
    "upstream-outage": [("escalate", 1), ("pay-later", 3)],
    "database-connections": [("pause-job", 1), ("escalate", 2), ("end-sessions", 5)],
}

# What makes each scenario worse, and the signal that shows it.
BLUNDERS = {
    "bad-deploy": ("fail-over", "failover-hurts"),
    "expired-certificate": ("checks-off", "insecure"),
    "queue-backlog": ("purge", "purge-hurts"),
    "upstream-outage": ("raise-timeouts", "timeouts-hurt"),
    "database-connections": ("end-sessions", "billing-hurt"),
}


@pytest.mark.parametrize("key", SCENARIOS)
def test_a_scenario_reaches_its_good_end(key: str) -> None:
    played = play(key)
    played.wait(3)
    for check in played.scenario.checks:
        assert played.check(check.key)
    for step, minutes in SOLUTIONS[key]:
        assert not played.is_fixed()
        if step == "escalate":
            played.escalate()
        else:
            assert played.do(step) is Verdict.HELPS
        played.wait(minutes)
    assert played.is_fixed()
    assert played.state.fixed_at is not None
    limit = played.scenario.time_limit.total_seconds()
    assert played.state.fixed_at < min(limit, 30 * MINUTE)
    if played.scenario.escalation is not None:
        assert "escalate" in dict(SOLUTIONS[key])


@pytest.mark.parametrize("key", SCENARIOS)
def test_a_scenario_left_alone_gets_worse_and_somebody_asks(key: str) -> None:
    played = play(key)
    scenario = played.scenario
    played.wait(20)
    asked = [signal.key for signal in scenario.signals if signal.asks]
    assert set(asked) & set(played.seen)
    assert len(played.seen) >= 4
    # A provider's outage ends by itself, but long after the aim.
    played.wait(10)
    assert not played.is_fixed()


@pytest.mark.parametrize("key", SCENARIOS)
def test_a_scenario_reaches_its_bad_end(key: str) -> None:
    action, shows = BLUNDERS[key]
    played = play(key)
    assert played.do(action) is Verdict.WORSE
    played.wait(5)
    assert shows in played.seen
    assert not played.is_fixed()
    assert played.state.acted[0].verdict is Verdict.WORSE


@pytest.mark.parametrize("key", SCENARIOS)
def test_the_wrong_trail_neither_helps_nor_hurts_at_once(key: str) -> None:
    played = play(key)
    harmless = [
        action.key
        for action in played.scenario.actions
        if played.scenario.find_action(action.key) and played_verdict(played, action.key)
    ]
    assert harmless


def played_verdict(played: Play, key: str) -> bool:
    found = played.scenario.find_action(key)
    assert found is not None
    return act(played.scenario, found, played.state, elapsed=0)[1].verdict is Verdict.HARMLESS


def test_the_queue_sticks_again_while_the_import_runs() -> None:
    played = play("queue-backlog")
    played.do("park-message")
    played.wait(5)
    assert "stuck-again" in played.seen
    # More of them come while it runs.
    assert played.do("park-message") is Verdict.HARMLESS
    played.do("pause-import")
    played.wait(10)
    assert not played.is_fixed()
    assert played.do("park-message") is Verdict.HELPS
    played.wait(7)
    assert played.is_fixed()
    assert [key for key in played.seen if key.startswith("drained")] == ["drained-second"]


def test_after_emptying_the_queue_the_drill_cannot_be_won() -> None:
    played = play("queue-backlog")
    played.do("purge")
    played.do("pause-import")
    played.do("park-message")
    played.wait(40)
    assert not played.is_fixed()


def test_connections_are_full_again_while_the_job_runs() -> None:
    played = play("database-connections")
    played.escalate()
    assert played.do("end-sessions") is Verdict.HELPS
    played.wait(3)
    assert "full-again" in played.seen
    played.do("pause-job")
    played.wait(6)
    assert not played.is_fixed()
    assert played.do("end-sessions") is Verdict.HELPS
    played.wait(4)
    assert played.is_fixed()


def test_connections_are_full_again_even_if_ended_twice() -> None:
    played = play("database-connections")
    played.escalate()
    played.do("end-sessions")
    played.wait(4)
    assert played.do("end-sessions") is Verdict.HARMLESS
    played.wait(5)
    played.do("pause-job")
    played.wait(4)
    assert not played.is_fixed()
    assert played.do("end-sessions") is Verdict.HELPS
    played.wait(4)
    assert played.is_fixed()


def test_a_blunder_can_be_undone() -> None:
    played = play("upstream-outage")
    played.do("raise-timeouts")
    played.do("pay-later")
    played.wait(4)
    assert not played.is_fixed()
    played.do("restore-timeouts")
    played.wait(3)
    assert played.is_fixed()


def test_a_providers_outage_ends_by_itself_too_late() -> None:
    played = play("upstream-outage")
    played.wait(39)
    assert played.is_fixed()
    assert played.state.fixed_at == 38 * MINUTE


@pytest.mark.parametrize("key", SCENARIOS)
def test_looking_at_the_clock_more_often_changes_nothing(key: str) -> None:
    often, once = play(key), play(key)
    for _ in range(40):
        often.wait(0.75)
    once.wait(30)
    assert often.seen == once.seen
    assert often.state == once.state


def test_a_signal_whose_moment_has_passed_never_comes() -> None:
    played = play("bad-deploy")
    played.do("roll-back")
    played.wait(39)
    assert "support-notes" not in played.seen
    assert "support-notes" in played.state.passed_over
    assert next_at(played.scenario, played.state) is None


@pytest.mark.parametrize("key", SCENARIOS)
def test_a_state_survives_being_stored(key: str) -> None:
    played = play(key)
    played.wait(12)
    played.check(played.scenario.checks[0].key)
    played.do(SOLUTIONS[key][0][0] if SOLUTIONS[key][0][0] != "escalate" else SOLUTIONS[key][1][0])
    assert state_from(played.state.to_json()) == played.state
