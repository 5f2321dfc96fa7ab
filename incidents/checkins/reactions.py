"""What follows from check-ins: people are asked, boxes open and end."""

import uuid
from datetime import timedelta
from typing import Any

from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind
from incidents.policy.policy import COMMANDER


def ask_person(plan: IncidentPlan[Any]) -> None:
    """Whoever is asked to check something hears of it directly, and is brought in."""
    person_id = uuid.UUID((plan.entry.content or {})["person_id"])
    plan.tell(person_id)
    plan.invite(person_id)


def open_box(plan: IncidentPlan[Any]) -> None:
    """At the end of a check-in's time box it is asked how it went."""
    content = plan.entry.content or {}
    plan.remind(
        ReminderKind.CHECKIN_DUE,
        after=timedelta(seconds=content["box_seconds"]),
        subject_type="checkin",
        subject_id=uuid.UUID(content["checkin_id"]),
    )


def ask_how_it_went(plan: IncidentPlan[Any]) -> None:
    """At the end of the box the person and the commander are asked, directly."""
    person_id = uuid.UUID((plan.entry.content or {})["person_id"])
    for asked in dict.fromkeys((person_id, plan.facts.find_holder(COMMANDER))):
        plan.tell(asked)


def open_next_box(plan: IncidentPlan[Any]) -> None:
    """More time opens the next box; an answer ends the check-in."""
    content = plan.entry.content or {}
    if content.get("answer") == "more_time":
        open_box(plan)
        return
    plan.cancel(
        ReminderKind.CHECKIN_DUE,
        subject_type="checkin",
        subject_id=uuid.UUID(content["checkin_id"]),
    )


def tell_of_answer(plan: IncidentPlan[Any]) -> None:
    """Somebody stuck is worth a direct word to the commander and to who had asked."""
    content = plan.entry.content or {}
    if content.get("answer") != "stuck":
        return
    asked_by = content.get("asked_by_id")
    wanted = (plan.facts.find_holder(COMMANDER), uuid.UUID(asked_by) if asked_by else None)
    for person_id in dict.fromkeys(wanted):
        if person_id is not None and person_id != plan.entry.actor_id:
            plan.tell(person_id)
