"""The ladder of update reminders: what is said when, and never twice."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.engine.presence import Away
from incidents.updates.reminders import (
    MISSES_SAID,
    Ladder,
    Miss,
    UpdateCycle,
    UpdateStep,
    decide_update_reminder,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CADENCE = timedelta(minutes=30)
LADDER = Ladder(late_fraction=0.5, missed_fraction=1.0)


def cycle(*said: UpdateStep, misses_said: int = 0) -> UpdateCycle:
    return UpdateCycle(due_at=START, cadence=CADENCE, said=frozenset(said), misses_said=misses_said)


@pytest.mark.parametrize(
    ("said", "now", "step", "next_at"),
    [
        ([], START - timedelta(seconds=1), None, START),
        ([], START, UpdateStep.DUE, START + CADENCE / 2),
        ([UpdateStep.DUE], START + CADENCE / 2, UpdateStep.LATE, START + CADENCE),
    ],
)
def test_an_update_is_announced_when_due_and_when_half_a_cadence_late(
    said: list[UpdateStep], now: datetime, step: UpdateStep | None, next_at: datetime
) -> None:
    decision = decide_update_reminder(cycle(*said), ladder=LADDER, now=now)
    assert (decision.say, decision.next_at) == (step, next_at)


def test_a_whole_cadence_late_it_is_missed_and_the_next_cadence_counts() -> None:
    decision = decide_update_reminder(
        cycle(UpdateStep.DUE, UpdateStep.LATE), ladder=LADDER, now=START + CADENCE
    )
    assert decision.say is UpdateStep.MISSED
    assert decision.misses == (Miss(START, START + CADENCE, is_bots=False),)
    assert decision.cycle.due_at == START + CADENCE
    assert decision.next_at == START + 2 * CADENCE


def test_after_the_announced_misses_further_ones_are_only_recorded() -> None:
    quiet = decide_update_reminder(
        cycle(misses_said=MISSES_SAID), ladder=LADDER, now=START + CADENCE
    )
    assert quiet.say is None
    assert len(quiet.misses) == 1


def test_a_miss_while_the_bot_was_away_is_the_bots() -> None:
    away = Away(START + CADENCE - timedelta(minutes=1), START + CADENCE + timedelta(minutes=1))
    decision = decide_update_reminder(
        cycle(), ladder=LADDER, now=START + 2 * CADENCE, absences=[away]
    )
    assert [miss.is_bots for miss in decision.misses] == [True, False]


@dataclass
class Simulation:
    """One incident's ladder: it looks when it is due, as the scheduler does."""

    ladder: Ladder
    now: datetime = START
    cycle: UpdateCycle = field(
        default_factory=lambda: UpdateCycle(due_at=START + CADENCE, cadence=CADENCE)
    )
    next_at: datetime = START + CADENCE
    updated_at: datetime = START
    absences: list[Away] = field(default_factory=list)
    sent: list[tuple[UpdateStep, datetime]] = field(default_factory=list)
    missed: list[Miss] = field(default_factory=list)

    def look(self) -> int:
        """Look once, if something is due; return how many messages were sent."""
        if self.now < self.next_at:
            return 0
        before = self.cycle
        decision = decide_update_reminder(
            before, ladder=self.ladder, now=self.now, absences=self.absences
        )
        assert decision.next_at > self.now
        for miss in decision.misses:
            assert miss.missed_at <= self.now
            assert miss.due_at >= self.updated_at
        if decision.say is not None:
            assert before.due_at >= self.updated_at
            assert before.due_at <= self.now
            self.sent.append((decision.say, before.due_at))
        self.missed += decision.misses
        self.cycle, self.next_at = decision.cycle, decision.next_at
        return 1 if decision.say else 0

    def run(self, duration: timedelta) -> None:
        """Let time pass while the bot runs."""
        end = self.now + duration
        while self.next_at <= end:
            self.now = max(self.now, self.next_at)
            self.look()
        self.now = end

    def be_away(self, duration: timedelta) -> None:
        """Let time pass without the bot, which looks once when it is back."""
        gone_at = self.now
        self.now += duration
        self.absences.append(Away(gone_at, self.now))
        assert self.look() + self.look() <= 1

    def update(self) -> None:
        """Post an update."""
        self.updated_at = self.now
        self.cycle = UpdateCycle(due_at=self.now + CADENCE, cadence=CADENCE)
        self.next_at = self.cycle.due_at


events = st.lists(
    st.tuples(st.sampled_from(["run", "away", "update"]), st.integers(0, 200)), max_size=12
)
ladders = st.tuples(st.floats(0, 1), st.floats(0.1, 2)).map(
    lambda parts: Ladder(min(parts[0], parts[1] / 2), parts[1])
)


@given(events=events, ladder=ladders)
def test_no_step_is_sent_twice_and_nothing_of_an_old_cycle(
    events: list[tuple[str, int]], ladder: Ladder
) -> None:
    world = Simulation(ladder)
    for what, minutes in events:
        match what:
            case "run":
                world.run(timedelta(minutes=minutes))
            case "away":
                world.be_away(timedelta(minutes=minutes))
            case _:
                world.update()
    assert len(world.sent) == len(set(world.sent))
    dues = [miss.due_at for miss in world.missed]
    assert len(dues) == len(set(dues))
    for miss in world.missed:
        assert miss.is_bots == any(away.covers(miss.missed_at) for away in world.absences)


@given(ladder=ladders, hours=st.integers(3, 100))
def test_silent_people_get_a_few_reminders_and_then_none(ladder: Ladder, hours: int) -> None:
    world = Simulation(ladder)
    world.run(timedelta(hours=hours))
    said = [step for step, _ in world.sent]
    assert said.count(UpdateStep.MISSED) <= MISSES_SAID
    assert said.count(UpdateStep.DUE) <= 1
    assert said.count(UpdateStep.LATE) <= 1
    assert len(world.missed) >= 1
