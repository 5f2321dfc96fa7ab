"""A proposal as its card shows it: words, class, answers, poll, and possible actions."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.incident.incident import Incident
from incidents.incident.payload import Payload
from incidents.incident.timeline import TimelineEntry
from incidents.incident.views import PersonView, people_views
from incidents.policy.proposals import Need
from incidents.proposals.entries import (
    PROPOSAL_TYPES,
    BreakGlass,
    ProposalAbandoned,
    ProposalAnswer,
    ProposalCarriedOut,
    ProposalExpired,
    ProposalStep,
    Proposed,
)
from incidents.proposals.objections import PollView, find_poll
from incidents.proposals.tables import (
    LIVE,
    Proposal,
    ProposalStatus,
    ProposalWords,
    find_said,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalView:
    """A proposal as people read it; `words` are None after a redaction."""

    id: uuid.UUID
    incident_id: uuid.UUID
    number: int
    version: int
    status: ProposalStatus
    needs: Need
    class_key: str
    class_name: str
    requester: PersonView
    words: ProposalWords | None
    is_command: bool
    asked_at: datetime
    expires_at: datetime | None
    answered_by: PersonView | None
    answered_at: datetime | None
    answer: str
    answer_entry_id: uuid.UUID | None
    settled_by: PersonView | None
    settled_at: datetime | None
    ending: str
    is_glass_broken: bool
    ended_with_incident: bool
    poll: PollView | None
    is_incident_open: bool

    @property
    def is_live(self) -> bool:
        """Tell whether it waits for an answer or to be carried out."""
        return self.status in LIVE


async def get_proposal_view(session: AsyncSession, proposal_id: uuid.UUID) -> ProposalView:
    """Return the proposal as it is now. Raises: NoResultFound."""
    row = await session.get_one(Proposal, proposal_id)
    incident = await session.get_one(Incident, row.incident_id)
    wanted = (row.requested_by_id, row.answered_by_id, row.settled_by_id)
    people = await people_views(session, {one for one in wanted if one is not None})
    words = await find_said(session, row.entry_id)
    answer = await find_said(session, row.answer_entry_id)
    ending = await find_said(session, row.end_entry_id)
    return ProposalView(
        id=row.id,
        incident_id=row.incident_id,
        number=row.number or 0,
        version=row.version,
        status=row.state,
        needs=row.need,
        class_key=row.class_key,
        class_name=row.class_name,
        requester=people[row.requested_by_id],
        words=_words(words),
        is_command=row.command is not None,
        asked_at=row.asked_at or row.created_at,
        expires_at=row.expires_at,
        answered_by=people.get(row.answered_by_id) if row.answered_by_id else None,
        answered_at=row.answered_at,
        answer=answer.reason if isinstance(answer, ProposalAnswer) else "",
        answer_entry_id=row.answer_entry_id,
        settled_by=people.get(row.settled_by_id) if row.settled_by_id else None,
        settled_at=row.settled_at,
        ending=_ending(ending),
        ended_with_incident=isinstance(ending, ProposalExpired) and ending.is_incident_over,
        is_glass_broken=isinstance(answer, BreakGlass),
        poll=await find_poll(session, row.id),
        is_incident_open=incident.is_open,
    )


async def find_escalated(
    session: AsyncSession, escalation_id: uuid.UUID, *, incident_id: uuid.UUID
) -> ProposalView | None:
    """Return the unanswered proposal behind this escalation, or None if it no longer waits."""
    query = select(Proposal.id).where(
        Proposal.incident_id == incident_id, Proposal.escalation_id == escalation_id
    )
    found = (await session.execute(query)).scalar_one_or_none()
    return await get_proposal_view(session, found) if found is not None else None


async def find_by_entry(session: AsyncSession, entry_id: uuid.UUID) -> Proposal | None:
    """Return the proposal whose words (of any version), answer or end were in this entry."""
    query = select(Proposal).where(
        (Proposal.entry_id == entry_id)
        | (Proposal.answer_entry_id == entry_id)
        | (Proposal.end_entry_id == entry_id)
    )
    found = (await session.execute(query)).scalars().first()
    if found is not None:
        return found
    following = select(TimelineEntry).where(TimelineEntry.target_id == entry_id)
    for entry in (await session.execute(following)).scalars():
        step = ProposalStep.read(entry.content) if entry.kind in PROPOSAL_TYPES else None
        if step is not None and step.proposal_id is not None:
            return await session.get(Proposal, step.proposal_id)
    return None


def _words(said: Payload | None) -> ProposalWords | None:
    if not isinstance(said, Proposed):
        return None
    return ProposalWords(text=said.text, risk=said.risk, undo=said.undo, check=said.check)


def _ending(said: Payload | None) -> str:
    match said:
        case ProposalCarriedOut():
            return said.result
        case ProposalAbandoned():
            return said.reason
    return ""
