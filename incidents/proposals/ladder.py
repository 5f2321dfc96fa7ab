"""A proposal that nobody answers: ask again, escalate, then say so loudly; at last it ends.

Times count from asking. After an absence, only the step that is due by then is taken.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from incidents.engine.direct_messages import tell_entry
from incidents.engine.reminders import Remind, Reminder, ReminderKind
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident
from incidents.incident.timeline import EntryKind
from incidents.proposals.approvers import find_approvers, mentors_and_commander
from incidents.proposals.end import expire
from incidents.proposals.escalate import escalate_unanswered, may_escalate
from incidents.proposals.refresh import following_content, tell_directly, told_ids
from incidents.proposals.tables import EXPIRING, Proposal, ProposalStatus

SUBJECT = "proposal"


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


async def call_next_step(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> None:
    """Take the ladder's next rung, if the proposal still waits in an incident that goes on."""
    proposal = await uow.session.get(Proposal, reminder.subject_id, with_for_update=True)
    if proposal is None or proposal.state is not ProposalStatus.PENDING:
        return
    if proposal.expires_at is not None and proposal.expires_at <= uow.now:
        return  # after an absence: it has also expired, so nobody is asked any more
    asked_at = proposal.asked_at or proposal.created_at
    wait = uow.policy.proposals.wait_at(incident.severity_key)
    decision = decide_ladder(asked_at=asked_at, wait=wait, taken=reminder.step, now=uow.now)
    if decision.next_at is not None:
        await uow.remind(
            Remind(
                kind=ReminderKind.PROPOSAL_UNANSWERED,
                subject_type=SUBJECT,
                subject_id=proposal.id,
                incident_id=incident.id,
                due_at=decision.next_at,
                step=decision.rung or reminder.step,
            )
        )
    if decision.rung is not None:
        await _take(uow, incident, proposal, decision.rung)


async def expire_when_due(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> None:
    """End a proposal that has expired."""
    proposal = await uow.session.get(Proposal, reminder.subject_id, with_for_update=True)
    if proposal is None or proposal.state not in EXPIRING or proposal.expires_at is None:
        return
    if proposal.expires_at <= uow.now:
        await expire(uow, incident, proposal)


async def _take(uow: UnitOfWork, incident: Incident, proposal: Proposal, rung: Rung) -> None:
    """Take a rung so that each person hears of it once.

    A call by the escalation or a new copy of the proposal counts as hearing of it.
    """
    asked_at = proposal.asked_at or proposal.created_at
    is_escalated = rung is Rung.ESCALATE and may_escalate(incident, proposal)
    content = await following_content(
        uow,
        proposal,
        step=int(rung),
        minutes=int((uow.now - asked_at) / timedelta(minutes=1)),
        class_name=proposal.class_name,
        is_escalated=is_escalated,
    )
    entry = uow.record(
        incident, EntryKind.PROPOSAL_UNANSWERED, content, target_id=proposal.entry_id
    )
    called = await escalate_unanswered(uow, incident, proposal) if is_escalated else frozenset()
    found = await find_approvers(uow, incident, proposal, is_wide=True)
    approvers = {person.id: person for person in found if person.id not in called}
    new = approvers.keys() - await told_ids(uow, proposal)
    await tell_directly(uow, incident, proposal, approvers.values())
    near = await mentors_and_commander(uow, incident, proposal.requested_by_id)
    told = [one for one in (*near, *approvers) if one not in called | new]
    await tell_entry(uow, incident, entry, told)
