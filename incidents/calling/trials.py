"""Tests of pagers: does a page arrive, and is it heard here when somebody acknowledges it?"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.ids import new_id
from incidents.core.people import Person
from incidents.core.times import zone_of
from incidents.engine.reminders import Again, Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.views import PersonView, person_view
from incidents.on_call.hours import night_of
from incidents.paging.pages import reach_of_person
from incidents.paging.port import Heard, HeardKind
from incidents.paging.trials import (
    TrialMoved,
    TrialPage,
    is_being_tested,
    pages_of_trial,
    trials_since,
)
from incidents.people.assignable import Named, get_acting_member, get_assignable
from incidents.policy.policy import Action
from incidents.record.audit_log import AuditKind, audit

# The most tests that one person may ask for in an hour.
MOST_AN_HOUR: Final = 6
_ANSWERS: Final = (HeardKind.ACKNOWLEDGED, HeardKind.DECLINED, HeardKind.RESOLVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A test as people read it."""

    person: PersonView
    asked_by: Person
    pages: Sequence[TrialPage]

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more is awaited."""
        return all(one.ended_at is not None for one in self.pages)


async def get_trial(session: AsyncSession, trial_id: uuid.UUID) -> Trial:
    """Return a test as it is now."""
    pages = await pages_of_trial(session, trial_id)
    return Trial(
        person=person_view(await session.get_one(Person, pages[0].person_id)),
        asked_by=await session.get_one(Person, pages[0].asked_by_id),
        pages=pages,
    )


async def try_pagers(uow: UnitOfWork, person: Named, *, is_sure: bool = False) -> Outcome:
    """Send a test page to each address of a person, by default of the actor.

    Outcomes: no_reach, running, too_many, night (nothing was sent), trial_sent.
    Raises: NotPermitted; NotKnownYet; InvalidInput.
    """
    asker = await get_acting_member(uow, Action.TEST_PAGER)
    tested = await get_assignable(uow, person) if person.external_id else asker
    is_own = tested.id == asker.id
    if not is_own:
        await uow.permit(Action.TEST_PAGER, subject_id=tested.id)
    data = {"external_id": tested.external_id, "name": tested.name, "is_own": is_own}
    reach = tuple(dict.fromkeys(reach_of_person(uow.policy, tested)))
    if not reach:
        return Outcome("no_reach", None, {**data, "who": tested.email or tested.external_id})
    if await is_being_tested(uow.session, tested.id):
        return Outcome("running", None, data)
    since = uow.now - timedelta(hours=1)
    if await trials_since(uow.session, asker.id, since) >= MOST_AN_HOUR:
        return Outcome("too_many", None, data)
    there = uow.now.astimezone(zone_of(tested.zone))
    if night_of(there) is not None and not is_own and not is_sure:
        return Outcome("night", None, {**data, "time": f"{there:%H:%M}"})
    trial_id = new_id()
    pages = [
        TrialPage(
            id=new_id(),
            trial_id=trial_id,
            workspace_id=uow.workspace_id,
            asked_by_id=asker.id,
            person_id=tested.id,
            pager=address.pager,
            address=address.name,
            place=place,
            created_at=uow.now,
        )
        for place, address in enumerate(reach)
    ]
    uow.session.add_all(pages)
    await uow.flush()
    written = ", ".join(one.written for one in pages)
    content = {"name": tested.name, "addresses": written}
    await audit(uow, AuditKind.PAGER_TESTED, content, subject_id=tested.id)
    uow.emit(TrialMoved(trial_id=trial_id, sent=tuple(one.id for one in pages)))
    return Outcome("trial_sent", None, {**data, "addresses": written})


async def note_trial_accepted(uow: UnitOfWork, page_id: uuid.UUID, *, remote_id: str) -> None:
    """Note that the pager has taken a test page."""
    page = await _locked(uow, page_id)
    page.accepted_at = page.accepted_at or uow.now
    page.remote_id, page.error = remote_id, ""
    uow.emit(TrialMoved(trial_id=page.trial_id))


async def note_trial_problem(
    uow: UnitOfWork, page_id: uuid.UUID, *, error: str, is_final: bool
) -> None:
    """Note why the pager hasn't taken a test page; `is_final`: it won't."""
    page = await _locked(uow, page_id)
    page.error = error
    if is_final:
        page.ended_at = page.ended_at or uow.now
    uow.emit(TrialMoved(trial_id=page.trial_id))


async def find_trial(
    session: AsyncSession, heard: Heard, key: uuid.UUID | None, *, workspace_id: uuid.UUID
) -> TrialPage | None:
    """Return the test page that a pager tells of, by our key, else by its own."""
    found = await session.get(TrialPage, key) if key is not None else None
    if found is None and heard.remote_id:
        query = select(TrialPage).where(
            TrialPage.pager == heard.pager, TrialPage.remote_id == heard.remote_id
        )
        found = (
            (await session.execute(query.order_by(TrialPage.created_at.desc()))).scalars().first()
        )
    is_ours = found is not None and (found.workspace_id, found.pager) == (workspace_id, heard.pager)
    return found if is_ours else None


async def hear_of_trial(uow: UnitOfWork, found: TrialPage, heard: Heard) -> Outcome:
    """Note that somebody answered a test page there, also after its time; then end it."""
    page = await _locked(uow, found.id)
    is_our_end = heard.kind is HeardKind.RESOLVED and page.ended_at is not None
    if heard.kind not in _ANSWERS or page.answered_at is not None or is_our_end:
        return Outcome("known")
    page.answered_at = uow.now
    ended = () if page.ended_at is not None else (page.id,)
    page.ended_at = page.ended_at or uow.now
    uow.emit(TrialMoved(trial_id=page.trial_id, ended=ended))
    return Outcome("trial_answered")


async def end_trial(uow: UnitOfWork, reminder: Reminder) -> Again | None:
    """End what nobody has answered in time: the pagers are told."""
    waiting = [
        await _locked(uow, one.id)
        for one in await pages_of_trial(uow.session, reminder.subject_id)
        if one.ended_at is None
    ]
    ending = [one for one in waiting if one.ended_at is None]
    for page in ending:
        page.ended_at = uow.now
    if ending:
        ended = tuple(one.id for one in ending)
        uow.emit(TrialMoved(trial_id=reminder.subject_id, ended=ended))
    return None


async def _locked(uow: UnitOfWork, page_id: uuid.UUID) -> TrialPage:
    return await uow.session.get_one(
        TrialPage, page_id, with_for_update=True, populate_existing=True
    )
