"""When paging itself fails: the second medium, the next step once, and loud words in the channel."""

import uuid
from typing import Any

from sqlalchemy import select

from incidents.calling.entries import PageFailed
from incidents.core.people import Person, who
from incidents.core.sentences import SOMEBODY, Who
from incidents.engine.reminders import Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.calls import Because, get_escalation, reached_by
from incidents.escalation.ladder import call_next_step, next_step
from incidents.escalation.tables import CallStatus, Escalation, EscalationStatus, calls_of
from incidents.incident.incident import Incident
from incidents.paging.pages import Page, PageStatus, Reached, send_pages

NOT_ACCEPTED = "not accepted within a minute"


async def refuse_page(uow: UnitOfWork, page_id: uuid.UUID, *, error: str) -> Outcome:
    """The pager refuses the page for good: go on without it."""
    page = await uow.session.get_one(Page, page_id)
    incident, escalation = await get_escalation(uow, page.escalation_id)
    await uow.session.refresh(page)
    if page.status != PageStatus.SENDING:  # somebody has come meanwhile, or it has arrived
        return Outcome("over", incident.id)
    page.status = PageStatus.FAILED
    return await _failed(uow, incident, escalation, page, error=error)


async def watch_page(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> None:
    """After a minute, a page that no pager has taken has failed; it is still being tried."""
    page = await uow.session.get(Page, reminder.subject_id, populate_existing=True)
    if page is None or page.status != PageStatus.SENDING or page.failed_at is not None:
        return
    escalation = await uow.session.get_one(Escalation, page.escalation_id, populate_existing=True)
    await _failed(uow, incident, escalation, page, error=NOT_ACCEPTED)


async def _failed(
    uow: UnitOfWork, incident: Incident, escalation: Escalation, page: Page, *, error: str
) -> Outcome:
    """Try the next address, call the next step once, and say it.

    Only the first failure brings the next step forward: an outage of the pager must not wake
    everybody on the ladder.
    """
    if page.failed_at is not None:  # it was said when the minute was over
        return Outcome("known", incident.id)
    page.failed_at, page.error = uow.now, error[:200]
    await uow.flush()
    tried = await send_pages(
        uow,
        incident,
        escalation_id=escalation.id,
        step_id=page.step_id,
        reached=await _reached(uow, page),
        is_next=True,
    )
    named = await name_page(uow, escalation, page)
    then = tried[0].written if tried else ""
    uow.record(incident, PageFailed(**named, problem=page.error, then=then))
    is_first = escalation.paging_failed_at is None
    escalation.paging_failed_at = escalation.paging_failed_at or uow.now
    if is_first and escalation.status == EscalationStatus.CALLING:
        following = await next_step(uow, escalation)
        if following is not None:
            await call_next_step(
                uow, incident, escalation, because=Because.PAGING_FAILED, step=following
            )
    return Outcome("page_failed", incident.id)


async def _reached(uow: UnitOfWork, page: Page) -> list[Reached]:
    """Return how those are reached now whom this page was to wake, by all of their addresses."""
    calls = [
        one
        for one in await calls_of(uow.session, page.escalation_id)
        if one.status == CallStatus.OPEN and one.arrived_at is None
    ]
    ids = [one.person_id for one in calls]
    rows = (await uow.session.execute(select(Person).where(Person.id.in_(ids)))).scalars()
    by_id = {one.id: one for one in rows}
    found = reached_by(uow.policy, [by_id[one] for one in ids], calls)
    meant = [
        one
        for one in found
        if page.written in {str(address) for address in one.reach}
        or (one.person_id == page.person_id and page.person_id is not None)
    ]
    # A service that the policy reaches otherwise meanwhile: it can't be told which one it was.
    return meant or [one for one in found if one.person_id == page.person_id]


async def name_page(
    uow: UnitOfWork,
    escalation: Escalation,
    page: Page,
    *,
    person: Person | None = None,
    name: str = "",
) -> dict[str, Any]:
    """Return how entries name a page: its escalation, the person, and the pager."""
    if person is None and page.person_id is not None:
        person = await uow.session.get(Person, page.person_id)
    pager = uow.policy.find_pager(page.pager)
    someone = Who(name=name) if name else SOMEBODY
    return {
        "escalation_id": escalation.id,
        "number": escalation.number,
        "person": who(person) if person is not None else someone,
        "address": page.address,
        "pager": pager.shown_name if pager is not None else page.pager,
    }
