"""A proposal as its card shows it: words, class, answers, poll, and possible actions."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.incident.incident import Incident
from incidents.incident.timeline import EntryKind, TimelineEntry
from incidents.incident.views import PersonView, people_views
from incidents.policy.proposals import Need
from incidents.proposals.objections import PollView, find_poll
from incidents.proposals.tables import (
    LIVE,
    RUNNABLE,
    Proposal,
    ProposalStatus,
    ProposalWords,
    entry_content,
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

    @property
    def is_runnable(self) -> bool:
        """Tell whether it may be carried out."""
        return self.status in RUNNABLE


async def get_proposal_view(session: AsyncSession, proposal_id: uuid.UUID) -> ProposalView:
    """Return the proposal as it is now. Raises: NoResultFound."""
    row = await session.get_one(Proposal, proposal_id)
    incident = await session.get_one(Incident, row.incident_id)
    wanted = (row.requested_by_id, row.answered_by_id, row.settled_by_id)
    people = await people_views(session, {one for one in wanted if one is not None})
    words = await entry_content(session, row.entry_id)
    answer = await _find_entry(session, row.answer_entry_id)
    ending = await entry_content(session, row.end_entry_id)
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
        answer=str(((answer.content if answer else None) or {}).get("reason") or ""),
        settled_by=people.get(row.settled_by_id) if row.settled_by_id else None,
        settled_at=row.settled_at,
        ending=str((ending or {}).get("result") or (ending or {}).get("reason") or ""),
        ended_with_incident=bool((ending or {}).get("is_incident_over")),
        is_glass_broken=answer is not None and answer.kind == EntryKind.BREAK_GLASS,
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
    following = select(TimelineEntry.content).where(TimelineEntry.target_id == entry_id)
    for content in (await session.execute(following)).scalars():
        proposal_id = (content or {}).get("proposal_id")
        if proposal_id:
            return await session.get(Proposal, uuid.UUID(proposal_id))
    return None


async def _find_entry(session: AsyncSession, entry_id: uuid.UUID | None) -> TimelineEntry | None:
    return await session.get(TimelineEntry, entry_id) if entry_id is not None else None


def _words(content: dict[str, Any] | None) -> ProposalWords | None:
    if content is None:
        return None
    return ProposalWords(
        text=str(content.get("text") or ""),
        risk=str(content.get("risk") or ""),
        undo=str(content.get("undo") or ""),
        check=str(content.get("check") or ""),
    )
