"""Workspaces, people, groups and actors; events and a background refresh keep them current."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.ids import new_id
from incidents.core.sentences import Who
from incidents.core.systems import OPERATOR, SITREP, Sight, System
from incidents.storage.database import Base, storable


class Workspace(Base):
    """A tenant; `external_id` is what its chat service calls it."""

    __tablename__ = "workspaces"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    external_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(default="")
    url: Mapped[str] = mapped_column(default="")
    # The organisation that the workspace belongs to, by the chat service; "" if to none.
    enterprise_id: Mapped[str] = mapped_column(default="")
    bot_external_id: Mapped[str] = mapped_column(default="")
    bot_id: Mapped[str] = mapped_column(default="")
    scopes: Mapped[str] = mapped_column(default="")
    # Of the token last confirmed for this workspace: with it, a start needn't ask the chat service.
    token_fingerprint: Mapped[str | None] = mapped_column(default=None)
    announcement_name: Mapped[str | None] = mapped_column(default=None)
    announcement_channel_id: Mapped[str | None] = mapped_column(default=None)
    paused_reason: Mapped[str | None] = mapped_column(default=None)
    paused_at: Mapped[datetime | None] = mapped_column(default=None)


class PersonKind(StrEnum):
    """How somebody belongs to the workspace; guests and outsiders may do only `guests_may`.

    UNKNOWN: the chat service hasn't told us yet. They may declare and note, and see their own
    incidents; everything else waits until it is asked.
    """

    UNKNOWN = "unknown"
    MEMBER = "member"
    GUEST = "guest"
    EXTERNAL = "external"
    BOT = "bot"


class Person(Base):
    """Somebody in a workspace."""

    __tablename__ = "people"
    __table_args__ = (UniqueConstraint("workspace_id", "external_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    external_id: Mapped[str]
    name: Mapped[str]
    zone: Mapped[str] = mapped_column(default="UTC")
    email: Mapped[str | None] = mapped_column(default=None, index=True)
    is_active: Mapped[bool] = mapped_column(default=True)
    kind: Mapped[str] = mapped_column(default=PersonKind.UNKNOWN)
    refreshed_at: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def is_active_member(self) -> bool:
        """Tell whether they are a full member of the workspace, and still there."""
        return self.is_active and self.kind == PersonKind.MEMBER


# The name of somebody who has left and whose data was erased.
FORMER_MEMBER = "Former member"


class PeopleGroup(Base):
    """A user group of the chat service; its members are refreshed in the background."""

    __tablename__ = "people_groups"
    __table_args__ = (UniqueConstraint("workspace_id", "external_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    external_id: Mapped[str]
    handle: Mapped[str]
    member_external_ids: Mapped[str] = mapped_column(default="")  # separated by spaces
    refreshed_at: Mapped[datetime | None] = mapped_column(default=None)


class ActorKind(StrEnum):
    """What kind of actor did something."""

    PERSON = "person"
    SYSTEM = "system"
    CLI = "cli"
    TOKEN = "token"  # noqa: S105 - a kind of actor


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a person, or a system; the record keeps `name` as it is now."""

    kind: ActorKind
    name: str
    person_id: uuid.UUID | None = None
    external_id: str | None = None
    person_kind: PersonKind = PersonKind.MEMBER
    zone: str = "UTC"
    is_active: bool = True
    system: System | None = None

    @property
    def is_person(self) -> bool:
        """Tell whether the actor is a person rather than Sitrep or a tool."""
        return self.kind is ActorKind.PERSON

    @property
    def sees_everything(self) -> bool:
        """Tell whether the actor is a system that sees every incident, private ones too."""
        return self.system is not None and self.system.sees is Sight.ALSO_PRIVATE


def system_actor(system: System = SITREP) -> Actor:
    """Return Sitrep, or one part of it, as the actor."""
    return Actor(kind=ActorKind.SYSTEM, name="Sitrep", system=system)


