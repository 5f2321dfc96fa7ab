"""A proposal that nobody answers is escalated, and the escalation ends as soon as somebody has."""

import uuid
from dataclasses import replace

from incidents.approvals import Approval
from incidents.escalating import EscalationDraft, escalate, prefill
from incidents.escalation_answers import withdraw
from incidents.escalation_targets import RoleTarget
from incidents.escalations import UNANSWERED, Escalation
from incidents.incident import ById, Incident
from incidents.people import system_actor
from incidents.policy import COMMANDER
from incidents.roles import find_commander
from incidents.unit_of_work import UnitOfWork


async def escalate_unanswered(uow: UnitOfWork, incident: Incident, approval: Approval) -> None:
    """Call the commander, unless they asked themselves, then the ladder of the policy's template."""
    if not incident.is_open or approval.escalation_id is not None:
        return
    packet = replace(
        await prefill(uow.session, incident),
        # What it is stands on the card: here it would be a copy that redacting doesn't reach.
        ask=f"Please decide on proposal {approval.number}: approve or decline it on its card.",
        answer_by=approval.expires_at,
    )
    commander = await find_commander(uow.session, incident.id)
    is_theirs = commander is None or commander.person_id == approval.requested_by_id
    draft = EscalationDraft(
        target=None if is_theirs else RoleTarget(COMMANDER),
        template_key=uow.policy.approvals.escalates_as,
        packet=packet,
        on_behalf_of_id=approval.requested_by_id,
    )
    outcome = await escalate(uow, ById(incident.id), draft)
    approval.escalation_id = uuid.UUID(outcome.data["escalation_id"])
    await uow.flush()


async def end_escalation(uow: UnitOfWork, incident: Incident, approval: Approval) -> None:
    """Take the escalation back, if nobody is on it yet: the proposal waits for nobody any more."""
    escalation_id, approval.escalation_id = approval.escalation_id, None
    if escalation_id is None:
        return
    escalation = await uow.session.get(Escalation, escalation_id)
    if escalation is None or escalation.status not in UNANSWERED:
        return
    with uow.acting_for(system_actor(), "", incident):
        reason = f"Proposal {approval.number} no longer waits"
        await withdraw(uow, escalation_id, reason=reason)
