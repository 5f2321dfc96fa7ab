"""Stages: how far somebody works on their own, per role and service, and who supervises them.

    observe (shadow) → assist → lead (with a mentor) → solo

None recorded is solo. The policy seeds, the record wins for the same role and service. The most
specific that is known applies: role and service, then the lower of role alone and service alone,
then everything. With several services the lowest applies.

Here are the rows and how they are read; changing them is in `stage_changes.py`. What is in these
rows is for the person, their mentors and those the policy names; see `may_see_progress`.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.core.people import Actor, PeopleGroup, Person, PersonKind
from incidents.policy.policy import Policy
from incidents.policy.references import GroupRef, Invitee, PersonRef
from incidents.policy.supervision import Stage
from incidents.storage.database import Base

__all__ = [
    "EVERYTHING",
    "Levels",
    "Mentorship",
    "Scope",
    "Stage",
    "StageRecord",
    "levels_of",
    "may_see_progress",
    "mentees_of",
    "mentors_of",
    "stage_of",
]


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """What a stage holds for; an empty key is every role, or every service."""

    role_key: str = ""
    service_key: str = ""


EVERYTHING = Scope()


class StageRecord(Base):
    """One setting of one person's stage; the latest of a scope holds, the others are history.

    `position` is the sequence of its audit entry: the order in which stages were set.
    """

    __tablename__ = "stage_records"
    __table_args__ = (
        UniqueConstraint("workspace_id", "position"),
        Index("ix_stage_records_person_id_position", "person_id", "position"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    role_key: Mapped[str]
    service_key: Mapped[str]
    stage: Mapped[str]
    is_sign_off: Mapped[bool]
    note: Mapped[str]
    set_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    set_by_name: Mapped[str]
    set_at: Mapped[datetime]
    position: Mapped[int]
    audit_entry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("audit_entries.id"))
    # When the person and their mentors were told that this sign-off is to be renewed.
    renewal_told_at: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def scope(self) -> Scope:
        """Return what the stage holds for."""
        return Scope(self.role_key, self.service_key)


class Mentorship(Base):
    """That somebody supervises somebody, or (ended) no longer does, whatever the policy seeds."""

    __tablename__ = "mentorships"
    __table_args__ = (UniqueConstraint("person_id", "mentor_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    mentor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


@dataclass(frozen=True, slots=True)
class Levels:
    """Somebody's stages, for each scope that has one of its own."""

    by_scope: Mapping[Scope, Stage]

    def stage(self, *, role_key: str | None, services: Iterable[str] = ()) -> Stage:
        """Return the stage that applies in this role for these services together."""
        role = role_key or ""
        return min(self._applying(role, service) for service in (tuple(services) or ("",)))

    @property
    def is_senior(self) -> bool:
        """Tell whether this is somebody who is nowhere below solo."""
        return all(stage is Stage.SOLO for stage in self.by_scope.values())

    def _applying(self, role: str, service: str) -> Stage:
        steps = (
            (Scope(role, service),),
            (Scope(role, ""), Scope("", service)),
            (EVERYTHING,),
        )
        for scopes in steps:
            known = [self.by_scope[scope] for scope in scopes if scope in self.by_scope]
            if known:
                return min(known)
        return Stage.SOLO


async def stage_of(
    session: AsyncSession,
    *,
    workspace_id: uuid.UUID,
    person_id: uuid.UUID,
    role_key: str | None,
    services: Iterable[str],
    policy: Policy,
) -> Stage:
    """Return how far the person works on their own in this role for these services; solo if unset."""
    levels = await levels_of(session, workspace_id=workspace_id, person_id=person_id, policy=policy)
    return levels.stage(role_key=role_key, services=services)


async def levels_of(
    session: AsyncSession,
    *,
    workspace_id: uuid.UUID,
    person_id: uuid.UUID,
    policy: Policy,
    at: datetime | None = None,
) -> Levels:
    """Return all stages of the person, now or as they were at an instant."""
    person = await session.get(Person, person_id)
    if person is None or person.workspace_id != workspace_id:
        return Levels({})
    records = await stage_records(session, workspace_id=workspace_id, person_id=person_id)
    return levels_from(person, records, policy=policy, at=at)


async def stage_records(
    session: AsyncSession, *, workspace_id: uuid.UUID, person_id: uuid.UUID
) -> tuple[StageRecord, ...]:
    """Return every setting of the person's stages, the oldest first."""
    query = (
        select(StageRecord)
        .where(StageRecord.workspace_id == workspace_id, StageRecord.person_id == person_id)
        .order_by(StageRecord.position)
    )
    return tuple((await session.execute(query)).scalars())


def levels_from(
    person: Person,
    records: Iterable[StageRecord],
    *,
    policy: Policy,
    at: datetime | None = None,
) -> Levels:
    """Return the stages that follow from the policy's seeds and the records up to then."""
    by_scope = {
        Scope(seed.role or "", seed.service or ""): seed.stage
        for seed in policy.supervision.stages
        if is_named(person, seed.person)
    }
    for record in records:
        if at is None or record.set_at <= at:
            by_scope[record.scope] = Stage(record.stage)
    return Levels(by_scope)


