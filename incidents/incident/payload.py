"""Typed entries: one payload class per kind, which decodes stored content and words itself.

Each feature declares its payloads in its own `entries.py`; those that several features read are in
this package. `incidents/registry/entries.py` collects them all.
"""

import dataclasses
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Self

import msgspec

from incidents.core.sentences import (
    Detail,
    HowLong,
    Part,
    Sentence,
    Telling,
    When,
    Who,
    Words,
    telling,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What an entry holds; every field has a default, so content from older versions decodes.

    Fields are JSON values, instants, ids, people (`Who`) and other frozen dataclasses.
    """

    kind: ClassVar[str]
    # Internal bookkeeping that says nothing about the incident: postmortems leave it out.
    is_bookkeeping: ClassVar[bool] = False

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return what happened; the phrase's subject is the actor, whose id is given."""
        return UnknownEntry(kind_name=self.kind, values=self.content()).tell(actor_id)

    @classmethod
    def read(cls, content: Mapping[str, Any] | None) -> Self | None:
        """Return the payload of an entry of this kind, or None if it is redacted or unreadable."""
        try:
            return None if content is None else msgspec.convert(content, cls, strict=False)
        except msgspec.ValidationError:
            return None

    def content(self) -> dict[str, Any]:
        """Return the fields as they are stored: JSON values, instants and ids; no None."""
        kept: dict[str, Any] = msgspec.to_builtins(self, builtin_types=(datetime, uuid.UUID))
        return {name: value for name, value in kept.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEntry(Payload):
    """An entry whose kind or form this version doesn't know; it is shown generically."""

    kind: ClassVar[str] = ""
    kind_name: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return the kind in words, a change as old and new, then everything else by its key."""
        values = dict(self.values)
        head = _spoken(self.kind_name)
        if "old" in values and "new" in values:
            change = generic_value({"old": values.pop("old"), "new": values.pop("new")})
            named = str(values.pop("name", ""))
            about = f" ({_spoken(named)})" if named else ""
            return telling(f"{head}{about}: ", *change, details=generic_details(values))
        return telling(head, details=generic_details(values))

    def content(self) -> dict[str, Any]:
        """Return the stored content unchanged."""
        return dict(self.values)


EntryTypes = Mapping[str, type[Payload]]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A payload, plus the stored fields that its class doesn't have."""

    payload: Payload
    extra: Mapping[str, Any] = field(default_factory=dict)

    def tell(self, actor_id: uuid.UUID | None) -> Telling:
        """Return the payload's own details, then the fields that its class doesn't have."""
        told = self.payload.tell(actor_id)
        if not self.extra:
            return told
        return Telling(told.phrase, (*told.details, *generic_details(self.extra)))


def decode(kind: str, content: Mapping[str, Any], types: EntryTypes) -> Decoded:
    """Return the payload of a stored entry; an unknown kind or form becomes an `UnknownEntry`."""
    payload_type = types.get(kind)
    payload = payload_type.read(content) if payload_type else None
    if payload_type is None or payload is None:
        return Decoded(UnknownEntry(kind_name=kind, values=content))
    known = field_names(payload_type)
    return Decoded(payload, {key: value for key, value in content.items() if key not in known})


def field_names(payload_type: type[Payload]) -> frozenset[str]:
    """Return the names of the payload's fields."""
    return frozenset(one.name for one in dataclasses.fields(payload_type))


def people_of(value: Any) -> Iterator[Who]:
    """Yield the people that a payload names, including those in lists and nested values."""
    if isinstance(value, Who):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from people_of(item)
    elif dataclasses.is_dataclass(value):
        for one in dataclasses.fields(value):
            yield from people_of(getattr(value, one.name))


# -- fields that no class knows, shown by their keys --------------------------------------------

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_INNER_NAME: Final = re.compile(r"[a-z]+(_[a-z]+)+")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# For machines, not people: identifiers, ranks, and what other fields already say.
_SILENT: Final = re.compile(r"(.*_)?(ids?|keys?|ranks?|hash|sequence|kind|ts)")
_UNLABELLED: Final = frozenset({"text", "reason", "changes", "question"})


def generic_details(values: Mapping[str, Any]) -> tuple[Detail, ...]:
    """Return the values labelled by their keys, without those that only machines need."""
    return tuple(
        made
        for key, value in values.items()
        if not _SILENT.fullmatch(key)
        and value not in (None, "", [], {}, False)
        and not (isinstance(value, str) and _UUID.fullmatch(value))
        for made in (_generic_detail(key, value),)
    )


def _generic_detail(key: str, value: Any) -> Detail:
    if key in _UNLABELLED:
        return Detail(generic_value(value))
    if value is True:
        return Detail((_spoken(key.removeprefix("is_")),))
    if key.endswith("_seconds") and isinstance(value, int):
        return Detail((HowLong(timedelta(seconds=value)),), _spoken(key.removesuffix("_seconds")))
    return Detail(_named_value(value), _spoken(key))


def _named_value(value: Any) -> Sentence:
    """Return a value that no person typed; our own identifiers are shown as words."""
    if isinstance(value, list | tuple):
        return _joined((_named_value(one) for one in value), ", ")
    if isinstance(value, str) and _INNER_NAME.fullmatch(value):
        return (value.replace("_", " "),)
    return generic_value(value)


def generic_value(value: Any) -> Sentence:
    """Return a stored value as a sentence: people by name, instants as times, lists with commas."""
    match value:
        case None:
            return ()
        case bool():
            return ("yes" if value else "no",)
        case {"old": old, "new": new}:
            return (
                *(generic_value(old) or ("nothing",)),
                " → ",
                *(generic_value(new) or ("nothing",)),
            )
        case {"name": str(name), "id": _}:
            return (Who(name),)
        case Mapping():
            parts = [f"{_spoken(str(key))}: " for key in value]
            told = zip(parts, value.values(), strict=True)
            return _joined(((head, *generic_value(one)) for head, one in told), "; ")
        case list() | tuple():
            return _joined((generic_value(one) for one in value), ", ")
        case str() if _INSTANT.fullmatch(value):
            return (When(datetime.fromisoformat(value)),)
    return (Words(str(value)),)


def _joined(sentences: Iterator[Sentence], mark: str) -> Sentence:
    made: list[Part] = []
    for sentence in sentences:
        made += [mark, *sentence] if made else sentence
    return tuple(made)


def _spoken(key: str) -> str:
    return key.removesuffix("_at").replace("_", " ")
