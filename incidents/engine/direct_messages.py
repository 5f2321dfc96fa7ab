"""Direct messages about an entry, for use cases whose reactions can't know the recipients."""

import uuid
from collections.abc import Iterable

from incidents.core.ids import derived_id
from incidents.engine.effects import TellPerson
from incidents.engine.outbox import Planned
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident
from incidents.incident.timeline import TimelineEntry


async def tell_entry(
    uow: UnitOfWork, incident: Incident, entry: TimelineEntry, people: Iterable[uuid.UUID]
) -> None:
    """Plan one direct message about the entry to each of these people."""
    await uow.flush()
    planned = [
        Planned(
            id=derived_id(entry.id, f"{TellPerson.kind}:besides:{person_id}"),
            effect=TellPerson(incident_id=incident.id, entry_id=entry.id, person_id=person_id),
            lane=f"{incident.id}:dm:{person_id}",
            entry_id=entry.id,
        )
        for person_id in dict.fromkeys(people)
    ]
    await uow.add_effects(planned)
