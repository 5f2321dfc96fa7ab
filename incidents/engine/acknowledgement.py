"""Acknowledging: the moment at which the first human being turned to the incident."""

from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident
from incidents.incident.timeline import EntryKind


def acknowledge(uow: UnitOfWork, incident: Incident) -> bool:
    """Write down that somebody turned to the incident, unless that is on the record already.

    For whatever a person takes or presses on an incident: a role, a button. Declaring isn't it.
    Return whether this was the first time.
    """
    if not uow.actor.is_person or incident.acknowledged_at is not None:
        return False
    incident.acknowledged_at = uow.now
    uow.record(incident, EntryKind.ACKNOWLEDGED)
    return True
