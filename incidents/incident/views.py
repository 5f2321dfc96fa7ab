"""Read models: frozen views for messages, pages and exports, each for a viewer."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import IncidentNotFound
from incidents.core.people import Actor, Person
from incidents.incident.cadence import UpdateView, find_latest_update
from incidents.incident.incident import ByReference, Incident, IncidentRef, find_incident
from incidents.incident.lifecycle import IncidentStatus, is_open
from incidents.incident.roles import RoleAssignment, current_roles
from incidents.incident.timeline import TimelineEntry


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person, as messages name them."""

    id: uuid.UUID
    external_id: str
    name: str
    zone: str


@dataclass(frozen=True, slots=True)
class RoleView:
    """Who holds a role, and since when."""

    role_key: str
    role_name: str
    person: PersonView
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    """An incident as it is now."""

    id: uuid.UUID
    workspace_id: uuid.UUID
    reference: str
    number: int
    is_drill: bool
    is_private: bool
    title: str
    summary: str
    impact: str
    resolution: str
    services: tuple[str, ...]
    has_customer_impact: bool
    severity_key: str
    severity_name: str
    severity_rank: int
    status: IncidentStatus
    declared_by: PersonView | None
    duplicate_of_id: uuid.UUID | None
    impact_started_at: datetime | None
    impact_ended_at: datetime | None
    detected_at: datetime
    declared_at: datetime
    acknowledged_at: datetime | None
    mitigated_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    cancelled_at: datetime | None
    last_update_at: datetime | None
    next_update_due_at: datetime | None
    channel_id: str | None
    channel_name: str | None
    is_channel_archived: bool
    is_channel_exposed: bool
    version: int
    roles: tuple[RoleView, ...] = ()
    latest_update: UpdateView | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether the incident is still being worked on."""
        return is_open(self.status)

    def holders(self, role_key: str) -> tuple[PersonView, ...]:
        """Return the people who hold the role."""
        return tuple(role.person for role in self.roles if role.role_key == role_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """A timeline entry as people read it; content is {} after a redaction."""

    id: uuid.UUID
    sequence: int
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    actor_kind: str
    actor_id: uuid.UUID | None
    actor_name: str
    target_id: uuid.UUID | None
    is_redacted: bool
    content: dict[str, Any] = field(default_factory=dict)
    # Whose record it stands in, and its hash there, for those who anchor it.
    incident_id: uuid.UUID | None = None
    entry_hash: str = ""


# In an entry's content: the id of the entry whose text is shown with it, to keep a single copy.
TEXT_FROM = "text_from"


async def find_incident_view(
    session: AsyncSession, ref: IncidentRef, *, workspace_id: uuid.UUID, viewer: Actor
) -> IncidentView | None:
    """Return the incident as this viewer may see it, or None."""
    incident = await find_incident(session, ref, workspace_id=workspace_id, viewer=viewer)
    return None if incident is None else await view_of(session, incident)


async def get_incident_view(
    session: AsyncSession, ref: IncidentRef, *, workspace_id: uuid.UUID, viewer: Actor
) -> IncidentView:
    """Return the incident as this viewer may see it. Raises: IncidentNotFound."""
    view = await find_incident_view(session, ref, workspace_id=workspace_id, viewer=viewer)
    if view is None:
        raise IncidentNotFound(str(ref.reference) if isinstance(ref, ByReference) else None)
    return view


async def view_of(session: AsyncSession, incident: Incident) -> IncidentView:
    """Return the view of an incident; the caller has checked that the viewer may see it."""
    roles = await current_roles(session, incident.id)
    wanted = {role.person_id for role in roles}
    if incident.declared_by_id is not None:
        wanted.add(incident.declared_by_id)
    people = await people_views(session, wanted)
    has_update = incident.last_update_at is not None
    latest = await find_latest_update(session, incident.id) if has_update else None
    return _view(incident, roles, people, latest_update=latest)


async def people_views(
    session: AsyncSession, ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, PersonView]:
    """Return the people with these ids."""
    wanted = list(ids)
    if not wanted:
        return {}
    rows = (await session.execute(_PEOPLE, {"ids": wanted})).scalars()
    return {row.id: person_view(row) for row in rows}


_PEOPLE = select(Person).where(Person.id.in_(bindparam("ids", expanding=True)))


def person_view(person: Person) -> PersonView:
    """Return the person as messages name them."""
    return PersonView(person.id, person.external_id, person.name, person.zone)


async def get_entry_view(session: AsyncSession, entry_id: uuid.UUID) -> EntryView:
    """Return the entry, with its text if another entry keeps it. Raises: NoResultFound."""
    query = select(TimelineEntry).where(TimelineEntry.id == entry_id)
    view = entry_view((await session.execute(query)).scalar_one())
    source_id = view.content.get(TEXT_FROM)
    if source_id is None:
        return view
    source = await session.get(TimelineEntry, uuid.UUID(source_id))
    text = ((source.content if source is not None else None) or {}).get("text", "")
    return replace(view, content={**view.content, "text": text})


async def find_next_entry(
    session: AsyncSession,
    entry: EntryView,
    incident: IncidentView,
    *kinds: str,
    is_about_it: bool = False,
    matches: Callable[[Mapping[str, Any]], bool] = lambda _: True,
) -> EntryView | None:
    """Return the first later entry of these kinds whose content matches, or None.

    With `is_about_it` it must point at this entry.
    """
    query = select(TimelineEntry).where(
        TimelineEntry.incident_id == incident.id,
        TimelineEntry.sequence > entry.sequence,
        TimelineEntry.kind.in_(kinds),
    )
    if is_about_it:
        query = query.where(TimelineEntry.target_id == entry.id)
    later = (await session.execute(query.order_by(TimelineEntry.sequence))).scalars()
    return next((entry_view(one) for one in later if matches(one.content or {})), None)


def entry_view(entry: TimelineEntry) -> EntryView:
    """Return the entry as people read it."""
    return EntryView(
        id=entry.id,
        sequence=entry.sequence,
        kind=entry.kind,
        occurred_at=entry.occurred_at,
        recorded_at=entry.recorded_at,
        actor_kind=entry.actor_kind,
        actor_id=entry.actor_id,
        actor_name=entry.actor_name,
        target_id=entry.target_id,
        is_redacted=entry.content is None,
        content=entry.content or {},
        incident_id=entry.incident_id,
        entry_hash=entry.entry_hash,
    )


def _view(
    incident: Incident,
    roles: Iterable[RoleAssignment],
    people: dict[uuid.UUID, PersonView],
    *,
    latest_update: UpdateView | None,
) -> IncidentView:
    declared_by = people.get(incident.declared_by_id) if incident.declared_by_id else None
    return IncidentView(
        id=incident.id,
        workspace_id=incident.workspace_id,
        reference=str(incident.reference),
        number=incident.number,
        is_drill=incident.is_drill,
        is_private=incident.is_private,
        title=incident.title,
        summary=incident.summary,
        impact=incident.impact,
        resolution=incident.resolution,
        services=tuple(incident.services),
        has_customer_impact=incident.has_customer_impact,
        severity_key=incident.severity_key,
        severity_name=incident.severity_name,
        severity_rank=incident.severity_rank,
        status=incident.lifecycle_status,
        declared_by=declared_by,
        duplicate_of_id=incident.duplicate_of_id,
        impact_started_at=incident.impact_started_at,
        impact_ended_at=incident.impact_ended_at,
        detected_at=incident.detected_at,
        declared_at=incident.declared_at,
        acknowledged_at=incident.acknowledged_at,
        mitigated_at=incident.mitigated_at,
        resolved_at=incident.resolved_at,
        closed_at=incident.closed_at,
        cancelled_at=incident.cancelled_at,
        last_update_at=incident.last_update_at,
        next_update_due_at=incident.next_update_due_at,
        channel_id=incident.channel_id,
        channel_name=incident.channel_name,
        is_channel_archived=incident.is_channel_archived,
        is_channel_exposed=incident.is_channel_exposed,
        version=incident.version,
        roles=tuple(
            RoleView(role.role_key, role.role_name, people[role.person_id], role.started_at)
            for role in roles
        ),
        latest_update=latest_update,
    )
