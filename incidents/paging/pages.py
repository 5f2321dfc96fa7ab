"""Pages: each demand on a pager for one escalation, as a row; its key is ours in every attempt.

sending ──▶ accepted ──▶ acknowledged ──▶ ended
   │            │  ▲          │
   │            │  └──────────┘  taken back there, or no sign of work here
   ├──▶ failed  └──▶ ended          refused for good
   └──▶ ended                    nobody needs it any more

A page of a service has no person: its pager decides who is on call.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.core.people import Person
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident
from incidents.paging.adoption import page_link_of, remote_id_in
from incidents.paging.events import Demand, PagesMoved
from incidents.policy.policy import Policy
from incidents.policy.references import Address
from incidents.policy.waking.paging import PagerKind
from incidents.storage.database import Base


class PageStatus(StrEnum):
    """How far a page is."""

    SENDING = "sending"
    ACCEPTED = "accepted"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    ENDED = "ended"


# Somebody may still be woken by it, or has been and said so.
OPEN: Final = (PageStatus.SENDING, PageStatus.ACCEPTED, PageStatus.ACKNOWLEDGED)


class Page(Base):
    """One page; `place` is that of its address among those of the person or service, from 0."""

    __tablename__ = "pages"
    __table_args__ = (
        Index("ix_pages_escalation_id", "escalation_id"),
        Index("ix_pages_incident_id", "incident_id"),
        Index("ix_pages_pager_remote_id", "pager", "remote_id"),
        Index("ix_pages_workspace_id_status", "workspace_id", "status"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
    escalation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("escalations.id"))
    step_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("escalation_steps.id"))
    call_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("escalation_calls.id"))
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    pager: Mapped[str]
    address: Mapped[str]
    place: Mapped[int] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(default=PageStatus.SENDING)
    # What the pager calls it, and where people see it there.
    remote_id: Mapped[str] = mapped_column(default="")
    url: Mapped[str] = mapped_column(default="")
    # It began there, if it was still open: the incident was declared from it.
    is_adopted: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    # When paging failed: refused, or not accepted for a minute; `error` is the pager's word for it.
    failed_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[datetime | None]

    @property
    def is_open(self) -> bool:
        """Tell whether somebody may still be woken by it."""
        return self.status in OPEN

    @property
    def written(self) -> str:
        """Return its address as the policy writes it."""
        return f"{self.pager}/{self.address}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Who a step's page reaches, and how: a person called, or a service's own on-call (None)."""

    reach: tuple[Address, ...]
    person_id: uuid.UUID | None = None
    call_id: uuid.UUID | None = None


def reach_of_person(policy: Policy, person: Person) -> tuple[Address, ...]:
    """Return the addresses by which the policy reaches a person, in their order."""
    names = {person.external_id, (person.email or "").lower()}
    found = (
        one.reach for one in policy.people if str(one.who).lower() in names or str(one.who) in names
    )
    return next(found, ())


def usable(policy: Policy, reach: Iterable[Address], incident: Incident) -> tuple[Address, ...]:
    """Return the addresses that this incident may leave by: a private one only where allowed."""
    return tuple(
        address
        for address in reach
        if (pager := policy.find_pager(address.pager)) is not None
        and (pager.tells_private or not incident.is_private)
    )


async def send_pages(
    uow: UnitOfWork,
    incident: Incident,
    *,
    escalation_id: uuid.UUID,
    step_id: uuid.UUID,
    reached: Sequence[Reached],
    is_next: bool = False,
) -> list[Page]:
    """Page each by their first address that hasn't failed in this escalation.

    Not by one that wakes somebody already; one acknowledged is paged anew, or nobody would be
    woken. With `is_next`, who has no address left isn't paged; else their first is tried again. A
    drill pages nobody.
    """
    if incident.is_drill:
        return []
    before = await pages_of(uow.session, escalation_id)
    failed = {one.written for one in before if one.failed_at is not None}
    taken = {one.written: one for one in before if one.is_open}
    pages: list[Page] = []
    link = await page_link_of(uow.session, incident)
    adopts = bool(link) and not await _is_adopted(uow.session, incident)
    for one in reached:
        reach = usable(uow.policy, one.reach, incident)
        place = _place(reach, failed, is_next=is_next)
        there = taken.get(str(reach[place])) if place is not None else None
        if place is None or (there is not None and there.status != PageStatus.ACKNOWLEDGED):
            continue
        end_pages(uow, incident, [there] if there is not None else [])
        page = Page(
            id=new_id(),
            workspace_id=uow.workspace_id,
            incident_id=incident.id,
            escalation_id=escalation_id,
            step_id=step_id,
            call_id=one.call_id,
            person_id=one.person_id,
            pager=reach[place].pager,
            address=reach[place].name,
            place=place,
            status=PageStatus.SENDING,
            created_at=uow.now,
        )
        pager = uow.policy.find_pager(page.pager)
        if adopts and pager is not None and pager.kind is PagerKind.PAGERDUTY:
            # Its pager looks whether that one is still open, and pages anew if it isn't.
            page.remote_id, page.url, page.is_adopted = remote_id_in(link), link, True
            adopts = False
        taken[page.written] = page
        uow.session.add(page)
        pages.append(page)
    await uow.flush()
    _ask(uow, incident, Demand.TRIGGER, pages)
    return pages


