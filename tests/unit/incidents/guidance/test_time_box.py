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


@pytest.mark.parametrize(
    ("found", "minutes", "step", "next_at"),
    [
        (box(), 10, BoxStep.ASK, at(20)),
        # News and answers restart the box.
        (box(news_at=at(4)), 10, BoxStep.WAIT, at(14)),
        (box(asked(0, answered=4)), 10, BoxStep.WAIT, at(14)),
        # A question isn't followed by another at once.
        (box(asked(6)), 10, BoxStep.WAIT, at(16)),
        # A question that wasn't delivered doesn't count as unanswered.
        (box(asked(0), asked(10, shown=False)), 20, BoxStep.WAIT, at(20) + SOON),
    ],
)
def test_a_quiet_box_brings_a_question(
    found: TimeBox, minutes: int, step: BoxStep, next_at: datetime
) -> None:
    assert decide(found, minutes) == BoxDecision(step, next_at)


@pytest.mark.parametrize(
    ("found", "minutes", "step"),
    [
        (box(asked(0)), 10, BoxStep.ASK),
        (box(asked(0), asked(10)), 20, BoxStep.CALL),
        # An answer restarts the count.
        (box(asked(0), asked(10, answered=12), asked(22)), 32, BoxStep.ASK),
        # The bot was away: one question, whatever was open before.
        (box(asked(0), asked(10), present_since=at(200)), 200, BoxStep.ASK),
        # After calling company it waits for news.
        (box(asked(0), asked(10), called_at=at(20)), 40, BoxStep.WAIT),
        (box(asked(0), asked(10), called_at=at(20), news_at=at(40)), 50, BoxStep.ASK),
        # Somebody is stuck and does nothing.
        (box(asked(10, answered=11), is_stuck=True), 12, BoxStep.WAIT),
        (box(asked(10, answered=11), is_stuck=True), 21, BoxStep.CALL),
        # There was nobody to call: the questions continue.
        (box(asked(0), asked(10), in_vain_at=at(20)), 30, BoxStep.ASK),
        (box(asked(0), asked(10), asked(30), asked(40), in_vain_at=at(20)), 50, BoxStep.CALL),
        (box(asked(0, answered=2), in_vain_at=at(12), is_stuck=True), 22, BoxStep.ASK),
    ],
)
def test_two_unanswered_questions_or_being_stuck_call_company(
    found: TimeBox, minutes: int, step: BoxStep
) -> None:
    assert decide(found, minutes).step is step


@pytest.mark.parametrize("minutes", range(0, 120, 7))
def test_it_always_looks_again_later(minutes: int) -> None:
    for questions in ((), (asked(0),), (asked(0), asked(10)), (asked(0, shown=False),)):
        assert decide(box(*questions), minutes).next_at > at(minutes)
