"""Resolve an incident: ask for what the record still needs, then save it all in one transaction."""

from dataclasses import asdict, dataclass
from datetime import datetime

from incidents.core.errors import InformationMissing, InvalidInput
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.entries import StatusChanged
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.lifecycle import IncidentStatus, closing_blockers
from incidents.lifecycle import milestones
from incidents.lifecycle.status import allow_move, move
from incidents.policy.policy import Action
from incidents.postmortem.postmortem import draft_postmortem
from incidents.storage.database import trimmed


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What somebody says when resolving; None and "" leave the record as it is."""

    text: str = ""
    impact_started_at: datetime | None = None
    impact_ended_at: datetime | None = None
    has_customer_impact: bool | None = None


async def resolve(
    uow: UnitOfWork, ref: IncidentRef, *, resolution: Resolution | None = None
) -> Outcome:
    """Resolve an open incident, once the record has its impact and what fixed it.

    Raises: NotPermitted; TransitionRefused; InvalidInput for times in the future or out of order;
        InformationMissing with the facts that are still missing.
    """
    incident = await uow.get_incident(ref)
    given = resolution or Resolution()
    await uow.permit(Action.RESOLVE, incident, arguments=asdict(given))
    await allow_move(uow.session, incident, IncidentStatus.RESOLVED)
    _take_in(uow, incident, given)
    missing = closing_blockers(
        impact_started_at=incident.impact_started_at,
        impact_ended_at=incident.impact_ended_at,
        resolution=incident.resolution,
        has_customer_impact=incident.has_customer_impact,
    )
    if missing:
        raise InformationMissing(IncidentStatus.RESOLVED, missing)
    step = StatusChanged(
        new=IncidentStatus.RESOLVED,
        resolution=incident.resolution,
        has_customer_impact=None if incident.has_customer_impact else False,
    )
    outcome = await move(uow, incident, step)
    await draft_postmortem(uow, incident)
    return outcome


def given_moments(resolution: Resolution) -> dict[str, datetime | None]:
    """Return the given times of impact, by field name."""
    moments = {
        "impact_started_at": resolution.impact_started_at,
        "impact_ended_at": resolution.impact_ended_at,
    }
    return {name: value for name, value in moments.items() if value is not None}


def _take_in(uow: UnitOfWork, incident: Incident, given: Resolution) -> None:
    """Store the given facts on the incident, and record the times."""
    text = trimmed(given.text)
    if text:
        incident.resolution = text
    if given.has_customer_impact is not None:
        incident.has_customer_impact = given.has_customer_impact
    if not incident.has_customer_impact:
        nothing = {"impact_started_at": None, "impact_ended_at": None}
        milestones.apply(uow, incident, nothing)
        return
    moments = milestones.fit(incident, given_moments(given))
    problems = milestones.find_problems(incident, moments, now=uow.now)
    if problems:
        raise InvalidInput(problems[0].field, problems[0].problem)
    milestones.apply(uow, incident, moments)
