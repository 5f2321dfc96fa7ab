"""Reactions to people's requests for their own data."""

from incidents.engine.plan import Plan
from incidents.people.effects import SendOwnData
from incidents.people.events import OwnDataRequested


def send_own_data(plan: Plan[OwnDataRequested]) -> None:
    """Send the file to the person, and to nobody else."""
    person_id = plan.event.person_id
    plan.add(SendOwnData(person_id=person_id), lane=f"dm:{person_id}")
