"""Reactions to entries about proposals; the registry says which entry has which."""

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.ids import derived_id
from incidents.engine.plan import IncidentPlan, Thread
from incidents.engine.posted_messages import PROPOSAL_CARD
from incidents.engine.reminders import ReminderKind
from incidents.engine.rules import Recorded
from incidents.incident.entries import MovedToPrivate
from incidents.incident.facts import Facts, ProposalFact
from incidents.people.entries import SightEnded, SightTakenBack
from incidents.policy.policy import COMMANDER
from incidents.policy.proposals import Need
from incidents.proposals.effects import RefreshProposal, RefreshProposalOfEntry
from incidents.proposals.entries import (
    PROPOSAL_TYPES,
    ActionProposed,
    ApprovalLapsed,
    BreakGlass,
    ObjectionRaised,
    ObjectionsAsked,
    ProposalApproved,
    ProposalEntry,
    ProposalExpired,
    ProposalRevised,
    ProposalUnanswered,
    ResultAsked,
)
from incidents.proposals.events import OthersConcerned, WordsRedacted
from incidents.proposals.tables import LIVE, Proposal, ProposalNotice, ProposalStatus
from incidents.record.entries import Redacted

SUBJECT: Final = "proposal"
POLL: Final = "objection_poll"
Asked = ActionProposed | ProposalRevised | ApprovalLapsed
_LOOKED_AT: Final = frozenset(
    {*PROPOSAL_TYPES, MovedToPrivate.kind, SightEnded.kind, SightTakenBack.kind, Redacted.kind}
)


async def add_proposals(session: AsyncSession, facts: Facts, recorded: Recorded) -> Facts:
    """Return the facts with the incident's proposals, if their copies may have to change."""
    if _LOOKED_AT.isdisjoint(recorded.kinds):
        return facts
    query = (
        select(Proposal, ProposalNotice.person_id)
        .outerjoin(ProposalNotice, ProposalNotice.proposal_id == Proposal.id)
        .where(Proposal.incident_id == facts.incident_id, Proposal.status != ProposalStatus.DRAFT)
        .order_by(Proposal.number, ProposalNotice.person_id)
    )
    found: dict[uuid.UUID, ProposalFact] = {}
    for proposal, person_id in await session.execute(query):
        before = found[proposal.id].told if proposal.id in found else ()
        told = tuple(filter(None, (*before, person_id)))  # None: nobody has a copy
        found[proposal.id] = ProposalFact(id=proposal.id, is_live=proposal.state in LIVE, told=told)
    return replace(facts, proposals=tuple(found.values()))


def reply(plan: IncidentPlan[ProposalEntry]) -> None:
    """Post the entry under the proposal's card."""
    _reply(plan)


def speak_up(plan: IncidentPlan[ProposalEntry]) -> None:
    """Post the entry under the proposal's card, and in the channel: people have to hear it."""
    _reply(plan, is_broadcast=True)


def put_proposal(plan: IncidentPlan[Asked]) -> None:
    """Show the card; set the reminders that ask again, if it needs approval, and that end it."""
    show_proposal(plan)
    if plan.event.needs not in {"", Need.NOBODY}:
        wait = plan.policy.proposals.wait_at(plan.facts.severity_key)
        _remind(plan, ReminderKind.PROPOSAL_UNANSWERED, plan.now + wait)
    else:
        _cancel(plan, ReminderKind.PROPOSAL_UNANSWERED)
    _remind_of_end(plan, plan.event.expires_at)


def follow_answer(plan: IncidentPlan[ProposalApproved]) -> None:
    """Stop asking, refresh the card and tell the author of the answer."""
    show_proposal(plan)
    _cancel(plan, ReminderKind.PROPOSAL_UNANSWERED)
    _remind_of_end(plan, plan.event.expires_at)
    _tell_requester(plan)


def follow_end(plan: IncidentPlan[ProposalEntry]) -> None:
    """Remove the buttons and reminders of a proposal that is over, and tell the author."""
    _end_quietly(plan)
    _tell_requester(plan)


def follow_expiry(plan: IncidentPlan[ProposalExpired]) -> None:
    """Post that it ended and tell the author; if its incident is over, only update the card."""
    if plan.event.is_incident_over:
        _end_quietly(plan)
        return
    reply(plan)
    follow_end(plan)


def follow_break_glass(plan: IncidentPlan[BreakGlass]) -> None:
    """Stop asking when somebody goes ahead unapproved; ask for the result later."""
    _end_quietly(plan)
    after = plan.policy.proposals.expires_after
    _remind(plan, ReminderKind.RESULT_MISSING, plan.now + after)


def ask_for_result(plan: IncidentPlan[ResultAsked]) -> None:
    """Ask the person who went ahead for the result, directly."""
    plan.tell(plan.event.person.id)


def erase_words(plan: IncidentPlan[Redacted]) -> None:
    """Remove redacted text from every copy of its proposal."""
    if plan.entry.target_id is None:
        return
    effect = RefreshProposalOfEntry(
        incident_id=plan.facts.incident_id, entry_id=plan.entry.target_id
    )
    plan.add(effect, lane="proposals")


def show_without_title(plan: IncidentPlan[Redacted]) -> None:
    """Show the copies of proposals again, which name the incident by its title."""
    if plan.event.takes_a_title:
        for proposal in plan.facts.proposals:
            _show_copies(plan, proposal)


