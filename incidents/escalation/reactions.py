"""What follows from entries about escalations; `FOLLOW_UPS` says which entry has which."""

import uuid
from datetime import datetime
from typing import Any

from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind
from incidents.escalation.effects import CallForEscalation, RefreshEscalationCard
from incidents.policy.policy import COMMANDER

_SUBJECT = "escalation"


def show_escalation(plan: IncidentPlan[Any]) -> None:
    """The escalation's one card in the channel shows how it stands."""
    escalation_id = _escalation_id(plan)
    if escalation_id is None:
        return
    effect = RefreshEscalationCard(incident_id=plan.facts.incident_id, escalation_id=escalation_id)
    plan.add(
        effect,
        lane="escalations",
        after=plan.channel_gate,
        coalesce_key=f"{effect.kind}:{escalation_id}",
    )


def call_people(plan: IncidentPlan[Any]) -> None:
    """Whoever is called gets the packet directly, and is brought into the channel."""
    escalation_id = _escalation_id(plan)
    content = plan.entry.content or {}
    if escalation_id is None:
        return
    for person in content.get("people", ()):
        person_id = uuid.UUID(person["id"])
        effect = CallForEscalation(
            incident_id=plan.facts.incident_id,
            escalation_id=escalation_id,
            call_id=uuid.UUID(person["call_id"]),
            person_id=person_id,
        )
        plan.add(effect, lane=f"dm:{person_id}", name=person["call_id"])
        plan.invite(person_id)


def wait_for_answer(plan: IncidentPlan[Any]) -> None:
    """Nobody on it in time: the next step is called."""
    escalation_id = _escalation_id(plan)
    due_at = (plan.entry.content or {}).get("due_at")
    if escalation_id is None or not due_at:
        return
    plan.remind(
        ReminderKind.ESCALATION_UNANSWERED,
        after=datetime.fromisoformat(due_at) - plan.facts.now,
        subject_type=_SUBJECT,
        subject_id=escalation_id,
    )


def stop_waiting(plan: IncidentPlan[Any]) -> None:
    """Somebody is on it, or nobody is left to call: the ladder stands still."""
    escalation_id = _escalation_id(plan)
    if escalation_id is not None:
        plan.cancel(
            ReminderKind.ESCALATION_UNANSWERED, subject_type=_SUBJECT, subject_id=escalation_id
        )


def ask_later(plan: IncidentPlan[Any]) -> None:
    """Whoever is on it is asked about the packet, but not while they begin to work."""
    escalation_id = _escalation_id(plan)
    if escalation_id is not None:
        plan.remind(
            ReminderKind.PACKET_UNRATED,
            after=plan.policy.escalation.rating_after,
            subject_type=_SUBJECT,
            subject_id=escalation_id,
        )


def bring_in_responder(plan: IncidentPlan[Any]) -> None:
    """Whoever is on it is brought into the channel."""
    plan.invite(_person_in(plan, "person"))


def tell_author(plan: IncidentPlan[Any]) -> None:
    """The author hears directly of what became of it, unless it was their own doing."""
    author_id = _person_in(plan, "author")
    if author_id != plan.entry.actor_id:
        plan.tell(author_id)


def tell_asker(plan: IncidentPlan[Any]) -> None:
    """Who had asked for more hears directly that it is there, unless it was their own doing."""
    asker_id = _person_in(plan, "asked_by")
    if asker_id != plan.entry.actor_id:
        plan.tell(asker_id)


def alarm(plan: IncidentPlan[Any]) -> None:
    """Nobody answered: the commander and the author hear of it directly, besides the channel."""
    wanted = (plan.facts.find_holder(COMMANDER), _person_in(plan, "author"))
    for person_id in dict.fromkeys(wanted):
        plan.tell(person_id)


def _escalation_id(plan: IncidentPlan[Any]) -> uuid.UUID | None:
    text = (plan.entry.content or {}).get("escalation_id")
    return uuid.UUID(text) if text else None


def _person_in(plan: IncidentPlan[Any], name: str) -> uuid.UUID | None:
    found = (plan.entry.content or {}).get(name)
    return uuid.UUID(found["id"]) if found and found.get("id") else None
