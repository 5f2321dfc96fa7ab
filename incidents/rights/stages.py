"""Stages: how independently somebody works, per role and service, and who supervises them.

    observe (shadow) → assist → lead (with a mentor) → solo

Without a stage, a person is solo. The policy seeds stages; recorded ones replace the seed for the
same role and service. The most specific stage applies: role and service, then the lower of role
alone and service alone, then everything. With several services the lowest applies.

This module reads the rows; `stage_changes.py` changes them. Only the person, their mentors and the
people that the policy names may see them (`may_see_progress`).
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.core.people import (
    Actor,
    PeopleGroup,
    Person,
    PersonKind,
    own_address,
    shared_handles,
)
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
]


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """The role and service that a stage applies to; an empty key means all of them."""

    role_key: str = ""
    service_key: str = ""


EVERYTHING = Scope()


class StageRecord(Base):
    """One change of a person's stage; the latest of a scope applies, the others are history.

    `position` is the sequence of its audit entry: the order of the changes.
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
    # The worst severity in which it holds; "" for all.
    up_to: Mapped[str] = mapped_column(default="")
    is_sign_off: Mapped[bool]
    note: Mapped[str]
    set_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    set_by_name: Mapped[str]
    set_at: Mapped[datetime]
    position: Mapped[int]
    audit_entry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("audit_entries.id"))
    # When the person and their mentors were told to renew this sign-off.
    renewal_told_at: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def scope(self) -> Scope:
        """Return the role and service that the stage applies to."""
        return Scope(self.role_key, self.service_key)


class Mentorship(Base):
    """A mentor of a person; an ended row also overrides the same mentor in the policy.

    While `asked_at` is set, the mentor is only named: the person has to agree and, if they have
    mentors, one of these.
    """

    __tablename__ = "mentorships"
    __table_args__ = (UniqueConstraint("person_id", "mentor_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    mentor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    asked_at: Mapped[datetime | None] = mapped_column(default=None)
    question_id: Mapped[uuid.UUID | None] = mapped_column(default=None)  # new each time
    asked_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"), default=None)
    learner_agreed_at: Mapped[datetime | None] = mapped_column(default=None)
    mentor_agreed_by_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("people.id"), default=None
    )
    declined_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"), default=None)

    @property
    def is_active(self) -> bool:
        """Tell whether the mentorship has begun and not ended."""
        return self.started_at is not None and self.ended_at is None


@dataclass(frozen=True, slots=True)
class Levels:
    """A person's stages, one for each scope that has its own.

    `up_to` are the worst severities in which a stage holds, where it has one; `limits` their ranks.
    """

    by_scope: Mapping[Scope, Stage]
    limits: Mapping[Scope, int] = field(default_factory=dict)
    up_to: Mapping[Scope, str] = field(default_factory=dict)

    def stage(
        self,
        *,
        role_key: str | None,
        services: Iterable[str] = (),
        severity_rank: int | None = None,
    ) -> Stage:
        """Return the stage in this role: the lowest over these services; None: at any severity."""
        role = role_key or ""
        wanted = tuple(services) or ("",)
        return min(self._applying(role, service, severity_rank) for service in wanted)

    @property
    def is_peer(self) -> bool:
        """Tell whether the person is nowhere below solo, at no severity."""
        return not self.limits and all(stage is Stage.SOLO for stage in self.by_scope.values())

    @property
    def is_senior(self) -> bool:
        """Tell whether somebody has said that the person is solo, and they are nowhere below it."""
        return bool(self.by_scope) and self.is_peer

    def _at(self, scope: Scope, severity_rank: int | None) -> Stage:
        stage, limit = self.by_scope[scope], self.limits.get(scope)
        is_worse = severity_rank is not None and limit is not None and severity_rank < limit
        return stage.previous if is_worse else stage

    def _applying(self, role: str, service: str, severity_rank: int | None) -> Stage:
        steps = (
            (Scope(role, service),),
            (Scope(role, ""), Scope("", service)),
            (EVERYTHING,),
        )
        for scopes in steps:
            known = [self._at(scope, severity_rank) for scope in scopes if scope in self.by_scope]
            if known:
                return min(known)
        return Stage.SOLO


async def levels_of(
    session: AsyncSession,
    *,
    workspace_id: uuid.UUID,
    person_id: uuid.UUID,
    policy: Policy,
    at: datetime | None = None,
) -> Levels:
    """Return all stages of the person, now or at an earlier instant."""
    person = await session.get(Person, person_id)
    if person is None or person.workspace_id != workspace_id:
        return Levels({})
    records = await stage_records(session, workspace_id=workspace_id, person_id=person_id)
    is_theirs = await own_address(session, person) is not None
    return levels_from(person, records, policy=policy, at=at, has_own_address=is_theirs)


async def stage_records(
    session: AsyncSession, *, workspace_id: uuid.UUID, person_id: uuid.UUID
) -> tuple[StageRecord, ...]:
    """Return every change of the person's stages, oldest first."""
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
    has_own_address: bool = True,
) -> Levels:
    """Return the stages from the policy's seeds and the records (up to `at`, if given)."""
    seeds = [
        seed
        for seed in policy.supervision.stages
        # Also for an address that others have too, unless it is solo: that gives rights.
        if is_named(person, seed.person, address=person.email)
        and (has_own_address or seed.person.user_id or seed.stage is not Stage.SOLO)
    ]
    by_scope = {Scope(seed.role or "", seed.service or ""): seed.stage for seed in seeds}
    up_to = {Scope(seed.role or "", seed.service or ""): seed.up_to or "" for seed in seeds}
    for record in records:
        if at is None or record.set_at <= at:
            by_scope[record.scope] = Stage(record.stage)
            up_to[record.scope] = record.up_to
    limits = {scope: _limit(key, policy) for scope, key in up_to.items() if key}
    return Levels(by_scope, limits, {scope: key for scope, key in up_to.items() if key})


