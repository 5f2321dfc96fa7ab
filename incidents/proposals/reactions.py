"""Reactions to entries about proposals; the registry says which entry has which."""

import uuid
from datetime import datetime
from typing import Any

from incidents.core.ids import derived_id
from incidents.engine.outbox import Planned
from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind
from incidents.policy.policy import COMMANDER
from incidents.policy.proposals import Need
from incidents.proposals.effects import RefreshProposal, RefreshProposalOfEntry

_SUBJECT = "proposal"
_POLL = "objection_poll"


def put_proposal(plan: IncidentPlan[Any]) -> None:
    """Show a proposal as one card in the channel; set the timers for asking again and expiring."""
    show_proposal(plan)
    content = plan.entry.content or {}
    if content.get("needs", Need.NOBODY) != Need.NOBODY:
        wait = plan.policy.proposals.wait_at(plan.facts.severity_key)
        _remind(plan, ReminderKind.PROPOSAL_UNANSWERED, plan.facts.now + wait)
    else:
        _cancel(plan, ReminderKind.PROPOSAL_UNANSWERED)
    _remind_of_end(plan)


def follow_answer(plan: IncidentPlan[Any]) -> None:
    """On an answer, stop asking, update the card, and tell the requester."""
    show_proposal(plan)
    _cancel(plan, ReminderKind.PROPOSAL_UNANSWERED)
    _remind_of_end(plan)
    _tell_requester(plan)


def follow_end(plan: IncidentPlan[Any]) -> None:
    """When a proposal is over, remove its buttons and timers, and tell the requester."""
    _end_quietly(plan)
    _tell_requester(plan)


def follow_expiry(plan: IncidentPlan[Any]) -> None:
    """Post that a proposal expired; if it ended with its incident, only update the card."""
    if (plan.entry.content or {}).get("is_incident_over"):
        _end_quietly(plan)
        return
    plan.post()
    follow_end(plan)


def follow_break_glass(plan: IncidentPlan[Any]) -> None:
    """When somebody goes ahead without approval, stop asking, and later ask for the result.

    `break_glass` plans the other notifications itself.
    """
    _end_quietly(plan)
    after = plan.policy.proposals.expires_after
    _remind(plan, ReminderKind.RESULT_MISSING, plan.facts.now + after)


def ask_for_result(plan: IncidentPlan[Any]) -> None:
    """Ask the person who went ahead directly for the result."""
    person = (plan.entry.content or {}).get("person") or {}
    if person.get("id"):
        plan.tell(uuid.UUID(person["id"]))


def erase_words(plan: IncidentPlan[Any]) -> None:
    """Erase a proposal's redacted words from every copy."""
    if plan.entry.target_id is None:
        return
    effect = RefreshProposalOfEntry(
        incident_id=plan.facts.incident_id, entry_id=plan.entry.target_id
    )
    plan.add(effect, lane="proposals")


def say_unanswered(plan: IncidentPlan[Any]) -> None:
    """Post in the channel that nobody answers, unless the escalation's card says so."""
    if not (plan.entry.content or {}).get("is_escalated"):
        plan.post()


def ask_again(plan: IncidentPlan[Any]) -> None:
    """Ask again after an approval that no longer counts."""
    put_proposal(plan)
    _tell_requester(plan)


def open_poll(plan: IncidentPlan[Any]) -> None:
    """Show a poll for objections on the card, and set the timer that ends it."""
    show_proposal(plan)
    content = plan.entry.content or {}
    until = datetime.fromisoformat(content["until"])
    plan.remind(
        ReminderKind.OBJECTIONS_END,
        after=until - plan.facts.now,
        subject_type=_POLL,
        subject_id=uuid.UUID(content["poll_id"]),
    )


def tell_of_objection(plan: IncidentPlan[Any]) -> None:
    """Show an objection on the card, and tell the commander and the requester directly."""
    show_proposal(plan)
    requester = ((plan.entry.content or {}).get("requester") or {}).get("id")
    wanted = (plan.facts.find_holder(COMMANDER), uuid.UUID(requester) if requester else None)
    for person_id in dict.fromkeys(wanted):
        if person_id is not None and person_id != plan.entry.actor_id:
            plan.tell(person_id)


def show_proposal(plan: IncidentPlan[Any]) -> None:
    """Update the proposal's card in the channel."""
    proposal_id = _proposal_id(plan)
    if proposal_id is None:
        return
    effect = RefreshProposal(incident_id=plan.facts.incident_id, proposal_id=proposal_id)
    plan.effects.append(
        Planned(
            id=derived_id(plan.entry.id, f"{effect.kind}:{proposal_id}:channel"),
            effect=effect,
            lane=f"{plan.facts.incident_id}:channel",
            after_effect_id=plan.channel_gate,
            coalesce_key=f"{effect.kind}:{proposal_id}:channel",
            entry_id=plan.entry.id,
        )
    )


def _end_quietly(plan: IncidentPlan[Any]) -> None:
    show_proposal(plan)
    _cancel(plan, ReminderKind.PROPOSAL_UNANSWERED)
    _cancel(plan, ReminderKind.PROPOSAL_EXPIRES)
    _cancel(plan, ReminderKind.RESULT_MISSING)


def _remind_of_end(plan: IncidentPlan[Any]) -> None:
    expires_at = (plan.entry.content or {}).get("expires_at")
    if expires_at:
        _remind(plan, ReminderKind.PROPOSAL_EXPIRES, datetime.fromisoformat(expires_at))
    else:
        _cancel(plan, ReminderKind.PROPOSAL_EXPIRES)


def _tell_requester(plan: IncidentPlan[Any]) -> None:
    requester = (plan.entry.content or {}).get("requester") or {}
    if requester.get("id") and requester["id"] != str(plan.entry.actor_id):
        plan.tell(uuid.UUID(requester["id"]))


def _remind(plan: IncidentPlan[Any], kind: ReminderKind, due_at: datetime) -> None:
    proposal_id = _proposal_id(plan)
    if proposal_id is not None:
        plan.remind(
            kind, after=due_at - plan.facts.now, subject_type=_SUBJECT, subject_id=proposal_id
        )


def _cancel(plan: IncidentPlan[Any], kind: ReminderKind) -> None:
    proposal_id = _proposal_id(plan)
    if proposal_id is not None:
        plan.cancel(kind, subject_type=_SUBJECT, subject_id=proposal_id)


def _proposal_id(plan: IncidentPlan[Any]) -> uuid.UUID | None:
    text = (plan.entry.content or {}).get("proposal_id")
    return uuid.UUID(text) if text else None
