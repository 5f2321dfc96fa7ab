"""Escalate a proposal that nobody answers, and end the escalation when somebody does."""

import uuid
from dataclasses import replace

from incidents.core.people import system_actor
from incidents.engine.unit_of_work import UnitOfWork
from incidents.escalation.answers import withdraw
from incidents.escalation.escalate import EscalationDraft, escalate
from incidents.escalation.events import EscalatedChanged
from incidents.escalation.prefill import prefill
from incidents.escalation.tables import UNANSWERED, Escalation, calls_of
from incidents.escalation.targets import RoleTarget
from incidents.incident.incident import ById, Incident
from incidents.incident.roles import find_commander
from incidents.policy.policy import COMMANDER
from incidents.proposals.tables import Proposal


def may_escalate(incident: Incident, proposal: Proposal) -> bool:
    """Tell whether an unanswered proposal can be escalated, and wasn't yet."""
    return incident.is_open and proposal.escalation_id is None


async def escalate_unanswered(
    uow: UnitOfWork, incident: Incident, proposal: Proposal
) -> frozenset[uuid.UUID]:
    """Call the commander, unless they are the requester, then the ladder of the policy's template.

    Returns who is called: their message shows the proposal and takes their answer.
    """
    packet = replace(
        await prefill(uow.session, incident),
        # The proposal's words are shown beside this; a copy here would survive a redaction.
        ask=f"Please decide on proposal {proposal.number}: approve or decline it.",
        answer_by=proposal.expires_at,
    )
    commander = await find_commander(uow.session, incident.id)
    is_theirs = commander is None or commander.person_id == proposal.requested_by_id
    draft = EscalationDraft(
        target=None if is_theirs else RoleTarget(COMMANDER),
        template_key=uow.policy.proposals.escalates_as,
        packet=packet,
        on_behalf_of_id=proposal.requested_by_id,
    )
    outcome = await escalate(uow, ById(incident.id), draft)
    proposal.escalation_id = uuid.UUID(outcome.data["escalation_id"])
    await uow.flush()
    calls = await calls_of(uow.session, proposal.escalation_id)
    return frozenset(call.person_id for call in calls)


async def end_escalation(uow: UnitOfWork, incident: Incident, proposal: Proposal) -> None:
    """End the escalation: the proposal waits for nobody any more.

    If somebody is on it, they keep it, but it no longer asks for the answer.
    """
    escalation_id, proposal.escalation_id = proposal.escalation_id, None
    if escalation_id is None:
        return
    escalation = await uow.session.get(Escalation, escalation_id)
    if escalation is None:
        return
    if escalation.status not in UNANSWERED:
        uow.emit(EscalatedChanged(escalation_id=escalation_id), incident)
        return
    with uow.acting_for(system_actor(), "", incident):
        reason = f"Proposal {proposal.number} no longer waits"
        await withdraw(uow, escalation_id, reason=reason)