def _place(reach: Sequence[Address], failed: Collection[str], *, is_next: bool) -> int | None:
    left = (at for at, address in enumerate(reach) if str(address) not in failed)
    return next(left, None if is_next or not reach else 0)


async def _is_adopted(session: AsyncSession, incident: Incident) -> bool:
    query = select(Page.id).where(Page.incident_id == incident.id, Page.is_adopted).limit(1)
    return (await session.execute(query)).scalar_one_or_none() is not None


async def send_again(uow: UnitOfWork, incident: Incident, page: Page) -> Page:
    """Page the same address anew: a pager wouldn't wake anybody for a page acknowledged already."""
    page.status, page.ended_at = PageStatus.ENDED, uow.now
    again = Page(
        id=new_id(),
        workspace_id=page.workspace_id,
        incident_id=page.incident_id,
        escalation_id=page.escalation_id,
        step_id=page.step_id,
        call_id=page.call_id,
        person_id=page.person_id,
        pager=page.pager,
        address=page.address,
        place=page.place,
        status=PageStatus.SENDING,
        created_at=uow.now,
    )
    uow.session.add(again)
    await uow.flush()
    _ask(uow, incident, Demand.RESOLVE, [page])
    _ask(uow, incident, Demand.TRIGGER, [again])
    return again


def acknowledge_pages(uow: UnitOfWork, incident: Incident, pages: Iterable[Page]) -> None:
    """Somebody is on it here: the pagers are told, so that they page nobody else."""
    waiting = [one for one in pages if one.status in {PageStatus.SENDING, PageStatus.ACCEPTED}]
    for page in waiting:
        page.status, page.acknowledged_at = PageStatus.ACKNOWLEDGED, uow.now
        page.acknowledged_by_id = uow.actor.person_id
    _ask(uow, incident, Demand.ACKNOWLEDGE, waiting)


def end_pages(uow: UnitOfWork, incident: Incident, pages: Iterable[Page]) -> None:
    """Nobody needs these any more: the pagers are told."""
    ending = [one for one in pages if one.is_open]
    for page in ending:
        page.status, page.ended_at = PageStatus.ENDED, uow.now
    _ask(uow, incident, Demand.RESOLVE, ending)


async def settle_pages(
    uow: UnitOfWork, incident: Incident, escalation_id: uuid.UUID, *, of: uuid.UUID
) -> None:
    """Somebody is on it: acknowledge their own page and those of services, end everybody else's."""
    pages = await pages_of(uow.session, escalation_id)
    kept = [one for one in pages if one.person_id in {None, of}]
    acknowledge_pages(uow, incident, kept)
    end_pages(uow, incident, [one for one in pages if one not in kept])


async def end_pages_of(uow: UnitOfWork, incident: Incident, escalation_id: uuid.UUID) -> None:
    """End the pages of an escalation."""
    end_pages(uow, incident, await pages_of(uow.session, escalation_id))


def tell_pages(uow: UnitOfWork, incident: Incident, pages: Iterable[Page]) -> None:
    """Tell the pagers what has changed, without paging again."""
    _ask(uow, incident, Demand.UPDATE, [one for one in pages if one.is_open])


async def pages_of(session: AsyncSession, escalation_id: uuid.UUID) -> Sequence[Page]:
    """Return the pages of an escalation, earliest first."""
    query = select(Page).where(Page.escalation_id == escalation_id)
    return (await session.execute(query.order_by(Page.created_at, Page.id))).scalars().all()


async def pages_in(session: AsyncSession, incident_id: uuid.UUID) -> Sequence[Page]:
    """Return the open pages of an incident."""
    query = select(Page).where(Page.incident_id == incident_id, Page.status.in_(OPEN))
    return (await session.execute(query)).scalars().all()


async def open_pages(
    session: AsyncSession, *, workspace_id: uuid.UUID, pagers: Collection[str]
) -> Sequence[Page]:
    """Return what these pagers may still tell news of, oldest first."""
    query = select(Page).where(
        Page.workspace_id == workspace_id, Page.status.in_(OPEN), Page.pager.in_(pagers)
    )
    return (await session.execute(query.order_by(Page.created_at, Page.id))).scalars().all()


def _ask(uow: UnitOfWork, incident: Incident, demand: Demand, pages: Sequence[Page]) -> None:
    if pages:
        uow.emit(PagesMoved(demand=demand, page_ids=tuple(one.id for one in pages)), incident)
