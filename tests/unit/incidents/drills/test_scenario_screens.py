"""The built-in scenarios show what is true: after each action, and as time passes."""

from collections.abc import Iterator
from itertools import permutations

import pytest

from incidents.scenarios.scenario import Verdict
from tests.unit.incidents.drills.test_drill_engine import SCENARIOS, SOLUTIONS, Play, play

# What to do (a number waits minutes, `escalate` escalates), which screen to look at, what it shows
# and what it no longer shows.
SCREENS: tuple[tuple[str, tuple[str | float, ...], str, str, str], ...] = (
    ("bad-deploy", (15,), "errors", "since 12:19", "ap-east    0.3 %"),
    ("bad-deploy", (15,), "changes", "ap-east 12:19", "still to come"),
    ("bad-deploy", ("roll-back",), "changes", "back to 2.40.3", "still to come"),
    ("bad-deploy", ("gift-cards-off",), "errors", "falling", "since 11:58"),
    ("bad-deploy", ("gift-cards-off",), "buy-something", "can't be used", "error 500"),
    ("bad-deploy", ("roll-back",), "logs", "version=2.40.3", "TypeError"),
    ("expired-certificate", ("checks-off",), "traffic", "without checking", "    61 (usual"),
    ("expired-certificate", ("renew", "reload"), "traffic", "190 rising", "540"),
    ("expired-certificate", ("revert-dns",), "from-outside", "old entries", "ok"),
    ("expired-certificate", ("revert-dns", "renew"), "renewal", "stored", "Mar 04"),
    ("queue-backlog", ("pause-import",), "queue", "228/min", "300/min"),
    ("queue-backlog", ("pause-import",), "orders", "paused by hand", "72/min"),
    ("queue-backlog", ("park-message",), "queue", "falling", "77f0-17"),
    ("queue-backlog", ("park-message", 5), "queue", "growing again", "falling"),
    ("queue-backlog", ("scale-up",), "database", "93 %", "38 %"),
    ("queue-backlog", ("scale-up", "park-message"), "database", "47 %", "93 %"),
    ("queue-backlog", ("scale-up", "park-message", 5), "database", "93 %", "47 %"),
    ("queue-backlog", ("park-message", 1, "pause-import", 8, "purge"), "queue", "emptied", "aside"),
    ("queue-backlog", ("park-message", 5, "purge"), "workers", "ok 77f9", "FATAL"),
    ("upstream-outage", (15,), "status-page", "degraded", "operational"),
    ("upstream-outage", (12,), "threads", "370 of 400", "Between"),
    ("upstream-outage", ("fewer-retries", 19), "threads", "160 of 400", "400 of 400"),
    ("upstream-outage", ("fewer-retries",), "logs", "1 attempt", "three times"),
    ("upstream-outage", ("raise-timeouts",), "payments", "58,000 ms", "19,400 ms"),
    ("upstream-outage", ("raise-timeouts", "pay-later", 4), "threads", "371 of 400", "31 of"),
    ("upstream-outage", ("pay-later",), "logs", "to be charged later", "3 attempts"),
    ("upstream-outage", (37,), "network", "1,020 ms", "19,000 ms"),
    ("database-connections", ("end-sessions",), "sessions", "billing              0", "310"),
    ("database-connections", ("end-sessions",), "jobs", "failed", "must not be cut off"),
    ("database-connections", ("escalate", "end-sessions"), "logins", "falling", "71 %"),
    ("database-connections", ("escalate", "end-sessions"), "database", "170", "500 of 500"),
    ("database-connections", ("pause-job",), "sessions", "opens no more", "40 more"),
    ("database-connections", ("restart", 1), "logins", "97 %", "71 %"),
    ("database-connections", (28,), "logins", "89 %", "71 %"),
    ("database-connections", ("raise-limit",), "sessions", "600", "310"),
    ("database-connections", ("pause-job", "raise-limit", 5), "database", "172 of 800", "of 500"),
)


def take(played: Play, steps: tuple[str | float, ...]) -> None:
    for step in steps:
        match step:
            case "escalate":
                played.escalate()
            case str():
                played.do(step)
            case _:
                played.wait(step)


@pytest.mark.parametrize(("key", "steps", "check", "shown", "gone"), SCREENS)
def test_a_screen_shows_what_was_done(
    key: str, steps: tuple[str | float, ...], check: str, shown: str, gone: str
) -> None:
    before, after = play(key), play(key)
    take(after, steps)
    assert shown in after.check(check)
    assert shown not in before.check(check)
    assert gone not in after.check(check)


def reached(key: str) -> Iterator[tuple[tuple[str, ...], Play]]:
    """Yield the scenario after any two of its actions, a minute apart, with the pair."""
    acts = [action.key for action in play(key).scenario.actions]
    for pair in permutations(acts, 2):
        played = play(key)
        for act in pair:
            played.do(act)
            played.wait(1)
        yield pair, played


@pytest.mark.parametrize("key", SCENARIOS)
def test_repeating_an_action_doesnt_help(key: str) -> None:
    for action in play(key).scenario.actions:
        for pair, played in reached(key):
            first = played.do(action.key)
            if first is Verdict.HELPS:
                assert played.do(action.key) is Verdict.HARMLESS, (pair, action.key)


@pytest.mark.parametrize("key", SCENARIOS)
def test_a_helpful_action_shows_outside_the_list_of_changes(key: str) -> None:
    for action in play(key).scenario.actions:
        for pair, played in reached(key):
            looks = [check.key for check in played.scenario.checks if check.key != "changes"]
            before = [played.check(one) for one in looks]
            if played.do(action.key) is Verdict.HELPS:
                assert [played.check(one) for one in looks] != before, (pair, action.key)


@pytest.mark.parametrize("key", SCENARIOS)
def test_a_scenario_that_is_over_shows_no_error(key: str) -> None:
    played = play(key)
    for step, minutes in SOLUTIONS[key]:
        take(played, (step, minutes))
    shown = "\n".join(played.check(check.key) for check in played.scenario.checks)
    for word in ("ERROR", "FATAL", "growing", "rising", "error 500", "expired"):
        assert word not in shown, word
