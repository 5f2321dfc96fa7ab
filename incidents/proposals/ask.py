"""Propose: people in their own words, or a command of the bot that needs approval."""

import uuid
from dataclasses import replace

from sqlalchemy import delete

from incidents.core.errors import AlreadySo, InvalidInput, NeedsApproval, NotPermitted
from incidents.core.ids import new_id
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, Incident, IncidentRef
from incidents.incident.lifecycle import IncidentStatus
from incidents.policy.policy import Action
from incidents.policy.proposals import ActionClass, Need, is_marked_safe, least_need
from incidents.proposals.approvers import find_approvers, mentors_and_commander
from incidents.proposals.end import AFTER_RESOLVING
from incidents.proposals.entries import ActionProposed, ProposalRevised, ProposedCommand
from incidents.proposals.escalate import end_escalation
from incidents.proposals.steps import entry_about, give_copies, outcome_of, show_escalated
from incidents.proposals.tables import (
    Proposal,
    ProposalStatus,
    ProposalWords,
    get_proposal,
    next_number,
    over,
    refuse_if_changed,
)
from incidents.rights.acting_stage import is_supervised_in
from incidents.storage.database import kept_text

MAX_TEXT = 2000

_EXAMPLE = "propose Restart checkout risk: carts are lost undo: none needed --class change"
_OVER = frozenset({IncidentStatus.CLOSED, IncidentStatus.CANCELLED})


