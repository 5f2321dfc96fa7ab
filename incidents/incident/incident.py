"""The incident: its row, its participants, and how to find it for somebody who may see it."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    UniqueConstraint,
    bindparam,
    exists,
    false,
    or_,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from incidents.core.errors import IncidentNotFound
from incidents.core.hash_chain import GENESIS_HASH, ChainHead
from incidents.core.ids import Reference, new_id
from incidents.core.people import Actor, PersonKind
from incidents.core.systems import Sight
from incidents.incident.lifecycle import STATUSES_GOING_ON, IncidentStatus, is_open
from incidents.storage.database import Base


class Sharing(StrEnum):
    """Whether another organisation reads the channel, and whether somebody agreed to that."""

    NONE = ""
    SHARED = "shared"
    ACCEPTED = "accepted"


class Incident(Base):
    """One incident; it stores severity key, name and rank, so a later policy can still read it."""

    __tablename__ = "incidents"
    __table_args__ = (
        # The number before `is_drill`: else a planner may expect few rows that are no drills.
        UniqueConstraint("workspace_id", "number", "is_drill"),
        Index(
            "uq_incidents_workspace_id_channel_id",
            "workspace_id",
            "channel_id",
            unique=True,
            sqlite_where=text("channel_id IS NOT NULL"),
            postgresql_where=text("channel_id IS NOT NULL"),
        ),
        Index("ix_incidents_workspace_id_status", "workspace_id", "status"),
        Index("ix_incidents_workspace_id_declared_at", "workspace_id", "declared_at", "id"),
        Index("ix_incidents_workspace_id_resolved_at", "workspace_id", "resolved_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    number: Mapped[int]
    is_drill: Mapped[bool] = mapped_column(default=False)
    is_private: Mapped[bool] = mapped_column(default=False)
    title: Mapped[str]
    summary: Mapped[str] = mapped_column(default="")
    impact: Mapped[str] = mapped_column(default="")
    resolution: Mapped[str] = mapped_column(default="")
    services: Mapped[list[str]] = mapped_column(JSON, default=list)
    # False for a near miss or a drill: resolving then asks for no times of impact.
    has_customer_impact: Mapped[bool] = mapped_column(default=True)
    severity_key: Mapped[str]
    severity_name: Mapped[str]
    severity_rank: Mapped[int]
    status: Mapped[str] = mapped_column(default=IncidentStatus.TRIAGE)
    declared_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"), index=True)
    duplicate_of_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("incidents.id"))

    impact_started_at: Mapped[datetime | None]
    impact_ended_at: Mapped[datetime | None]
    detected_at: Mapped[datetime]
    declared_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    mitigated_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    last_update_at: Mapped[datetime | None]
    next_update_due_at: Mapped[datetime | None]

    # Where the incident lives in the chat service. `channel_effect_id` is the effect that opens the
    # channel; every message for the channel waits for it.
    channel_id: Mapped[str | None]
    channel_name: Mapped[str | None]
    channel_effect_id: Mapped[uuid.UUID | None]
    is_channel_archived: Mapped[bool] = mapped_column(default=False)
    # What the chat service last said about the channel: only its members read it; people of another
    # organisation are in it (`Sharing`).
    is_channel_private: Mapped[bool] = mapped_column(default=False)
    channel_sharing: Mapped[str] = mapped_column(default=Sharing.NONE)

    last_sequence: Mapped[int] = mapped_column(default=0)
    last_entry_hash: Mapped[str] = mapped_column(default=GENESIS_HASH)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}

    @property
    def reference(self) -> Reference:
        """Return the incident's public name, such as INC-12."""
        return Reference(number=self.number, is_drill=self.is_drill)

    @property
    def lifecycle_status(self) -> IncidentStatus:
        """Return the status as the enum."""
        return IncidentStatus(self.status)

    @property
    def is_open(self) -> bool:
        """Tell whether the incident is still being worked on."""
        return is_open(self.lifecycle_status)

    @property
    def is_channel_exposed(self) -> bool:
        """Tell whether people who may not see this private incident can read its channel."""
        if not self.is_private or self.channel_id is None:
            return False
        return not self.is_channel_private or self.channel_sharing == Sharing.SHARED

    def set_channel(
        self, channel_id: str | None, name: str | None = None, *, is_private: bool = False
    ) -> None:
        """Let the incident live in another channel, or (None) in none for now."""
        self.channel_id, self.channel_name = channel_id, name
        self.is_channel_archived, self.is_channel_private = False, is_private
        self.channel_sharing = Sharing.NONE

    @property
    def chain_head(self) -> ChainHead:
        """Return the newest link of the timeline."""
        return ChainHead(self.last_sequence, self.last_entry_hash)


