"""Reactions to what happens to escalations, and the facts that they need."""

import uuid
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import ActorKind
from incidents.core.sentences import Who
from incidents.engine.plan import FeatureEvent, IncidentPlan, Thread
from incidents.engine.posted_messages import ESCALATION_CARD
from incidents.engine.reminders import ReminderKind
from incidents.engine.rules import Recorded
from incidents.escalation.effects import (
    CallForEscalation,
    LookUpCallees,
    RefreshEscalationCall,
    RefreshEscalationCard,
)
from incidents.escalation.entries import (
    ENTRIES,
    AboutEscalation,
    Answer,
    Escalated,
    EscalationCalled,
    EscalationCompleted,
    EscalationExhausted,
    EscalationTaken,
    EscalationWithdrawn,
)
from incidents.escalation.events import CallNoted, EscalatedChanged, NextStepTimed
from incidents.escalation.tables import Escalation, EscalationCall, EscalationStatus
from incidents.incident.entries import MovedToPrivate, StatusChanged
from incidents.incident.facts import CallFact, EscalationFact, Facts
from incidents.incident.payload import Payload
from incidents.incident.role_entries import CommanderChanged, RoleAssigned, RoleEnded
from incidents.people.entries import SightEnded, SightTakenBack
from incidents.policy.policy import COMMANDER
from incidents.record.entries import Redacted, Revealed

SUBJECT: Final = "escalation"
RoleMoved = RoleAssigned | RoleEnded | CommanderChanged
# After anything else the messages that called somebody read as before.
_LOOKED_AT: Final = frozenset(
    {one.kind for one in ENTRIES} | {"page_declined", "called_person_came"}
) - {
    Escalated.kind,
    EscalationCalled.kind,
} | {
    StatusChanged.kind,
    RoleAssigned.kind,
    RoleEnded.kind,
    CommanderChanged.kind,
    MovedToPrivate.kind,
    SightEnded.kind,
    SightTakenBack.kind,
    Redacted.kind,
}


async def add_escalations(session: AsyncSession, facts: Facts, recorded: Recorded) -> Facts:
    """Return the facts plus the incident's escalations, if their messages may have to change."""
    if _LOOKED_AT.isdisjoint(recorded.kinds) and EscalatedChanged not in recorded.events:
        return facts
    query = (
        select(Escalation, EscalationCall)
        .outerjoin(EscalationCall, EscalationCall.escalation_id == Escalation.id)
        .where(Escalation.incident_id == facts.incident_id)
        .order_by(Escalation.number, EscalationCall.called_at, EscalationCall.id)
    )
    found: dict[uuid.UUID, EscalationFact] = {}
    for escalation, call in await session.execute(query):
        calls = found[escalation.id].calls if escalation.id in found else ()
        if call is not None:
            calls = (*calls, CallFact(call.id, call.person_id))
        found[escalation.id] = EscalationFact(
            id=escalation.id,
            is_unanswered=escalation.is_unanswered,
            is_taken=escalation.status == EscalationStatus.TAKEN,
            for_id=escalation.author_id if escalation.is_automatic else None,
            calls=calls,
        )
    return replace(facts, escalations=tuple(found.values()))


def reply(plan: IncidentPlan[AboutEscalation]) -> None:
    """Post the entry under the escalation's card."""
    plan.reply(_card(plan.event.escalation_id))


def speak_up(plan: IncidentPlan[AboutEscalation]) -> None:
    """Post the entry under the escalation's card, and in the channel: people have to hear it."""
    plan.reply(_card(plan.event.escalation_id), is_broadcast=True)


def show_escalation(
    plan: IncidentPlan[AboutEscalation | NextStepTimed | CallNoted | EscalatedChanged],
) -> None:
    """Update the escalation's one card in the channel."""
    _show_card(plan, plan.event.escalation_id)


def show_calls(plan: IncidentPlan[AboutEscalation | EscalatedChanged]) -> None:
    """Update the messages that called people."""
    for escalation in plan.facts.escalations:
        if escalation.id == plan.event.escalation_id:
            _show_calls(plan, escalation)


def show_ladders(plan: IncidentPlan[RoleMoved]) -> None:
    """Show again who is called next: with a changed role, a step may reach other people."""
    for escalation in plan.facts.escalations:
        if escalation.is_unanswered:
            _show_card(plan, escalation.id)
            _show_calls(plan, escalation)


def show_taken(plan: IncidentPlan[StatusChanged]) -> None:
    """Update escalations that somebody is on when their incident ends or is reopened."""
    if plan.facts.is_open and not plan.event.is_reopening:
        return
    for escalation in plan.facts.escalations:
        if escalation.is_taken:
            _show_card(plan, escalation.id)
            _show_calls(plan, escalation)


def show_without_words(plan: IncidentPlan[Redacted] | IncidentPlan[Revealed]) -> None:
    """Show the escalations again: a packet, or what it quotes, may have been redacted."""
    for escalation in plan.facts.escalations:
        _show_card(plan, escalation.id)
        _show_calls(plan, escalation)


def follow_move(plan: IncidentPlan[MovedToPrivate]) -> None:
    """Show escalations in the new channel, and update calls to people who lost access."""
    for escalation in plan.facts.escalations:
        if escalation.is_unanswered or escalation.is_taken:
            _show_card(plan, escalation.id)
        _show_calls(plan, escalation)


