"""Answers to a proposal: approve it, decline it, or go ahead without approval (break-glass)."""

import uuid
from dataclasses import replace

from incidents.core.errors import AlreadySo, InvalidInput, MayAgree, NotPermitted, Superseded
from incidents.core.people import Person
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import Action
from incidents.proposals.approvers import (
    check_answerer,
    find_approvers,
    may_answer,
    mentors_and_commander,
)
from incidents.proposals.ask import MAX_TEXT, ask_kept
from incidents.proposals.carry_out import perform_for
from incidents.proposals.entries import (
    BreakGlass,
    ProposalAnswer,
    ProposalApproved,
    ProposalDeclined,
)
from incidents.proposals.escalate import end_escalation
from incidents.proposals.events import OthersConcerned
from incidents.proposals.objections import close_poll
from incidents.proposals.steps import outcome_of, step_of
from incidents.proposals.tables import (
    Proposal,
    ProposalStatus,
    find_said,
    get_proposal,
    over,
    refuse_if_changed,
)
from incidents.storage.database import kept_text

_OVER = frozenset({IncidentStatus.CLOSED, IncidentStatus.CANCELLED})


async def approve(
    uow: UnitOfWork,
    ref: IncidentRef,
    *,
    proposal_id: uuid.UUID,
    reason: str = "",
    version: int | None = None,
) -> Outcome:
    """Approve a proposal: `approved`; it may now be carried out until the approval expires.

    Raises: MayNotAnswer for one's own or without the right; Superseded when it is answered, over,
        changed or redacted; AlreadySo when the incident is over.
    """
    incident = await uow.get_incident(ref)
    proposal = await _waiting(uow, incident, proposal_id, version=version)
    await check_answerer(uow, incident, proposal)
    if await find_said(uow.session, proposal.entry_id) is None:
        raise Superseded("proposal_redacted")
    proposal.status = ProposalStatus.APPROVED
    proposal.expires_at = uow.now + uow.policy.proposals.expires_after
    _answered(uow, proposal)
    approved = replace(
        await step_of(uow, proposal, ProposalApproved),
        reason=kept_text(reason, most=MAX_TEXT),
        expires_at=proposal.expires_at,
    )
    await _record_answer(uow, incident, proposal, approved)
    return outcome_of("approved", incident, proposal)


async def decline(
    uow: UnitOfWork,
    ref: IncidentRef,
    *,
    proposal_id: uuid.UUID,
    reason: str,
    version: int | None = None,
) -> Outcome:
    """Decline a proposal, with the reason: `declined`.

    Raises: MayNotAnswer; Superseded; AlreadySo; InvalidInput without a reason.
    """
    incident = await uow.get_incident(ref)
    proposal = await _waiting(uow, incident, proposal_id, version=version)
    await check_answerer(uow, incident, proposal)
    said = needed_reason(reason, example="Failing over loses the last minute of orders")
    proposal.status = ProposalStatus.DECLINED
    _answered(uow, proposal)
    proposal.settled_at, proposal.settled_by_id = uow.now, uow.actor.person_id
    declined = replace(await step_of(uow, proposal, ProposalDeclined), reason=said)
    await _record_answer(uow, incident, proposal, declined)
    await close_poll(uow, proposal)
    return outcome_of("declined", incident, proposal)


