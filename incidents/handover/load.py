"""What being on call cost people in the last four weeks: calls, pages, nights and hours.

For themselves, and for managers, so that the load can be shared fairly. Drills don't count: they
are planned.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import NotPermitted
from incidents.core.people import Actor, Person, PersonKind
from incidents.core.times import zone_of
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.tables import CallStatus, Escalation, EscalationCall
from incidents.incident.incident import Incident, visible_to
from incidents.incident.roles import RoleAssignment
from incidents.on_call.hours import Span, night_of, spans_on_call, total
from incidents.on_call.tables import covers_after, rotation_subject
from incidents.paging.pages import Page
from incidents.people.directory import find_group_members
from incidents.policy.escalation import Service
from incidents.policy.policy import Policy
from incidents.policy.references import RotationRef
from incidents.policy.waking.rotations import Rotation
from incidents.record.audit_log import AuditKind, audit
from incidents.rights.stages import is_among

WINDOW: Final = timedelta(weeks=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One person's load; a night counts once, however often they were called in it."""

    name: str
    calls: int
    pages: int
    nights: int
    on_call: timedelta

    @property
    def is_none(self) -> bool:
        """Tell whether there was none."""
        return not (self.calls or self.pages or self.on_call)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLoad:
    """A person's own load, and the incidents they helped in: those they may see, and how many more."""

    load: Load
    since: datetime
    helped: tuple[str, ...]
    helped_unseen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose load a report shows: everybody's, a group's, or that of a service or a rotation."""

    name: str = ""
    group: str = ""
    service: Service | None = None
    rotation: Rotation | None = None

    def counts(self, incident: Incident) -> bool:
        """Tell whether calls for this incident are meant."""
        return self.service is None or self.service.key in incident.services

    def rotations(self, policy: Policy) -> tuple[Rotation, ...]:
        """Return the rotations whose hours are meant."""
        if self.rotation is not None:
            return (self.rotation,)
        if self.service is None:
            return policy.on_call.rotations
        on_call = self.service.on_call
        found = (
            policy.on_call.find_rotation(on_call.key) if isinstance(on_call, RotationRef) else None
        )
        return (found,) if found is not None else ()


@dataclass(frozen=True, slots=True)
class _Wake:
    person_id: uuid.UUID
    at: datetime
    is_page: bool


async def own_load(
    session: AsyncSession, person: Person, *, viewer: Actor, policy: Policy, now: datetime
) -> OwnLoad:
    """Return a person's own load; private incidents count, and are named only to who sees them."""
    since, everything = now - WINDOW, Scope()
    wakes = await _wakes(session, person.workspace_id, everything, since=since, of=person.id)
    loads = await _loads(session, (person,), wakes, everything, policy=policy, now=now)
    helped = await _helped_in(session, person.id, since=since)
    query = select(Incident).where(Incident.id.in_(helped), visible_to(viewer))
    named = (await session.execute(query.order_by(Incident.declared_at))).scalars().all()
    return OwnLoad(
        load=loads[0],
        since=since,
        helped=tuple(str(one.reference) for one in named),
        helped_unseen=len(helped) - len(named),
    )


async def permit_report(uow: UnitOfWork, scope: Scope) -> Outcome:
    """Allow a report to whom the policy names for it, and record that they look.

    Those are `supervision.visible_to`, the policy's manager, and those of the service, or of the
    services that the rotation is on call for.

    Raises: NotPermitted.
    """
    viewer, policy = uow.actor, uow.policy
    of_rotation = RotationRef(scope.rotation.key) if scope.rotation is not None else None
    services = (
        one
        for one in policy.services
        if one is scope.service or (of_rotation is not None and one.on_call == of_rotation)
    )
    managers = (policy.escalation.manager, *(one.manager for one in services))
    named = (*policy.supervision.visible_to, *(one for one in managers if one is not None))
    is_member = viewer.person_id is not None and viewer.person_kind is PersonKind.MEMBER
    if (
        viewer.person_id is None
        or not is_member
        or not await is_among(uow.session, viewer.person_id, named, workspace_id=uow.workspace_id)
    ):
        raise NotPermitted("see_load", needs="manager")
    await audit(uow, AuditKind.LOAD_SHOWN, {"scope": scope.name})
    return Outcome("load_shown")


