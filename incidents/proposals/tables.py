"""Requests for approval: what somebody proposes to do, whose agreement it needs, how it ended.

draft ──ask──▶ pending ──▶ approved ──▶ carried_out
                  │  ▲         │
                  │  └─lapsed──┤          whoever agreed may no longer
                  │            ├──▶ abandoned | expired
                  ├──▶ declined | expired | abandoned
                  └──▶ break_glass ──▶ carried_out | abandoned
       └──▶ cleared ──▶ carried_out | abandoned | expired      a class that needs nobody

A draft is what one person is offered in private: nobody else hears of it. All words live in
timeline entries, so that redacting them leaves no copy here. Nobody agrees to their own proposal,
and whether it may be carried out is asked again when it is.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.errors import Superseded
from incidents.core.ids import new_id
from incidents.core.people import Person
from incidents.incident.payload import Payload, decode
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import Action
from incidents.policy.proposals import Need
from incidents.proposals.entries import PROPOSAL_TYPES, ProposalExpired
from incidents.storage.database import Base


class ProposalStatus(StrEnum):
    """How a proposal stands."""

    DRAFT = "draft"
    PENDING = "pending"
    CLEARED = "cleared"
    APPROVED = "approved"
    BREAK_GLASS = "break_glass"
    CARRIED_OUT = "carried_out"
    DECLINED = "declined"
    ABANDONED = "abandoned"
    EXPIRED = "expired"


# What may be carried out; what still waits for something; what can end without an answer.
RUNNABLE = frozenset({ProposalStatus.CLEARED, ProposalStatus.APPROVED, ProposalStatus.BREAK_GLASS})
LIVE = frozenset({ProposalStatus.PENDING, *RUNNABLE})
EXPIRING = frozenset({ProposalStatus.PENDING, ProposalStatus.CLEARED, ProposalStatus.APPROVED})

APPROVING: Mapping[Need, Action] = {
    Need.STANDARD: Action.APPROVE_STANDARD,
    Need.MAJOR: Action.APPROVE_MAJOR,
}


class Proposal(Base):
    """One proposal. `number` counts those asked in an incident, `version` changes of its words."""

    __tablename__ = "proposals"
    __table_args__ = (
        UniqueConstraint("incident_id", "number"),
        Index("ix_proposals_incident_id_status", "incident_id", "status"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
    number: Mapped[int | None]
    requested_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    status: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    class_key: Mapped[str]
    class_name: Mapped[str]
    needs: Mapped[str]
    # The bot's own command that is asked for, by its right; None: something people do themselves.
    command: Mapped[str | None]
    # A draft's arguments; once asked, they are in the entry alone.
    draft: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # The entries with its words as they are now, with the answer, and with the end.
    entry_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("timeline_entries.id"))
    answer_entry_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("timeline_entries.id"))
    end_entry_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("timeline_entries.id"))
    # What was escalated because nobody answered; taken back once somebody has.
    escalation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("escalations.id"))
    created_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))

    @property
    def state(self) -> ProposalStatus:
        """Return the status as the enum."""
        return ProposalStatus(self.status)

    @property
    def need(self) -> Need:
        """Return whose agreement it needs."""
        return Need(self.needs)

    @property
    def approving(self) -> Action | None:
        """Return the right that agreeing takes; None if nobody has to."""
        return APPROVING.get(self.need)


class ProposalNotice(Base):
    """That somebody was told of a proposal directly, so that their copy is kept current."""

    __tablename__ = "proposal_notices"
    __table_args__ = (UniqueConstraint("proposal_id", "person_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposals.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    told_at: Mapped[datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalWords:
    """What is proposed, its risk, how to undo it, and how we'll know that it worked."""

    text: str
    risk: str = ""
    undo: str = ""
    check: str = ""


class Step(StrEnum):
    """What pressing *Carry out* comes to."""

    GO = "go"
    OVER = "over"
    UNAPPROVED = "unapproved"
    EXPIRED = "expired"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryOutFacts:
    """What is true at the moment of carrying out.

    `approver_may`: whoever agreed still may, is still there, and isn't who asked.
    """

    status: ProposalStatus
    needs: Need
    is_expired: bool
    approver_may: bool


def decide_carry_out(facts: CarryOutFacts) -> Step:
    """Decide whether a proposal is carried out now; pure."""
    if facts.status not in LIVE:
        return Step.OVER
    if facts.status is ProposalStatus.PENDING:
        return Step.EXPIRED if facts.is_expired else Step.UNAPPROVED
    if facts.status is ProposalStatus.BREAK_GLASS:
        return Step.GO
    if facts.is_expired:
        return Step.EXPIRED
    if facts.needs is Need.NOBODY:
        return Step.GO
    # Also what was cleared: nothing that needs somebody runs without their agreement.
    if facts.status is not ProposalStatus.APPROVED:
        return Step.UNAPPROVED
    return Step.GO if facts.approver_may else Step.LAPSED


async def get_proposal(
    session: AsyncSession, proposal_id: uuid.UUID, *, incident_id: uuid.UUID
) -> Proposal:
    """Return the proposal, locked, as it is now. Raises: Superseded if the incident has none such."""
    query = (
        select(Proposal)
        .where(Proposal.id == proposal_id, Proposal.incident_id == incident_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    proposal = (await session.execute(query)).scalar_one_or_none()
    if proposal is None:
        raise Superseded("proposal")
    return proposal


async def proposals_of(session: AsyncSession, incident_id: uuid.UUID) -> Sequence[Proposal]:
    """Return the incident's proposals, the newest first."""
    query = select(Proposal).where(Proposal.incident_id == incident_id)
    return (await session.execute(query.order_by(Proposal.number.desc()))).scalars().all()


async def next_number(session: AsyncSession, incident_id: uuid.UUID) -> int:
    """Return the number of the incident's next proposal; the incident is locked."""
    query = select(func.max(Proposal.number)).where(Proposal.incident_id == incident_id)
    return ((await session.execute(query)).scalar_one() or 0) + 1


async def refuse_if_changed(
    session: AsyncSession, proposal: Proposal, *, version: int | None
) -> None:
    """Return quietly if the words are those the person saw. Raises: Superseded."""
    if version is not None and version != proposal.version:
        raise Superseded("proposal_changed", by=await name_of(session, proposal.requested_by_id))


async def over(session: AsyncSession, proposal: Proposal) -> Superseded:
    """Return the refusal that says how the proposal has ended, or been answered, and by whom."""
    ending = await find_said(session, proposal.end_entry_id)
    if isinstance(ending, ProposalExpired) and ending.is_incident_over:
        return Superseded("proposal_incident_over")
    by_id = proposal.settled_by_id or proposal.answered_by_id
    return Superseded(f"proposal_{proposal.status}", by=await name_of(session, by_id))


async def name_of(session: AsyncSession, person_id: uuid.UUID | None) -> str:
    """Return somebody's name as it is now, or nothing."""
    person = await session.get(Person, person_id) if person_id is not None else None
    return person.name if person is not None else ""


async def find_said(session: AsyncSession, entry_id: uuid.UUID | None) -> Payload | None:
    """Return what an entry about a proposal says; None when it is redacted or there is none."""
    entry = await session.get(TimelineEntry, entry_id) if entry_id is not None else None
    if entry is None or entry.content is None:
        return None
    return decode(entry.kind, entry.content, PROPOSAL_TYPES).payload
