"""The time box: when somebody is asked how it goes, and when company is called."""

from datetime import UTC, datetime, timedelta

import pytest

from incidents.guidance.time_box import (
    SOON,
    BoxDecision,
    BoxStep,
    Question,
    TimeBox,
    decide_time_box,
)

START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
LENGTH = timedelta(minutes=10)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def asked(minutes: float, *, shown: bool = True, answered: float | None = None) -> Question:
    return Question(
        asked_at=at(minutes),
        shown_at=at(minutes) if shown else None,
        answered_at=None if answered is None else at(answered),
        is_open=answered is None,
    )


def box(*questions: Question, **how: object) -> TimeBox:
    known: dict[str, object] = {"started_at": START, "news_at": None, "present_since": START}
    return TimeBox(questions=questions, **{**known, **how})  # type: ignore[arg-type]


def decide(found: TimeBox, minutes: float, *, unanswered: int = 2) -> BoxDecision:
    return decide_time_box(found, length=LENGTH, unanswered=unanswered, now=at(minutes))


def test_nothing_new_for_the_length_of_the_box_is_asked_about() -> None:
    assert decide(box(), 10) == BoxDecision(BoxStep.ASK, at(20))


@pytest.mark.parametrize("sign", [{"news_at": at(4)}, {"questions": (asked(0, answered=4),)}])
def test_something_new_lets_the_box_begin_again(sign: dict[str, object]) -> None:
    known = {"started_at": START, "news_at": None, "present_since": START}
    found = TimeBox(**{**known, **sign})  # type: ignore[arg-type]
    assert decide(found, 10) == BoxDecision(BoxStep.WAIT, at(14))


def test_a_question_that_was_just_asked_is_not_followed_by_another() -> None:
    assert decide(box(asked(6)), 10) == BoxDecision(BoxStep.WAIT, at(16))


def test_two_unanswered_questions_call_company_and_one_does_not() -> None:
    assert decide(box(asked(0)), 10).step is BoxStep.ASK
    assert decide(box(asked(0), asked(10)), 20).step is BoxStep.CALL


def test_where_there_was_nobody_to_call_the_questions_go_on() -> None:
    alone = box(asked(0), asked(10), in_vain_at=at(20))
    assert decide(alone, 30).step is BoxStep.ASK
    asked_on = box(asked(0), asked(10), asked(30), asked(40), in_vain_at=at(20))
    assert decide(asked_on, 50).step is BoxStep.CALL
    stuck = box(asked(0, answered=2), in_vain_at=at(12), is_stuck=True)
    assert decide(stuck, 22).step is BoxStep.ASK


def test_an_answer_in_between_begins_the_count_anew() -> None:
    found = box(asked(0), asked(10, answered=12), asked(22))
    assert decide(found, 32).step is BoxStep.ASK


def test_a_question_that_did_not_arrive_yet_is_not_held_against_anybody() -> None:
    found = box(asked(0), asked(10, shown=False))
    assert decide(found, 20) == BoxDecision(BoxStep.WAIT, at(20) + SOON)


def test_after_an_absence_of_the_bot_one_question_is_asked_whatever_was_open_before() -> None:
    found = box(asked(0), asked(10), present_since=at(200))
    assert decide(found, 200).step is BoxStep.ASK


def test_once_company_was_called_nothing_is_asked_until_something_is_heard() -> None:
    silent = box(asked(0), asked(10), called_at=at(20))
    assert decide(silent, 40).step is BoxStep.WAIT
    heard = box(asked(0), asked(10), called_at=at(20), news_at=at(40))
    assert decide(heard, 50).step is BoxStep.ASK


def test_whoever_said_that_they_are_stuck_and_let_it_be_gets_company() -> None:
    found = box(asked(10, answered=11), is_stuck=True)
    assert decide(found, 12).step is BoxStep.WAIT
    assert decide(found, 21).step is BoxStep.CALL


@pytest.mark.parametrize("minutes", range(0, 120, 7))
def test_it_always_looks_again_later(minutes: int) -> None:
    for questions in ((), (asked(0),), (asked(0), asked(10)), (asked(0, shown=False),)):
        assert decide(box(*questions), minutes).next_at > at(minutes)
