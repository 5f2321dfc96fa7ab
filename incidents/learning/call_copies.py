"""Copies of a mentor's calls, for those who shadow them: to learn from, and nothing to answer."""

import uuid

from incidents.core.people import Person, actor_of
from incidents.engine.unit_of_work import UnitOfWork
from incidents.escalation.entries import EscalationCalled
from incidents.escalation.tables import calls_of
from incidents.incident.incident import ById, Incident, find_incident
from incidents.incident.payload import decode
from incidents.incident.timeline import TimelineEntry
from incidents.learning.events import CallCopied
from incidents.learning.observing import followers


async def copy_calls(uow: UnitOfWork, incident: Incident, entry: TimelineEntry | None) -> None:
    """Copy each call of this entry to the shadows of the person called, drills too.

    Nobody gets a copy who may not see the incident, or is called for the same escalation.
    """
    if entry is None or entry.kind != EscalationCalled.kind:
        return
    called = decode(entry.kind, entry.content or {}, uow.rules.entry_types).payload
    if not isinstance(called, EscalationCalled) or called.escalation_id is None:
        return
    calls = {one.person.id: one.call_id for one in called.people}
    copies = {
        (one.person_id, calls[one.mentor_id])
        for one in await followers(uow)
        if one.mentor_id in calls
    }
    if not copies:
        return
    busy = {one.person_id for one in await calls_of(uow.session, called.escalation_id)}
    for person_id, call_id in sorted(copies):
        if person_id not in busy and await _may_see(uow, incident, person_id):
            uow.emit(
                CallCopied(
                    incident_id=incident.id,
                    escalation_id=called.escalation_id,
                    call_id=call_id,
                    person_id=person_id,
                )
            )


async def _may_see(uow: UnitOfWork, incident: Incident, person_id: uuid.UUID) -> bool:
    person = await uow.session.get(Person, person_id)
    if person is None or not person.is_active:
        return False
    found = await find_incident(
        uow.session, ById(incident.id), workspace_id=uow.workspace_id, viewer=actor_of(person)
    )
    return found is not None
