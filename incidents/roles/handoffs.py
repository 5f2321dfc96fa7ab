"""Handoffs of command: who proposed them, who answers, the brief, and how they ended.

pending ──▶ accepted      by the person asked
        ├─▶ agreed        by the commander, to a request: the nominee is asked next
        ├─▶ declined      by the person asked: the commander stays
        └─▶ withdrawn     by its proposer or the commander, by somebody who took over, or because
                          the incident is over

Without an answer it stays pending and command stays where it is: at `expires_at` the commander is
told and the backup is called. At most one per incident is pending. The use cases are in
`command.py`.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import JSON, ForeignKey, Index, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.errors import Superseded
from incidents.core.ids import new_id
from incidents.core.people import Person, who
from incidents.core.sentences import Who
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident
from incidents.incident.timeline import TimelineEntry
from incidents.incident.views import PersonView, people_views
from incidents.people.assignable import get_person
from incidents.roles.entries import HandoffAgreed, HandoffEntry, HandoffProposal, HandoffWithdrawn
from incidents.roles.handoff_brief import Brief, load_brief
from incidents.storage.database import Base

HandoffEntryT = TypeVar("HandoffEntryT", bound=HandoffEntry)


class HandoffKind(StrEnum):
    """Who has to answer: the next commander or the current one."""

    OFFER = "offer"
    REQUEST = "request"


class HandoffStatus(StrEnum):
    """Whether a handoff waits for its answer, and how it ended."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    AGREED = "agreed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Handoff(Base):
    """One proposal to change the commander; its words are only in its entry."""

    __tablename__ = "handoffs"
    __table_args__ = (
        Index("ix_handoffs_incident_id", "incident_id"),
        Index(
            "uq_handoffs_pending",
            "incident_id",
            unique=True,
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
    kind: Mapped[str]
    status: Mapped[str] = mapped_column(default=HandoffStatus.PENDING)
    # The commander; None when nobody was in command.
    from_person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    to_person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    proposed_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    entry_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("timeline_entries.id"))
    brief: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime]
    # When the commander is told that nobody has answered.
    expires_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))

    @property
    def answerer_id(self) -> uuid.UUID | None:
        """Return the one person who can accept or decline."""
        return self.from_person_id if self.kind == HandoffKind.REQUEST else self.to_person_id

    def is_asked_by_nominee(self, now: datetime) -> bool:
        """Tell whether the nominee asked for command themselves, and lately: they agree."""
        is_own = self.proposed_by_id == self.to_person_id
        return self.kind == HandoffKind.REQUEST and is_own and now < self.expires_at

    @property
    def party_ids(self) -> frozenset[uuid.UUID | None]:
        """Return everybody involved in the handoff."""
        return frozenset({self.from_person_id, self.to_person_id, self.proposed_by_id})

    def settle(self, status: HandoffStatus, *, now: datetime, by_id: uuid.UUID | None) -> None:
        """Store how the handoff ended."""
        self.status = status
        self.settled_at = now
        self.settled_by_id = by_id


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffView:
    """A handoff as its message shows it; `words` are what the proposer added to the brief."""

    id: uuid.UUID
    incident_id: uuid.UUID
    kind: HandoffKind
    status: HandoffStatus
    from_person: PersonView | None
    to_person: PersonView
    proposed_by: PersonView | None
    settled_by: PersonView | None
    words: str
    brief: Brief
    created_at: datetime
    expires_at: datetime
    settled_at: datetime | None


async def find_pending_handoff(session: AsyncSession, incident_id: uuid.UUID) -> Handoff | None:
    """Return the incident's pending handoff, or None."""
    query = select(Handoff).where(
        Handoff.incident_id == incident_id, Handoff.status == HandoffStatus.PENDING
    )
    return (await session.execute(query)).scalar_one_or_none()