async def break_glass(
    uow: UnitOfWork,
    ref: IncidentRef,
    *,
    proposal_id: uuid.UUID,
    reason: str,
    version: int | None = None,
) -> Outcome:
    """Go ahead without approval, with a reason that everybody is told: `glass_broken`.

    A command of the bot runs at once, as its requester, and only they can do this.
    A person who may approve must do that instead: it is as quick, and the record says so.

    Raises: NotPermitted; MayAgree; Superseded when it is over, approved or changed; InvalidInput
        without a reason; AlreadySo when the incident is over; whatever the command itself raises.
    """
    incident = await uow.get_incident(ref)
    proposal = await get_proposal(uow.session, proposal_id, incident_id=incident.id)
    is_own = proposal.requested_by_id == uow.actor.person_id
    is_draft = proposal.state is ProposalStatus.DRAFT
    if not is_own and (is_draft or proposal.command is not None):
        raise NotPermitted("break_others_glass", needs="the person who proposed it")
    if proposal.state not in {ProposalStatus.DRAFT, ProposalStatus.PENDING}:
        raise await over(uow.session, proposal)
    await refuse_if_changed(uow.session, proposal, version=version)
    _refuse_if_over(incident)
    await uow.permit(Action.BREAK_GLASS, incident)
    if not is_own:
        await _refuse_who_may_agree(uow, incident, proposal)
    said = needed_reason(reason, example="Data is being lost right now and nobody answers")
    if is_draft:
        await ask_kept(uow, incident, proposal)
    proposal.status = ProposalStatus.BREAK_GLASS
    proposal.expires_at = None
    _answered(uow, proposal)
    broken = replace(await step_of(uow, proposal, BreakGlass), reason=said)
    entry = await _record_answer(uow, incident, proposal, broken)
    await _tell_everybody(uow, incident, proposal, entry)
    if proposal.command is not None:
        await perform_for(uow, incident, proposal, result="")
    return outcome_of("glass_broken", incident, proposal)


def needed_reason(text: str, *, example: str) -> str:
    """Return the reason as it is stored. Raises: InvalidInput if there is none."""
    reason = kept_text(text, most=MAX_TEXT)
    if not reason:
        raise InvalidInput("reason", "empty", example)
    return reason


async def _waiting(
    uow: UnitOfWork, incident: Incident, proposal_id: uuid.UUID, *, version: int | None
) -> Proposal:
    proposal = await get_proposal(uow.session, proposal_id, incident_id=incident.id)
    if proposal.state is not ProposalStatus.PENDING:
        raise await over(uow.session, proposal)
    if proposal.expires_at is not None and proposal.expires_at <= uow.now:
        raise Superseded("proposal_expired")
    await refuse_if_changed(uow.session, proposal, version=version)
    _refuse_if_over(incident)
    return proposal


async def _refuse_who_may_agree(uow: UnitOfWork, incident: Incident, proposal: Proposal) -> None:
    person_id = uow.actor.person_id
    person = await uow.session.get(Person, person_id) if person_id is not None else None
    if person is not None and await may_answer(uow, incident, proposal, person):
        raise MayAgree(proposal.number or 0)


def _refuse_if_over(incident: Incident) -> None:
    if incident.lifecycle_status in _OVER:
        raise AlreadySo("the incident", incident.status)


def _answered(uow: UnitOfWork, proposal: Proposal) -> None:
    proposal.answered_at, proposal.answered_by_id = uow.now, uow.actor.person_id


async def _record_answer(
    uow: UnitOfWork, incident: Incident, proposal: Proposal, answer: ProposalAnswer
) -> TimelineEntry:
    entry = uow.record(incident, answer, target_id=proposal.entry_id)
    await uow.flush()  # the row points at the entry
    proposal.answer_entry_id = entry.id
    await uow.flush()
    await end_escalation(uow, incident, proposal)
    return entry


async def _tell_everybody(
    uow: UnitOfWork, incident: Incident, proposal: Proposal, entry: TimelineEntry
) -> None:
    """Tell the commander, mentors and all who may approve; the channel gets it anyway."""
    near = await mentors_and_commander(uow, incident, proposal.requested_by_id)
    approvers = await find_approvers(uow, incident, proposal, is_wide=True)
    told = [*near, *(person.id for person in approvers), proposal.requested_by_id]
    people = tuple(one for one in dict.fromkeys(told) if one != uow.actor.person_id)
    uow.emit(OthersConcerned(entry_id=entry.id, people=people), incident)
