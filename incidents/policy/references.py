"""Whom a policy names: people, groups, roles, and standings that follow from the incident."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import TypeVar


class Standing(StrEnum):
    """A group of people that follows from the incident itself rather than from a list."""

    ANYONE = "anyone"
    RESPONDER = "responder"
    # A member who is nowhere below solo; and who supervises the person it is about.
    SENIOR = "senior"
    MENTOR = "mentor"
    # Who manages an affected service, or where none is named, whom escalations reach as the manager.
    MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class PersonRef:
    """A person as the policy names them: by Slack user id or by email, exactly one of the two."""

    user_id: str | None = None
    email: str | None = None

    def __str__(self) -> str:
        return self.user_id or self.email or ""


@dataclass(frozen=True, slots=True)
class GroupRef:
    """A Slack user group: by id, or by handle without its `@`, exactly one of the two."""

    group_id: str | None = None
    handle: str | None = None

    def __str__(self) -> str:
        return self.group_id or f"@{self.handle}"


@dataclass(frozen=True, slots=True)
class RoleRef:
    """Whoever holds the role with this key in the incident at hand."""

    key: str

    def __str__(self) -> str:
        return self.key


Ref = TypeVar("Ref", PersonRef, GroupRef)


def named_in(value: object, kind: type[Ref]) -> Iterator[Ref]:
    """Yield every reference of this kind in a policy or a part of it, in the order of its fields."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from named_in(item, kind)
    elif is_dataclass(value):
        for part in fields(value):
            yield from named_in(getattr(value, part.name), kind)


Invitee = PersonRef | GroupRef
Grantee = Standing | RoleRef | PersonRef | GroupRef
