"""Mentors: who names them, and who has to agree before they are one.

Nobody names themselves. The person agrees to each mentor; if they have mentors already, one of
these agrees, too. Until then the named mentor sees nothing and may do nothing. A question that is
not answered by all in time ends, and the person who named the mentor is told.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import InvalidInput, Superseded
from incidents.core.ids import new_id
from incidents.core.people import Person, PersonKind, find_person, own_address
from incidents.engine.reminders import Again, Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.people.assignable import Named, check_assignable
from incidents.policy.policy import Policy
from incidents.record.audit_log import AuditKind, audit
from incidents.rights.stages import (
    Mentorship,
    StageRecord,
    is_named,
    levels_from,
    mentors_of,
    stage_records,
)
from incidents.supervision.events import MentorshipChanged

# Long enough for a holiday; the answer of somebody who has changed their mind isn't kept for ever.
ANSWER_WITHIN: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class MentorAnswer:
    """Somebody's answer to a mentor named for `person`."""

    person: Named
    mentor: Named
    agrees: bool


async def name_mentor(uow: UnitOfWork, person: Person, mentor: Person) -> None:
    """Ask for agreement to a mentor. Raises: InvalidInput for the person or the actor themselves."""
    if mentor.id == person.id:
        raise InvalidInput("mentor", "is the person themselves; choose somebody else")
    if mentor.id == uow.actor.person_id:
        raise InvalidInput(
            "mentor", "is you; ask their manager or one of their mentors to name you"
        )
    present = await _present(uow, person)
    row = await _find(uow, person, mentor) or _new(uow, person, mentor)
    if mentor.id in present or row.asked_at is not None:
        return
    by_mentor = uow.actor.person_id in present
    row.asked_at, row.asked_by_id, row.question_id = uow.now, uow.actor.person_id, new_id()
    row.learner_agreed_at = None
    row.mentor_agreed_by_id = uow.actor.person_id if by_mentor else None
    row.declined_by_id = None
    await _record(uow, AuditKind.MENTOR_PROPOSED, people=(person, mentor))
    asked = (person.id, *(() if by_mentor else present))
    _emit(uow, row, asked=asked)


async def answer_mentor(uow: UnitOfWork, answer: MentorAnswer) -> Outcome:
    """Agree to a mentor or decline; with the last agreement they are one.

    Raises: Superseded if the actor isn't asked: for somebody else, or any more.
    """
    person, mentor = [
        await find_person(uow.session, workspace_id=uow.workspace_id, external_id=one.external_id)
        for one in (answer.person, answer.mentor)
    ]
    row = await _find(uow, person, mentor) if person and mentor else None
    if person is None or mentor is None or row is None or row.asked_at is None:
        raise Superseded("mentor_asked")
    present = await _present(uow, person)
    if uow.actor.person_id not in {person.id, *present}:
        raise Superseded("mentor_asked")
    if answer.agrees:
        check_assignable(mentor)
        is_settled = _agree(uow, row, present=present)
        if is_settled:
            row.started_at, row.ended_at, row.asked_at = uow.now, None, None
            await _record(uow, AuditKind.MENTOR_NAMED, people=(person, mentor))
        concerned = (person.id, mentor.id, *present, row.asked_by_id) if is_settled else ()
    else:
        row.asked_at, row.declined_by_id = None, uow.actor.person_id
        await _record(uow, AuditKind.MENTOR_DECLINED, people=(person, mentor))
        concerned = (row.asked_by_id,)
    told = _but_the_actor(uow, *concerned)
    _emit(uow, row, asked=(person.id, *present), told=told)
    data = {"person": person.name, "mentor": mentor.name, "is_settled": row.asked_at is None}
    return Outcome("mentor_agreed" if answer.agrees else "mentor_declined", None, data)


async def end_mentor(uow: UnitOfWork, person: Person, mentor: Person) -> None:
    """End a mentorship, or take back the question about one; telling nobody if there is neither."""
    row = await _find(uow, person, mentor)
    present = await _present(uow, person)
    if mentor.id not in present:
        if row is not None and row.asked_at is not None:
            row.asked_at = None
            await _record(uow, AuditKind.MENTOR_UNASKED, people=(person, mentor))
            told = _but_the_actor(uow, row.asked_by_id)
            _emit(uow, row, asked=(person.id, *present), told=told)
        return
    # Without a row the policy names this mentor: the ended row overrides it.
    row = row or _new(uow, person, mentor)
    row.started_at = row.started_at or uow.now
    row.ended_at = uow.now
    await _record(uow, AuditKind.MENTOR_ENDED, people=(person, mentor))
    told = _but_the_actor(uow, person.id, mentor.id)
    _emit(uow, row, told=told)


