"""Practise: start a scenario, check, act, give up; `steps.py` unfolds the scenario.

Only the consequences aren't real: the same code declares, runs and resolves it as any other
incident. It is marked as a drill, in a private channel for its two people.
"""

from dataclasses import dataclass

from incidents.core.errors import InvalidInput, NotPermitted, Superseded
from incidents.core.ids import new_id
from incidents.core.people import Person, who
from incidents.drills.entries import DrillActed, DrillChecked, DrillStarted
from incidents.drills.events import ScenarioAdvanced
from incidents.drills.steps import bring_up_to_date, end_run
from incidents.engine.acknowledgement import acknowledge
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, Incident, IncidentRef, save_participant
from incidents.lifecycle.declare import Declaration, declare
from incidents.people.assignable import Named, check_assignable, get_acting_person, get_assignable
from incidents.policy.schema import as_json
from incidents.rights.stages import mentors_of
from incidents.scenarios.engine import RunState, act, look
from incidents.scenarios.runs import DrillRun, RunEnd, find_run, find_running
from incidents.scenarios.scenario import Scenario

# The key of `Superseded` for a drill that is over.
OVER = "drill"


@dataclass(frozen=True, slots=True)
class DrillRequest:
    """Which scenario somebody wants to practise, and with which mentor.

    If no mentor is named, it is the first of their own, unless they want to practise alone.
    """

    scenario: Scenario
    mentor: Named | None = None
    is_alone: bool = False


async def start_run(uow: UnitOfWork, request: DrillRequest) -> Outcome:
    """Declare the drill and start its scenario: `drill_started`, or `drill_running` if one runs.

    Raises: NotPermitted; InvalidInput for a mentor who is the actor, a guest, a bot, or inactive.
    """
    junior = await get_acting_person(uow, "practise")
    check_assignable(junior)
    running = await find_running(uow.session, junior.id)
    if running is not None:
        return await _already_running(uow, running)
    mentor = await _mentor(uow, request, junior)
    scenario = request.scenario
    declared = await declare(uow, _declaration(uow, scenario))
    if declared.incident_id is None:  # `declare` leaves it out only for similar incidents
        raise InvalidInput("drill", "unknown")
    incident = await uow.get_incident(ById(declared.incident_id))
    run = DrillRun(
        id=new_id(),
        workspace_id=uow.workspace_id,
        incident_id=incident.id,
        junior_id=junior.id,
        mentor_id=mentor.id if mentor else None,
        scenario_key=scenario.key,
        scenario=as_json(scenario),
        state=RunState().to_json(),
        started_at=uow.now,
    )
    uow.session.add(run)
    await uow.flush()
    if mentor is not None:
        await save_participant(
            uow.session, incident_id=incident.id, person_id=mentor.id, invited_at=uow.now
        )
    uow.record(incident, _started(run, scenario, junior, mentor))
    await _advance(uow, incident, run)
    data = {"reference": str(incident.reference), "name": scenario.name}
    return Outcome("drill_started", incident.id, data)


async def take_on(uow: UnitOfWork, ref: IncidentRef) -> Outcome:
    """Say "I'm on it": acknowledge the drill. Raises: Superseded when it is over."""
    incident, _run, _scenario = await _get_running(uow, ref)
    is_first = acknowledge(uow, incident)
    return Outcome("drill_taken_on", incident.id, {"is_first": is_first})


async def run_check(uow: UnitOfWork, ref: IncidentRef, *, word: str) -> Outcome:
    """Check something; the timeline gets what it shows.

    Raises: Superseded when the drill is over; NotPermitted for anybody but its two people;
        InvalidInput for a check that the scenario doesn't have, with those it has.
    """
    incident, run, scenario = await _get_running(uow, ref)
    check = scenario.find_check(word)
    if check is None:
        raise InvalidInput("check", "not_a_choice", ", ".join(item.key for item in scenario.checks))
    acknowledge(uow, incident)
    elapsed = await _advance(uow, incident, run)
    state, output = look(check, run.load_state(), elapsed=elapsed)
    run.state = state.to_json()
    uow.record(incident, DrillChecked(check=check.key, name=check.name, output=output))
    return Outcome("drill_checked", incident.id, {"name": check.name})


