"""Those who learn in an incident, followed after each entry that matters to them.

Not decided with the entry itself: who learns is in tables that no incident knows of, and a change
must not wait for them. `FollowLearners` comes here once the change is committed.
"""

import uuid
from collections.abc import Sequence

from incidents.core.people import PersonFacts
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import ById
from incidents.incident.timeline import TimelineEntry
from incidents.learning.mentoring import support_junior
from incidents.learning.observing import observe, save_looked_up


async def follow_learners(
    uow: UnitOfWork,
    incident_id: uuid.UUID,
    *,
    entry_id: uuid.UUID,
    looked_up: Sequence[PersonFacts] = (),
) -> None:
    """Bring in, ask and let go shadows; stand by juniors; `looked_up` were found by address."""
    await save_looked_up(uow, looked_up)
    incident = await uow.get_incident(ById(incident_id))
    entry = await uow.session.get(TimelineEntry, entry_id)
    await support_junior(uow, incident, entry)
    await observe(uow, incident, entry)