def close_calls(plan: IncidentPlan[SightEnded] | IncidentPlan[SightTakenBack]) -> None:
    """Update the calls to somebody who no longer sees a private incident."""
    for escalation in plan.facts.escalations:
        _show_calls(plan, escalation, of=plan.event.whose(plan.entry.actor_id))


def call_people(plan: IncidentPlan[EscalationCalled]) -> None:
    """Send the packet to the people who are called, and invite them to the channel."""
    for called in plan.event.people:
        if called.person.id is not None:
            effect = CallForEscalation(
                incident_id=plan.facts.incident_id,
                escalation_id=plan.event.escalation_id,
                call_id=called.call_id,
                person_id=called.person.id,
            )
            plan.add(effect, lane=f"call:{called.call_id}", name=str(called.call_id))
            plan.invite(called.person.id)


def look_up_callees(plan: IncidentPlan[EscalationCalled]) -> None:
    """Look up names that match nobody known yet, once for each step."""
    step_id = plan.event.look_up_step_id
    if step_id is not None:
        effect = LookUpCallees(
            incident_id=plan.facts.incident_id,
            escalation_id=plan.event.escalation_id,
            step_id=step_id,
        )
        plan.add(effect, lane=f"look_up:{step_id}")


def wait_for_answer(plan: IncidentPlan[EscalationCalled | NextStepTimed]) -> None:
    """Set the timer that calls the next step if nobody is on it in time."""
    if plan.event.due_at is not None:
        plan.remind(
            ReminderKind.ESCALATION_UNANSWERED,
            after=plan.event.due_at - plan.now,
            subject_type=SUBJECT,
            subject_id=plan.event.escalation_id,
        )


def stop_waiting(plan: IncidentPlan[AboutEscalation]) -> None:
    """Stop the timer: somebody is on it, or nobody is left to call."""
    plan.cancel(
        ReminderKind.ESCALATION_UNANSWERED,
        subject_type=SUBJECT,
        subject_id=plan.event.escalation_id,
    )


def ask_later(plan: IncidentPlan[EscalationTaken]) -> None:
    """Ask the person on it about the packet, but not while they start to work."""
    plan.remind(
        ReminderKind.PACKET_UNRATED,
        after=plan.policy.escalation.rating_after,
        subject_type=SUBJECT,
        subject_id=plan.event.escalation_id,
    )


def bring_in_responder(plan: IncidentPlan[EscalationTaken]) -> None:
    """Invite the person on it to the channel."""
    plan.invite(plan.event.person.id)


def tell_author(plan: IncidentPlan[Answer]) -> None:
    """Tell the author, or the person the bot escalated for, of an answer by somebody else."""
    author_id = _id_of(plan.event.author)
    if isinstance(plan.event, EscalationTaken) and author_id in plan.facts.present:
        return  # mentioned under the card
    _tell_others(plan, author_id or _for_whom(plan))


def tell_of_withdrawal(plan: IncidentPlan[EscalationWithdrawn]) -> None:
    """Tell the author, or the person the bot escalated for, that somebody else withdrew it."""
    is_theirs = plan.event.is_withdrawn and plan.entry.actor_kind == ActorKind.PERSON
    _tell_others(plan, _id_of(plan.event.author) or (_for_whom(plan) if is_theirs else None))


def tell_asker(plan: IncidentPlan[EscalationCompleted]) -> None:
    """Tell the person who asked for more that it is there, unless they added it themselves."""
    _tell_others(plan, _id_of(plan.event.asked_by))


def alarm(plan: IncidentPlan[EscalationExhausted]) -> None:
    """Nobody answered: tell the commander and the author directly, as well as the channel."""
    told = (plan.facts.find_holder(COMMANDER), _id_of(plan.event.author))
    for person_id in dict.fromkeys(told):
        plan.tell(person_id)
    for_id = _for_whom(plan)
    if for_id not in told:
        _tell_others(plan, for_id)


def _tell_others(plan: IncidentPlan[Payload], person_id: uuid.UUID | None) -> None:
    """Tell a person directly, unless the entry is their own."""
    if person_id != plan.entry.actor_id:
        plan.tell(person_id)


def _id_of(person: Who | None) -> uuid.UUID | None:
    return person.id if person is not None else None


def _for_whom(plan: IncidentPlan[AboutEscalation]) -> uuid.UUID | None:
    """Return the person the bot escalated for, or None; entries don't name them."""
    found = (one.for_id for one in plan.facts.escalations if one.id == plan.event.escalation_id)
    return next(found, None)


def _card(escalation_id: uuid.UUID) -> Thread:
    return Thread(ESCALATION_CARD, escalation_id, f"escalation:{escalation_id}")


def _show_card(plan: IncidentPlan[Payload | FeatureEvent], escalation_id: uuid.UUID) -> None:
    effect = RefreshEscalationCard(incident_id=plan.facts.incident_id, escalation_id=escalation_id)
    lane = _card(escalation_id).lane
    plan.refresh(effect, lane=lane, after=plan.channel_gate, of=escalation_id)


def _show_calls(
    plan: IncidentPlan[Any], escalation: EscalationFact, *, of: uuid.UUID | None = None
) -> None:
    for call in escalation.calls:
        if of is not None and call.person_id != of:
            continue
        effect = RefreshEscalationCall(
            incident_id=plan.facts.incident_id,
            escalation_id=escalation.id,
            call_id=call.call_id,
            person_id=call.person_id,
        )
        plan.refresh(effect, lane=f"call:{call.call_id}", of=call.call_id)
