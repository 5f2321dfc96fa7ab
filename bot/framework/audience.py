"""Whether those whom an effect reaches may still see what it is about."""

from bot.framework.requests import Services
from incidents.core.people import Person, actor_of
from incidents.incident.incident import ById, Incident, find_incident
from incidents.incident.views import IncidentView


async def is_hidden_from(
    services: Services, incident: Incident | IncidentView, person: Person
) -> bool:
    """Tell whether the incident is private and not this person's: it may have become so meanwhile."""
    if not incident.is_private:
        return False
    async with services.database.reading() as session:
        found = await find_incident(
            session,
            ById(incident.id),
            workspace_id=services.workspace.id,
            viewer=actor_of(person),
        )
    return found is None
