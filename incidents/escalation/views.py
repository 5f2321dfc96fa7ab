"""Escalations as messages show them: the packet, the ladder, the calls and the answers."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.escalation.callees import Ladder, reach_of
from incidents.escalation.entries import EscalationDeclined, packet_in
from incidents.escalation.packet import Packet
from incidents.escalation.tables import (
    ENDED,
    UNANSWERED,
    CallStatus,
    Escalation,
    EscalationCall,
    EscalationStatus,
    EscalationStep,
    Measures,
    StepStatus,
    Wanted,
    calls_of,
    measures_of,
    steps_of,
)
from incidents.incident.incident import Incident
from incidents.incident.timeline import TimelineEntry
from incidents.incident.views import PersonView, people_views
from incidents.paging.pages import Page, PageStatus, pages_of
from incidents.policy.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """One person called; `away` is why they may not notice, `reason` why they declined.

    `through` is the name in the step that means them; None if nobody kept it.
    """

    id: uuid.UUID
    step_id: uuid.UUID
    person: PersonView
    status: CallStatus
    medium: str
    away: str | None
    reason: str
    called_at: datetime
    answered_at: datetime | None
    through: Wanted | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """One page: of the person called, or (`person` is None) of a service's own address."""

    call_id: uuid.UUID | None
    person: PersonView | None
    pager: str
    address: str
    url: str
    status: PageStatus
    created_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: PersonView | None
    failed_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One step of the ladder: its place, its names, and its calls.

    `reach`, while it waits: the names that would call somebody now.
    `skipped`, once called: the people left out, as (name, why).
    """

    id: uuid.UUID
    position: int
    names: tuple[str, ...]
    status: StepStatus
    is_redirect: bool
    called_at: datetime | None
    calls: tuple[CallView, ...] = ()
    reach: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationView:
    """An escalation as it is now; `position` is that of the step called last.

    `asked_field` was asked for and is still missing. Completeness isn't included, so it can't be
    shown to others than the author and their mentors.
    """

    id: uuid.UUID
    incident_id: uuid.UUID
    is_incident_open: bool
    reference: str
    number: int
    status: EscalationStatus
    template_key: str
    template_name: str
    service_key: str
    is_urgent: bool
    is_automatic: bool
    author: PersonView | None
    packet: Packet
    packet_version: int
    asked_field: str
    asked_by: PersonView | None
    position: int
    steps: tuple[StepView, ...]
    taken_by: PersonView | None
    redirects: int
    created_at: datetime
    due_at: datetime | None
    taken_at: datetime | None
    exhausted_at: datetime | None
    ended_at: datetime | None
    measures: Measures
    pages: tuple[PageView, ...] = ()

    @property
    def calls(self) -> tuple[CallView, ...]:
        """Return every call, in the order of the steps."""
        return tuple(call for step in self.steps for call in step.calls)

    @property
    def is_unanswered(self) -> bool:
        """Tell whether nobody is on it, and somebody still can take it."""
        return self.status in UNANSWERED

    @property
    def is_ended(self) -> bool:
        """Tell whether it accepts no more answers: it ended, or its incident is over."""
        return self.status in ENDED or not self.is_incident_open

    @property
    def waiting_steps(self) -> tuple[StepView, ...]:
        """Return the steps that wait and would call somebody, next one first."""
        waiting = (step for step in self.steps if step.reach)
        order = sorted(waiting, key=lambda step: (step.position < self.position, step.position))
        return tuple(order)

    def find_call(self, call_id: uuid.UUID) -> CallView | None:
        """Return the call with this id, or None."""
        return next((call for call in self.calls if call.id == call_id), None)


async def get_escalation_view(
    session: AsyncSession, escalation_id: uuid.UUID, *, policy: Policy, now: datetime
) -> EscalationView:
    """Return the escalation as its messages show it now. Raises: NoResultFound."""
    row = await session.get_one(Escalation, escalation_id, populate_existing=True)
    incident = await session.get_one(Incident, row.incident_id)
    steps, calls = await steps_of(session, row.id), await calls_of(session, row.id)
    entries = await _entries(session, [row.packet_entry_id, *(c.answer_entry_id for c in calls)])
    pages = await pages_of(session, row.id)
    wanted = {row.author_id, row.taken_by_id, row.asked_by_id, *(c.person_id for c in calls)}
    wanted |= {one for page in pages for one in (page.person_id, page.acknowledged_by_id)}
    people = await people_views(session, [one for one in wanted if one is not None])

    def named(person_id: uuid.UUID | None) -> PersonView | None:
        return people.get(person_id) if person_id is not None else None

    views = [_call_view(call, people, entries) for call in calls]
    ladder = Ladder(
        session=session, policy=policy, now=now, incident=incident, escalation=row, calls=calls
    )
    reach = {
        step.id: await reach_of(ladder, step)
        for step in steps
        if row.is_unanswered and step.status == StepStatus.WAITING
    }
    return EscalationView(
        id=row.id,
        incident_id=row.incident_id,
        is_incident_open=incident.is_open,
        reference=str(incident.reference),
        number=row.number,
        status=EscalationStatus(row.status),
        template_key=row.template_key,
        template_name=row.template_name,
        service_key=row.service_key,
        is_urgent=row.is_urgent,
        is_automatic=row.is_automatic,
        author=named(row.author_id),
        packet=packet_in(entries.get(row.packet_entry_id)),
        packet_version=row.packet_version,
        asked_field=row.asked_field,
        asked_by=named(row.asked_by_id),
        position=row.position,
        steps=tuple(_step_view(step, views, reach.get(step.id, ())) for step in steps),
        pages=tuple(_page_view(page, people, policy) for page in pages),
        taken_by=named(row.taken_by_id),
        redirects=row.redirects,
        created_at=row.created_at,
        due_at=row.due_at,
        taken_at=row.taken_at,
        exhausted_at=row.exhausted_at,
        ended_at=row.ended_at,
        measures=measures_of(row, declared_at=incident.declared_at),
    )


def _call_view(
    call: EscalationCall,
    people: Mapping[uuid.UUID, PersonView],
    entries: Mapping[uuid.UUID | None, Mapping[str, Any]],
) -> CallView:
    declined = EscalationDeclined.read(entries.get(call.answer_entry_id))
    return CallView(
        id=call.id,
        step_id=call.step_id,
        person=people[call.person_id],
        status=CallStatus(call.status),
        medium=call.medium,
        away=call.away,
        reason=declined.reason if declined is not None else "",
        called_at=call.called_at,
        answered_at=call.answered_at,
        through=Wanted.read(call.through) if call.through else None,
    )


def _page_view(page: Page, people: Mapping[uuid.UUID, PersonView], policy: Policy) -> PageView:
    pager = policy.find_pager(page.pager)
    return PageView(
        call_id=page.call_id,
        person=people.get(page.person_id) if page.person_id else None,
        pager=pager.shown_name if pager is not None else page.pager,
        address=page.address,
        url=page.url,
        status=PageStatus(page.status),
        created_at=page.created_at,
        acknowledged_at=page.acknowledged_at,
        acknowledged_by=people.get(page.acknowledged_by_id) if page.acknowledged_by_id else None,
        failed_at=page.failed_at,
        error=page.error,
    )


def _step_view(step: EscalationStep, calls: Sequence[CallView], reach: tuple[str, ...]) -> StepView:
    return StepView(
        id=step.id,
        position=step.position,
        names=step.names,
        status=StepStatus(step.status),
        is_redirect=step.is_redirect,
        called_at=step.called_at,
        calls=tuple(call for call in calls if call.step_id == step.id),
        reach=reach,
        skipped=tuple((one["name"], one["why"]) for one in step.skipped),
    )


async def _entries(
    session: AsyncSession, ids: Sequence[uuid.UUID | None]
) -> dict[uuid.UUID | None, Mapping[str, Any]]:
    """Return the contents of these entries; redacted ones are empty."""
    wanted = [one for one in ids if one is not None]
    if not wanted:
        return {}
    query = select(TimelineEntry.id, TimelineEntry.content).where(TimelineEntry.id.in_(wanted))
    return {entry_id: content or {} for entry_id, content in await session.execute(query)}
