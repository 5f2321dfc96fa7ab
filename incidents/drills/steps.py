"""How a scenario unfolds: what is due happens, the next step is set, and in the end it is scored.

One reminder per drill carries it on (`scenario_step`), so that a restart loses nothing. While the
bot is away the scenario stands still: nobody is judged by what they couldn't see.
"""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from incidents.core.ids import derived_id
from incidents.drills.effects import SendScorecard
from incidents.drills.facts import recorded_facts, score_facts, stopwatch
from incidents.drills.score import make_scorecard
from incidents.engine.outbox import Planned
from incidents.engine.reminders import Remind, Reminder, ReminderKind
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.entries import StatusChanged
from incidents.incident.incident import Incident
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.timeline import EntryKind
from incidents.lifecycle.status import move
from incidents.scenarios.engine import RunState, advance, is_fixed, learn, next_at
from incidents.scenarios.runs import DrillRun, RunEnd, find_run
from incidents.scenarios.scenario import Scenario, Signal

# Never sooner than this, so that a rounded second can't make the scheduler run in circles.
_SHORTEST_STEP: Final = timedelta(seconds=1)

_REASONS: Final[Mapping[RunEnd, str]] = MappingProxyType(
    {
        RunEnd.TIMED_OUT: "The drill's time is up",
        RunEnd.ABANDONED: "The drill was stopped",
    }
)


async def take_step(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> None:
    """Let happen what is due in a drill's scenario, or end it if the incident or its time is over."""
    run = await find_run(uow.session, incident.id)
    if run is None or not run.is_running:
        return
    if not incident.is_open:
        await end_run(uow, incident, run, how=_how_over(incident, run))
        return
    elapsed = await bring_up_to_date(uow, incident, run)
    if elapsed >= run.load_scenario().time_limit.total_seconds():
        await end_run(uow, incident, run, how=RunEnd.TIMED_OUT)


def _how_over(incident: Incident, run: DrillRun) -> RunEnd:
    if incident.lifecycle_status is IncidentStatus.CANCELLED:
        return RunEnd.ABANDONED
    fixed = is_fixed(run.load_scenario(), run.load_state())
    return RunEnd.SOLVED if fixed else RunEnd.UNSOLVED


async def bring_up_to_date(uow: UnitOfWork, incident: Incident, run: DrillRun) -> float:
    """Record every signal that is due, set the next step, and return the seconds since the start."""
    scenario = run.load_scenario()
    await uow.flush()  # what this transaction recorded tells facts, too
    elapsed_at = await stopwatch(uow.session, run)
    elapsed = min(elapsed_at(uow.now), scenario.time_limit.total_seconds())
    known = learn(run.load_state(), await recorded_facts(uow.session, run, elapsed_at))
    state, happened = advance(scenario, known, elapsed=elapsed)
    for signal in happened:
        uow.record(incident, EntryKind.DRILL_SIGNAL, _signal_content(signal))
    run.state = state.to_json()
    await _set_next_step(uow, run, scenario, state, elapsed=elapsed)
    return elapsed


def _signal_content(signal: Signal) -> dict[str, Any]:
    return {
        "signal": signal.key,
        "source": signal.source,
        "text": signal.text,
        "is_question": signal.asks,
    }


async def _set_next_step(
    uow: UnitOfWork, run: DrillRun, scenario: Scenario, state: RunState, *, elapsed: float
) -> None:
    limit = scenario.time_limit.total_seconds()
    following = min(next_at(scenario, state) or limit, limit)
    wait = max(timedelta(seconds=following - elapsed), _SHORTEST_STEP)
    await uow.remind(
        Remind(
            kind=ReminderKind.SCENARIO_STEP,
            subject_type="incident",
            subject_id=run.incident_id,
            incident_id=run.incident_id,
            due_at=uow.now + wait,
        )
    )


async def end_run(uow: UnitOfWork, incident: Incident, run: DrillRun, *, how: RunEnd) -> None:
    """End the run: an incident still open is cancelled, and the scorecard goes to its people."""
    run.ended_at = uow.now
    run.how_ended = how
    content = {"how": how, "name": run.load_scenario().name}
    uow.record(incident, EntryKind.DRILL_ENDED, content)
    if incident.is_open:
        reason = _REASONS.get(how, _REASONS[RunEnd.ABANDONED])
        await move(uow, incident, StatusChanged(new=IncidentStatus.CANCELLED, reason=reason))
    await uow.flush()
    facts = await score_facts(uow.session, incident, run, how=how, policy=uow.policy)
    run.score = make_scorecard(facts, uow.policy.figures).to_json()
    await uow.add_effects([_scorecard_for(run, person_id) for person_id in run.people_ids])


def _scorecard_for(run: DrillRun, person_id: uuid.UUID) -> Planned:
    effect = SendScorecard(incident_id=run.incident_id, run_id=run.id, person_id=person_id)
    return Planned(
        id=derived_id(run.id, f"{effect.kind}:{person_id}"),
        effect=effect,
        lane=f"{run.incident_id}:dm:{person_id}",
    )
