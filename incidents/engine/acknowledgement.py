"""Acknowledging: when a person first responded."""

from incidents.engine.entries import Acknowledged
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident


def acknowledge(uow: UnitOfWork, incident: Incident) -> bool:
    """Record the first response to the incident, and return whether this was it.

    Taking a role or pressing a button is a response; declaring isn't.
    """
    if not uow.actor.is_person or incident.acknowledged_at is not None:
        return False
    incident.acknowledged_at = uow.now
    uow.record(incident, Acknowledged())
    return True
