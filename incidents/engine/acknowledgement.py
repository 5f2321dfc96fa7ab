"""Acknowledging an incident: when a person first responded."""

from incidents.engine.entries import Acknowledged
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident


def acknowledge(uow: UnitOfWork, incident: Incident) -> bool:
    """Record that a person responded, unless the incident is already acknowledged.

    Call it when a person takes a role or presses a button, but not for declaring. Return whether
    this was the first response.
    """
    if not uow.actor.is_person or incident.acknowledged_at is not None:
        return False
    incident.acknowledged_at = uow.now
    uow.record(incident, Acknowledged())
    return True
