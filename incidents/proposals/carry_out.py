"""The end of a proposal: carried out with its result, or abandoned with the reason.

Everything is checked again at that moment. A command of the bot is then exactly the use case that
was asked for, by whoever asked, so that it has all its own checks, too.
"""

import uuid

from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted, Superseded
from incidents.core.people import Person, actor_of
from incidents.engine.reminders import Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, Incident, IncidentRef
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.timeline import EntryKind
from incidents.people.assignable import person_content
from incidents.policy.policy import Action
from incidents.proposals.approvers import may, may_answer
from incidents.proposals.end import expire, settle
from incidents.proposals.refresh import following_content, outcome_of, refresh_copies
from incidents.proposals.tables import (
    LIVE,
    Approval,
    ApprovalStatus,
    CarryOutFacts,
    Step,
    decide_carry_out,
    entry_content,
    get_approval,
    over,
    refuse_if_changed,
)
from incidents.registry.guarded_commands import perform
from incidents.storage.database import kept_text

MAX_TEXT = 2000
_OVER = frozenset({IncidentStatus.CLOSED, IncidentStatus.CANCELLED})


async def carry_out(
    uow: UnitOfWork,
    ref: IncidentRef,
    *,
    approval_id: uuid.UUID,
    result: str = "",
    version: int | None = None,
) -> Outcome:
    """Say that it was carried out, or let the bot carry it out: `carried_out`.

    `approval_lapsed` instead, when whoever agreed may no longer: it waits for an answer again;
    `approval_expired`, when it comes too late. Nothing is carried out then.

    Raises: NotPermitted for others than the requester and responders, or when the requester may no
        longer; Superseded when it is over, changed or not agreed to; AlreadySo when the incident is
        over; whatever the command itself refuses.
    """
    incident = await uow.get_incident(ref)
    approval = await get_approval(uow.session, approval_id, incident_id=incident.id)
    await _check_presser(uow, incident, approval)
    await refuse_if_changed(uow.session, approval, version=version)
    match decide_carry_out(await _facts(uow, incident, approval)):
        case Step.OVER:
            raise await over(uow.session, approval)
        case Step.UNAPPROVED:
            raise Superseded("approval_waiting")
        case Step.EXPIRED:
            await expire(uow, incident, approval)
            return outcome_of("approval_expired", incident, approval)
        case Step.LAPSED:
            await _lapse(uow, incident, approval)
            return outcome_of("approval_lapsed", incident, approval)
        case Step.GO:
            # What went ahead without agreement is done already: what came of it can always be said.
            if approval.state is not ApprovalStatus.BREAK_GLASS:
                await _check_requester(uow, incident, approval)
            await perform_for(uow, incident, approval, result=kept_text(result, most=MAX_TEXT))
    await refresh_copies(uow, incident, approval)
    return outcome_of("carried_out", incident, approval)


async def abandon(
    uow: UnitOfWork,
    ref: IncidentRef,
    *,
    approval_id: uuid.UUID,
    reason: str,
    version: int | None = None,
) -> Outcome:
    """Say that it isn't done after all, with the reason: `abandoned`.

    Raises: NotPermitted for others than the requester and responders; Superseded when it is over
        or changed; InvalidInput without a reason.
    """
    incident = await uow.get_incident(ref)
    approval = await get_approval(uow.session, approval_id, incident_id=incident.id)
    await _check_presser(uow, incident, approval)
    if approval.state not in LIVE:
        raise await over(uow.session, approval)
    await refuse_if_changed(uow.session, approval, version=version)
    said = kept_text(reason, most=MAX_TEXT)
    if not said:
        raise InvalidInput("reason", "empty", "The errors stopped by themselves")
    await settle(
        uow, incident, approval, ApprovalStatus.ABANDONED, EntryKind.PROPOSAL_ABANDONED, reason=said
    )
    await refresh_copies(uow, incident, approval)
    return outcome_of("abandoned", incident, approval)


async def perform_for(
    uow: UnitOfWork, incident: Incident, approval: Approval, *, result: str
) -> None:
    """Carry out the command, if it is one, as whoever asked, and put on the record what came of it."""
    if approval.command is not None:
        content = await entry_content(uow.session, approval.entry_id)
        command = (content or {}).get("command")
        if not command:
            raise Superseded("approval_redacted")
        requester = await uow.session.get_one(Person, approval.requested_by_id)
        # Before it is done: an incident that ends with it ends the proposals that still wait.
        approval.status = ApprovalStatus.CARRIED_OUT
        await uow.flush()
        with uow.acting_for(actor_of(requester), approval.command, incident):
            await perform(
                uow,
                ById(incident.id),
                command=approval.command,
                arguments=command["arguments"],
            )
    await settle(
        uow,
        incident,
        approval,
        ApprovalStatus.CARRIED_OUT,
        EntryKind.PROPOSAL_CARRIED_OUT,
        result=result,
        is_command=approval.command is not None,
    )


async def ask_for_result(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> None:
    """Ask whoever went ahead without agreement what came of it, once; a drill that is over, never."""
    approval = await uow.session.get(Approval, reminder.subject_id, with_for_update=True)
    if approval is None or approval.state is not ApprovalStatus.BREAK_GLASS:
        return
    if approval.answered_by_id is None or (incident.is_drill and not incident.is_open):
        return
    person = await uow.session.get_one(Person, approval.answered_by_id)
    content = await following_content(uow, approval, person=person_content(person))
    uow.record(incident, EntryKind.RESULT_ASKED, content, target_id=approval.entry_id)


async def _facts(uow: UnitOfWork, incident: Incident, approval: Approval) -> CarryOutFacts:
    answerer_id = approval.answered_by_id
    answerer = await uow.session.get(Person, answerer_id) if answerer_id is not None else None
    is_approved = approval.state is ApprovalStatus.APPROVED
    return CarryOutFacts(
        status=approval.state,
        needs=approval.need,
        is_expired=approval.expires_at is not None and approval.expires_at <= uow.now,
        approver_may=is_approved
        and answerer is not None
        and await may_answer(uow, incident, approval, answerer),
    )


async def _check_presser(uow: UnitOfWork, incident: Incident, approval: Approval) -> None:
    if approval.state is ApprovalStatus.DRAFT:
        raise Superseded("approval")
    if uow.actor.person_id != approval.requested_by_id:
        await uow.permit(Action.CARRY_OUT, incident)


async def _check_requester(uow: UnitOfWork, incident: Incident, approval: Approval) -> None:
    """Check that whoever asked still may; a command's own right is checked when it is performed."""
    is_over = incident.lifecycle_status in _OVER
    if is_over or (approval.command is None and not incident.is_open):
        raise AlreadySo("the incident", incident.status)
    requester = await uow.session.get_one(Person, approval.requested_by_id)
    if requester.is_active and await may(uow, incident, requester, Action.PROPOSE):
        return
    raise NotPermitted("carry_out", needs="somebody who may propose it")


async def _lapse(uow: UnitOfWork, incident: Incident, approval: Approval) -> None:
    """Whoever agreed may no longer, so it waits for an answer again."""
    approval.status = ApprovalStatus.PENDING
    approval.asked_at = uow.now
    approval.expires_at = uow.now + uow.policy.approvals.expires_after
    uow.record(
        incident,
        EntryKind.APPROVAL_LAPSED,
        await following_content(
            uow, approval, needs=approval.needs, expires_at=approval.expires_at
        ),
        target_id=approval.entry_id,
    )
    approval.answered_at = approval.answered_by_id = approval.answer_entry_id = None
    await refresh_copies(uow, incident, approval)