async def take_action(uow: UnitOfWork, ref: IncidentRef, *, word: str) -> Outcome:
    """Take an action; the timeline gets its result, but not whether it was right.

    Raises: as `run_check`.
    """
    incident, run, scenario = await _get_running(uow, ref)
    action = scenario.find_action(word)
    if action is None:
        known = ", ".join(item.key for item in scenario.actions)
        raise InvalidInput("action", "not_a_choice", known)
    acknowledge(uow, incident)
    elapsed = await _advance(uow, incident, run)
    state, result = act(scenario, action, run.load_state(), elapsed=elapsed)
    run.state = state.to_json()
    uow.record(incident, DrillActed(action=action.key, name=action.name, output=result.output))
    # The action may bring something forward.
    await _advance(uow, incident, run)
    return Outcome("drill_acted", incident.id, {"name": action.name})


async def stop_run(uow: UnitOfWork, ref: IncidentRef) -> Outcome:
    """Give up a scenario. Raises: Superseded when it is over; NotPermitted."""
    incident, run, _scenario = await _get_running(uow, ref)
    await end_run(uow, incident, run, how=RunEnd.ABANDONED)
    return Outcome("drill_stopped", incident.id, {"reference": str(incident.reference)})


async def _get_running(uow: UnitOfWork, ref: IncidentRef) -> tuple[Incident, DrillRun, Scenario]:
    incident = await uow.get_incident(ref)
    run = await find_run(uow.session, incident.id)
    if run is None:
        raise InvalidInput("drill", "no_scenario")
    if uow.actor.person_id not in run.people_ids:
        junior = await uow.session.get_one(Person, run.junior_id)
        raise NotPermitted(action="practise", needs=junior.external_id)
    if not run.is_running or not incident.is_open:
        raise Superseded(OVER)
    return incident, run, run.load_scenario()


async def _mentor(uow: UnitOfWork, request: DrillRequest, junior: Person) -> Person | None:
    if request.mentor is None:
        return None if request.is_alone else await _own_mentor(uow, junior)
    mentor = await get_assignable(uow, request.mentor)
    if mentor.id == junior.id:
        raise InvalidInput("mentor", "yourself")
    return mentor


async def _own_mentor(uow: UnitOfWork, junior: Person) -> Person | None:
    own = await mentors_of(
        uow.session, workspace_id=uow.workspace_id, person_id=junior.id, policy=uow.policy
    )
    return await uow.session.get_one(Person, own[0]) if own else None


def _declaration(uow: UnitOfWork, scenario: Scenario) -> Declaration:
    # A policy may use other severities: then its default applies.
    severity = uow.policy.find_severity(scenario.severity)
    return Declaration(
        title=scenario.title,
        severity_key=severity.key if severity else None,
        summary=f"A drill of the scenario {scenario.name}. Nothing is broken.",
        is_drill=True,
        # A drill is for its two people: nobody else watches unless invited.
        is_private=True,
        even_if_similar=True,
    )


async def _advance(uow: UnitOfWork, incident: Incident, run: DrillRun) -> float:
    """Bring the scenario up to date, and return the seconds since the start."""
    progress = await bring_up_to_date(uow, incident, run)
    uow.emit(ScenarioAdvanced(next_step_at=progress.next_step_at), incident)
    return progress.elapsed


def _started(
    run: DrillRun, scenario: Scenario, junior: Person, mentor: Person | None
) -> DrillStarted:
    return DrillStarted(
        run_id=run.id,
        scenario=scenario.key,
        name=scenario.name,
        level=scenario.level,
        service=scenario.service,
        briefing=scenario.briefing,
        limit_seconds=int(scenario.time_limit.total_seconds()),
        junior=who(junior),
        mentor=who(mentor) if mentor else None,
        checks=tuple(item.name for item in scenario.checks),
        actions=tuple(item.name for item in scenario.actions),
    )


async def _already_running(uow: UnitOfWork, run: DrillRun) -> Outcome:
    incident = await uow.session.get_one(Incident, run.incident_id)
    data = {
        "reference": str(incident.reference),
        "name": run.load_scenario().name,
        "channel_id": incident.channel_id,
    }
    return Outcome("drill_running", None, data)


def mentor_named(external_id: str | None) -> Named | None:
    """Return the mentor with this id of the chat service, or None."""
    return Named(external_id) if external_id else None