def erase_everywhere(plan: IncidentPlan[WordsRedacted]) -> None:
    """Refresh the card, all copies and later messages without the redacted words."""
    redacted = plan.event
    _show(plan, redacted.proposal_id, None)
    for person_id in redacted.told:
        _show(plan, redacted.proposal_id, person_id)
    for entry_id in redacted.said:
        plan.erase(entry_id)


def say_unanswered(plan: IncidentPlan[ProposalUnanswered]) -> None:
    """Post in the channel that nobody answers, unless the escalation's card says it."""
    if not plan.event.is_escalated:
        speak_up(plan)


def ask_again(plan: IncidentPlan[ApprovalLapsed]) -> None:
    """Ask again when an approval no longer counts."""
    put_proposal(plan)
    _tell_requester(plan)


def open_poll(plan: IncidentPlan[ObjectionsAsked]) -> None:
    """Show the poll on the card, and set the reminder that ends it."""
    show_proposal(plan)
    if plan.event.until is not None:
        plan.remind(
            ReminderKind.OBJECTIONS_END,
            after=plan.event.until - plan.now,
            subject_type=POLL,
            subject_id=plan.event.poll_id,
        )


def tell_of_objection(plan: IncidentPlan[ObjectionRaised]) -> None:
    """Show the objection on the card; tell the commander and the author who aren't there."""
    show_proposal(plan)
    wanted = (plan.facts.find_holder(COMMANDER), plan.event.requester.id)
    for person_id in dict.fromkeys(wanted):
        if person_id != plan.entry.actor_id:
            plan.tell_absent(person_id)


def tell_concerned(plan: IncidentPlan[OthersConcerned]) -> None:
    """Tell people directly if an entry concerns them without naming them."""
    for person_id in plan.event.people:
        plan.tell(person_id, about=plan.event.entry_id)


def show_proposal(plan: IncidentPlan[ProposalEntry]) -> None:
    """Update the proposal's card in the channel and its copies."""
    if plan.event.proposal_id is not None:
        _show(plan, plan.event.proposal_id, None)
    show_copies(plan)


def show_copies(plan: IncidentPlan[ProposalEntry]) -> None:
    """Update the copies in direct messages."""
    for proposal in plan.facts.proposals:
        if proposal.id == plan.event.proposal_id:
            _show_copies(plan, proposal)


def follow_move(plan: IncidentPlan[MovedToPrivate]) -> None:
    """Move proposals to the new channel; remove them from people who may not see the incident now."""
    for proposal in plan.facts.proposals:
        if proposal.is_live:
            _show(plan, proposal.id, None)
        _show_copies(plan, proposal)


def close_copies(plan: IncidentPlan[SightEnded] | IncidentPlan[SightTakenBack]) -> None:
    """Remove proposals from somebody who no longer sees a private incident."""
    person_id = plan.event.whose(plan.entry.actor_id)
    for proposal in plan.facts.proposals:
        if person_id in proposal.told:
            _show(plan, proposal.id, person_id)


def _show_copies(plan: IncidentPlan[Any], proposal: ProposalFact) -> None:
    for person_id in proposal.told:
        _show(plan, proposal.id, person_id)


def _show(plan: IncidentPlan[Any], proposal_id: uuid.UUID, person_id: uuid.UUID | None) -> None:
    """Show or update a proposal in the channel, or in one person's direct messages."""
    effect = RefreshProposal(
        incident_id=plan.facts.incident_id, proposal_id=proposal_id, person_id=person_id
    )
    place = f"dm:{person_id}" if person_id else "channel"
    gate = None if person_id else plan.channel_gate
    copy = f"{proposal_id}:{place}"
    plan.refresh(effect, lane=f"proposal:{copy}", after=gate, of=copy)


def _end_quietly(plan: IncidentPlan[ProposalEntry]) -> None:
    show_proposal(plan)
    _cancel(plan, ReminderKind.PROPOSAL_UNANSWERED)
    _cancel(plan, ReminderKind.PROPOSAL_EXPIRES)
    _cancel(plan, ReminderKind.RESULT_MISSING)


def _remind_of_end(plan: IncidentPlan[ProposalEntry], expires_at: datetime | None) -> None:
    if expires_at is not None:
        _remind(plan, ReminderKind.PROPOSAL_EXPIRES, expires_at)
    else:
        _cancel(plan, ReminderKind.PROPOSAL_EXPIRES)


def _tell_requester(plan: IncidentPlan[ProposalEntry]) -> None:
    """Tell the author directly, unless they see the mention under the card."""
    if plan.event.requester.id != plan.entry.actor_id:
        plan.tell_absent(plan.event.requester.id)


def _reply(plan: IncidentPlan[ProposalEntry], *, is_broadcast: bool = False) -> None:
    proposal_id = plan.event.proposal_id
    if proposal_id is None:
        plan.post()
        return
    subject_id = derived_id(proposal_id, "channel")  # see `live_copies`
    card = Thread(PROPOSAL_CARD, subject_id, f"proposal:{proposal_id}:channel")
    plan.reply(card, is_broadcast=is_broadcast)


def _remind(plan: IncidentPlan[ProposalEntry], kind: ReminderKind, due_at: datetime) -> None:
    plan.remind(
        kind,
        after=due_at - plan.now,
        subject_type=SUBJECT,
        subject_id=plan.event.proposal_id,
    )


def _cancel(plan: IncidentPlan[ProposalEntry], kind: ReminderKind) -> None:
    plan.cancel(kind, subject_type=SUBJECT, subject_id=plan.event.proposal_id)
