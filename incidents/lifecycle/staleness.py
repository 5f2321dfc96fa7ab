"""Open incidents in which nothing happens any more: whether to close is asked, not decided.

What the system records by itself (its reminders, misses, channel work) is no sign of life.
The reminder isn't moved by each entry: when it comes due it looks when somebody last did something
and, if that was lately, goes back to sleep until the time is really up.
"""

import uuid
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import AlreadySo
from incidents.core.people import ActorKind
from incidents.engine.reminders import Again, Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.timeline import TimelineEntry
from incidents.lifecycle.entries import StaleAnswered, StaleAsked
from incidents.policy.policy import Action


async def ask_if_stale(uow: UnitOfWork, incident: Incident, _reminder: Reminder) -> Again | None:
    """Ask whether to close an open incident with nothing new for long; again after as long."""
    if not incident.is_open:
        return None
    wait = uow.policy.reminders.stale_after
    active_at = await last_activity_at(uow.session, incident.id) or incident.declared_at
    if active_at + wait <= uow.now:
        uow.record(incident, StaleAsked(last_activity_at=active_at, status=incident.status))
        active_at = uow.now
    return Again(due_at=active_at + wait)


async def still_working(uow: UnitOfWork, ref: IncidentRef) -> Outcome:
    """Say that work goes on: written down, and asked again only after another quiet time.

    Raises: NotPermitted; AlreadySo when the incident is over meanwhile.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.ADD_NOTE, incident)
    if not incident.is_open:
        raise AlreadySo("the incident", incident.status)
    uow.record(incident, StaleAnswered())
    data = {"wait_seconds": int(uow.policy.reminders.stale_after.total_seconds())}
    return Outcome("still_working", incident.id, data)


async def last_activity_at(session: AsyncSession, incident_id: uuid.UUID) -> datetime | None:
    """Return when somebody other than the system last put something on the record, or None."""
    query = select(func.max(TimelineEntry.recorded_at)).where(
        TimelineEntry.incident_id == incident_id, TimelineEntry.actor_kind != ActorKind.SYSTEM
    )
    return (await session.execute(query)).scalar_one_or_none()