async def expire_question(uow: UnitOfWork, reminder: Reminder) -> Again | None:
    """End the question about a mentor that isn't answered by all, and tell who named them."""
    row = await uow.session.get(Mentorship, reminder.subject_id, with_for_update=True)
    if row is None or row.asked_at is None:
        return None
    if row.asked_at + ANSWER_WITHIN > uow.now:
        return Again(due_at=row.asked_at + ANSWER_WITHIN)
    person = await uow.session.get_one(Person, row.person_id)
    mentor = await uow.session.get_one(Person, row.mentor_id)
    row.asked_at = None
    await _record(uow, AuditKind.MENTOR_UNANSWERED, people=(person, mentor))
    asked = (person.id, *await _present(uow, person))
    told = () if row.asked_by_id is None else (row.asked_by_id,)
    _emit(uow, row, asked=asked, told=told)
    return None


async def mentor_since(
    session: AsyncSession, *, person_id: uuid.UUID, mentor_id: uuid.UUID | None, policy: Policy
) -> datetime | None:
    """Return since when a recorded mentor supervises the person; None for all others.

    Mentors that the policy names have no beginning.
    """
    query = select(Mentorship).where(
        Mentorship.person_id == person_id, Mentorship.mentor_id == mentor_id
    )
    row = (await session.execute(query)).scalar_one_or_none()
    if row is None or not row.is_active:
        return None
    person = await session.get_one(Person, person_id)
    mentor = await session.get_one(Person, row.mentor_id)
    own, theirs = await own_address(session, person), await own_address(session, mentor)
    is_seeded = any(
        is_named(person, seed.person, address=own)
        and any(is_named(mentor, ref, address=theirs) for ref in seed.mentors)
        for seed in policy.supervision.mentors
    )
    return None if is_seeded else row.started_at


async def learners_without_mentor(session: AsyncSession, policy: Policy) -> tuple[str, ...]:
    """Return the names of active members below solo who have no mentor."""
    seeds = [seed.person for seed in policy.supervision.stages]
    has_stages = or_(  # others are seniors
        Person.id.in_(select(StageRecord.person_id)),
        Person.external_id.in_([ref.user_id for ref in seeds if ref.user_id]),
        func.lower(Person.email).in_([ref.email.lower() for ref in seeds if ref.email]),
    )
    query = (
        select(Person)
        .where(Person.is_active.is_(True), Person.kind == PersonKind.MEMBER, has_stages)
        .order_by(Person.name)
    )
    found = []
    for person in list((await session.execute(query)).scalars()):
        at = {"workspace_id": person.workspace_id, "person_id": person.id}
        records = await stage_records(session, **at)
        levels = levels_from(person, records, policy=policy)
        if not levels.is_peer and not await mentors_of(session, **at, policy=policy):
            found.append(person.name)
    return tuple(found)


def _agree(uow: UnitOfWork, row: Mentorship, *, present: tuple[uuid.UUID, ...]) -> bool:
    """Note the actor's agreement; tell whether nobody's is missing any more."""
    if uow.actor.person_id == row.person_id:
        row.learner_agreed_at = uow.now
    else:
        row.mentor_agreed_by_id = uow.actor.person_id
    # A mentor's agreement counts while they are one.
    return row.learner_agreed_at is not None and (not present or row.mentor_agreed_by_id in present)


async def _present(uow: UnitOfWork, person: Person) -> tuple[uuid.UUID, ...]:
    return await mentors_of(
        uow.session, workspace_id=uow.workspace_id, person_id=person.id, policy=uow.policy
    )


async def _find(uow: UnitOfWork, person: Person, mentor: Person) -> Mentorship | None:
    query = (
        select(Mentorship)
        .where(Mentorship.person_id == person.id, Mentorship.mentor_id == mentor.id)
        .with_for_update(of=Mentorship)
    )
    return (await uow.session.execute(query)).scalar_one_or_none()


def _new(uow: UnitOfWork, person: Person, mentor: Person) -> Mentorship:
    row = Mentorship(
        id=new_id(), workspace_id=uow.workspace_id, person_id=person.id, mentor_id=mentor.id
    )
    uow.session.add(row)
    return row


async def _record(uow: UnitOfWork, kind: AuditKind, *, people: tuple[Person, Person]) -> None:
    person, mentor = people
    await uow.flush()
    content = {
        "person_id": person.id,
        "person_external_id": person.external_id,
        "person_name": person.name,
        "mentor_id": mentor.id,
        "mentor_external_id": mentor.external_id,
        "mentor_name": mentor.name,
    }
    await audit(uow, kind, content, subject_id=person.id)


def _emit(
    uow: UnitOfWork,
    row: Mentorship,
    *,
    asked: tuple[uuid.UUID, ...] = (),
    told: tuple[uuid.UUID, ...] = (),
) -> None:
    uow.emit(
        MentorshipChanged(
            mentorship_id=row.id,
            question_id=row.question_id,
            expires_at=row.asked_at + ANSWER_WITHIN if row.asked_at is not None else None,
            asked=asked,
            told=told,
        )
    )


def _but_the_actor(uow: UnitOfWork, *people: uuid.UUID | None) -> tuple[uuid.UUID, ...]:
    concerned = (one for one in dict.fromkeys(people) if one is not None)
    return tuple(one for one in concerned if one != uow.actor.person_id)