async def get_pending_handoff(
    session: AsyncSession, handoff_id: uuid.UUID, *, incident_id: uuid.UUID
) -> Handoff:
    """Return the pending handoff behind a button. Raises: Superseded with how it ended."""
    handoff = await session.get(Handoff, handoff_id)
    if handoff is None or handoff.incident_id != incident_id:
        raise Superseded("handoff_withdrawn")
    if handoff.status != HandoffStatus.PENDING:
        raise Superseded(f"handoff_{handoff.status}", by=await _who_ended(session, handoff))
    return handoff


async def _who_ended(session: AsyncSession, handoff: Handoff) -> str:
    ended_by = handoff.settled_by_id
    person = await session.get(Person, ended_by) if ended_by is not None else None
    return person.name if person is not None else ""


async def get_handoff_view(session: AsyncSession, handoff_id: uuid.UUID) -> HandoffView:
    """Return the handoff as its message shows it now. Raises: NoResultFound."""
    row = await session.get_one(Handoff, handoff_id)
    entry = await session.get(TimelineEntry, row.entry_id) if row.entry_id else None
    proposal = HandoffProposal.read(entry.content) if entry is not None else None
    wanted = {row.from_person_id, row.to_person_id, row.proposed_by_id, row.settled_by_id}
    people = await people_views(session, [one for one in wanted if one is not None])

    def named(person_id: uuid.UUID | None) -> PersonView | None:
        return people.get(person_id) if person_id is not None else None

    return HandoffView(
        id=row.id,
        incident_id=row.incident_id,
        kind=HandoffKind(row.kind),
        status=HandoffStatus(row.status),
        from_person=named(row.from_person_id),
        to_person=people[row.to_person_id],
        proposed_by=named(row.proposed_by_id),
        settled_by=named(row.settled_by_id),
        words=proposal.words if proposal is not None else "",
        brief=await load_brief(session, row.brief),
        created_at=row.created_at,
        expires_at=row.expires_at,
        settled_at=row.settled_at,
    )


# -- ending one --------------------------------------------------------------------------------


async def withdraw_handoff(uow: UnitOfWork, incident: Incident, handoff: Handoff) -> None:
    """End a pending handoff without moving command."""
    handoff.settle(HandoffStatus.WITHDRAWN, now=uow.now, by_id=uow.actor.person_id)
    # Flush now: the unique index would refuse the next proposal if it were written first.
    await uow.flush()
    uow.record(incident, await entry_about(uow, handoff, HandoffWithdrawn))


async def end_handoff(uow: UnitOfWork, incident: Incident) -> None:
    """Withdraw the pending handoff, if there is one: nobody needs to take command any more."""
    pending = await find_pending_handoff(uow.session, incident.id)
    if pending is not None:
        await withdraw_handoff(uow, incident, pending)


async def settle_agreed(
    uow: UnitOfWork, incident: Incident, handoff: Handoff, status: HandoffStatus
) -> None:
    """Record that the person asked has agreed; what follows is recorded after it."""
    handoff.settle(status, now=uow.now, by_id=uow.actor.person_id)
    # Flush now: the unique index would refuse the next proposal if it were written first.
    await uow.flush()
    uow.record(incident, await entry_about(uow, handoff, HandoffAgreed))


async def entry_about(
    uow: UnitOfWork, handoff: Handoff, entry_type: type[HandoffEntryT]
) -> HandoffEntryT:
    """Return an entry that names the handoff and its people."""
    return entry_type(
        handoff_id=handoff.id,
        handoff_kind=handoff.kind,
        outgoing=await who_is(uow, handoff.from_person_id),
        incoming=who(await get_person(uow, handoff.to_person_id)),
        proposed_by=await who_is(uow, handoff.proposed_by_id),
        asked=await who_is(uow, handoff.answerer_id),
    )


async def who_is(uow: UnitOfWork, person_id: uuid.UUID | None) -> Who | None:
    """Return how an entry names the person with this id of ours; None for nobody."""
    return who(await get_person(uow, person_id)) if person_id is not None else None
