"""Open incidents that have gone quiet: the bot asks whether to close them, and never decides.

What the system records itself (reminders, misses, channel work) doesn't count as activity. Entries
don't move the reminder. When it comes due, it checks the last activity; if that was recent, it
waits for the rest of the time.
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
    """Ask whether to close an open incident that went quiet; ask again after the same wait."""
    if not incident.is_open:
        return None
    wait = uow.policy.reminders.stale_after
    active_at = await last_activity_at(uow.session, incident.id) or incident.declared_at
    if active_at + wait <= uow.now:
        uow.record(incident, StaleAsked(last_activity_at=active_at, status=incident.status))
        active_at = uow.now
    return Again(due_at=active_at + wait)


async def still_working(uow: UnitOfWork, ref: IncidentRef) -> Outcome:
    """Record that work goes on; the bot asks again only after another quiet period.

    Raises: NotPermitted; AlreadySo when the incident is already over.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.ADD_NOTE, incident)
    if not incident.is_open:
        raise AlreadySo("the incident", incident.status)
    uow.record(incident, StaleAnswered())
    data = {"wait_seconds": int(uow.policy.reminders.stale_after.total_seconds())}
    return Outcome("still_working", incident.id, data)


async def last_activity_at(session: AsyncSession, incident_id: uuid.UUID) -> datetime | None:
    """Return when anybody but the system last recorded something, or None."""
    query = select(func.max(TimelineEntry.recorded_at)).where(
        TimelineEntry.incident_id == incident_id, TimelineEntry.actor_kind != ActorKind.SYSTEM
    )
    return (await session.execute(query)).scalar_one_or_none()
