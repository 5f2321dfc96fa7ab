"""Proposing: by people in words, or for a command of the bot that needs somebody's agreement."""

import uuid
from typing import Any

from sqlalchemy import delete

from incidents.core.errors import AlreadySo, InvalidInput, NeedsApproval, NotPermitted
from incidents.core.ids import new_id
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, Incident, IncidentRef
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.timeline import EntryKind
from incidents.policy.policy import Action
from incidents.policy.proposals import ActionClass, Need
from incidents.proposals.approvers import find_approvers
from incidents.proposals.end import AFTER_RESOLVING
from incidents.proposals.escalate import end_escalation
from incidents.proposals.refresh import content_of, outcome_of, tell_directly, words_content
from incidents.proposals.tables import (
    Approval,
    ApprovalStatus,
    ProposalWords,
    get_approval,
    next_number,
    over,
    refuse_if_changed,
)
from incidents.registry.guarded_commands import PERFORMERS, command_text
from incidents.storage.database import kept_text

MAX_TEXT = 2000

_EXAMPLE = "propose Restart checkout in eu-west --class change"
_OVER = frozenset({IncidentStatus.CLOSED, IncidentStatus.CANCELLED})


async def propose(
    uow: UnitOfWork, ref: IncidentRef, *, words: ProposalWords, class_key: str
) -> Outcome:
    """Propose an action: `proposed`; a class that needs nobody may be carried out at once.

    Raises: NotPermitted; AlreadySo when the incident is over; InvalidInput without words, or for
        a class that the policy doesn't have.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.PROPOSE, incident)
    if not incident.is_open:
        raise AlreadySo("the incident", incident.status)
    cleaned = _cleaned(words)
    chosen = _class(uow, class_key)
    approval = _new(uow, incident, chosen)
    await _ask(uow, incident, approval, words=cleaned)
    return await _shown(uow, incident, approval)


async def revise(
    uow: UnitOfWork,
    ref: IncidentRef,
    *,
    approval_id: uuid.UUID,
    words: ProposalWords,
    class_key: str,
    version: int | None = None,
) -> Outcome:
    """Change the words or the class of one's own proposal: a new version, to be agreed to anew.

    Raises: NotPermitted for others; Superseded when it is over or changed; InvalidInput.
    """
    incident = await uow.get_incident(ref)
    approval = await get_approval(uow.session, approval_id, incident_id=incident.id)
    if approval.requested_by_id != uow.actor.person_id or approval.command is not None:
        raise NotPermitted("revise_proposal", needs="whoever proposed it")
    if approval.state not in {
        ApprovalStatus.PENDING,
        ApprovalStatus.CLEARED,
        ApprovalStatus.APPROVED,
    }:
        raise await over(uow.session, approval)
    await refuse_if_changed(uow.session, approval, version=version)
    await uow.permit(Action.PROPOSE, incident)
    if not incident.is_open:
        raise AlreadySo("the incident", incident.status)
    cleaned = _cleaned(words)
    _classify(approval, _class(uow, class_key))
    approval.version += 1
    approval.answered_at = approval.answered_by_id = approval.answer_entry_id = None
    await _ask(uow, incident, approval, words=cleaned)
    if approval.need is Need.NOBODY:
        await end_escalation(uow, incident, approval)
    return await _shown(uow, incident, approval)


async def keep_draft(uow: UnitOfWork, *, needed: NeedsApproval) -> Outcome:
    """Keep what somebody wanted to do and needs agreement for, so that they can ask: `drafted`.

    Nobody else hears of it. What they were offered before in this incident and left is forgotten.

    Raises: IncidentNotFound; InvalidInput for a command that can't be asked for.
    """
    if needed.incident_id is None or needed.action not in PERFORMERS:
        raise InvalidInput("command", "unknown")
    if uow.actor.person_id is None:
        raise NotPermitted(needed.action, needs="member")
    incident = await uow.get_incident(ById(needed.incident_id))
    chosen = uow.policy.approvals.class_of(needed.action)
    if chosen is None:
        raise InvalidInput("command", "unknown")
    await _forget_drafts(uow, incident)
    approval = _new(uow, incident, chosen)
    approval.command = needed.action
    approval.draft = dict(needed.arguments)
    uow.session.add(approval)
    await uow.flush()
    text = command_text(needed.action, needed.arguments)
    return outcome_of("drafted", incident, approval, text=text)


async def ask_for_draft(uow: UnitOfWork, ref: IncidentRef, *, approval_id: uuid.UUID) -> Outcome:
    """Ask for agreement to the command that was kept: `proposed`.

    Raises: NotPermitted for others; Superseded when it was asked for already or forgotten;
        AlreadySo when the incident is over.
    """
    incident = await uow.get_incident(ref)
    approval = await get_draft(uow, incident, approval_id)
    is_over = not incident.is_open and approval.command not in AFTER_RESOLVING
    if is_over or incident.lifecycle_status in _OVER:
        raise AlreadySo("the incident", incident.status)
    await ask_kept(uow, incident, approval)
    return await _shown(uow, incident, approval)


async def ask_kept(uow: UnitOfWork, incident: Incident, approval: Approval) -> None:
    """Make a draft a proposal on the record; its arguments move to the entry."""
    arguments = dict(approval.draft or {})
    words = ProposalWords(text=command_text(approval.command or "", arguments)[:MAX_TEXT])
    approval.draft = None
    await _ask(
        uow,
        incident,
        approval,
        words=words,
        command={"kind": approval.command, "arguments": arguments},
    )


async def get_draft(uow: UnitOfWork, incident: Incident, approval_id: uuid.UUID) -> Approval:
    """Return the actor's own draft. Raises: Superseded; NotPermitted for anybody else's."""
    approval = await get_approval(uow.session, approval_id, incident_id=incident.id)
    if approval.requested_by_id != uow.actor.person_id:
        raise NotPermitted("revise_proposal", needs="whoever proposed it")
    if approval.state is not ApprovalStatus.DRAFT:
        raise await over(uow.session, approval)
    return approval


def _new(uow: UnitOfWork, incident: Incident, chosen: ActionClass) -> Approval:
    if uow.actor.person_id is None:
        raise NotPermitted(Action.PROPOSE, needs="member")
    approval = Approval(
        id=new_id(),
        workspace_id=uow.workspace_id,
        incident_id=incident.id,
        requested_by_id=uow.actor.person_id,
        status=ApprovalStatus.DRAFT,
        version=1,
        created_at=uow.now,
    )
    _classify(approval, chosen)
    return approval


def _classify(approval: Approval, chosen: ActionClass) -> None:
    approval.class_key, approval.class_name = chosen.key, chosen.name
    approval.needs = chosen.needs


async def _ask(
    uow: UnitOfWork,
    incident: Incident,
    approval: Approval,
    *,
    words: ProposalWords,
    command: dict[str, Any] | None = None,
) -> None:
    """Put the proposal on the record as it is now, and start its times."""
    is_new = approval.number is None
    if approval.number is None:
        approval.number = await next_number(uow.session, incident.id)
    is_free = approval.need is Need.NOBODY
    approval.status = ApprovalStatus.CLEARED if is_free else ApprovalStatus.PENDING
    approval.asked_at = uow.now
    approval.expires_at = uow.now + uow.policy.approvals.expires_after
    details: dict[str, Any] = {
        **words_content(approval, words),
        "expires_at": approval.expires_at,
        **({"command": command} if command is not None else {}),
    }
    kind = EntryKind.ACTION_PROPOSED if is_new else EntryKind.PROPOSAL_REVISED
    entry = uow.record(incident, kind, await content_of(uow, approval, **details))
    await uow.flush()  # the row points at the entry
    approval.entry_id = entry.id
    uow.session.add(approval)
    await uow.flush()


async def _shown(uow: UnitOfWork, incident: Incident, approval: Approval) -> Outcome:
    """Tell those who may agree, and return what came of asking."""
    told = []
    if approval.need is not Need.NOBODY:
        told = await find_approvers(uow, incident, approval, is_wide=False)
    await tell_directly(uow, incident, approval, told)
    wait = uow.policy.approvals.wait_at(incident.severity_key)
    return outcome_of(
        "proposed",
        incident,
        approval,
        told=len(told),
        wait_seconds=int(wait.total_seconds()),
        version=approval.version,
    )


async def _forget_drafts(uow: UnitOfWork, incident: Incident) -> None:
    await uow.session.execute(
        delete(Approval).where(
            Approval.incident_id == incident.id,
            Approval.requested_by_id == uow.actor.person_id,
            Approval.status == ApprovalStatus.DRAFT,
        )
    )


def _class(uow: UnitOfWork, key: str) -> ActionClass:
    found = uow.policy.approvals.find_class(key)
    if found is None:
        known = ", ".join(item.key for item in uow.policy.approvals.classes)
        raise InvalidInput("class", "unknown" if key else "empty", known)
    return found


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