async def propose(
    uow: UnitOfWork, ref: IncidentRef, *, words: ProposalWords, class_key: str
) -> Outcome:
    """Propose an action: `proposed`; a class that needs no approval may be carried out at once.

    The class may become a stricter one than chosen (see `least_need`).

    Raises: NotPermitted; AlreadySo when the incident is over; InvalidInput without words, without
        risk and undo where somebody is asked, or for a class that the policy doesn't have.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.PROPOSE, incident)
    if not incident.is_open:
        raise AlreadySo("the incident", incident.status)
    cleaned = _cleaned(words)
    chosen = await _class_for(uow, incident, cleaned, class_key)
    proposal = _new(uow, incident, chosen)
    await _ask(uow, incident, proposal, words=cleaned)
    return await _shown(uow, incident, proposal)


async def revise(
    uow: UnitOfWork,
    ref: IncidentRef,
    *,
    proposal_id: uuid.UUID,
    words: ProposalWords,
    class_key: str,
    version: int | None = None,
) -> Outcome:
    """Change the words or the class of one's own proposal: a new version that needs new approval.

    Raises: NotPermitted for anybody else; Superseded when it is over or changed; InvalidInput.
    """
    incident = await uow.get_incident(ref)
    proposal = await get_proposal(uow.session, proposal_id, incident_id=incident.id)
    if proposal.requested_by_id != uow.actor.person_id or proposal.command is not None:
        raise NotPermitted("revise_proposal", needs="the person who proposed it")
    if proposal.state not in {
        ProposalStatus.PENDING,
        ProposalStatus.CLEARED,
        ProposalStatus.APPROVED,
    }:
        raise await over(uow.session, proposal)
    await refuse_if_changed(uow.session, proposal, version=version)
    await uow.permit(Action.PROPOSE, incident)
    if not incident.is_open:
        raise AlreadySo("the incident", incident.status)
    cleaned = _cleaned(words)
    _classify(proposal, await _class_for(uow, incident, cleaned, class_key))
    proposal.version += 1
    proposal.answered_at = proposal.answered_by_id = proposal.answer_entry_id = None
    await _ask(uow, incident, proposal, words=cleaned)
    if proposal.need is Need.NOBODY:
        await end_escalation(uow, incident, proposal)
    return await _shown(uow, incident, proposal)


async def keep_draft(uow: UnitOfWork, *, needed: NeedsApproval) -> Outcome:
    """Store a command that needs approval, so the actor can ask for it: `drafted`.

    Nobody else sees it. The actor's earlier unused drafts in this incident are deleted.

    Raises: IncidentNotFound; InvalidInput for a command that can't be proposed.
    """
    if needed.incident_id is None or needed.action not in uow.rules.performers:
        raise InvalidInput("command", "unknown")
    if uow.actor.person_id is None:
        raise NotPermitted(needed.action, needs="member")
    incident = await uow.get_incident(ById(needed.incident_id))
    chosen = uow.policy.proposals.class_of(needed.action)
    if chosen is None:
        raise InvalidInput("command", "unknown")
    await _forget_drafts(uow, incident)
    proposal = _new(uow, incident, chosen)
    proposal.command = needed.action
    proposal.draft = dict(needed.arguments)
    uow.session.add(proposal)
    await uow.flush()
    text = uow.rules.command_text(needed.action, needed.arguments)
    return outcome_of("drafted", incident, proposal, text=text)


async def ask_for_draft(uow: UnitOfWork, ref: IncidentRef, *, proposal_id: uuid.UUID) -> Outcome:
    """Ask for approval of a stored command: `proposed`.

    Raises: NotPermitted for anybody else; Superseded when it was already asked or deleted;
        AlreadySo when the incident is over.
    """
    incident = await uow.get_incident(ref)
    proposal = await get_draft(uow, incident, proposal_id)
    is_over = not incident.is_open and proposal.command not in AFTER_RESOLVING
    if is_over or incident.lifecycle_status in _OVER:
        raise AlreadySo("the incident", incident.status)
    await ask_kept(uow, incident, proposal)
    return await _shown(uow, incident, proposal)


async def ask_kept(uow: UnitOfWork, incident: Incident, proposal: Proposal) -> None:
    """Turn a draft into a proposal on the record; its arguments move to the entry."""
    arguments = dict(proposal.draft or {})
    words = ProposalWords(text=uow.rules.command_text(proposal.command or "", arguments)[:MAX_TEXT])
    proposal.draft = None
    await _ask(
        uow,
        incident,
        proposal,
        words=words,
        command=ProposedCommand(kind=proposal.command or "", arguments=arguments),
    )


async def get_draft(uow: UnitOfWork, incident: Incident, proposal_id: uuid.UUID) -> Proposal:
    """Return the actor's own draft. Raises: Superseded; NotPermitted for another person's."""
    proposal = await get_proposal(uow.session, proposal_id, incident_id=incident.id)
    if proposal.requested_by_id != uow.actor.person_id:
        raise NotPermitted("revise_proposal", needs="the person who proposed it")
    if proposal.state is not ProposalStatus.DRAFT:
        raise await over(uow.session, proposal)
    return proposal


def _new(uow: UnitOfWork, incident: Incident, chosen: ActionClass) -> Proposal:
    if uow.actor.person_id is None:
        raise NotPermitted(Action.PROPOSE, needs="member")
    proposal = Proposal(
        id=new_id(),
        workspace_id=uow.workspace_id,
        incident_id=incident.id,
        requested_by_id=uow.actor.person_id,
        status=ProposalStatus.DRAFT,
        version=1,
        created_at=uow.now,
    )
    _classify(proposal, chosen)
    return proposal


def _classify(proposal: Proposal, chosen: ActionClass) -> None:
    proposal.class_key, proposal.class_name = chosen.key, chosen.name
    proposal.needs = chosen.needs


async def _ask(
    uow: UnitOfWork,
    incident: Incident,
    proposal: Proposal,
    *,
    words: ProposalWords,
    command: ProposedCommand | None = None,
) -> None:
    """Record the proposal as it is now, and start its timers."""
    is_new = proposal.number is None
    if proposal.number is None:
        proposal.number = await next_number(uow.session, incident.id)
    is_free = proposal.need is Need.NOBODY
    proposal.status = ProposalStatus.CLEARED if is_free else ProposalStatus.PENDING
    proposal.asked_at = uow.now
    proposal.expires_at = uow.now + uow.policy.proposals.expires_after
    entry_type = ActionProposed if is_new else ProposalRevised
    proposed = replace(
        await entry_about(uow, proposal, entry_type),
        class_key=proposal.class_key,
        class_name=proposal.class_name,
        needs=proposal.needs,
        text=words.text,
        risk=words.risk,
        undo=words.undo,
        check=words.check,
        expires_at=proposal.expires_at,
        command=command,
    )
    entry = uow.record(incident, proposed)
    await uow.flush()  # the row points at the entry
    proposal.entry_id = entry.id
    uow.session.add(proposal)
    await uow.flush()


async def _shown(uow: UnitOfWork, incident: Incident, proposal: Proposal) -> Outcome:
    """Tell the approvers, and return the outcome of asking."""
    told = []
    if proposal.need is not Need.NOBODY:
        found = await find_approvers(uow, incident, proposal, is_wide=False)
        near = await mentors_and_commander(uow, incident, proposal.requested_by_id)
        # The channel shows the card. Others are asked directly if these don't answer.
        told = [one for one in found if one.id in near] or found
    await give_copies(uow, proposal, told)
    show_escalated(uow, incident, proposal)
    wait = uow.policy.proposals.wait_at(incident.severity_key)
    return outcome_of(
        "proposed",
        incident,
        proposal,
        told=len(told),
        wait_seconds=int(wait.total_seconds()),
        version=proposal.version,
    )


async def _forget_drafts(uow: UnitOfWork, incident: Incident) -> None:
    await uow.session.execute(
        delete(Proposal).where(
            Proposal.incident_id == incident.id,
            Proposal.requested_by_id == uow.actor.person_id,
            Proposal.status == ProposalStatus.DRAFT,
        )
    )


def _class(uow: UnitOfWork, key: str) -> ActionClass:
    found = uow.policy.proposals.find_class(key)
    if found is None:
        known = ", ".join(item.key for item in uow.policy.proposals.classes)
        raise InvalidInput("class", "unknown" if key else "empty", known, key)
    return found


async def _class_for(
    uow: UnitOfWork, incident: Incident, words: ProposalWords, key: str
) -> ActionClass:
    """Return the class that applies. Raises: InvalidInput without the risk and undo it needs."""
    chosen, policy = _class(uow, key), uow.policy
    services = (policy.find_service(one) for one in incident.services)
    marked = [step for one in services if one is not None for step in one.safe_steps]
    person_id = uow.actor.person_id
    if person_id is not None and not is_marked_safe(
        words.text, (*policy.proposals.safe_steps, *marked)
    ):
        is_supervised = await is_supervised_in(
            uow.session, incident, person_id=person_id, policy=policy
        )
        chosen = least_need(chosen, words.text, policy.proposals, is_supervised=is_supervised)
    if chosen.needs is not Need.NOBODY:
        for name in ("risk", "undo"):
            if not getattr(words, name):
                raise InvalidInput(name, "empty", _EXAMPLE)
    return chosen


def _cleaned(words: ProposalWords) -> ProposalWords:
    cleaned = ProposalWords(
        text=kept_text(words.text, most=MAX_TEXT),
        risk=kept_text(words.risk, most=MAX_TEXT),
        undo=kept_text(words.undo, most=MAX_TEXT),
        check=kept_text(words.check, most=MAX_TEXT),
    )
    if not cleaned.text:
        raise InvalidInput("text", "empty", _EXAMPLE)
    return cleaned