class Participant(Base):
    """A person called, invited or in the channel of an incident; it makes the incident visible."""

    __tablename__ = "participants"
    __table_args__ = (
        UniqueConstraint("incident_id", "person_id"),
        Index(
            "ix_participants_gone",  # else PostgreSQL reads all that somebody took part in
            "person_id",
            "incident_id",
            postgresql_where=text("gone_at IS NOT NULL"),
            sqlite_where=text("gone_at IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    invited_at: Mapped[datetime | None] = mapped_column(default=None)
    # Who let them in; None if nobody had to: the policy, or a public incident.
    let_in_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"), default=None)
    joined_at: Mapped[datetime | None] = mapped_column(default=None)
    left_at: Mapped[datetime | None] = mapped_column(default=None)
    is_in_channel: Mapped[bool] = mapped_column(default=False)
    # Since when somebody who left, or was removed, is outside; None for everybody else.
    gone_at: Mapped[datetime | None] = mapped_column(default=None)

    def let_in(self, now: datetime, *, by: uuid.UUID | None = None) -> None:
        """Make them part of the incident, also after they left it."""
        if self.invited_at is None:
            self.invited_at, self.let_in_by_id = now, by
        self.gone_at = None

    def go(self, now: datetime) -> None:
        """End their part in the incident: sight, and with it all rights."""
        self.is_in_channel, self.invited_at, self.gone_at = False, None, now
        self.let_in_by_id = None


@dataclass(frozen=True, slots=True)
class ById:
    """The incident with this id."""

    id: uuid.UUID


@dataclass(frozen=True, slots=True)
class ByReference:
    """The incident with this reference, such as INC-12."""

    reference: Reference


@dataclass(frozen=True, slots=True)
class ByChannel:
    """The incident whose channel this is."""

    channel_id: str


IncidentRef = ById | ByReference | ByChannel


def visible_to(viewer: Actor) -> ColumnElement[bool]:
    """Return the condition under which a viewer sees an incident.

    Systems see what `core/systems.py` lists. A private incident is visible to its declarer, and to
    people assigned, called, invited, or in its channel, until they leave or are removed. Guests
    and people not known yet see only incidents in which they take part; deactivated people and
    those of other organisations, who may share a channel with us, see none.
    """
    if not viewer.is_person:
        return _visible_to_system(viewer)
    if not viewer.is_active or viewer.person_kind is PersonKind.EXTERNAL:
        return false()
    if viewer.person_kind is not PersonKind.MEMBER:
        return _is_among_few(viewer)
    own_part = (Participant.incident_id == Incident.id) & (
        Participant.person_id == viewer.person_id
    )
    has_gone = exists().where(own_part, Participant.gone_at.is_not(None))
    own = or_(
        (Incident.declared_by_id == viewer.person_id) & ~has_gone,
        exists().where(own_part, _takes_part()),
    )
    return or_(Incident.is_private.is_(False), own)


def _takes_part() -> ColumnElement[bool]:
    return or_(Participant.is_in_channel, Participant.invited_at.is_not(None))


def _is_among_few(viewer: Actor) -> ColumnElement[bool]:
    """Return the condition for somebody who sees only their own: found by them, not one by one."""
    declared = aliased(Incident)
    has_gone = exists().where(
        Participant.incident_id == declared.id,
        Participant.person_id == viewer.person_id,
        Participant.gone_at.is_not(None),
    )
    inside = select(Participant.incident_id).where(
        Participant.person_id == viewer.person_id, _takes_part()
    )
    own = select(declared.id).where(declared.declared_by_id == viewer.person_id, ~has_gone)
    return Incident.id.in_(union_all(inside, own))


def _visible_to_system(viewer: Actor) -> ColumnElement[bool]:
    match viewer.system.sees if viewer.system is not None else Sight.NOTHING:
        case Sight.ALSO_PRIVATE:
            return true()
        case Sight.PUBLIC:
            return Incident.is_private.is_(False)
        case Sight.NOTHING:
            return false()


def _matches(ref: IncidentRef) -> ColumnElement[bool]:
    match ref:
        case ById(id=incident_id):
            return Incident.id == incident_id
        case ByChannel(channel_id=channel_id):
            return Incident.channel_id == channel_id
        case ByReference(reference=reference):
            return (Incident.number == reference.number) & (
                Incident.is_drill.is_(reference.is_drill)
            )


async def find_incident(
    session: AsyncSession, ref: IncidentRef, *, workspace_id: uuid.UUID, viewer: Actor
) -> Incident | None:
    """Return the incident, unlocked, or None if it doesn't exist for this viewer."""
    if isinstance(ref, ById) and viewer.sees_everything:
        given = {"incident": ref.id, "workspace": workspace_id}
        return (await session.execute(_FOR_THE_SYSTEM, given)).scalar_one_or_none()
    query = select(Incident).where(
        Incident.workspace_id == workspace_id, _matches(ref), visible_to(viewer)
    )
    return (await session.execute(query)).scalar_one_or_none()


# Built once: every effect runs this query.
_FOR_THE_SYSTEM = select(Incident).where(
    Incident.id == bindparam("incident"), Incident.workspace_id == bindparam("workspace")
)


def open_in_channels(workspace_id: uuid.UUID) -> Select[Incident]:
    """Return the query for the incidents that aren't over and have a channel, oldest first."""
    return (
        select(Incident)
        .where(
            Incident.workspace_id == workspace_id,
            Incident.status.in_(STATUSES_GOING_ON),
            Incident.channel_id.is_not(None),
        )
        .order_by(Incident.number)
    )


async def private_among(
    session: AsyncSession, incident_ids: Collection[uuid.UUID]
) -> set[uuid.UUID]:
    """Return which of these incidents are private."""
    if not incident_ids:
        return set()
    query = select(Incident.id).where(Incident.id.in_(incident_ids), Incident.is_private)
    return set((await session.execute(query)).scalars())


async def lock_incident(
    session: AsyncSession, ref: IncidentRef, *, workspace_id: uuid.UUID, viewer: Actor
) -> Incident:
    """Return the incident as it is now, locked for this transaction.

    Raises:
        IncidentNotFound: it doesn't exist for this viewer.
    """
    # Flush first: reading again would overwrite this transaction's own changes.
    await session.flush()
    if isinstance(ref, ById) and viewer.sees_everything:
        query = _FOR_THE_SYSTEM.with_for_update(of=Incident)
        given = {"incident": ref.id, "workspace": workspace_id}
    else:
        query = (
            select(Incident)
            .where(Incident.workspace_id == workspace_id, _matches(ref), visible_to(viewer))
            .with_for_update(of=Incident)
        )
        given = {}
    incident = (
        await session.execute(query, given, execution_options={"populate_existing": True})
    ).scalar_one_or_none()
    if incident is not None and not await _still_sees(session, incident, viewer):
        incident = None
    if incident is None:
        name = str(ref.reference) if isinstance(ref, ByReference) else None
        raise IncidentNotFound(name)
    return incident


async def _still_sees(session: AsyncSession, incident: Incident, viewer: Actor) -> bool:
    """Tell whether the viewer's sight didn't end while this transaction waited for the lock.

    PostgreSQL looks at participants as they were before the wait; SQLite has a single writer.
    """
    is_sure = not incident.is_private or not viewer.is_person
    if is_sure or session.get_bind().dialect.name == "sqlite":
        return True
    query = select(Incident.id).where(Incident.id == incident.id, visible_to(viewer))
    return (await session.execute(query)).first() is not None


async def find_participant(
    session: AsyncSession, *, incident_id: uuid.UUID, person_id: uuid.UUID
) -> Participant | None:
    """Return the person's participation in the incident, or None."""
    given = {"of_incident": incident_id, "of_person": person_id}
    return (await session.execute(_PART, given)).scalar_one_or_none()


_PART = select(Participant).where(
    Participant.incident_id == bindparam("of_incident"),
    Participant.person_id == bindparam("of_person"),
)


def is_inside(incident: Incident, part: Participant | None, *, person_id: uuid.UUID) -> bool:
    """Tell whether the person takes part: declarer, called, invited or in the channel, not gone."""
    if part is not None and (part.is_in_channel or part.invited_at is not None):
        return True
    return incident.declared_by_id == person_id and (part is None or part.gone_at is None)


async def save_participant(
    session: AsyncSession,
    *,
    incident_id: uuid.UUID,
    person_id: uuid.UUID,
    invited_at: datetime | None = None,
    let_in_by_id: uuid.UUID | None = None,
) -> Participant:
    """Return the person's participation, creating it if needed; `invited_at` lets them in."""
    found = await find_participant(session, incident_id=incident_id, person_id=person_id)
    if found is None:
        found = Participant(id=new_id(), incident_id=incident_id, person_id=person_id)
        session.add(found)
    if invited_at is not None:
        found.let_in(invited_at, by=let_in_by_id)
    await session.flush()
    return found
