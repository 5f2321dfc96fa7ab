"""Follows up each relevant entry for the incident's learners.

This runs after the commit, by the effect `FollowLearners`, and not as a reaction: it reads the
tables of learning, which incidents don't know, and a change must not wait for that.
"""

import uuid
from collections.abc import Sequence

from incidents.core.people import PersonFacts
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import ById
from incidents.incident.timeline import TimelineEntry
from incidents.learning.call_copies import copy_calls
from incidents.learning.mentoring import support_junior
from incidents.learning.observing import observe, save_looked_up


async def follow_learners(
    uow: UnitOfWork,
    incident_id: uuid.UUID,
    *,
    entry_id: uuid.UUID,
    looked_up: Sequence[PersonFacts] = (),
) -> None:
    """Bring in, ask or release shadows; copy calls; support juniors; `looked_up` are newly found people."""
    await save_looked_up(uow, looked_up)
    incident = await uow.get_incident(ById(incident_id))
    entry = await uow.session.get(TimelineEntry, entry_id)
    await support_junior(uow, incident, entry)
    await observe(uow, incident, entry)
    await copy_calls(uow, incident, entry)
