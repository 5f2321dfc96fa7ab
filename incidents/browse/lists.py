"""Paged lists of the incidents that a viewer may see."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, Uuid, exists, func, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import Actor
from incidents.incident.incident import Incident, visible_to
from incidents.incident.lifecycle import OPEN_STATUSES, IncidentStatus
from incidents.incident.roles import RoleAssignment
from incidents.policy.policy import COMMANDER
from incidents.storage.database import UtcDateTime


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
    severity_rank: int
    is_led: bool = True


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list that stays short; pages count from 1."""

    scope: Scope
    items: tuple[ListedIncident, ...]
    page: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some of all incidents, the newest first; they are neither counted nor numbered by page."""

    items: tuple[ListedIncident, ...]
    has_newer: bool
    has_older: bool


async def list_incidents(
    session: AsyncSession,
    *,
    workspace_id: uuid.UUID,
    viewer: Actor,
    scope: Scope,
    now: datetime,
    page: int = 1,
    page_size: int = 15,
    but_mine: bool = False,
) -> ListPage:
    """Return one page of a scope other than `ALL`, worst severity first; `but_mine`: of others."""
    condition = (
        (Incident.workspace_id == workspace_id)
        & visible_to(viewer)
        & _in_scope(scope, viewer=viewer, now=now)
    )
    if but_mine:
        condition &= ~_in_scope(Scope.MINE, viewer=viewer, now=now)
    total = (
        await session.execute(select(func.count()).select_from(Incident).where(condition))
    ).scalar_one()
    pages = max(1, -(-total // page_size))
    page = min(max(page, 1), pages)
    query = (
        select(Incident)
        .where(condition)
        .order_by(Incident.severity_rank, Incident.declared_at.desc(), Incident.id)
        .offset((page - 1) * page_size)
        .limit(page_size)
    )
    rows = (await session.execute(query)).scalars().all()
    led = await _led(session, [row.id for row in rows])
    items = tuple(listed(row, is_led=row.id in led) for row in rows)
    return ListPage(scope, items, page, pages, total)


async def _led(session: AsyncSession, ids: list[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of these incidents have a commander."""
    query = select(RoleAssignment.incident_id).where(
        RoleAssignment.incident_id.in_(ids),
        RoleAssignment.role_key == COMMANDER,
        RoleAssignment.ended_at.is_(None),
    )
    return set((await session.execute(query)).scalars())


async def list_all(
    session: AsyncSession,
    *,
    workspace_id: uuid.UUID,
    viewer: Actor,
    older_than: uuid.UUID | None = None,
    newer_than: uuid.UUID | None = None,
    size: int = 15,
) -> Stretch:
    """Return the newest incidents, or those next to the one with this id.

    However many there are, only as many are read as are shown.
    """
    query = select(Incident).where(Incident.workspace_id == workspace_id, visible_to(viewer))
    place = await place_of(session, newer_than or older_than, workspace_id=workspace_id)
    if newer_than is not None and place is not None:
        rows = (await session.execute(next_to(query, place, is_newer=True, size=size))).scalars()
        newer = [listed(row) for row in rows]
        if len(newer) >= size:
            shown = tuple(reversed(newer[:size]))
            return Stretch(shown, has_newer=len(newer) > size, has_older=True)
        place = None  # the newest stretch is shown in full
    found = (await session.execute(next_to(query, place, is_newer=False, size=size))).scalars()
    older = [listed(row) for row in found]
    return Stretch(tuple(older[:size]), has_newer=place is not None, has_older=len(older) > size)


_Place = tuple[datetime, uuid.UUID]


async def place_of(
    session: AsyncSession, incident_id: uuid.UUID | None, *, workspace_id: uuid.UUID
) -> _Place | None:
    """Return where an incident stands among all, if it is ours."""
    if incident_id is None:
        return None
    query = select(Incident.declared_at, Incident.id).where(
        Incident.id == incident_id, Incident.workspace_id == workspace_id
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row.declared_at, row.id)


def next_to(
    query: Select[Incident], place: _Place | None, *, is_newer: bool, size: int
) -> Select[Incident]:
    """Return the query for those next to the place, the nearest first, and one more."""
    order = tuple_(Incident.declared_at, Incident.id)
    if place is not None:
        at = tuple_(literal(place[0], UtcDateTime()), literal(place[1], Uuid()))
        query = query.where(order > at if is_newer else order < at)
    columns = (Incident.declared_at, Incident.id)
    ordered = query.order_by(*(one if is_newer else one.desc() for one in columns))
    return ordered.limit(size + 1)


def _in_scope(scope: Scope, *, viewer: Actor, now: datetime) -> ColumnElement[bool]:
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


def listed(incident: Incident, *, is_led: bool = True) -> ListedIncident:
    """Return the incident as one line of a list."""
    return ListedIncident(
        id=incident.id,
        reference=str(incident.reference),
        title=incident.title,
        severity_name=incident.severity_name,
        status=incident.lifecycle_status,
        is_private=incident.is_private,
        channel_id=incident.channel_id,
        declared_at=incident.declared_at,
        severity_rank=incident.severity_rank,
        is_led=is_led,
    )
