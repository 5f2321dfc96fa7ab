"""Reactions to a shift handover: showing the note, news for its two people, the reminder."""

import uuid

from incidents.engine.effects import RefreshHome
from incidents.engine.plan import Plan
from incidents.engine.reminders import CancelReminder, Remind, ReminderKind
from incidents.handover.effects import ShowHandover, TellOfHandover
from incidents.handover.events import (
    HandoverAnswered,
    HandoverAsked,
    HandoverEvent,
    HandoverRated,
)


def show_note(plan: Plan[HandoverEvent]) -> None:
    """Update the note for both people, and the next person's Home tab, where the shift waits."""
    event = plan.event
    for person_id in (event.successor_id, event.author_id):
        effect = ShowHandover(handover_id=event.handover_id, person_id=person_id)
        key = f"{effect.kind}:{event.handover_id}:{person_id}"
        plan.add(effect, lane=_lane(event, person_id), name=str(person_id), coalesce_key=key)
    home = RefreshHome(person_id=event.successor_id, page=0)
    lane = f"home:{event.successor_id}"
    plan.add(home, lane=lane, coalesce_key=f"{home.kind}:{event.successor_id}:0")


def tell_author(plan: Plan[HandoverEvent]) -> None:
    """Send the author a new message: an edited one notifies nobody."""
    _tell(plan, plan.event.author_id)


def tell_successor(plan: Plan[HandoverEvent]) -> None:
    """Send the next person a new message: an edited one notifies nobody."""
    _tell(plan, plan.event.successor_id)


def tell_mentors(plan: Plan[HandoverRated]) -> None:
    """Tell the mentors of a note's author how it was rated, or correct that; the note shows it to the author."""
    for mentor_id in plan.event.mentors:
        _tell(plan, mentor_id)


def show_answer(plan: Plan[HandoverAnswered]) -> None:
    """Update the question, as its author has it: it shows the answer now."""
    event = plan.event
    effect = TellOfHandover(
        handover_id=event.handover_id,
        person_id=event.author_id,
        what=HandoverAsked.news,
        question_id=event.question_id,
    )
    plan.add(effect, lane=_lane(event, event.author_id), name="asked")


def wait_for_acceptance(plan: Plan[HandoverEvent]) -> None:
    """Set the reminder for an unaccepted note."""
    plan.set_reminder(
        Remind(
            kind=ReminderKind.HANDOVER_UNACCEPTED,
            subject_type="handover",
            subject_id=plan.event.handover_id,
            incident_id=None,
            due_at=plan.now + plan.policy.handover.remind_after,
        )
    )


def stop_waiting(plan: Plan[HandoverEvent]) -> None:
    """Cancel the reminder: the note was accepted or withdrawn."""
    plan.set_reminder(
        CancelReminder(
            kind=ReminderKind.HANDOVER_UNACCEPTED,
            subject_type="handover",
            subject_id=plan.event.handover_id,
        )
    )


def _tell(plan: Plan[HandoverEvent], person_id: uuid.UUID) -> None:
    event = plan.event
    effect = TellOfHandover(
        handover_id=event.handover_id,
        person_id=person_id,
        what=event.news,
        question_id=event.question_id,
    )
    plan.add(effect, lane=_lane(event, person_id))


def _lane(event: HandoverEvent, person_id: uuid.UUID) -> str:
    return f"handover:{event.handover_id}:{person_id}"
