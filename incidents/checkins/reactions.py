"""What follows from check-ins: people are asked, boxes open and end."""

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
    """The person who is asked hears of it directly, and is brought in."""
    plan.tell(plan.event.person.id)
    plan.invite(plan.event.person.id)


def open_box(plan: IncidentPlan[CheckinEntry]) -> None:
    """At the end of a check-in's time box it is asked how it went."""
    plan.remind(
        ReminderKind.CHECKIN_DUE,
        after=plan.event.box,
        subject_type=_SUBJECT,
        subject_id=plan.event.checkin_id,
    )


def ask_how_it_went(plan: IncidentPlan[CheckinDue]) -> None:
    """At the end of the box the person and the commander are asked, directly."""
    for asked in dict.fromkeys((plan.event.person.id, plan.facts.find_holder(COMMANDER))):
        plan.tell(asked)


def open_next_box(plan: IncidentPlan[CheckinAnswered]) -> None:
    """More time opens the next box; an answer ends the check-in."""
    if plan.event.answer == CheckinAnswer.MORE_TIME:
        open_box(plan)
        return
    plan.cancel(ReminderKind.CHECKIN_DUE, subject_type=_SUBJECT, subject_id=plan.event.checkin_id)


def tell_of_answer(plan: IncidentPlan[CheckinAnswered]) -> None:
    """If somebody is stuck, the commander and the person who asked hear of it directly."""
    if plan.event.answer != CheckinAnswer.STUCK:
        return
    wanted = (plan.facts.find_holder(COMMANDER), plan.event.asked_by_id)
    for person_id in dict.fromkeys(wanted):
        if person_id != plan.entry.actor_id:
            plan.tell(person_id)
