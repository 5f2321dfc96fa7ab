"""What a pager tells us: an acknowledgement pauses the ladder, but isn't help yet."""

import uuid
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.calling.entries import PageAccepted, PageAcknowledged, PageDeclined, PageEndedThere
from incidents.calling.failures import name_page
from incidents.calling.trials import find_trial, hear_of_trial
from incidents.core.people import Person
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.calls import Because, get_escalation, step_wait
from incidents.escalation.events import CallNoted, NextStepTimed
from incidents.escalation.ladder import call_next_step, somebody_may_answer
from incidents.escalation.tables import (
    CallStatus,
    Escalation,
    EscalationCall,
    EscalationStatus,
    EscalationStep,
    calls_of,
)
from incidents.incident.incident import Incident
from incidents.paging.pages import Page, PageStatus, end_pages, pages_of
from incidents.paging.port import Heard, HeardKind
from incidents.people.directory import find_people_named

_WAITING: Final = (PageStatus.SENDING, PageStatus.ACCEPTED)


async def note_accepted(
    uow: UnitOfWork, page_id: uuid.UUID, *, remote_id: str, url: str
) -> Outcome:
    """Note that the pager has taken a page, and what it calls it."""
    incident, escalation, page = await _get_page(uow, page_id)
    page.remote_id, page.url = remote_id or page.remote_id, url or page.url
    if page.accepted_at is not None:
        return Outcome("known", incident.id)
    page.accepted_at = uow.now
    if page.status == PageStatus.SENDING:
        page.status = PageStatus.ACCEPTED
    named = await name_page(uow, escalation, page)
    milliseconds = int((uow.now - page.created_at).total_seconds() * 1000)
    uow.record(incident, PageAccepted(**named, milliseconds=milliseconds))
    return Outcome("page_accepted", incident.id)


async def hear(uow: UnitOfWork, heard: Heard) -> Outcome:
    """Let the record and the ladder follow what a pager says of a page.

    Outcomes: unknown (no page of ours), known (nothing new), page_acknowledged,
    page_unacknowledged, page_declined, page_ended; trial_answered of a test page.
    """
    key = _key_in(heard)
    trial = await find_trial(uow.session, heard, key, workspace_id=uow.workspace_id)
    if trial is not None:
        return await hear_of_trial(uow, trial, heard)
    found = await _find(uow.session, heard, workspace_id=uow.workspace_id)
    if found is None:
        return Outcome("unknown")
    incident, escalation, page = await _get_page(uow, found.id)
    page.remote_id, page.url = page.remote_id or heard.remote_id, page.url or heard.url
    match heard.kind:
        case HeardKind.ACKNOWLEDGED if page.status in _WAITING:
            return await _acknowledged(uow, incident, escalation, page, heard)
        case HeardKind.UNACKNOWLEDGED | HeardKind.REASSIGNED if (
            page.status == PageStatus.ACKNOWLEDGED
        ):
            page.status, page.acknowledged_at = PageStatus.ACCEPTED, None
            uow.emit(CallNoted(escalation_id=escalation.id), incident)
            return Outcome("page_unacknowledged", incident.id)
        case HeardKind.DECLINED if page.status in _WAITING and await _is_theirs(uow, page, heard):
            return await _declined(uow, incident, escalation, page, heard)
        case HeardKind.RESOLVED if page.is_open:
            is_news = page.status in _WAITING and escalation.is_unanswered
            page.status, page.ended_at = PageStatus.ENDED, uow.now
            if is_news:  # what was acknowledged here may have been closed there by us
                uow.record(incident, PageEndedThere(**await name_page(uow, escalation, page)))
            return Outcome("page_ended", incident.id)
    return Outcome("known", incident.id)


