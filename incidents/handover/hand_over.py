"""The on-call handoff: the note of a shift is put to the next person, who accepts it or asks.

It is an agreement of two people and belongs to no incident: the audit log says that there was
one, and nothing of what the note says.
"""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted, Superseded
from incidents.core.ids import new_id
from incidents.core.people import Person, PersonKind
from incidents.engine.effects import Effect
from incidents.engine.outbox import Planned
from incidents.engine.reminders import CancelReminder, Remind, Reminder, ReminderKind, apply_changes
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.handover.tables import (
    Handover,
    HandoverQuestion,
    HandoverStatus,
    find_pending_handover,
)
from incidents.learning.effects import ShowHandover, TellOfHandover
from incidents.people.assignable import Named, get_assignable, get_person
from incidents.policy.policy import Action
from incidents.record.audit_log import AuditKind, audit
from incidents.storage.database import storable

EXAMPLE = "handover @alice"
MAX_SECTION = 3000
MAX_QUESTION = 1000

# The steps of the reminder: the next person first, then whoever wrote the note.
STEP_SUCCESSOR, STEP_AUTHOR = 0, 1


async def get_successor(uow: UnitOfWork, named: Named) -> Person:
    """Return the person who takes over the shift. Raises: NotPermitted; InvalidInput."""
    await uow.permit(Action.HAND_OVER_SHIFT)
    author = await _acting_member(uow)
    try:
        person = await get_assignable(uow, named)
    except InvalidInput as error:
        raise InvalidInput("next_person", error.problem, EXAMPLE) from None
    if person.id == author.id:
        raise InvalidInput("next_person", "yourself", EXAMPLE)
    return person


async def name_successor(uow: UnitOfWork, named: Named) -> Outcome:
    """Say who takes over the shift, so that the note can be drafted for them.

    Raises: as `get_successor`.
    """
    person = await get_successor(uow, named)
    return Outcome("successor_named", None, {"person_id": str(person.id)})


async def offer_handover(uow: UnitOfWork, named: Named, *, sections: Mapping[str, str]) -> Outcome:
    """Put the note to the next person; an earlier one that waits is withdrawn.

    Raises: as `get_successor`; InvalidInput for an empty note.
    """
    person = await get_successor(uow, named)
    author = await _acting_member(uow)
    kept = {key: storable(text).strip()[:MAX_SECTION] for key, text in sections.items()}
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
    await uow.flush()
    await audit(uow, AuditKind.HANDOVER_OFFERED, _content(handover, person), subject_id=person.id)
    await _show(uow, handover)
    await _remind(uow, handover, step=STEP_SUCCESSOR)
    data = {"handover_id": str(handover.id), "to": person.name, "external_id": person.external_id}
    return Outcome("handover_offered", None, data)


async def accept_handover(uow: UnitOfWork, handover_id: uuid.UUID) -> Outcome:
    """Accept the note: the shift is the next person's from now on.

    Raises: NotPermitted for others; Superseded when it is over; AlreadySo when it is accepted.
    """
    handover = await _get(uow, handover_id)
    await _check_is(uow, handover.to_person_id)
    if handover.status == HandoverStatus.ACCEPTED:
        raise AlreadySo("this on-call handoff", "accepted")
    await _check_pending(uow, handover)
    handover.status, handover.settled_at = HandoverStatus.ACCEPTED, uow.now
    await uow.flush()
    author = await get_person(uow, handover.from_person_id)
    await audit(uow, AuditKind.HANDOVER_ACCEPTED, _content(handover, author), subject_id=author.id)
    await _cancel_reminder(uow, handover)
    await _show(uow, handover)
    await _settle_reminder(uow, handover)
    await _tell(uow, handover, handover.from_person_id, what="accepted")
    return Outcome("handover_accepted", None, {"from": author.name})


async def withdraw_handover(uow: UnitOfWork, handover_id: uuid.UUID) -> Outcome:
    """Take the note back before it is accepted.

    Raises: NotPermitted for others than its author; Superseded when it is over.
    """
    handover = await _get(uow, handover_id)
    await _check_is(uow, handover.from_person_id)
    await _check_pending(uow, handover)
    await _withdraw(uow, handover)
    return Outcome("handover_withdrawn", None, {})


async def ask_about_handover(uow: UnitOfWork, handover_id: uuid.UUID, *, text: str) -> Outcome:
    """Ask the author about the note, before or after accepting it.

    Raises: NotPermitted for others than the next person; Superseded once withdrawn; InvalidInput.
    """
    handover = await _get(uow, handover_id)
    await _check_is(uow, handover.to_person_id)
    if handover.status == HandoverStatus.WITHDRAWN:
        raise Superseded("handover_withdrawn")
    asked = storable(text).strip()[:MAX_QUESTION]
    if not asked:
        raise InvalidInput("text", "empty", "")
    question = HandoverQuestion(id=new_id(), handover_id=handover.id, text=asked, asked_at=uow.now)
    uow.session.add(question)
    await uow.flush()
    await _tell(uow, handover, handover.from_person_id, what="asked", question_id=question.id)
    await _show(uow, handover)
    return Outcome("handover_asked", None, {"question_id": str(question.id)})


