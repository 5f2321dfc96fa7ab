"""Handover of a shift: the author offers a note, the next person accepts it or asks about it.

A handover belongs to no incident. The audit log records that it happened, but not the note.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted, Superseded
from incidents.core.ids import new_id
from incidents.core.people import Person
from incidents.engine.reminders import Again, Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.handover.events import (
    HandoverAccepted,
    HandoverAnswered,
    HandoverAsked,
    HandoverEvent,
    HandoverOffered,
    HandoverRated,
    HandoverUnaccepted,
    HandoverUndelivered,
    HandoverWaiting,
    HandoverWithdrawn,
)
from incidents.handover.tables import (
    Handover,
    HandoverQuestion,
    HandoverStatus,
    NoteRating,
    find_pending_handover,
)
from incidents.people.assignable import Named, get_acting_member, get_assignable, get_person
from incidents.policy.policy import Action
from incidents.record.audit_log import AuditKind, audit
from incidents.rights.stages import mentors_of
from incidents.storage.database import trimmed

EXAMPLE = "handover @alice"
MAX_SECTION = 3000
MAX_QUESTION = 1000

# The second step of the reminder; the first goes to the next person.
STEP_AUTHOR = 1


async def get_successor(uow: UnitOfWork, named: Named) -> Person:
    """Return the person who takes over the shift. Raises: NotPermitted; InvalidInput."""
    await uow.permit(Action.HAND_OVER_SHIFT)
    author = await get_acting_member(uow, Action.HAND_OVER_SHIFT)
    try:
        person = await get_assignable(uow, named)
    except InvalidInput as error:
        raise InvalidInput("next_person", error.problem, EXAMPLE) from None
    if person.id == author.id:
        raise InvalidInput("next_person", "yourself", EXAMPLE)
    return person


async def name_successor(uow: UnitOfWork, named: Named) -> Outcome:
    """Check who takes over the shift, so that a note can be drafted for them.

    Raises: as `get_successor`.
    """
    person = await get_successor(uow, named)
    return Outcome("successor_named", None, {"person_id": str(person.id)})


async def offer_handover(uow: UnitOfWork, named: Named, *, sections: Mapping[str, str]) -> Outcome:
    """Offer the note to the next person; this withdraws an earlier pending one.

    Raises: as `get_successor`; InvalidInput for an empty note.
    """
    person = await get_successor(uow, named)
    author = await get_acting_member(uow, Action.HAND_OVER_SHIFT)
    kept = {key: trimmed(text)[:MAX_SECTION] for key, text in sections.items()}
    kept = {key: text for key, text in kept.items() if text}
    if not kept:
        raise InvalidInput("words", "empty", "")
    earlier = await find_pending_handover(uow.session, author.id)
    if earlier is not None:
        await _withdraw(uow, earlier)
    handover = Handover(
        id=new_id(),
        workspace_id=uow.workspace_id,
        from_person_id=author.id,
        to_person_id=person.id,
        status=HandoverStatus.PENDING,
        sections=kept,
        created_at=uow.now,
    )
    uow.session.add(handover)
    await audit(uow, AuditKind.HANDOVER_OFFERED, _content(handover, person), subject_id=person.id)
    _emit(uow, HandoverOffered, handover)
    data = {"handover_id": str(handover.id), "to": person.name, "external_id": person.external_id}
    return Outcome("handover_offered", None, data)


async def accept_handover(uow: UnitOfWork, handover_id: uuid.UUID) -> Outcome:
    """Accept the note; the shift is now the actor's.

    Raises: NotPermitted for others; Superseded once withdrawn; AlreadySo once accepted.
    """
    handover = await _get(uow, handover_id)
    await _check_is(uow, handover.to_person_id)
    if handover.status == HandoverStatus.ACCEPTED:
        raise AlreadySo("this on-call handover", "accepted")
    await _check_pending(uow, handover)
    handover.status, handover.settled_at = HandoverStatus.ACCEPTED, uow.now
    author = await get_person(uow, handover.from_person_id)
    await audit(uow, AuditKind.HANDOVER_ACCEPTED, _content(handover, author), subject_id=author.id)
    _emit(uow, HandoverAccepted, handover)
    _settle_reminder(uow, handover)
    return Outcome("handover_accepted", None, {"from": author.name})


async def withdraw_handover(uow: UnitOfWork, handover_id: uuid.UUID) -> Outcome:
    """Withdraw the note before it is accepted.

    Raises: NotPermitted for anybody but its author; Superseded once accepted or withdrawn.
    """
    handover = await _get(uow, handover_id)
    await _check_is(uow, handover.from_person_id)
    await _check_pending(uow, handover)
    await _withdraw(uow, handover)
    return Outcome("handover_withdrawn", None, {})


async def ask_about_handover(uow: UnitOfWork, handover_id: uuid.UUID, *, text: str) -> Outcome:
    """Ask the author about the note, before or after accepting it.

    Raises: NotPermitted for anybody but the next person; Superseded once withdrawn; InvalidInput.
    """
    handover = await _get(uow, handover_id)
    await _check_is(uow, handover.to_person_id)
    if handover.status == HandoverStatus.WITHDRAWN:
        raise Superseded("handover_withdrawn")
    asked = trimmed(text)[:MAX_QUESTION]
    if not asked:
        raise InvalidInput("text", "empty", "")
    question = HandoverQuestion(id=new_id(), handover_id=handover.id, text=asked, asked_at=uow.now)
    uow.session.add(question)
    _emit(uow, HandoverAsked, handover, question_id=question.id)
    return Outcome("handover_asked", None, {"question_id": str(question.id)})


async def answer_question(uow: UnitOfWork, question_id: uuid.UUID, *, text: str) -> Outcome:
    """Answer a question of the next person; a second answer replaces the first.

    Raises: NotPermitted for anybody but the author; Superseded; InvalidInput.
    """
    question = await uow.session.get(HandoverQuestion, question_id, with_for_update=True)
    if question is None:
        raise Superseded("handover_withdrawn")
    handover = await _get(uow, question.handover_id)
    await _check_is(uow, handover.from_person_id)
    said = trimmed(text)[:MAX_QUESTION]
    if not said:
        raise InvalidInput("text", "empty", "")
    question.answer, question.answered_at = said, uow.now
    _emit(uow, HandoverAnswered, handover, question_id=question.id)
    return Outcome("handover_answered", None, {})


async def rate_handover(uow: UnitOfWork, handover_id: uuid.UUID, *, rating: NoteRating) -> Outcome:
    """Store whether the accepted note was enough; it can be changed, and is on no log.

    Its author sees it under the note, and their mentors are told.

    Raises: NotPermitted for anybody but the next person; Superseded unless they accepted it.
    """
    handover = await _get(uow, handover_id)
    await _check_is(uow, handover.to_person_id)
    if handover.status != HandoverStatus.ACCEPTED:
        raise Superseded("handover_withdrawn")
    if handover.rating != rating:
        handover.rating, handover.rated_at = rating.value, uow.now
        author_id = handover.from_person_id
        mentors = await mentors_of(
            uow.session, workspace_id=uow.workspace_id, person_id=author_id, policy=uow.policy
        )
        uow.emit(
            HandoverRated(
                handover_id=handover.id,
                author_id=author_id,
                successor_id=handover.to_person_id,
                mentors=tuple(one for one in mentors if one != handover.to_person_id),
            )
        )
    return Outcome("handover_rated", None, {})


async def remind_of_handover(uow: UnitOfWork, reminder: Reminder) -> Again | None:
    """Remind the next person once of an unaccepted note; later tell its author once."""
    handover = await uow.session.get(Handover, reminder.subject_id, with_for_update=True)
    if handover is None or handover.status != HandoverStatus.PENDING:
        return None
    # If the bot was away past both times, only the author's message still fits.
    author_at = handover.created_at + 2 * uow.policy.handover.remind_after
    if reminder.step == STEP_AUTHOR or uow.now >= author_at:
        _emit(uow, HandoverUnaccepted, handover)
        return None
    handover.reminded_at = uow.now
    _emit(uow, HandoverWaiting, handover)
    return Again(due_at=author_at, step=STEP_AUTHOR)


async def mark_undelivered(uow: UnitOfWork, handover_id: uuid.UUID, *, error: str) -> None:
    """Record that the note can't reach the next person, and tell its author."""
    handover = await uow.session.get(Handover, handover_id, with_for_update=True)
    if handover is None or handover.delivery_error is not None:
        return
    handover.delivery_error = error
    _emit(uow, HandoverUndelivered, handover)