def cli_actor(user: str) -> Actor:
    """Return the operator at the command line as the actor."""
    return Actor(kind=ActorKind.CLI, name=user, system=OPERATOR)


def who(person: Person) -> Who:
    """Return how entries name somebody: by their current name and the ids for a mention."""
    return Who(name=person.name, id=person.id, external_id=person.external_id)


def actor_of(person: Person) -> Actor:
    """Return the person as an actor, under their current name."""
    return Actor(
        kind=ActorKind.PERSON,
        name=person.name,
        person_id=person.id,
        external_id=person.external_id,
        person_kind=PersonKind(person.kind),
        zone=person.zone,
        is_active=person.is_active,
    )


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What the chat service reports about somebody; `None` means it didn't say.

    Somebody whose `kind` it never said stays `unknown`.
    """

    external_id: str
    name: str | None = None
    zone: str | None = None
    email: str | None = None
    is_active: bool | None = None
    kind: PersonKind | None = None


async def find_person(
    session: AsyncSession, *, workspace_id: uuid.UUID, external_id: str
) -> Person | None:
    """Return the person with this id in the chat service, or None."""
    given = {"workspace": workspace_id, "external": external_id}
    return (await session.execute(_FIND_PERSON, given)).scalar_one_or_none()


# Built once: it runs before every request.
_FIND_PERSON = select(Person).where(
    Person.workspace_id == bindparam("workspace"), Person.external_id == bindparam("external")
)


async def own_address(session: AsyncSession, person: Person | None) -> str | None:
    """Return the person's email address if it is theirs alone among active members, else None.

    Only then can the policy mean them by it.
    """
    if person is None or not person.email or not person.is_active_member:
        return None
    given = {"workspace": person.workspace_id, "email": person.email}
    holders = (await session.execute(_HOLDERS, given)).scalars().all()
    return person.email if len(holders) == 1 else None


_HOLDERS = select(Person.id).where(
    Person.workspace_id == bindparam("workspace"),
    Person.email == bindparam("email"),
    Person.is_active.is_(True),
    Person.kind == PersonKind.MEMBER,
)


async def shared_handles(
    session: AsyncSession, handles: Sequence[str], *, workspace_id: uuid.UUID
) -> frozenset[str]:
    """Return those handles that more than one group has: they name nobody."""
    if not handles:
        return frozenset()
    query = (
        select(PeopleGroup.handle)
        .where(PeopleGroup.workspace_id == workspace_id, PeopleGroup.handle.in_(handles))
        .group_by(PeopleGroup.handle)
        .having(func.count() > 1)
    )
    return frozenset((await session.execute(query)).scalars())


async def save_person(
    session: AsyncSession,
    facts: PersonFacts,
    *,
    workspace_id: uuid.UUID,
    refreshed_at: datetime | None = None,
) -> Person:
    """Create the person or update them with the facts that aren't None; return them."""
    person = await find_person(session, workspace_id=workspace_id, external_id=facts.external_id)
    if person is None:
        person = Person(
            id=new_id(),
            workspace_id=workspace_id,
            external_id=facts.external_id,
            name=storable(facts.name or facts.external_id),
            zone=facts.zone or "UTC",
            kind=facts.kind or PersonKind.UNKNOWN,
            is_active=True if facts.is_active is None else facts.is_active,
        )
        session.add(person)
    if person.name == FORMER_MEMBER and not person.is_active and facts.is_active is not True:
        return person  # erased: the directory must not bring it back
    if facts.name:
        person.name = storable(facts.name)
    if facts.zone:
        person.zone = facts.zone
    if facts.email:
        person.email = facts.email.lower()
    if facts.is_active is not None:
        person.is_active = facts.is_active
    if facts.kind is not None:
        person.kind = facts.kind
    if refreshed_at is not None:
        person.refreshed_at = refreshed_at
    await session.flush()
    return person
