"""Strong objections? A short poll on a proposal: silence is consent, objections have a name.

The poll tells the commander what others think; the decision stays theirs. It ends after the
policy's time, or quietly when the proposal is over. An objection's words are only in its entry.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.errors import AlreadySo, InvalidInput, Superseded
from incidents.core.ids import new_id
from incidents.core.people import Person
from incidents.core.sentences import Who
from incidents.engine.reminders import Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident, IncidentRef
from incidents.policy.policy import Action
from incidents.proposals.entries import ObjectionRaised, ObjectionsAsked, ObjectionsEnded
from incidents.proposals.steps import outcome_of, show_escalated, step_of
from incidents.proposals.tables import LIVE, Proposal, find_said, get_proposal, over
from incidents.storage.database import Base, trimmed

MAX_TEXT = 1000


class ObjectionPoll(Base):
    """One question for strong objections; at most one per proposal is open."""

    __tablename__ = "objection_polls"
    __table_args__ = (
        Index("ix_objection_polls_proposal_id", "proposal_id"),
        Index(
            "uq_objection_polls_open",
            "proposal_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    proposal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("proposals.id"))
    opened_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    opened_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class Objection(Base):
    """One person's objection; their latest one counts."""

    __tablename__ = "objections"
    __table_args__ = (UniqueConstraint("poll_id", "person_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    poll_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("objection_polls.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    entry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("timeline_entries.id"))
    raised_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class ObjectionView:
    """An objection as people read it; no reason after a redaction."""

    name: str
    external_id: str
    reason: str
    person_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class PollView:
    """The newest poll on a proposal: whether it is open, until when, and the objections."""

    is_open: bool
    ends_at: datetime
    objections: tuple[ObjectionView, ...]


async def ask_objections(uow: UnitOfWork, ref: IncidentRef, *, proposal_id: uuid.UUID) -> Outcome:
    """Ask everybody for strong objections to a proposal: `objections_asked`.

    Raises: NotPermitted; Superseded when the proposal is over; AlreadySo while a poll is open.
    """
    incident = await uow.get_incident(ref)
    proposal = await get_proposal(uow.session, proposal_id, incident_id=incident.id)
    await uow.permit(Action.ASK_OBJECTIONS, incident)
    if proposal.state not in LIVE:
        raise await over(uow.session, proposal)
    if await _find_open(uow.session, proposal.id) is not None:
        raise AlreadySo("objection_poll", "open")
    wait = uow.policy.proposals.objections
    poll = ObjectionPoll(
        id=new_id(),
        proposal_id=proposal.id,
        opened_by_id=uow.actor.person_id,
        opened_at=uow.now,
        ends_at=uow.now + wait,
    )
    uow.session.add(poll)
    seconds = int(wait.total_seconds())
    asked = replace(
        await step_of(uow, proposal, ObjectionsAsked),
        poll_id=poll.id,
        until=poll.ends_at,
        box_seconds=seconds,
    )
    uow.record(incident, asked, target_id=proposal.entry_id)
    show_escalated(uow, incident, proposal)
    return outcome_of("objections_asked", incident, proposal, box_seconds=seconds)


async def object_to(
    uow: UnitOfWork, ref: IncidentRef, *, proposal_id: uuid.UUID, reason: str
) -> Outcome:
    """Object to a proposal while its poll is open, with the reason: `objected`.

    Raises: NotPermitted; Superseded when no poll is open; InvalidInput without a reason.
    """
    incident = await uow.get_incident(ref)
    proposal = await get_proposal(uow.session, proposal_id, incident_id=incident.id)
    await uow.permit(Action.PROPOSE, incident)
    poll = await _find_open(uow.session, proposal.id)
    if poll is None or poll.ends_at <= uow.now or proposal.state not in LIVE:
        raise Superseded("objection_poll")
    said = trimmed(reason)[:MAX_TEXT]
    if not said:
        raise InvalidInput("reason", "empty", "The replica is 20 minutes behind")
    if uow.actor.person_id is None:
        raise Superseded("objection_poll")
    raised = replace(await step_of(uow, proposal, ObjectionRaised), poll_id=poll.id, reason=said)
    entry = uow.record(incident, raised, target_id=proposal.entry_id)
    await uow.flush()  # the row points at the entry
    await _keep(uow, poll, entry_id=entry.id)
    show_escalated(uow, incident, proposal)
    return outcome_of("objected", incident, proposal)


async def end_poll(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> None:
    """Close the poll when its time is over, and record the result."""
    poll = await uow.session.get(ObjectionPoll, reminder.subject_id, with_for_update=True)
    if poll is None or poll.closed_at is not None:
        return
    poll.closed_at = uow.now
    proposal = await get_proposal(uow.session, poll.proposal_id, incident_id=incident.id)
    objections = await _objections(uow.session, poll.id)
    ended = replace(
        await step_of(uow, proposal, ObjectionsEnded),
        poll_id=poll.id,
        count=len(objections),
        people=tuple(Who(one.name, one.person_id) for one in objections),
    )
    uow.record(incident, ended, target_id=proposal.entry_id)
    show_escalated(uow, incident, proposal)


async def close_poll(uow: UnitOfWork, proposal: Proposal) -> None:
    """Close the proposal's open poll quietly, because the proposal is over."""
    poll = await _find_open(uow.session, proposal.id)
    if poll is not None:
        poll.closed_at = uow.now
        await uow.flush()


async def find_poll(session: AsyncSession, proposal_id: uuid.UUID) -> PollView | None:
    """Return the newest poll on the proposal, or None."""
    query = (
        select(ObjectionPoll)
        .where(ObjectionPoll.proposal_id == proposal_id)
        .order_by(ObjectionPoll.opened_at.desc(), ObjectionPoll.id.desc())
        .limit(1)
    )
    poll = (await session.execute(query)).scalar_one_or_none()
    if poll is None:
        return None
    return PollView(poll.closed_at is None, poll.ends_at, await _objections(session, poll.id))


async def _find_open(session: AsyncSession, proposal_id: uuid.UUID) -> ObjectionPoll | None:
    query = select(ObjectionPoll).where(
        ObjectionPoll.proposal_id == proposal_id, ObjectionPoll.closed_at.is_(None)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def _objections(session: AsyncSession, poll_id: uuid.UUID) -> tuple[ObjectionView, ...]:
    query = (
        select(Objection, Person)
        .join(Person, Person.id == Objection.person_id)
        .where(Objection.poll_id == poll_id)
        .order_by(Objection.raised_at, Objection.id)
    )
    found: list[ObjectionView] = []
    for objection, person in (await session.execute(query)).all():
        raised = await find_said(session, objection.entry_id)
        reason = raised.reason if isinstance(raised, ObjectionRaised) else ""
        found.append(ObjectionView(person.name, person.external_id, reason, person.id))
    return tuple(found)


async def _keep(uow: UnitOfWork, poll: ObjectionPoll, *, entry_id: uuid.UUID) -> None:
    query = select(Objection).where(
        Objection.poll_id == poll.id, Objection.person_id == uow.actor.person_id
    )
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is None:
        row = Objection(id=new_id(), poll_id=poll.id, person_id=uow.actor.person_id)
        uow.session.add(row)
    row.entry_id, row.raised_at = entry_id, uow.now
    await uow.flush()
