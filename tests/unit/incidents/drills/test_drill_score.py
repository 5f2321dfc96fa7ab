"""The scorecard: each line by its rule, and one thing to praise and to practise."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incidents.drills.score import (
    Question,
    Scorecard,
    ScoreFacts,
    ScoreLine,
    make_scorecard,
    scorecard_from,
)
from incidents.engine.presence import Away
from incidents.scenarios.runs import RunEnd, elapsed_seconds
from tests.policies import built_in

MINUTE = 60.0
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FINE = ScoreFacts(
    how=RunEnd.SOLVED,
    lasted=35 * MINUTE,
    acknowledged_at=MINUTE,
    evidence_at=3 * MINUTE,
    first_update_at=10 * MINUTE,
    update_due_at=30 * MINUTE,
    updates_due=2,
    updates_on_time=2,
    questions=(Question(asked_at=8 * MINUTE, answered_at=10 * MINUTE),),
    escalate_by=15 * MINUTE,
    escalated_at=6 * MINUTE,
    context=90,
    fixed_at=20 * MINUTE,
    has_impact=True,
)


def card(**changes: Any) -> Scorecard:
    return make_scorecard(replace(FINE, **changes), built_in().policy.figures)


def met(made: Scorecard) -> dict[ScoreLine, bool | None]:
    return {item.line: item.is_met for item in made.items}


def test_a_perfect_score_has_nothing_to_practise() -> None:
    made = card()
    assert set(met(made).values()) == {True}
    assert len(made.items) == len(ScoreLine)
    assert made.went_well is ScoreLine.CONTEXT
    assert made.practise_next is None


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"acknowledged_at": 6 * MINUTE}, ScoreLine.ACKNOWLEDGED),
        ({"evidence_at": None}, ScoreLine.EVIDENCE),
        ({"first_update_at": 31 * MINUTE}, ScoreLine.FIRST_UPDATE),
        ({"updates_on_time": 1}, ScoreLine.CADENCE),
        ({"questions": (Question(asked_at=8 * MINUTE, answered_at=None),)}, ScoreLine.ANSWERED),
        ({"escalated_at": 16 * MINUTE}, ScoreLine.ESCALATED),
        ({"context": 74}, ScoreLine.CONTEXT),
        ({"worse": ("fail-over",)}, ScoreLine.NOTHING_WORSE),
        ({"fixed_at": 31 * MINUTE}, ScoreLine.MITIGATED),
        ({"how": RunEnd.UNSOLVED}, ScoreLine.VERIFIED),
        ({"has_impact": False}, ScoreLine.IMPACT),
    ],
)
def test_each_missed_aim_is_what_to_practise(changes: dict[str, Any], line: ScoreLine) -> None:
    made = card(**changes)
    assert [one for one, is_met in met(made).items() if not is_met] == [line]
    assert made.practise_next is line


def test_an_aim_without_an_occasion_counts_neither_way() -> None:
    made = card(
        how=RunEnd.ABANDONED,
        lasted=2 * MINUTE,
        acknowledged_at=None,
        evidence_at=None,
        first_update_at=None,
        updates_due=0,
        updates_on_time=0,
        questions=(),
        escalated_at=None,
        context=None,
        fixed_at=None,
        has_impact=True,
    )
    missed = [line for line, is_met in met(made).items() if is_met is False]
    assert missed == []
    assert met(made)[ScoreLine.VERIFIED] is None
    assert met(made)[ScoreLine.NOTHING_WORSE] is None


def test_a_scenario_that_calls_for_no_help_has_no_line_about_it() -> None:
    lines = met(card(escalate_by=None, escalated_at=None, context=None))
    assert ScoreLine.ESCALATED not in lines
    assert ScoreLine.CONTEXT not in lines


def test_the_slowest_answer_counts_and_a_fresh_question_does_not() -> None:
    asked = (
        Question(asked_at=5 * MINUTE, answered_at=6 * MINUTE),
        Question(asked_at=10 * MINUTE, answered_at=19 * MINUTE),
        Question(asked_at=34 * MINUTE, answered_at=None),
    )
    made = card(questions=asked)
    answered = next(item for item in made.items if item.line is ScoreLine.ANSWERED)
    assert (answered.is_met, answered.value) == (True, 9 * MINUTE)


def test_a_scorecard_survives_being_stored() -> None:
    made = card(worse=("fail-over",), context=40)
    assert scorecard_from(made.to_json()) == made


def test_time_while_the_bot_was_away_doesnt_count() -> None:
    def at(minutes: float) -> datetime:
        return START + timedelta(minutes=minutes)

    away = (Away(at(-10), at(5)), Away(at(20), at(25)), Away(at(29), at(40)))
    assert elapsed_seconds(START, at(30), away) == 19 * MINUTE
    assert elapsed_seconds(START, at(3), away) == 0
    assert elapsed_seconds(START, at(3), ()) == 3 * MINUTE