def _limit(severity_key: str, policy: Policy) -> int:
    """Return the severity's rank; one that the policy no longer has limits to the mildest."""
    severity = policy.find_severity(severity_key)
    return severity.rank if severity else max(one.rank for one in policy.severities)


async def mentors_of(
    session: AsyncSession, *, workspace_id: uuid.UUID, person_id: uuid.UUID, policy: Policy
) -> tuple[uuid.UUID, ...]:
    """Return the person's active mentors: the policy's first, then the recorded ones in order."""
    person = await session.get(Person, person_id)
    if person is None or person.workspace_id != workspace_id:
        return ()
    address = await own_address(session, person)
    seeded = [
        mentor
        for seed in policy.supervision.mentors
        if is_named(person, seed.person, address=address)
        for mentor in seed.mentors
    ]
    named = await people_named(session, seeded, workspace_id=workspace_id)
    recorded = await _mentorships(
        session, workspace_id=workspace_id, condition=Mentorship.person_id == person_id
    )
    ended = {row.mentor_id for row in recorded if row.ended_at is not None}
    ids = [one.id for one in named if one.id not in ended]
    ids += [row.mentor_id for row in recorded if row.is_active]
    return await _active(session, ids, but=person_id)


async def mentees_of(
    session: AsyncSession, *, workspace_id: uuid.UUID, mentor_id: uuid.UUID, policy: Policy
) -> tuple[uuid.UUID, ...]:
    """Return the active people that this mentor supervises."""
    mentor = await session.get(Person, mentor_id)
    if mentor is None or mentor.workspace_id != workspace_id or not mentor.is_active:
        return ()
    address = await own_address(session, mentor)
    seeded = [
        seed.person
        for seed in policy.supervision.mentors
        if any(is_named(mentor, ref, address=address) for ref in seed.mentors)
    ]
    named = await people_named(session, seeded, workspace_id=workspace_id)
    recorded = await _mentorships(
        session, workspace_id=workspace_id, condition=Mentorship.mentor_id == mentor_id
    )
    ended = {row.person_id for row in recorded if row.ended_at is not None}
    ids = [one.id for one in named if one.id not in ended]
    ids += [row.person_id for row in recorded if row.is_active]
    return await _active(session, ids, but=mentor_id)


async def may_see_progress(
    session: AsyncSession,
    viewer: Actor,
    *,
    person_id: uuid.UUID,
    workspace_id: uuid.UUID,
    policy: Policy,
) -> bool:
    """Tell whether the viewer is the person, one of their mentors, or named by the policy.

    Nobody else may see it, not even Sitrep itself as the viewer.
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
    address = await own_address(session, person)
    if any(isinstance(ref, PersonRef) and is_named(person, ref, address=address) for ref in named):
        return True
    groups = [ref.group_id or ref.handle for ref in named if isinstance(ref, GroupRef)]
    if not groups:
        return False
    query = select(PeopleGroup).where(
        PeopleGroup.workspace_id == workspace_id,
        or_(PeopleGroup.external_id.in_(groups), PeopleGroup.handle.in_(groups)),
    )
    found = list((await session.execute(query)).scalars())
    handles = [group.handle for group in found]
    shared = await shared_handles(session, handles, workspace_id=workspace_id)
    return any(
        person.external_id in group.member_external_ids.split()
        for group in found
        if group.external_id in groups or group.handle not in shared
    )


def is_named(person: Person, ref: PersonRef, *, address: str | None) -> bool:
    """Tell whether the policy means this person; `address` is theirs alone (`own_address`)."""
    if ref.user_id:
        return ref.user_id == person.external_id
    return address is not None and (ref.email or "").lower() == address.lower()


async def people_named(
    session: AsyncSession, refs: Sequence[PersonRef], *, workspace_id: uuid.UUID
) -> list[Person]:
    """Return the people the policy names, in its order, without those not known yet."""
    if not refs:
        return []
    ids = [ref.user_id for ref in refs if ref.user_id]
    emails = [ref.email.lower() for ref in refs if ref.email]
    query = select(Person).where(
        Person.workspace_id == workspace_id,
        or_(Person.external_id.in_(ids), func.lower(Person.email).in_(emails)),
    )
    found = list((await session.execute(query)).scalars())
    addresses = {person.id: await own_address(session, person) for person in found}
    return [
        person
        for ref in refs
        for person in found
        if is_named(person, ref, address=addresses[person.id])
    ]


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
    """Return the active members among the ids, each once, in this order, without `but`."""
    wanted = [one for one in dict.fromkeys(ids) if one != but]
    if not wanted:
        return ()
    query = select(Person.id).where(
        Person.id.in_(wanted), Person.is_active.is_(True), Person.kind == PersonKind.MEMBER
    )
    active = set((await session.execute(query)).scalars())
    return tuple(one for one in wanted if one in active)
