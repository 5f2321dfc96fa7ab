"""What forms and messages about a drill show: the scenario and its people."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import InvalidInput, NotPermitted, Superseded
from incidents.core.people import Actor, system_actor
from incidents.drills.score import Scorecard, scorecard_from
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.views import IncidentView, PersonView, get_incident_view, people_views
from incidents.scenarios.runs import DrillRun, find_run, list_own_runs
from incidents.scenarios.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillView:
    """A run as its two people may see it; `scorecard` is None while it runs."""

    incident: IncidentView
    scenario: Scenario
    junior: PersonView
    mentor: PersonView | None
    started_at: datetime
    scorecard: Scorecard | None


async def get_running_view(
    session: AsyncSession, ref: IncidentRef, *, workspace_id: uuid.UUID, viewer: Actor
) -> DrillView:
    """Return the current run of this incident, for a form.

    Raises: IncidentNotFound; InvalidInput for an incident without a scenario; NotPermitted for
        anybody but its two people; Superseded when it is over.
    """
    incident = await get_incident_view(session, ref, workspace_id=workspace_id, viewer=viewer)
    run = await find_run(session, incident.id)
    if run is None:
        raise InvalidInput("drill", "no_scenario")
    view = await _view(session, run, incident)
    if viewer.person_id not in run.people_ids:
        raise NotPermitted(action="practise", needs=view.junior.external_id)
    if not run.is_running or not incident.is_open:
        raise Superseded("drill")
    return view


async def get_drill_view(
    session: AsyncSession, run_id: uuid.UUID, *, workspace_id: uuid.UUID
) -> DrillView:
    """Return a run for a message to one of its people. Raises: NoResultFound."""
    run = await session.get_one(DrillRun, run_id)
    incident = await get_incident_view(
        session, ById(run.incident_id), workspace_id=workspace_id, viewer=system_actor()
    )
    return await _view(session, run, incident)


async def list_own_results(
    session: AsyncSession, viewer: Actor, *, workspace_id: uuid.UUID
) -> tuple[DrillView, ...]:
    """Return the viewer's own latest finished runs, newest first."""
    if viewer.person_id is None:
        return ()
    runs = await list_own_runs(session, viewer.person_id)
    return tuple([await get_drill_view(session, run.id, workspace_id=workspace_id) for run in runs])


async def _view(session: AsyncSession, run: DrillRun, incident: IncidentView) -> DrillView:
    people = await people_views(session, run.people_ids)
    return DrillView(
        incident=incident,
        scenario=run.load_scenario(),
        junior=people[run.junior_id],
        mentor=people.get(run.mentor_id) if run.mentor_id else None,
        started_at=run.started_at,
        scorecard=scorecard_from(run.score) if run.score else None,
    )
