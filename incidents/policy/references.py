"""How a policy names people: a person, a group, a role, or a standing in the incident."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

from pydantic import PlainValidator
from pydantic_core import core_schema

from incidents.policy.schema import Names, Refusal

_USER_ID: Final = re.compile(r"[UW][A-Z0-9]{2,20}")
_GROUP_ID: Final = re.compile(r"S[A-Z0-9]{2,20}")
EMAIL: Final = re.compile(r"[^\s@<>|]{1,64}@[^\s@<>|]{1,190}")
_HANDLE: Final = re.compile(r"@[a-z0-9][a-z0-9._-]{0,79}")
_SLASHED: Final = re.compile(r"([a-z][a-z0-9_]{0,39})/(\S{1,200})")
# What a reference to a rotation begins with, so no pager's key.
ROTATION: Final = "rotation"
_ROLE_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Standing(StrEnum):
    """A set of people that the incident determines, rather than a list."""

    ANYONE = "anyone"
    RESPONDER = "responder"
    # PEER: a member who is nowhere below solo. SENIOR: a peer who by the policy or a sign-off is
    # solo. MENTOR: supervises the person concerned.
    PEER = "peer"
    SENIOR = "senior"
    MENTOR = "mentor"
    # The manager of an affected service, else the one that `escalation.manager` names.
    MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class PersonRef:
    """A person, named by Slack user id or by email: exactly one of the two."""

    user_id: str | None = None
    email: str | None = None

    def __str__(self) -> str:
        return self.user_id or self.email or ""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Let pydantic parse a person from the text in a file."""
        return core_schema.no_info_plain_validator_function(_read_person)


@dataclass(frozen=True, slots=True)
class GroupRef:
    """A Slack user group, named by id or by handle (without `@`): exactly one of the two."""

    group_id: str | None = None
    handle: str | None = None

    def __str__(self) -> str:
        return self.group_id or f"@{self.handle}"


@dataclass(frozen=True, slots=True)
class RoleRef:
    """The holder of the role with this key in the current incident."""

    key: str

    def __str__(self) -> str:
        return self.key


@dataclass(frozen=True, slots=True)
class Address:
    """Where a page goes: a pager by its key, and a name there (a service, a topic, a person)."""

    pager: str
    name: str

    def __str__(self) -> str:
        return f"{self.pager}/{self.name}"


@dataclass(frozen=True, slots=True)
class RotationRef:
    """Who is on call in the rotation with this key."""

    key: str

    def __str__(self) -> str:
        return f"{ROTATION}/{self.key}"


# Who is called: asked of a rotation, or of a pager, at the moment of the call.
OnCallRef = PersonRef | GroupRef | RotationRef | Address
Ref = TypeVar("Ref", PersonRef, GroupRef, Address)


def named_in(value: object, kind: type[Ref]) -> Iterator[Ref]:
    """Yield every reference of this kind in a policy or a part of it, in field order."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from named_in(item, kind)
    elif is_dataclass(value):
        for part in fields(value):
            yield from named_in(getattr(value, part.name), kind)


SEVERITY: Final = Names("there is no severity", "severities")
ROLE: Final = Names("there is no role", "roles")
SERVICE: Final = Names("there is no service", "services")


def _find_invitee(text: object) -> PersonRef | GroupRef | None:
    match text:
        case str() if _USER_ID.fullmatch(text):
            return PersonRef(user_id=text)
        case str() if _GROUP_ID.fullmatch(text):
            return GroupRef(group_id=text)
        case str() if _HANDLE.fullmatch(text):
            return GroupRef(handle=text.removeprefix("@"))
        case str() if EMAIL.fullmatch(text):
            return PersonRef(email=text)
    return None


def find_on_call(text: object) -> OnCallRef | None:
    """Return who or what a text names that may be on call, or None."""
    match = _SLASHED.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return _find_invitee(text)
    return RotationRef(match[2]) if match[1] == ROTATION else Address(match[1], match[2])


_PEOPLE: Final = "a person or a group"
ON_CALL: Final = f"a person, a group, {ROTATION}/KEY or a pager's address"


def word_or_reference(
    words: type[StrEnum],
    example: str,
    *,
    find: Callable[[object], object] = _find_invitee,
    whom: str = _PEOPLE,
) -> PlainValidator:
    """Return a validator that parses one of these words, a role's key, or what `find` finds."""

    def read(text: object) -> object:
        if isinstance(text, str) and text in tuple(words):
            return words(text)
        found: object = find(text)
        if isinstance(text, str) and text not in tuple(Standing) and _ROLE_KEY.fullmatch(text):
            found = RoleRef(text)
        if found is None:
            what = f"has to be {', '.join(words)}, a role's key, {whom}"
            raise Refusal(what, example)
        return found

    return PlainValidator(read)


def _read_invitee(text: object) -> PersonRef | GroupRef:
    found = _find_invitee(text)
    if found is None:
        what = "has to be a person (member id or email) or a group (id or @handle)"
        raise Refusal(what, 'jo@example.com or "@database-oncall"')
    return found


def _read_on_call(text: object) -> OnCallRef:
    found = find_on_call(text)
    if found is None:
        raise Refusal(f"has to be {ON_CALL}", f'"@database-oncall" or {ROTATION}/database')
    return found


def _read_person(text: object) -> PersonRef:
    found = _read_invitee(text)
    if isinstance(found, PersonRef):
        return found
    raise Refusal("has to be a person, not a group", "jo@example.com")


def _read_address(text: object) -> Address:
    pager, slash, name = text.partition("/") if isinstance(text, str) else ("", "", "")
    if not (pager and slash and name.strip() == name and name):
        raise Refusal("has to be a pager, `/` and a name there", "goalert/checkout")
    return Address(pager, name)


Invitee = Annotated[PersonRef | GroupRef, PlainValidator(_read_invitee)]
Grantee = Annotated[
    Standing | RoleRef | PersonRef | GroupRef,
    word_or_reference(Standing, '[responder, jo@example.com, "@database-oncall"]'),
    Names("there is no role", "roles", of=RoleRef, also=tuple(Standing), example="[responder]"),
]
IS_ROTATION: Final = Names("there is no rotation", "on_call.rotations", of=RotationRef)
IS_PAGER: Final = Names("there is no pager", "pagers", of=Address, example="goalert/checkout")
OnCaller = Annotated[OnCallRef, PlainValidator(_read_on_call), IS_ROTATION, IS_PAGER]
Reach = Annotated[
    Address,
    PlainValidator(_read_address),
    IS_PAGER,
]