async def answer_question(uow: UnitOfWork, question_id: uuid.UUID, *, text: str) -> Outcome:
    """Answer what the next person asked; answering again replaces it.

    Raises: NotPermitted for others than the author; Superseded; InvalidInput.
    """
    question = await uow.session.get(HandoverQuestion, question_id, with_for_update=True)
    if question is None:
        raise Superseded("handover_withdrawn")
    handover = await _get(uow, question.handover_id)
    await _check_is(uow, handover.from_person_id)
    said = storable(text).strip()[:MAX_QUESTION]
    if not said:
        raise InvalidInput("text", "empty", "")
    question.answer, question.answered_at = said, uow.now
    await uow.flush()
    await _tell(uow, handover, handover.to_person_id, what="answered", question_id=question.id)
    # The question, as its author has it, shows the answer from now on.
    await _tell(uow, handover, handover.from_person_id, what="asked", question_id=question.id)
    await _show(uow, handover)
    return Outcome("handover_answered", None, {})


async def remind_of_handover(uow: UnitOfWork, reminder: Reminder) -> None:
    """Remind the next person of a note that isn't accepted; later tell its author, once each."""
    handover = await uow.session.get(Handover, reminder.subject_id, with_for_update=True)
    if handover is None or handover.status != HandoverStatus.PENDING:
        return
    # Away for longer than both waits: only what is right now is said, to the author.
    is_late = uow.now - handover.created_at >= 2 * uow.policy.handover.remind_after
    if reminder.step == STEP_AUTHOR or is_late:
        await _tell(uow, handover, handover.from_person_id, what="unaccepted")
        return
    handover.reminded_at = uow.now
    await _tell(uow, handover, handover.to_person_id, what="reminder")
    await _remind(uow, handover, step=STEP_AUTHOR)


async def mark_undelivered(uow: UnitOfWork, handover_id: uuid.UUID, *, error: str) -> None:
    """Keep that the note can't reach the next person, and let its author know."""
    handover = await uow.session.get(Handover, handover_id, with_for_update=True)
    if handover is None or handover.delivery_error is not None:
        return
    handover.delivery_error = error
    await uow.flush()
    await _tell(uow, handover, handover.from_person_id, what="undelivered")


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


async def _acting_member(uow: UnitOfWork) -> Person:
    if uow.actor.person_id is None or uow.actor.person_kind is not PersonKind.MEMBER:
        raise NotPermitted(Action.HAND_OVER_SHIFT, needs="member")
    # Locked, so that two requests of one person at once come one after the other; what others
    # record of them meanwhile doesn't wait.
    return await uow.session.get_one(
        Person, uow.actor.person_id, with_for_update={"key_share": True}
    )


async def _withdraw(uow: UnitOfWork, handover: Handover) -> None:
    handover.status, handover.settled_at = HandoverStatus.WITHDRAWN, uow.now
    # At once: the index would refuse the next note if it were written first.
    await uow.flush()
    await _cancel_reminder(uow, handover)
    await _show(uow, handover)
    await _settle_reminder(uow, handover)


def _content(handover: Handover, other: Person) -> dict[str, Any]:
    """Return what the audit log says: that it happened, between whom."""
    return {"handover_id": handover.id, "person_id": other.id, "person_name": other.name}


async def _show(uow: UnitOfWork, handover: Handover) -> None:
    for person_id in (handover.to_person_id, handover.from_person_id):
        effect = ShowHandover(handover_id=handover.id, person_id=person_id)
        once = f"{effect.kind}:{handover.id}:{person_id}"
        await uow.add_effects([_planned(handover, person_id, effect, once=once)])


async def _settle_reminder(uow: UnitOfWork, handover: Handover) -> None:
    """Have the reminder of a note that is settled say how, if the next person was reminded."""
    if handover.reminded_at is not None:
        await _tell(uow, handover, handover.to_person_id, what="reminder")


async def _tell(
    uow: UnitOfWork,
    handover: Handover,
    person_id: uuid.UUID,
    *,
    what: str,
    question_id: uuid.UUID | None = None,
) -> None:
    effect = TellOfHandover(
        handover_id=handover.id, person_id=person_id, what=what, question_id=question_id
    )
    await uow.add_effects([_planned(handover, person_id, effect)])


def _planned(
    handover: Handover, person_id: uuid.UUID, effect: Effect, *, once: str | None = None
) -> Planned:
    lane = f"handover:{handover.id}:{person_id}"
    return Planned(id=new_id(), effect=effect, lane=lane, coalesce_key=once)


async def _remind(uow: UnitOfWork, handover: Handover, *, step: int) -> None:
    waits: timedelta = (step + 1) * uow.policy.handover.remind_after
    await uow.remind(
        Remind(
            kind=ReminderKind.HANDOVER_UNACCEPTED,
            subject_type="handover",
            subject_id=handover.id,
            incident_id=None,
            due_at=handover.created_at + waits,
            step=step,
        )
    )


async def _cancel_reminder(uow: UnitOfWork, handover: Handover) -> None:
    cancel = CancelReminder(
        kind=ReminderKind.HANDOVER_UNACCEPTED, subject_type="handover", subject_id=handover.id
    )
    await apply_changes(uow.session, [cancel], workspace_id=uow.workspace_id, now=uow.now)