async def mentors_of(
    session: AsyncSession, *, workspace_id: uuid.UUID, person_id: uuid.UUID, policy: Policy
) -> tuple[uuid.UUID, ...]:
    """Return the active people who supervise the person, the policy's first, then as named."""
    person = await session.get(Person, person_id)
    if person is None or person.workspace_id != workspace_id:
        return ()
    seeded = [
        mentor
        for seed in policy.supervision.mentors
        if is_named(person, seed.person)
        for mentor in seed.mentors
    ]
    named = await people_named(session, seeded, workspace_id=workspace_id)
    recorded = await _mentorships(
        session, workspace_id=workspace_id, condition=Mentorship.person_id == person_id
    )
    ended = {row.mentor_id for row in recorded if row.ended_at is not None}
    ids = [one.id for one in named if one.id not in ended]
    ids += [row.mentor_id for row in recorded if row.ended_at is None]
    return await _active(session, ids, but=person_id)


async def mentees_of(
    session: AsyncSession, *, workspace_id: uuid.UUID, mentor_id: uuid.UUID, policy: Policy
) -> tuple[uuid.UUID, ...]:
    """Return the active people whom this one supervises."""
    mentor = await session.get(Person, mentor_id)
    if mentor is None or mentor.workspace_id != workspace_id or not mentor.is_active:
        return ()
    seeded = [
        seed.person
        for seed in policy.supervision.mentors
        if any(is_named(mentor, ref) for ref in seed.mentors)
    ]
    named = await people_named(session, seeded, workspace_id=workspace_id)
    recorded = await _mentorships(
        session, workspace_id=workspace_id, condition=Mentorship.mentor_id == mentor_id
    )
    ended = {row.person_id for row in recorded if row.ended_at is not None}
    ids = [one.id for one in named if one.id not in ended]
    ids += [row.person_id for row in recorded if row.ended_at is None]
    return await _active(session, ids, but=mentor_id)


async def may_see_progress(
    session: AsyncSession,
    viewer: Actor,
    *,
    person_id: uuid.UUID,
    workspace_id: uuid.UUID,
    policy: Policy,
) -> bool:
    """Tell whether the viewer is the person, a mentor of theirs, or named by the policy.

    Nobody else: not even Sitrep itself, which has no business showing it to anyone.
    """
    if viewer.person_id is None or viewer.person_kind is not PersonKind.MEMBER:
        return False
    if viewer.person_id == person_id:
        return True
    mentors = await mentors_of(
        session, workspace_id=workspace_id, person_id=person_id, policy=policy
    )
    if viewer.person_id in mentors:
        return True
    return await is_among(
        session, viewer.person_id, policy.supervision.visible_to, workspace_id=workspace_id
    )


async def is_among(
    session: AsyncSession,
    person_id: uuid.UUID,
    named: Sequence[Invitee],
    *,
    workspace_id: uuid.UUID,
) -> bool:
    """Tell whether the policy names this person, alone or in a group."""
    person = await session.get(Person, person_id)
    if person is None or person.workspace_id != workspace_id:
        return False
    if any(isinstance(ref, PersonRef) and is_named(person, ref) for ref in named):
        return True
    groups = [ref.group_id or ref.handle for ref in named if isinstance(ref, GroupRef)]
    if not groups:
        return False
    query = select(PeopleGroup).where(
        PeopleGroup.workspace_id == workspace_id,
        or_(PeopleGroup.external_id.in_(groups), PeopleGroup.handle.in_(groups)),
    )
    found = (await session.execute(query)).scalars()
    return any(person.external_id in group.member_external_ids.split() for group in found)


def is_named(person: Person, ref: PersonRef) -> bool:
    """Tell whether the policy means this person."""
    if ref.user_id:
        return ref.user_id == person.external_id
    return bool(ref.email) and (ref.email or "").lower() == (person.email or "").lower()


async def people_named(
    session: AsyncSession, refs: Sequence[PersonRef], *, workspace_id: uuid.UUID
) -> list[Person]:
    """Return the people the policy means, in its order; who isn't known yet is left out."""
    if not refs:
        return []
    ids = [ref.user_id for ref in refs if ref.user_id]
    emails = [ref.email.lower() for ref in refs if ref.email]
    query = select(Person).where(
        Person.workspace_id == workspace_id,
        or_(Person.external_id.in_(ids), func.lower(Person.email).in_(emails)),
    )
    found = list((await session.execute(query)).scalars())
    return [person for ref in refs for person in found if is_named(person, ref)]


async def _mentorships(
    session: AsyncSession, *, workspace_id: uuid.UUID, condition: object
) -> list[Mentorship]:
    query = (
        select(Mentorship)
        .where(Mentorship.workspace_id == workspace_id, condition)  # type: ignore[arg-type]
        .order_by(Mentorship.started_at, Mentorship.id)
    )
    return list((await session.execute(query)).scalars())


async def _active(
    session: AsyncSession, ids: Sequence[uuid.UUID], *, but: uuid.UUID
) -> tuple[uuid.UUID, ...]:
    """Return those who are still there, each once, in this order; nobody is their own mentor."""
    wanted = [one for one in dict.fromkeys(ids) if one != but]
    if not wanted:
        return ()
    query = select(Person.id).where(
        Person.id.in_(wanted), Person.is_active.is_(True), Person.kind == PersonKind.MEMBER
    )
    active = set((await session.execute(query)).scalars())
    return tuple(one for one in wanted if one in active)
