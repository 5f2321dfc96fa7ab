"""Paged lists of the incidents that a viewer may see."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import Actor
from incidents.incident.incident import Incident, visible_to
from incidents.incident.lifecycle import OPEN_STATUSES, IncidentStatus
from incidents.incident.roles import RoleAssignment


class Scope(StrEnum):
    """Which incidents a list shows."""

    OPEN = "open"
    ALL = "all"
    MINE = "mine"  # open ones that I declared or hold a role in
    RECENT = "recent"  # resolved within the last days


RECENT_DAYS = 7


@dataclass(frozen=True, slots=True)
class ListedIncident:
    """One line of a list."""

    id: uuid.UUID
    reference: str
    title: str
    severity_name: str
    status: IncidentStatus
    is_private: bool
    channel_id: str | None
    declared_at: datetime


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list; pages count from 1."""

    scope: Scope
    items: tuple[ListedIncident, ...]
    page: int
    pages: int
    total: int


async def list_incidents(
    session: AsyncSession,
    *,
    workspace_id: uuid.UUID,
    viewer: Actor,
    scope: Scope,
    now: datetime,
    page: int = 1,
    page_size: int = 15,
) -> ListPage:
    """Return one page, worst severity first; the list of all incidents is newest first."""
    condition = (
        (Incident.workspace_id == workspace_id)
        & visible_to(viewer)
        & _in_scope(scope, viewer=viewer, now=now)
    )
    total = (
        await session.execute(select(func.count()).select_from(Incident).where(condition))
    ).scalar_one()
    pages = max(1, -(-total // page_size))
    page = min(max(page, 1), pages)
    newest = (Incident.declared_at.desc(), Incident.id)
    order = newest if scope is Scope.ALL else (Incident.severity_rank, *newest)
    query = (
        select(Incident)
        .where(condition)
        .order_by(*order)
        .offset((page - 1) * page_size)
        .limit(page_size)
    )
    rows = (await session.execute(query)).scalars()
    return ListPage(scope, tuple(_listed(row) for row in rows), page, pages, total)


def _in_scope(scope: Scope, *, viewer: Actor, now: datetime) -> ColumnElement[bool]:
    if scope is Scope.ALL:
        return true()
    if scope is Scope.RECENT:
        return Incident.resolved_at > now - timedelta(days=RECENT_DAYS)
    is_open = Incident.status.in_(list(OPEN_STATUSES))
    if scope is Scope.OPEN:
        return is_open
    has_role = exists().where(
        RoleAssignment.incident_id == Incident.id,
        RoleAssignment.person_id == viewer.person_id,
        RoleAssignment.ended_at.is_(None),
    )
    return is_open & or_(Incident.declared_by_id == viewer.person_id, has_role)


def _listed(incident: Incident) -> ListedIncident:
    return ListedIncident(
        id=incident.id,
        reference=str(incident.reference),
        title=incident.title,
        severity_name=incident.severity_name,
        status=incident.lifecycle_status,
        is_private=incident.is_private,
        channel_id=incident.channel_id,
        declared_at=incident.declared_at,
    )