async def load_report(
    session: AsyncSession, scope: Scope, *, viewer: Actor, policy: Policy, now: datetime
) -> tuple[Load, ...]:
    """Return who had a load, by name; of private incidents, only those count that the viewer sees."""
    viewed = await session.get_one(Person, viewer.person_id)
    workspace_id = viewed.workspace_id
    wakes = await _wakes(session, workspace_id, scope, since=now - WINDOW, viewer=viewer)
    query = select(Person).where(Person.workspace_id == workspace_id, Person.is_active)
    if scope.group:
        found = await find_group_members(session, (scope.group,), workspace_id=workspace_id)
        query = query.where(Person.external_id.in_(found.get(scope.group, ())))
    people = (await session.execute(query.order_by(func.lower(Person.name)))).scalars().all()
    loads = await _loads(session, people, wakes, scope, policy=policy, now=now)
    return tuple(
        one for one in loads if not one.is_none and (one.on_call or scope.rotation is None)
    )


async def _wakes(
    session: AsyncSession,
    workspace_id: uuid.UUID,
    scope: Scope,
    *,
    since: datetime,
    of: uuid.UUID | None = None,
    viewer: Actor | None = None,
) -> list[_Wake]:
    """Return the calls, and the pages that a pager took: of one person, or as the viewer sees them.

    A page of a service counts for who acknowledged it.
    """
    paged = func.coalesce(Page.person_id, Page.acknowledged_by_id)
    calls = (
        select(EscalationCall.person_id, EscalationCall.called_at, Incident)
        .join(Escalation, Escalation.id == EscalationCall.escalation_id)
        .join(Incident, Incident.id == Escalation.incident_id)
        .where(EscalationCall.called_at >= since)
    )
    pages = (
        select(paged, Page.created_at, Incident)
        .join(Incident, Incident.id == Page.incident_id)
        .where(Page.created_at >= since, Page.accepted_at.is_not(None), paged.is_not(None))
    )
    wakes: list[_Wake] = []
    for query, who, is_page in ((calls, EscalationCall.person_id, False), (pages, paged, True)):
        meant = query.where(Incident.workspace_id == workspace_id, Incident.is_drill.is_(False))
        if of is not None:
            meant = meant.where(who == of)
        if viewer is not None:
            meant = meant.where(visible_to(viewer))
        wakes += [
            _Wake(person_id, at, is_page)
            for person_id, at, incident in (await session.execute(meant)).all()
            if scope.counts(incident)
        ]
    return wakes


async def _loads(
    session: AsyncSession,
    people: Sequence[Person],
    wakes: Iterable[_Wake],
    scope: Scope,
    *,
    policy: Policy,
    now: datetime,
) -> list[Load]:
    """Return each person's load, in the order of the people."""
    spans: dict[str, list[Span]] = defaultdict(list)
    within = Span(now - WINDOW, now)
    if people:
        workspace_id = people[0].workspace_id
        covers = await covers_after(session, within.since, workspace_id=workspace_id)
        for rotation in scope.rotations(policy):
            stood_in = covers.get(rotation_subject(rotation.key), ())
            for name, span in spans_on_call(rotation, within, stood_in):
                spans[name.casefold()].append(span)
    of_person: dict[uuid.UUID, list[_Wake]] = defaultdict(list)
    for wake in wakes:
        of_person[wake.person_id].append(wake)
    return [_load(one, of_person.get(one.id, ()), spans) for one in people]


def _load(person: Person, wakes: Sequence[_Wake], spans: Mapping[str, Sequence[Span]]) -> Load:
    zone = zone_of(person.zone or "")
    nights = {night_of(one.at.astimezone(zone)) for one in wakes} - {None}
    names = {person.external_id.casefold(), (person.email or person.external_id).casefold()}
    return Load(
        name=person.name,
        calls=sum(not one.is_page for one in wakes),
        pages=sum(one.is_page for one in wakes),
        nights=len(nights),
        on_call=total(span for name in names for span in spans.get(name, ())),
    )


async def _helped_in(
    session: AsyncSession, person_id: uuid.UUID, *, since: datetime
) -> set[uuid.UUID]:
    """Return the incidents in which the person held a role, or came when they were called."""
    held = select(RoleAssignment.incident_id).where(
        RoleAssignment.person_id == person_id, RoleAssignment.started_at >= since
    )
    came = (
        select(Escalation.incident_id)
        .join(EscalationCall, EscalationCall.escalation_id == Escalation.id)
        .where(
            EscalationCall.person_id == person_id,
            EscalationCall.called_at >= since,
            or_(EscalationCall.arrived_at.is_not(None), EscalationCall.status == CallStatus.TAKEN),
        )
    )
    query = select(Incident.id).where(
        Incident.is_drill.is_(False), or_(Incident.id.in_(held), Incident.id.in_(came))
    )
    return set((await session.execute(query)).scalars())
