"""Messages after a change of a proposal: who is told directly, and which copies are updated.

The card in the channel follows from the timeline (`entries.py`). Direct messages don't: an entry
must not reveal who supervises whom, so they are planned here.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from incidents.core.ids import new_id
from incidents.core.people import Person
from incidents.engine.effects import EraseEntryMessage
from incidents.engine.outbox import Planned
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.events import EscalatedChanged
from incidents.incident.incident import ById, Incident
from incidents.incident.timeline import EntryKind, TimelineEntry
from incidents.incident.views import TEXT_FROM
from incidents.people.assignable import person_content
from incidents.proposals.effects import RefreshProposal
from incidents.proposals.tables import (
    LIVE,
    Proposal,
    ProposalNotice,
    ProposalStatus,
    ProposalWords,
    get_proposal,
)


async def content_of(uow: UnitOfWork, proposal: Proposal, **details: Any) -> dict[str, Any]:
    """Return the proposal's fields for an entry, plus these details."""
    requester = await uow.session.get_one(Person, proposal.requested_by_id)
    return {
        "proposal_id": proposal.id,
        "number": proposal.number,
        "version": proposal.version,
        "is_command": proposal.command is not None,
        "requester": person_content(requester),
        **details,
    }


async def following_content(uow: UnitOfWork, proposal: Proposal, **details: Any) -> dict[str, Any]:
    """Return the content of a follow-up entry: it refers to the words instead of copying them."""
    return await content_of(uow, proposal, **{TEXT_FROM: proposal.entry_id}, **details)


def words_content(proposal: Proposal, words: ProposalWords) -> dict[str, Any]:
    """Return a proposal's words and class, as entries hold them."""
    return {
        "class_key": proposal.class_key,
        "class_name": proposal.class_name,
        "needs": proposal.needs,
        "text": words.text,
        "risk": words.risk,
        "undo": words.undo,
        "check": words.check,
    }


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


async def tell_directly(
    uow: UnitOfWork, incident: Incident, proposal: Proposal, people: Iterable[Person]
) -> int:
    """Send these people a copy of the proposal directly; return how many didn't have one."""
    told = await told_ids(uow, proposal)
    new = [person for person in people if person.id not in told]
    for person in new:
        row = ProposalNotice(
            id=new_id(), proposal_id=proposal.id, person_id=person.id, told_at=uow.now
        )
        uow.session.add(row)
    await refresh_copies(uow, incident, proposal)
    return len(new)


async def refresh_copies(uow: UnitOfWork, incident: Incident, proposal: Proposal) -> None:
    """Update the copies in direct messages, and the escalation that asks for an answer."""
    await uow.flush()
    if proposal.escalation_id is not None:
        uow.emit(EscalatedChanged(escalation_id=proposal.escalation_id), incident)
    await uow.add_effects(
        [
            _refresh(incident, proposal, person_id)
            for person_id in sorted(await told_ids(uow, proposal))
        ]
    )


async def follow_move(uow: UnitOfWork, incident: Incident) -> None:
    """Show proposals in the new channel, and hide them from people who lost access."""
    query = select(Proposal).where(
        Proposal.incident_id == incident.id, Proposal.status != ProposalStatus.DRAFT
    )
    for proposal in (await uow.session.execute(query)).scalars().all():
        if proposal.state in LIVE:
            await uow.add_effects([_refresh(incident, proposal, None)])
        await refresh_copies(uow, incident, proposal)


async def refresh_everywhere(
    uow: UnitOfWork,
    *,
    incident_id: uuid.UUID,
    proposal_id: uuid.UUID,
    words_entry_id: uuid.UUID,
) -> None:
    """Update the card, all copies and later messages, because its words were redacted."""
    incident = await uow.get_incident(ById(incident_id))
    proposal = await get_proposal(uow.session, proposal_id, incident_id=incident.id)
    await uow.add_effects([_refresh(incident, proposal, None)])
    await refresh_copies(uow, incident, proposal)
    query = select(TimelineEntry.id).where(
        TimelineEntry.incident_id == incident.id,
        TimelineEntry.target_id == words_entry_id,
        TimelineEntry.kind != EntryKind.REDACTED,
    )
    said = (await uow.session.execute(query)).scalars().all()
    await uow.add_effects([_erase(incident, entry_id) for entry_id in said])


async def told_ids(uow: UnitOfWork, proposal: Proposal) -> set[uuid.UUID]:
    """Return the ids of the people who have a copy of the proposal in their direct messages."""
    await uow.flush()
    query = select(ProposalNotice.person_id).where(ProposalNotice.proposal_id == proposal.id)
    return set((await uow.session.execute(query)).scalars())


def _erase(incident: Incident, entry_id: uuid.UUID) -> Planned:
    effect = EraseEntryMessage(incident_id=incident.id, entry_id=entry_id)
    return Planned(
        id=new_id(),
        effect=effect,
        lane=f"{incident.id}:channel",
        after_effect_id=incident.channel_effect_id,
    )


def _refresh(incident: Incident, proposal: Proposal, person_id: uuid.UUID | None) -> Planned:
    effect = RefreshProposal(incident_id=incident.id, proposal_id=proposal.id, person_id=person_id)
    place = f"dm:{person_id}" if person_id else "channel"
    return Planned(
        id=new_id(),
        effect=effect,
        lane=f"{incident.id}:{place}",
        after_effect_id=None if person_id else incident.channel_effect_id,
        coalesce_key=f"{effect.kind}:{proposal.id}:{place}",
    )
