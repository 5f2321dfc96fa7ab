"""How proposals end: settled by somebody, out of time, or with their incident."""

from dataclasses import replace

from sqlalchemy import select

from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident
from incidents.incident.lifecycle import IncidentStatus
from incidents.policy.policy import Action
from incidents.proposals.entries import ProposalExpired, ProposalStep
from incidents.proposals.escalate import end_escalation
from incidents.proposals.objections import close_poll
from incidents.proposals.steps import step_of
from incidents.proposals.tables import EXPIRING, Proposal, ProposalStatus

# Commands that can still be carried out after resolving, until the incident is closed.
AFTER_RESOLVING = frozenset({Action.CLOSE, Action.LOWER_SEVERITY, Action.POST_UPDATE})


async def settle(
    uow: UnitOfWork,
    incident: Incident,
    proposal: Proposal,
    status: ProposalStatus,
    step: ProposalStep,
) -> None:
    """Record how a proposal ended."""
    proposal.status = status
    proposal.settled_at, proposal.settled_by_id = uow.now, uow.actor.person_id
    entry = uow.record(incident, step, target_id=proposal.entry_id)
    await uow.flush()  # the row points at the entry
    proposal.end_entry_id = entry.id
    await uow.flush()
    await close_poll(uow, proposal)
    await end_escalation(uow, incident, proposal)


async def expire(
    uow: UnitOfWork, incident: Incident, proposal: Proposal, *, with_incident: bool = False
) -> None:
    """End a proposal that is too late: unanswered, not carried out, or its incident is over."""
    expired = replace(
        await step_of(uow, proposal, ProposalExpired),
        was_answered=proposal.state is not ProposalStatus.PENDING,
        is_incident_over=with_incident,
    )
    await settle(uow, incident, proposal, ProposalStatus.EXPIRED, expired)


async def end_proposals(uow: UnitOfWork, incident: Incident) -> None:
    """End the proposals that can't be carried out any more, now that the incident is over.

    Proposals that went ahead without approval stay open: their result can still be recorded.
    """
    is_resolved = incident.lifecycle_status is IncidentStatus.RESOLVED
    query = (
        select(Proposal)
        .where(Proposal.incident_id == incident.id, Proposal.status.in_(EXPIRING))
        .order_by(Proposal.number)
    )
    for proposal in (await uow.session.execute(query)).scalars().all():
        if not is_resolved or proposal.command not in AFTER_RESOLVING:
            await expire(uow, incident, proposal, with_incident=True)