async def _get(uow: UnitOfWork, handover_id: uuid.UUID) -> Handover:
    row = await uow.session.get(Handover, handover_id, with_for_update=True, populate_existing=True)
    if row is None or row.workspace_id != uow.workspace_id:
        raise Superseded("handover_withdrawn")
    return row


async def _check_is(uow: UnitOfWork, person_id: uuid.UUID) -> None:
    if uow.actor.person_id != person_id:
        person = await get_person(uow, person_id)
        raise NotPermitted(Action.HAND_OVER_SHIFT, needs=person.name)


async def _check_pending(uow: UnitOfWork, handover: Handover) -> None:
    if handover.status != HandoverStatus.PENDING:
        person = await get_person(uow, handover.to_person_id)
        raise Superseded(f"handover_{handover.status}", by=person.name)


async def _withdraw(uow: UnitOfWork, handover: Handover) -> None:
    handover.status, handover.settled_at = HandoverStatus.WITHDRAWN, uow.now
    # Flush now: if the next note were written first, the unique index would refuse it.
    await uow.flush()
    _emit(uow, HandoverWithdrawn, handover)
    _settle_reminder(uow, handover)


def _content(handover: Handover, other: Person) -> dict[str, Any]:
    """Return what the audit log records: the handover and the other person."""
    return {"handover_id": handover.id, "person_id": other.id, "person_name": other.name}


def _settle_reminder(uow: UnitOfWork, handover: Handover) -> None:
    """Update the reminder with how the note was settled, if the next person got one."""
    if handover.reminded_at is not None:
        _emit(uow, HandoverWaiting, handover)


def _emit(
    uow: UnitOfWork,
    event_type: type[HandoverEvent],
    handover: Handover,
    *,
    question_id: uuid.UUID | None = None,
) -> None:
    uow.emit(
        event_type(
            handover_id=handover.id,
            author_id=handover.from_person_id,
            successor_id=handover.to_person_id,
            question_id=question_id,
        )
    )
