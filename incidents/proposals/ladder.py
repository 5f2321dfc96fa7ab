"""A proposal that nobody answers: ask again, escalate, raise the alarm, then end it.

Times count from asking. After an absence, only the step that is due by then is taken.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum

from incidents.engine.reminders import Again, Reminder
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident
from incidents.proposals.approvers import find_approvers, mentors_and_commander
from incidents.proposals.end import expire
from incidents.proposals.entries import ProposalUnanswered
from incidents.proposals.escalate import escalate_unanswered, may_escalate
from incidents.proposals.events import OthersConcerned
from incidents.proposals.steps import (
    give_copies,
    remind_once,
    show_escalated,
    step_of,
    told_ids,
)
from incidents.proposals.tables import EXPIRING, Proposal, ProposalStatus


class Rung(IntEnum):
    """How far an unanswered proposal has come."""

    TELL_AGAIN = 1
    ESCALATE = 2
    LOUD = 3


@dataclass(frozen=True, slots=True)
class LadderDecision:
    """The rung to take now (None: none yet), and when to look again (None: never)."""

    rung: Rung | None
    next_at: datetime | None


def decide_ladder(
    *, asked_at: datetime, wait: timedelta, taken: int, now: datetime
) -> LadderDecision:
    """Decide which rung is due: one per `wait` since asking, only the latest, none twice; pure.

    `taken` is the highest rung taken since it was asked, 0 for none.
    """
    due = min(int((now - asked_at) / wait), int(Rung.LOUD))
    if due <= taken:
        later = None if taken >= Rung.LOUD else asked_at + wait * (taken + 1)
        return LadderDecision(None, later)
    next_at = None if due >= Rung.LOUD else asked_at + wait * (due + 1)
    return LadderDecision(Rung(due), next_at)


async def call_next_step(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> Again | None:
    """Take the ladder's next rung, if the proposal still waits in an incident that goes on."""
    proposal = await uow.session.get(Proposal, reminder.subject_id, with_for_update=True)
    if proposal is None or proposal.state is not ProposalStatus.PENDING:
        return None
    if proposal.expires_at is not None and proposal.expires_at <= uow.now:
        return None  # after an absence: its end is due too, so ask nobody
    asked_at = proposal.asked_at or proposal.created_at
    wait = uow.policy.proposals.wait_at(incident.severity_key)
    decision = decide_ladder(asked_at=asked_at, wait=wait, taken=reminder.step, now=uow.now)
    if decision.rung is not None:
        is_first = not reminder.step
        await _take(uow, incident, proposal, decision.rung, is_first=is_first)
    if decision.next_at is None:
        return None
    return Again(due_at=decision.next_at, step=decision.rung or reminder.step)


async def expire_when_due(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> None:
    """End a proposal that has expired."""
    proposal = await uow.session.get(Proposal, reminder.subject_id, with_for_update=True)
    if proposal is None or proposal.state not in EXPIRING or proposal.expires_at is None:
        return
    if proposal.expires_at <= uow.now:
        await expire(uow, incident, proposal)


async def _take(
    uow: UnitOfWork, incident: Incident, proposal: Proposal, rung: Rung, *, is_first: bool
) -> None:
    """Take a rung. Each person gets the proposal once, and is reminded once.

    A call by the escalation counts as either.
    """
    asked_at = proposal.asked_at or proposal.created_at
    is_escalated = rung is Rung.ESCALATE and may_escalate(incident, proposal)
    unanswered = replace(
        await step_of(uow, proposal, ProposalUnanswered),
        step=int(rung),
        minutes=int((uow.now - asked_at) / timedelta(minutes=1)),
        class_name=proposal.class_name,
        is_escalated=is_escalated,
    )
    entry = uow.record(incident, unanswered, target_id=proposal.entry_id)
    called = await escalate_unanswered(uow, incident, proposal) if is_escalated else frozenset()
    found = await find_approvers(uow, incident, proposal, is_wide=True)
    approvers = {person.id: person for person in found if person.id not in called}
    before = await told_ids(uow, proposal)
    reminded = await remind_once(uow, proposal, approvers.keys())
    await give_copies(uow, proposal, approvers.values())
    show_escalated(uow, incident, proposal)
    near: list[uuid.UUID] = []
    if is_first:  # those who can't answer it are told once
        near = await mentors_and_commander(uow, incident, proposal.requested_by_id)
    others = [one for one in near if one not in {*called, *before, *approvers}]
    told = tuple(dict.fromkeys((*others, *reminded)))
    uow.emit(OthersConcerned(entry_id=entry.id, people=told), incident)
