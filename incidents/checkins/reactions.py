"""Reactions to check-ins: ask people, and open and end time boxes."""

from incidents.checkins.entries import (
    CheckinAnswer,
    CheckinAnswered,
    CheckinAsked,
    CheckinDue,
    CheckinEntry,
)
from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind
from incidents.policy.policy import COMMANDER

_SUBJECT = "checkin"


def ask_person(plan: IncidentPlan[CheckinAsked]) -> None:
    """Ask the person under the status card, or directly if they aren't in the channel."""
    plan.log()
    plan.tell_absent(plan.event.person.id)
    plan.invite(plan.event.person.id)


def open_box(plan: IncidentPlan[CheckinEntry]) -> None:
    """Set the reminder that asks how it went at the end of the time box."""
    plan.remind(
        ReminderKind.CHECKIN_DUE,
        after=plan.event.box,
        subject_type=_SUBJECT,
        subject_id=plan.event.checkin_id,
    )


def ask_how_it_went(plan: IncidentPlan[CheckinDue]) -> None:
    """Ask the person and the commander at the end of the box, directly if they aren't there."""
    plan.log()
    for asked in dict.fromkeys((plan.event.person.id, plan.facts.find_holder(COMMANDER))):
        plan.tell_absent(asked)


def open_next_box(plan: IncidentPlan[CheckinAnswered]) -> None:
    """Open the next box if the answer asks for more time; any other answer ends the check-in."""
    if plan.event.answer == CheckinAnswer.MORE_TIME:
        open_box(plan)
        return
    plan.cancel(ReminderKind.CHECKIN_DUE, subject_type=_SUBJECT, subject_id=plan.event.checkin_id)


def tell_of_answer(plan: IncidentPlan[CheckinAnswered]) -> None:
    """Say how it went; if somebody is stuck, aloud, and to the commander and the asker."""
    is_stuck = plan.event.answer == CheckinAnswer.STUCK
    plan.log(is_broadcast=is_stuck)
    if not is_stuck:
        return
    wanted = (plan.facts.find_holder(COMMANDER), plan.event.asked_by_id)
    for person_id in dict.fromkeys(wanted):
        if person_id != plan.entry.actor_id:
            plan.tell_absent(person_id)
