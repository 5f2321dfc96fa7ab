"""How a scenario unfolds: run what is due, set the next step, and score the run at the end.

One reminder per drill drives it (`scenario_step`), so a restart loses nothing. While the bot is
away, the scenario pauses: nobody is judged by what they couldn't see.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from incidents.drills.entries import DrillEnded, DrillSignal
from incidents.drills.facts import recorded_facts, score_facts, stopwatch
from incidents.drills.score import make_scorecard
from incidents.engine.reminders import Again, Reminder
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.entries import StatusChanged
from incidents.incident.incident import Incident
from incidents.incident.lifecycle import IncidentStatus
from incidents.lifecycle.status import move
from incidents.scenarios.engine import RunState, advance, is_fixed, learn, next_at
from incidents.scenarios.runs import DrillRun, RunEnd, find_run
from incidents.scenarios.scenario import Scenario

# At least this, or a rounded second could make the scheduler run in circles.
_SHORTEST_STEP: Final = timedelta(seconds=1)

_REASONS: Final[Mapping[RunEnd, str]] = MappingProxyType(
    {
        RunEnd.TIMED_OUT: "The drill's time is up",
        RunEnd.ABANDONED: "The drill was stopped",
    }
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, in seconds since its start, and when its next step is due."""

    elapsed: float
    next_step_at: datetime


async def take_step(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> Again | None:
    """Run what is due in a drill's scenario, or end it if the incident or its time is over."""
    run = await find_run(uow.session, incident.id)
    if run is None or not run.is_running:
        return None
    if not incident.is_open:
        await end_run(uow, incident, run, how=_how_over(incident, run))
        return None
    progress = await bring_up_to_date(uow, incident, run)
    if progress.elapsed >= run.load_scenario().time_limit.total_seconds():
        await end_run(uow, incident, run, how=RunEnd.TIMED_OUT)
        return None
    return Again(due_at=progress.next_step_at)


def _how_over(incident: Incident, run: DrillRun) -> RunEnd:
    if incident.lifecycle_status is IncidentStatus.CANCELLED:
        return RunEnd.ABANDONED
    fixed = is_fixed(run.load_scenario(), run.load_state())
    return RunEnd.SOLVED if fixed else RunEnd.UNSOLVED


async def bring_up_to_date(uow: UnitOfWork, incident: Incident, run: DrillRun) -> Progress:
    """Record every signal that is due, and return how far the run is."""
    scenario = run.load_scenario()
    await uow.flush()  # facts also come from what this transaction recorded
    elapsed_at = await stopwatch(uow.session, run)
    elapsed = min(elapsed_at(uow.now), scenario.time_limit.total_seconds())
    known = learn(run.load_state(), await recorded_facts(uow.session, run, elapsed_at))
    state, happened = advance(scenario, known, elapsed=elapsed)
    for signal in happened:
        uow.record(
            incident,
            DrillSignal(
                signal=signal.key, source=signal.source, text=signal.text, is_question=signal.asks
            ),
        )
    run.state = state.to_json()
    return Progress(elapsed, uow.now + _wait(scenario, state, elapsed=elapsed))


def _wait(scenario: Scenario, state: RunState, *, elapsed: float) -> timedelta:
    limit = scenario.time_limit.total_seconds()
    following = min(next_at(scenario, state) or limit, limit)
    return max(timedelta(seconds=following - elapsed), _SHORTEST_STEP)


async def end_run(uow: UnitOfWork, incident: Incident, run: DrillRun, *, how: RunEnd) -> None:
    """End the run: cancel an incident that is still open, and send the scorecard."""
    run.ended_at = uow.now
    run.how_ended = how
    name = run.load_scenario().name
    uow.record(incident, DrillEnded(run_id=run.id, how=how, name=name, people=run.people_ids))
    if incident.is_open:
        reason = _REASONS.get(how, _REASONS[RunEnd.ABANDONED])
        await move(uow, incident, StatusChanged(new=IncidentStatus.CANCELLED, reason=reason))
    await uow.flush()
    facts = await score_facts(uow.session, incident, run, how=how, policy=uow.policy)
    run.score = make_scorecard(facts, uow.policy.figures).to_json()
