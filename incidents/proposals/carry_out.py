"""The end of a proposal: carried out with its result, or abandoned with the reason.

Everything is checked again at that moment. A command of the bot runs exactly the use case that was
proposed, as its requester, with all its own checks.
"""

import uuid
from dataclasses import replace

from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted, Superseded
from incidents.core.people import Person, actor_of, who
from incidents.engine.reminders import Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, Incident, IncidentRef
from incidents.incident.lifecycle import IncidentStatus
from incidents.policy.policy import Action
from incidents.proposals.approvers import may, may_answer
from incidents.proposals.end import expire, settle
from incidents.proposals.entries import (
    ApprovalLapsed,
    ProposalAbandoned,
    ProposalCarriedOut,
    Proposed,
    ResultAsked,
)
from incidents.proposals.steps import outcome_of, step_of
from incidents.proposals.tables import (
    LIVE,
    CarryOutFacts,
    Proposal,
    ProposalStatus,
    Step,
    decide_carry_out,
    find_said,
    get_proposal,
    over,
    refuse_if_changed,
)
from incidents.storage.database import kept_text

MAX_TEXT = 2000
_OVER = frozenset({IncidentStatus.CLOSED, IncidentStatus.CANCELLED})


async def carry_out(
    uow: UnitOfWork,
    ref: IncidentRef,
    *,
    proposal_id: uuid.UUID,
    result: str = "",
    version: int | None = None,
) -> Outcome:
    """Record that it was carried out, or let the bot carry it out: `carried_out`.

    If the approver no longer may approve, `approval_lapsed`: it waits for an answer again. If it is
    too late, `proposal_expired`. Neither carries anything out.

    Raises: NotPermitted for anybody but the requester and responders, or when the requester may no
        longer; Superseded when it is over, changed or not approved; AlreadySo when the incident is
        over; whatever the command itself raises.
    """
    incident = await uow.get_incident(ref)
    proposal = await get_proposal(uow.session, proposal_id, incident_id=incident.id)
    await _check_presser(uow, incident, proposal)
    await refuse_if_changed(uow.session, proposal, version=version)
    match decide_carry_out(await _facts(uow, incident, proposal)):
        case Step.OVER:
            raise await over(uow.session, proposal)
        case Step.UNAPPROVED:
            raise Superseded("proposal_waiting")
        case Step.EXPIRED:
            await expire(uow, incident, proposal)
            return outcome_of("proposal_expired", incident, proposal)
        case Step.LAPSED:
            await _lapse(uow, incident, proposal)
            return outcome_of("approval_lapsed", incident, proposal)
        case Step.GO:
            # What went ahead without approval is already done: its result can always be recorded.
            if proposal.state is not ProposalStatus.BREAK_GLASS:
                await _check_requester(uow, incident, proposal)
            await perform_for(uow, incident, proposal, result=kept_text(result, most=MAX_TEXT))
    return outcome_of("carried_out", incident, proposal)


async def abandon(
    uow: UnitOfWork,
    ref: IncidentRef,
    *,
    proposal_id: uuid.UUID,
    reason: str,
    version: int | None = None,
) -> Outcome:
    """Record that it won't be done after all, with the reason: `abandoned`.

    Raises: NotPermitted for anybody but the requester and responders; Superseded when it is over
        or changed; InvalidInput without a reason.
    """
    incident = await uow.get_incident(ref)
    proposal = await get_proposal(uow.session, proposal_id, incident_id=incident.id)
    await _check_presser(uow, incident, proposal)
    if proposal.state not in LIVE:
        raise await over(uow.session, proposal)
    await refuse_if_changed(uow.session, proposal, version=version)
    said = kept_text(reason, most=MAX_TEXT)
    if not said:
        raise InvalidInput("reason", "empty", "The errors stopped by themselves")
    abandoned = replace(await step_of(uow, proposal, ProposalAbandoned), reason=said)
    await settle(uow, incident, proposal, ProposalStatus.ABANDONED, abandoned)
    return outcome_of("abandoned", incident, proposal)


async def perform_for(
    uow: UnitOfWork, incident: Incident, proposal: Proposal, *, result: str
) -> None:
    """Carry out the command, if it is one, as its requester, and record the result."""
    if proposal.command is not None:
        proposed = await find_said(uow.session, proposal.entry_id)
        if not isinstance(proposed, Proposed) or proposed.command is None:
            raise Superseded("proposal_redacted")
        requester = await uow.session.get_one(Person, proposal.requested_by_id)
        # Set first: a command that ends the incident also ends the proposals that still wait.
        proposal.status = ProposalStatus.CARRIED_OUT
        await uow.flush()
        with uow.acting_for(actor_of(requester), proposal.command, incident):
            perform = uow.rules.performers[proposal.command]
            await perform(uow, ById(incident.id), proposed.command.arguments)
    done = replace(await step_of(uow, proposal, ProposalCarriedOut), result=result)
    await settle(uow, incident, proposal, ProposalStatus.CARRIED_OUT, done)


async def ask_for_result(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> None:
    """Ask the person who went ahead without approval for the result, once; not after a drill."""
    proposal = await uow.session.get(Proposal, reminder.subject_id, with_for_update=True)
    if proposal is None or proposal.state is not ProposalStatus.BREAK_GLASS:
        return
    if proposal.answered_by_id is None or (incident.is_drill and not incident.is_open):
        return
    person = await uow.session.get_one(Person, proposal.answered_by_id)
    asked = replace(await step_of(uow, proposal, ResultAsked), person=who(person))
    uow.record(incident, asked, target_id=proposal.entry_id)


async def _facts(uow: UnitOfWork, incident: Incident, proposal: Proposal) -> CarryOutFacts:
    answerer_id = proposal.answered_by_id
    answerer = await uow.session.get(Person, answerer_id) if answerer_id is not None else None
    is_approved = proposal.state is ProposalStatus.APPROVED
    return CarryOutFacts(
        status=proposal.state,
        needs=proposal.need,
        is_expired=proposal.expires_at is not None and proposal.expires_at <= uow.now,
        approver_may=is_approved
        and answerer is not None
        and await may_answer(uow, incident, proposal, answerer),
    )


async def _check_presser(uow: UnitOfWork, incident: Incident, proposal: Proposal) -> None:
    if proposal.state is ProposalStatus.DRAFT:
        raise Superseded("proposal")
    if uow.actor.person_id != proposal.requested_by_id:
        await uow.permit(Action.CARRY_OUT, incident)


async def _check_requester(uow: UnitOfWork, incident: Incident, proposal: Proposal) -> None:
    """Check that the requester still may; performing a command checks the command's own right."""
    is_over = incident.lifecycle_status in _OVER
    if is_over or (proposal.command is None and not incident.is_open):
        raise AlreadySo("the incident", incident.status)
    requester = await uow.session.get_one(Person, proposal.requested_by_id)
    if requester.is_active and await may(uow, incident, requester, Action.PROPOSE):
        return
    raise NotPermitted("carry_out", needs="somebody who may propose it")


async def _lapse(uow: UnitOfWork, incident: Incident, proposal: Proposal) -> None:
    """Withdraw an approval whose approver no longer may: it waits for an answer again."""
    proposal.status = ProposalStatus.PENDING
    proposal.asked_at = uow.now
    proposal.expires_at = uow.now + uow.policy.proposals.expires_after
    lapsed = replace(
        await step_of(uow, proposal, ApprovalLapsed),
        needs=proposal.needs,
        expires_at=proposal.expires_at,
    )
    uow.record(incident, lapsed, target_id=proposal.entry_id)
    proposal.answered_at = proposal.answered_by_id = proposal.answer_entry_id = None
