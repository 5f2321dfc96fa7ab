"""What follows from what happens to escalations, and the facts that it needs."""

import uuid
from dataclasses import replace
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import ActorKind
from incidents.core.sentences import Who
from incidents.engine.plan import FeatureEvent, IncidentPlan
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
from incidents.incident.entries import (
    CommanderChanged,
    MovedToPrivate,
    RoleAssigned,
    RoleEnded,
    StatusChanged,
)
from incidents.incident.facts import CallFact, EscalationFact, Facts
from incidents.incident.payload import Payload
from incidents.policy.policy import COMMANDER

SUBJECT: Final = "escalation"
RoleMoved = RoleAssigned | RoleEnded | CommanderChanged
# After anything else the messages that called somebody read as before.
_LOOKED_AT: Final = frozenset({one.kind for one in ENTRIES}) - {
    Escalated.kind,
    EscalationCalled.kind,
} | {
    StatusChanged.kind,
    RoleAssigned.kind,
    RoleEnded.kind,
    CommanderChanged.kind,
    MovedToPrivate.kind,
}


async def add_escalations(session: AsyncSession, facts: Facts, recorded: Recorded) -> Facts:
    """Return the facts with the incident's escalations, where their messages may have to change."""
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


def show_escalation(
    plan: IncidentPlan[AboutEscalation | NextStepTimed | CallNoted | EscalatedChanged],
) -> None:
    """The escalation's one card in the channel shows how it stands."""
    _show_card(plan, plan.event.escalation_id)


def show_calls(plan: IncidentPlan[AboutEscalation | EscalatedChanged]) -> None:
    """The messages that called somebody show how it stands."""
    for escalation in plan.facts.escalations:
        if escalation.id == plan.event.escalation_id:
            _show_calls(plan, escalation)


def show_ladders(plan: IncidentPlan[RoleMoved]) -> None:
    """A step may reach somebody else from now on, or nobody: who is called next is shown anew."""
    for escalation in plan.facts.escalations:
        if escalation.is_unanswered:
            _show_card(plan, escalation.id)
            _show_calls(plan, escalation)


def show_taken(plan: IncidentPlan[StatusChanged]) -> None:
    """Those that somebody is on read as the incident's end, or its return, leaves them."""
    if plan.facts.is_open and not plan.event.is_reopening:
        return
    for escalation in plan.facts.escalations:
        if escalation.is_taken:
            _show_card(plan, escalation.id)
            _show_calls(plan, escalation)


def follow_move(plan: IncidentPlan[MovedToPrivate]) -> None:
    """Escalations are shown where the incident goes on, and no more to whom it is hidden now."""
    for escalation in plan.facts.escalations:
        if escalation.is_unanswered or escalation.is_taken:
            _show_card(plan, escalation.id)
        _show_calls(plan, escalation)


def call_people(plan: IncidentPlan[EscalationCalled]) -> None:
    """Whoever is called gets the packet directly, and is brought into the channel."""
    for called in plan.event.people:
        if called.person.id is not None:
            effect = CallForEscalation(
                incident_id=plan.facts.incident_id,
                escalation_id=plan.event.escalation_id,
                call_id=called.call_id,
                person_id=called.person.id,
            )
            plan.add(effect, lane=f"dm:{called.person.id}", name=str(called.call_id))
            plan.invite(called.person.id)


def look_up_callees(plan: IncidentPlan[EscalationCalled]) -> None:
    """Names that mean nobody known yet are looked up, once for a step."""
    step_id = plan.event.look_up_step_id
    if step_id is not None:
        effect = LookUpCallees(
            incident_id=plan.facts.incident_id,
            escalation_id=plan.event.escalation_id,
            step_id=step_id,
        )
        plan.add(effect, lane=f"look_up:{step_id}")


def wait_for_answer(plan: IncidentPlan[EscalationCalled | NextStepTimed]) -> None:
    """Nobody on it in time: the next step is called."""
    if plan.event.due_at is not None:
        plan.remind(
            ReminderKind.ESCALATION_UNANSWERED,
            after=plan.event.due_at - plan.now,
            subject_type=SUBJECT,
            subject_id=plan.event.escalation_id,
        )


def stop_waiting(plan: IncidentPlan[AboutEscalation]) -> None:
    """Somebody is on it, or nobody is left to call: the ladder stands still."""
    plan.cancel(
        ReminderKind.ESCALATION_UNANSWERED,
        subject_type=SUBJECT,
        subject_id=plan.event.escalation_id,
    )


def ask_later(plan: IncidentPlan[EscalationTaken]) -> None:
    """Whoever is on it is asked about the packet, but not while they begin to work."""
    plan.remind(
        ReminderKind.PACKET_UNRATED,
        after=plan.policy.escalation.rating_after,
        subject_type=SUBJECT,
        subject_id=plan.event.escalation_id,
    )


def bring_in_responder(plan: IncidentPlan[EscalationTaken]) -> None:
    """Whoever is on it is brought into the channel."""
    plan.invite(plan.event.person.id)


def tell_author(plan: IncidentPlan[Answer]) -> None:
    """The author, or for whom the bot escalated, hears directly what became of it."""
    _tell_others(plan, _id_of(plan.event.author) or _for_whom(plan))


def tell_of_withdrawal(plan: IncidentPlan[EscalationWithdrawn]) -> None:
    """The author, or for whom the bot escalated, hears that somebody took it back."""
    is_theirs = plan.event.is_withdrawn and plan.entry.actor_kind == ActorKind.PERSON
    _tell_others(plan, _id_of(plan.event.author) or (_for_whom(plan) if is_theirs else None))


def tell_asker(plan: IncidentPlan[EscalationCompleted]) -> None:
    """Who had asked for more hears directly that it is there."""
    _tell_others(plan, _id_of(plan.event.asked_by))


def alarm(plan: IncidentPlan[EscalationExhausted]) -> None:
    """Nobody answered: the commander and the author hear of it directly, besides the channel."""
    told = (plan.facts.find_holder(COMMANDER), _id_of(plan.event.author))
    for person_id in dict.fromkeys(told):
        plan.tell(person_id)
    for_id = _for_whom(plan)
    if for_id not in told:
        _tell_others(plan, for_id)


def _tell_others(plan: IncidentPlan[Payload], person_id: uuid.UUID | None) -> None:
    """Tell somebody directly, unless it was their own doing."""
    if person_id != plan.entry.actor_id:
        plan.tell(person_id)


def _id_of(person: Who | None) -> uuid.UUID | None:
    return person.id if person is not None else None


def _for_whom(plan: IncidentPlan[AboutEscalation]) -> uuid.UUID | None:
    """Return for whom the bot escalated, or None: no entry names them."""
    found = (one.for_id for one in plan.facts.escalations if one.id == plan.event.escalation_id)
    return next(found, None)


def _show_card(plan: IncidentPlan[Payload | FeatureEvent], escalation_id: uuid.UUID) -> None:
    effect = RefreshEscalationCard(incident_id=plan.facts.incident_id, escalation_id=escalation_id)
    plan.refresh(effect, lane="escalations", after=plan.channel_gate, of=escalation_id)


def _show_calls(plan: IncidentPlan[Payload | FeatureEvent], escalation: EscalationFact) -> None:
    for call in escalation.calls:
        effect = RefreshEscalationCall(
            incident_id=plan.facts.incident_id,
            escalation_id=escalation.id,
            call_id=call.call_id,
            person_id=call.person_id,
        )
        plan.refresh(effect, lane=f"dm:{call.person_id}", of=call.call_id)