async def _acknowledged(
    uow: UnitOfWork, incident: Incident, escalation: Escalation, page: Page, heard: Heard
) -> Outcome:
    person = await _person(uow, page, heard)
    page.status, page.acknowledged_at = PageStatus.ACKNOWLEDGED, uow.now
    page.acknowledged_by_id = person.id if person else page.person_id
    step = await uow.session.get_one(EscalationStep, page.step_id)
    call = await _call_of(uow.session, page, person)
    if call is not None:
        call.acknowledged_at = uow.now
    await uow.flush()
    due_at = None
    if escalation.status == EscalationStatus.CALLING and await _are_enough(uow, page, step):
        # A later step may wait longer already: who acknowledges never brings the next one forward.
        due_at = uow.now + step_wait(uow, incident, escalation, step)
        due_at = max(due_at, escalation.due_at or due_at)
        escalation.due_at = due_at
        uow.emit(NextStepTimed(escalation_id=escalation.id, due_at=due_at), incident)
    named = await name_page(uow, escalation, page, person=person, name=heard.name)
    uow.record(incident, PageAcknowledged(**named, until=due_at))
    return Outcome("page_acknowledged", incident.id)


async def _declined(
    uow: UnitOfWork, incident: Incident, escalation: Escalation, page: Page, heard: Heard
) -> Outcome:
    person = await _person(uow, page, heard)
    end_pages(uow, incident, [page])
    call = await _call_of(uow.session, page, person)
    if call is not None and call.status == CallStatus.OPEN:
        call.status, call.answered_at = CallStatus.DECLINED, uow.now
    named = await name_page(uow, escalation, page, person=person, name=heard.name)
    uow.record(incident, PageDeclined(**named))
    await uow.flush()
    is_calling = escalation.status == EscalationStatus.CALLING
    if is_calling and not await somebody_may_answer(uow, escalation):
        await call_next_step(uow, incident, escalation, because=Because.DECLINED)
    return Outcome("page_declined", incident.id)


async def _find(session: AsyncSession, heard: Heard, *, workspace_id: uuid.UUID) -> Page | None:
    page = await session.get(Page, key) if (key := _key_in(heard)) else None
    if page is None and heard.remote_id:
        query = select(Page).where(Page.pager == heard.pager, Page.remote_id == heard.remote_id)
        page = (await session.execute(query.order_by(Page.created_at.desc()))).scalars().first()
    is_ours = page is not None and page.workspace_id == workspace_id and page.pager == heard.pager
    return page if is_ours else None


def _key_in(heard: Heard) -> uuid.UUID | None:
    """Return our key; a page that began there has another, or none."""
    try:
        return uuid.UUID(heard.key)
    except ValueError:
        return None


async def _get_page(uow: UnitOfWork, page_id: uuid.UUID) -> tuple[Incident, Escalation, Page]:
    """Return the page as it is now, with its incident locked first."""
    found = await uow.session.get_one(Page, page_id)
    incident, escalation = await get_escalation(uow, found.escalation_id)
    await uow.session.refresh(found)
    return incident, escalation, found


async def _person(uow: UnitOfWork, page: Page, heard: Heard) -> Person | None:
    """Return who it was, by their address; else who was paged."""
    if heard.email:
        found = await find_people_named(uow.session, [heard.email], workspace_id=uow.workspace_id)
        if heard.email in found:
            return found[heard.email]
    return await uow.session.get(Person, page.person_id) if page.person_id else None


async def _is_theirs(uow: UnitOfWork, page: Page, heard: Heard) -> bool:
    """Tell whether it is the person paged who declines; others may have been asked to join."""
    if not heard.email:
        return True
    found = await find_people_named(uow.session, [heard.email], workspace_id=uow.workspace_id)
    return heard.email in found and found[heard.email].id == page.person_id


async def _call_of(
    session: AsyncSession, page: Page, person: Person | None
) -> EscalationCall | None:
    calls = await calls_of(session, page.escalation_id)
    meant = [one for one in calls if person is not None and one.person_id == person.id]
    return next((one for one in [*meant, *calls] if one in meant or one.id == page.call_id), None)


async def _are_enough(uow: UnitOfWork, page: Page, step: EscalationStep) -> bool:
    """Tell whether as many have acknowledged as the step asks for; one address counts once."""
    pages = await pages_of(uow.session, page.escalation_id)
    acknowledged = [
        one for one in pages if one.step_id == step.id and one.status == PageStatus.ACKNOWLEDGED
    ]
    return len(acknowledged) >= step.acknowledgements
