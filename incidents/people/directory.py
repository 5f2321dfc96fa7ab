"""The directory: people and groups of a workspace, as the chat service reports them."""

import functools
import uuid
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import PeopleGroup, Person, PersonKind
from incidents.engine.unit_of_work import Outcome, UnitOfWork


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What the chat service reports about a user group."""

    external_id: str
    handle: str
    member_external_ids: tuple[str, ...]


async def save_group(uow: UnitOfWork, facts: GroupFacts) -> Outcome:
    """Store a group and its current members."""
    query = select(PeopleGroup).where(
        PeopleGroup.workspace_id == uow.workspace_id,
        PeopleGroup.external_id == facts.external_id,
    )
    group = (await uow.session.execute(query)).scalar_one_or_none()
    if group is None:
        group = PeopleGroup(workspace_id=uow.workspace_id, external_id=facts.external_id)
        uow.session.add(group)
    group.handle = facts.handle
    group.member_external_ids = " ".join(facts.member_external_ids)
    group.refreshed_at = uow.now
    await uow.flush()
    return Outcome("group_saved")


async def find_people_named(
    session: AsyncSession, names: Iterable[str], *, workspace_id: uuid.UUID
) -> dict[str, Person]:
    """Return the people with these external ids or email addresses, by the name given.

    An address names somebody only if exactly one active member has it.
    """
    wanted = [name for name in names if name]
    if not wanted:
        return {}
    given = {
        "workspace": workspace_id,
        "ids": wanted,
        "emails": [name.lower() for name in wanted],
    }
    people = list((await session.execute(_people_named(), given)).scalars())
    found: dict[str, Person] = {}
    for name in wanted:
        meant = [person for person in people if _is_meant(person, name)]
        if len(meant) == 1:
            found[name] = meant[0]
    return found


async def shared_addresses(
    session: AsyncSession, addresses: Iterable[str], *, workspace_id: uuid.UUID
) -> dict[str, tuple[str, ...]]:
    """Return the addresses that several active members have, with their external ids."""
    wanted = [address for address in addresses if address]
    if not wanted:
        return {}
    given = {
        "workspace": workspace_id,
        "ids": wanted,
        "emails": [address.lower() for address in wanted],
    }
    people = list((await session.execute(_people_named(), given)).scalars())
    holders = {
        address: tuple(one.external_id for one in people if _is_meant(one, address))
        for address in wanted
    }
    return {address: ids for address, ids in holders.items() if len(ids) > 1}


def _is_meant(person: Person, name: str) -> bool:
    if person.external_id == name:
        return True
    return person.is_active_member and (person.email or "").lower() == name.lower()


@functools.cache
def _people_named() -> Any:
    """Return the cached query. Parameters: `workspace`, `ids`, `emails` in lower case."""
    return select(Person).where(
        Person.workspace_id == bindparam("workspace"),
        or_(
            Person.external_id.in_(bindparam("ids", expanding=True)),
            func.lower(Person.email).in_(bindparam("emails", expanding=True)),
        ),
    )


async def find_group_members(
    session: AsyncSession, names: Iterable[str], *, workspace_id: uuid.UUID
) -> dict[str, tuple[str, ...]]:
    """Return the members' external ids of the known groups among these (by id or `@handle`).

    A handle that several groups have names none of them.
    """
    wanted = {name.removeprefix("@"): name for name in names}
    if not wanted:
        return {}
    query = select(PeopleGroup).where(
        PeopleGroup.workspace_id == workspace_id,
        or_(PeopleGroup.external_id.in_(wanted), PeopleGroup.handle.in_(wanted)),
    )
    groups = list((await session.execute(query)).scalars())
    handles = Counter(group.handle for group in groups)
    return {
        wanted[name]: tuple(group.member_external_ids.split())
        for group in groups
        for name in (group.external_id, group.handle)
        if name in wanted and (name == group.external_id or handles[name] == 1)
    }


async def forget_groups(
    uow: UnitOfWork, *, but: Collection[str] = (), only: str | None = None
) -> Outcome:
    """Forget groups that the chat service no longer has: all `but` these, or `only` this one."""
    query = delete(PeopleGroup).where(PeopleGroup.workspace_id == uow.workspace_id)
    if only is not None:
        query = query.where(PeopleGroup.external_id == only)
    else:
        query = query.where(PeopleGroup.external_id.not_in(but))
    await uow.session.execute(query)
    return Outcome("groups_forgotten")


def kind_of(*, is_bot: bool, is_guest: bool, is_external: bool | None) -> PersonKind | None:
    """Return how somebody belongs to the workspace; None if the chat service doesn't say."""
    if is_bot:
        return PersonKind.BOT
    if is_external:
        return PersonKind.EXTERNAL
    if is_guest:
        return PersonKind.GUEST
    return PersonKind.MEMBER if is_external is False else None
