"""The policy's recovery person opens a private incident, with a reason that its people are told."""

from incidents.core.errors import AlreadySo, IncidentNotFound, InvalidInput
from incidents.core.people import system_actor
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import (
    ByReference,
    IncidentRef,
    find_participant,
    is_inside,
    lock_incident,
    save_participant,
)
from incidents.people.directory import find_people_named
from incidents.people.entries import SightRecovered
from incidents.record.audit_log import AuditKind, audit
from incidents.storage.database import trimmed

MAX_REASON = 500


async def recover(uow: UnitOfWork, ref: IncidentRef, *, reason: str) -> Outcome:
    """Let the recovery person into a private incident, and tell its people and the audit log.

    To everybody else it answers as if the incident didn't exist.

    Raises: IncidentNotFound; InvalidInput without a reason; AlreadySo if it isn't private, or if
        the actor sees it anyway.
    """
    person_id = uow.actor.person_id
    if person_id is None or not await _is_recovery_person(uow):
        await uow.get_incident(ref)  # raises for what the actor doesn't see
        raise IncidentNotFound(str(ref.reference) if isinstance(ref, ByReference) else None)
    incident = await lock_incident(
        uow.session, ref, workspace_id=uow.workspace_id, viewer=system_actor()
    )
    part = await find_participant(uow.session, incident_id=incident.id, person_id=person_id)
    if not incident.is_private or is_inside(incident, part, person_id=person_id):
        raise AlreadySo("incident", "visible to you")
    given = trimmed(reason)[:MAX_REASON]
    if not given:
        raise InvalidInput("reason", "empty", "recover Nobody is left in it")
    await save_participant(
        uow.session,
        incident_id=incident.id,
        person_id=person_id,
        invited_at=uow.now,
        let_in_by_id=person_id,
    )
    uow.record(incident, SightRecovered(reason=given))
    # The reason is in the entry only, so that redacting it there leaves no copy.
    content = {"reference": str(incident.reference)}
    await audit(uow, AuditKind.SIGHT_RECOVERED, content, subject_id=person_id)
    return Outcome("recovered", incident.id, {"reference": str(incident.reference)})


async def _is_recovery_person(uow: UnitOfWork) -> bool:
    named = uow.policy.private.recovery
    if named is None:
        return False
    found = await find_people_named(uow.session, [str(named)], workspace_id=uow.workspace_id)
    person = found.get(str(named))
    return person is not None and person.id == uow.actor.person_id
