"""Proposals: what somebody wants to do, whose approval it needs, and how it ended.

draft ──ask──▶ pending ──▶ approved ──▶ carried_out
                  │  ▲         │
                  │  └─lapsed──┤          the approver may no longer approve
                  │            ├──▶ abandoned | expired
                  ├──▶ declined | expired | abandoned
                  └──▶ break_glass ──▶ carried_out | abandoned
       └──▶ cleared ──▶ carried_out | abandoned | expired      a class that needs no approval

A draft is offered to one person in private: nobody else sees it. All words live in timeline
entries, so redacting them leaves no copy here. Nobody approves their own proposal, and the right to
carry it out is checked again at that moment.
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
    """The state of a proposal."""

    DRAFT = "draft"
    PENDING = "pending"
    CLEARED = "cleared"
    APPROVED = "approved"
    BREAK_GLASS = "break_glass"
    CARRIED_OUT = "carried_out"
    DECLINED = "declined"
    ABANDONED = "abandoned"
    EXPIRED = "expired"


# May be carried out; still waits for something; can end without an answer.
RUNNABLE = frozenset({ProposalStatus.CLEARED, ProposalStatus.APPROVED, ProposalStatus.BREAK_GLASS})
LIVE = frozenset({ProposalStatus.PENDING, *RUNNABLE})
EXPIRING = frozenset({ProposalStatus.PENDING, ProposalStatus.CLEARED, ProposalStatus.APPROVED})

APPROVING: Mapping[Need, Action] = {
    Need.STANDARD: Action.APPROVE_STANDARD,
    Need.MAJOR: Action.APPROVE_MAJOR,
}


class Proposal(Base):
    """One proposal; `number` counts those of an incident, `version` counts changes of its words."""

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
    # The proposed command of the bot, by its right; None: something people do themselves.
    command: Mapped[str | None]
    # A draft's arguments; once asked, they are only in the entry.
    draft: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # The entries with its current words, with the answer, and with the end.
    entry_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("timeline_entries.id"))
    answer_entry_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("timeline_entries.id"))
    end_entry_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("timeline_entries.id"))
    # The escalation made because nobody answered; it ends once somebody has.
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
        """Return whose approval it needs."""
        return Need(self.needs)

    @property
    def approving(self) -> Action | None:
        """Return the right that approving requires; None if no approval is needed."""
        return APPROVING.get(self.need)


class ProposalNotice(Base):
    """A proposal sent to one person directly; it keeps track of copies to update."""

    __tablename__ = "proposal_notices"
    __table_args__ = (UniqueConstraint("proposal_id", "person_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposals.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    told_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalWords:
    """What is proposed, its risk, how to undo it, and how we'll know that it worked."""

    text: str
    risk: str = ""
    undo: str = ""
    check: str = ""


class Step(StrEnum):
    """What pressing *Carry out* does."""

    GO = "go"
    OVER = "over"
    UNAPPROVED = "unapproved"
    EXPIRED = "expired"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryOutFacts:
    """The facts at the moment of carrying out.

    `approver_may`: the approver still may approve, is still active, and isn't the requester.
    """

    status: ProposalStatus
    needs: Need
    is_expired: bool
    approver_may: bool


def decide_carry_out(facts: CarryOutFacts) -> Step:
    """Decide whether to carry out a proposal now; pure."""
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
    # Cleared ones too: an action that now needs approval doesn't run without it.
    if facts.status is not ProposalStatus.APPROVED:
        return Step.UNAPPROVED
    return Step.GO if facts.approver_may else Step.LAPSED


async def get_proposal(
    session: AsyncSession, proposal_id: uuid.UUID, *, incident_id: uuid.UUID
) -> Proposal:
    """Return the proposal as it is now, locked. Raises: Superseded if it isn't there."""
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
    """Check that the words are those that the actor saw. Raises: Superseded."""
    if version is not None and version != proposal.version:
        raise Superseded("proposal_changed", by=await name_of(session, proposal.requested_by_id))


async def over(session: AsyncSession, proposal: Proposal) -> Superseded:
    """Return the refusal that says who answered the proposal, or how it ended."""
    ending = await find_said(session, proposal.end_entry_id)
    if isinstance(ending, ProposalExpired) and ending.is_incident_over:
        return Superseded("proposal_incident_over")
    by_id = proposal.settled_by_id or proposal.answered_by_id
    return Superseded(f"proposal_{proposal.status}", by=await name_of(session, by_id))


async def name_of(session: AsyncSession, person_id: uuid.UUID | None) -> str:
    """Return the person's current name, or ""."""
    person = await session.get(Person, person_id) if person_id is not None else None
    return person.name if person is not None else ""


async def find_said(session: AsyncSession, entry_id: uuid.UUID | None) -> Payload | None:
    """Return what an entry about a proposal says; None when it is redacted or there is none."""
    entry = await session.get(TimelineEntry, entry_id) if entry_id is not None else None
    if entry is None or entry.content is None:
        return None
    return decode(entry.kind, entry.content, PROPOSAL_TYPES).payload
