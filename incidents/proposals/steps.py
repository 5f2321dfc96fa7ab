"""What the steps of a proposal share: their entries, outcomes, and the copies that people have."""

import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import select

from incidents.core.ids import new_id
from incidents.core.people import Person, who
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.events import EscalatedChanged
from incidents.incident.incident import ById, Incident
from incidents.incident.timeline import TimelineEntry
from incidents.proposals.entries import ProposalEntry, ProposalStep
from incidents.proposals.events import WordsRedacted
from incidents.proposals.tables import Proposal, ProposalNotice, get_proposal
from incidents.record.entries import Redacted

ProposalEntryT = TypeVar("ProposalEntryT", bound=ProposalEntry)
ProposalStepT = TypeVar("ProposalStepT", bound=ProposalStep)


async def entry_about(
    uow: UnitOfWork, proposal: Proposal, entry_type: type[ProposalEntryT]
) -> ProposalEntryT:
    """Return an entry that names the proposal and its author."""
    requester = await uow.session.get_one(Person, proposal.requested_by_id)
    return entry_type(
        proposal_id=proposal.id,
        number=proposal.number or 0,
        version=proposal.version,
        is_command=proposal.command is not None,
        requester=who(requester),
    )


async def step_of(
    uow: UnitOfWork, proposal: Proposal, entry_type: type[ProposalStepT]
) -> ProposalStepT:
    """Return an entry about a later step: it points at the proposal's text and has no copy."""
    return replace(await entry_about(uow, proposal, entry_type), text_from=proposal.entry_id)


def outcome_of(kind: str, incident: Incident, proposal: Proposal, **data: Any) -> Outcome:
    """Return the outcome of a change of a proposal."""
    told = {
        "proposal_id": str(proposal.id),
        "number": proposal.number,
        "reference": str(incident.reference),
        "status": proposal.status,
        "needs": proposal.needs,
        "class_name": proposal.class_name,
        **data,
    }
    return Outcome(kind, incident.id, told)


async def give_copies(uow: UnitOfWork, proposal: Proposal, people: Iterable[Person]) -> None:
    """Give these people a copy of the proposal in their direct messages, and keep it current."""
    told = await told_ids(uow, proposal)
    for person in people:
        if person.id not in told:
            row = ProposalNotice(
                id=new_id(), proposal_id=proposal.id, person_id=person.id, told_at=uow.now
            )
            uow.session.add(row)


async def remind_once(
    uow: UnitOfWork, proposal: Proposal, among: Iterable[uuid.UUID]
) -> list[uuid.UUID]:
    """Return who of these has a copy and wasn't reminded since it was asked, and note it."""
    asked_at = proposal.asked_at or proposal.created_at
    query = (
        select(ProposalNotice)
        .where(ProposalNotice.proposal_id == proposal.id, ProposalNotice.person_id.in_(among))
        .order_by(ProposalNotice.told_at, ProposalNotice.person_id)
    )
    due = [
        row
        for row in (await uow.session.execute(query)).scalars()
        if row.reminded_at is None or row.reminded_at < asked_at
    ]
    for row in due:
        row.reminded_at = uow.now
    return [row.person_id for row in due]


async def told_ids(uow: UnitOfWork, proposal: Proposal) -> set[uuid.UUID]:
    """Return who has a copy of the proposal in their direct messages."""
    await uow.flush()
    query = select(ProposalNotice.person_id).where(ProposalNotice.proposal_id == proposal.id)
    return set((await uow.session.execute(query)).scalars())


def show_escalated(uow: UnitOfWork, incident: Incident, proposal: Proposal) -> None:
    """Update the escalation that asks for an answer to the proposal, if there is one."""
    if proposal.escalation_id is not None:
        uow.emit(EscalatedChanged(escalation_id=proposal.escalation_id), incident)


async def note_redaction(
    uow: UnitOfWork,
    *,
    incident_id: uuid.UUID,
    proposal_id: uuid.UUID,
    words_entry_id: uuid.UUID,
) -> None:
    """Remove redacted text from the card, all copies, and later messages."""
    incident = await uow.get_incident(ById(incident_id))
    proposal = await get_proposal(uow.session, proposal_id, incident_id=incident.id)
    query = select(TimelineEntry.id).where(
        TimelineEntry.incident_id == incident.id,
        TimelineEntry.target_id == words_entry_id,
        TimelineEntry.kind != Redacted.kind,
    )
    said = tuple((await uow.session.execute(query)).scalars())
    told = tuple(sorted(await told_ids(uow, proposal)))
    uow.emit(WordsRedacted(proposal_id=proposal.id, told=told, said=said), incident)
    show_escalated(uow, incident, proposal)
