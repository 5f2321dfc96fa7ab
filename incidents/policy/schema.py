"""The file schema in the types of a policy or a scenario: allowed values, and how to write them.

`Annotated[timedelta, lasts("1s", "30d", "15m")]` is a duration with its bounds and an example.
pydantic checks files against it (`config/tree_reader.py`); the program trusts the result.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from datetime import date, timedelta
from difflib import get_close_matches
from enum import Enum, auto
from functools import cache
from operator import attrgetter
from types import NoneType
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, PlainValidator

_DURATION: Final = re.compile(
    r"(?:([0-9]{1,5})d)?(?:([0-9]{1,5})h)?(?:([0-9]{1,5})m)?(?:([0-9]{1,5})s)?"
)
_MOST_LISTED: Final = 8

T = TypeVar("T")


class Form(Enum):
    """How a field is written if not as `field: value`; in the order of `Shape`'s fields."""

    AS_KEY = auto()  # as the key of the entry in the surrounding map
    AS_VALUE = auto()  # as the whole value of that entry
    ALONE = auto()  # may replace the whole object: `manager` for `who: [manager]`


class Refusal(ValueError):
    """A value in a file is invalid; the message completes "this value …"."""

    def __init__(self, what: str, example: str = "") -> None:
        super().__init__(what)
        self.example = example


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on one value; `what` completes "this value …", `example` is a valid value."""

    accepts: Callable[[Any], bool]
    what: str
    example: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Let pydantic check the rule after it has converted the value."""
        return AfterValidator(self._checked).__get_pydantic_core_schema__(source, handler)

    def _checked(self, value: object) -> object:
        if not self.accepts(value):
            raise Refusal(self.what)
        return value


@dataclass(frozen=True, slots=True)
class Names:
    """The value names an entry elsewhere in the file, such as a role by its key.

    `where` leads from the root to the entries (by key) or plain words that can be named.
    `also` are further words for "did you mean". Values that aren't `of` this type are no names.
    """

    missing: str
    where: str
    of: type = str
    also: tuple[str, ...] = ()
    example: str = ""

    def known(self, root: object) -> tuple[str, ...]:
        """Return the names that exist in the file."""
        return tuple(getattr(one, "key", one) for one in attrgetter(self.where)(root))


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a class: its type without `None`, and the marks that `Annotated` adds.

    `shape` describes the type if it is a class; `items` describes the items of a tuple.
    """

    name: str = ""
    type: Any = None
    marks: tuple[object, ...] = ()
    shape: "Shape | None" = None
    items: "Field | None" = None
    can_be_left_out: bool = False

    @property
    def is_map(self) -> bool:
        """Tell whether the file writes its items as a map, each under its key."""
        return (
            self.items is not None and self.items.shape is not None and bool(self.items.shape.key)
        )

    @property
    def all_marks(self) -> tuple[object, ...]:
        """Return the marks of the field and of its items."""
        return (*self.marks, *self.items.marks) if self.items else self.marks


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a class by name, and the name of the field in each `Form` ("" if none)."""

    fields: dict[str, Field]
    key: str
    value: str
    alone: str


def matches(pattern: str, what: str, example: str) -> Rule:
    """Return the rule that a whole text matches the pattern."""
    compiled = re.compile(pattern)
    return Rule(lambda text: compiled.fullmatch(text) is not None, what, example)


def lasts(shortest: str, longest: str, example: str) -> Rule:
    """Return the rule that a duration is within these bounds, both included."""
    lowest, highest = read_duration(shortest), read_duration(longest)
    what = f"has to be between {shortest} and {longest}"
    return Rule(lambda value: lowest <= value <= highest, what, example)


def within(lowest: float, highest: float, example: str) -> Rule:
    """Return the rule that a number is within these bounds, both included."""
    what = f"has to be a number from {lowest:g} to {highest:g}"
    return Rule(lambda value: lowest <= value <= highest, what, example)


def short(limit: int, example: str) -> Rule:
    """Return the rule that a text has at most `limit` characters."""
    return Rule(lambda text: len(text) <= limit, f"is longer than {limit} characters", example)


def some(what: str, example: str = "") -> Rule:
    """Return the rule that a list isn't empty."""
    return Rule(bool, what, example)


def holds(lowest: int, highest: int, what: str) -> Rule:
    """Return the rule that a list has from `lowest` to `highest` items."""
    told = f"has to hold {lowest} to {highest} {what}"
    return Rule(lambda items: lowest <= len(items) <= highest, told)


def word_key(example: str, *, mark: str = "_") -> Rule:
    """Return the rule that a text is a key: small letters, digits and one kind of mark."""
    what = f"isn't a key: only small letters, digits and `{mark}`, a letter first"
    return matches(rf"[a-z][a-z0-9{mark}]{{0,39}}", what, example)


def read_duration(text: object) -> timedelta:
    """Read a duration such as `1h30m`. Raises: Refusal."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) and text else None
    if match is None:
        raise Refusal("has to be a duration: a number with s, m, h or d", "15m")
    days, hours, minutes, seconds = (int(group or 0) for group in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def format_duration(value: timedelta) -> str:
    """Write a duration of whole seconds as the policy does, for example `1h30m`."""
    days, rest = divmod(int(value.total_seconds()), 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{amount}{unit}" for amount, unit in parts if amount) or "0s"


Duration = Annotated[timedelta, PlainValidator(read_duration)]
DisplayName = Annotated[str, short(60, "a few words")]


def shape_of(cls: type) -> Shape:
    """Return the file schema of a class."""
    return _shape_of(cls)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a closing remark that names the nearest known word, or lists a few of them."""
    choices = sorted(known)
    near = get_close_matches(word.casefold(), choices, n=1, cutoff=0.6)
    if near:
        return f"; did you mean `{near[0]}`?"
    if 0 < len(choices) <= _MOST_LISTED:
        return f"; there are {', '.join(choices)}"
    return ""


def as_json(value: object) -> Any:
    """Return a value as JSON, the same in every process; durations are seconds."""
    match value:
        case timedelta():
            return value.total_seconds()
        case date():
            return value.isoformat()
        case Enum():
            return value.value
        case tuple():
            return [as_json(item) for item in value]
        case _ if _is_class(type(value)):
            return {name: as_json(getattr(value, name)) for name in shape_of(type(value)).fields}
        case _ if is_dataclass(value):
            return str(value)
    return value


def as_written(value: object) -> Any:
    """Return a policy as people write it: maps by key, durations as `5m`, without None values."""
    return _written(value, Field(shape=shape_of(type(value))))


def _written(value: Any, field: Field) -> Any:
    if isinstance(value, timedelta):
        return format_duration(value)
    if field.items and field.is_map:
        return dict(_entry(item, field.items) for item in value)
    if field.items:
        return [_written(item, field.items) for item in value]
    if field.shape is None:
        return as_json(value)
    parts = ((one, getattr(value, name)) for name, one in field.shape.fields.items())
    return {one.name: _written(part, one) for one, part in parts if part is not None}


def _entry(item: object, field: Field) -> tuple[str, object]:
    """Return one entry of a map in the file: its key and its value."""
    written, shape = _written(item, field), shape_of(field.type)
    return str(written.pop(shape.key)), written.get(shape.value, written)


def from_json(cls: type[T], stored: Mapping[str, Any]) -> T:
    """Rebuild a value stored by `as_json`, unchecked, without fields this version doesn't know."""
    known = (field for field in shape_of(cls).fields.values() if field.name in stored)
    return cls(**{field.name: _from_json(field, stored[field.name]) for field in known})


def _from_json(field: Field, value: Any) -> Any:
    if value is None:
        return None
    if field.items is not None:
        return tuple(_from_json(field.items, item) for item in value)
    if field.shape is not None:
        return from_json(field.type, value)
    if field.type is timedelta:
        return timedelta(seconds=value)
    return field.type(value)


# A class never changes, and inspecting it is slow.
@cache
def _shape_of(cls: type) -> Shape:
    hints = get_type_hints(cls, include_extras=True)
    found = {one.name: _field(one.name, hints[one.name], one.default) for one in fields(cls)}
    names = (next((one.name for one in found.values() if form in one.marks), "") for form in Form)
    return Shape(found, *names)


def _field(name: str, hint: Any, default: object = MISSING) -> Field:
    plain, marks = _unwrap(hint)
    shape = _shape_of(plain) if _is_class(plain) else None
    items = _field("", get_args(plain)[0]) if get_origin(plain) is tuple else None
    if items and items.shape and items.shape.key:
        items = replace(items, can_be_left_out=True)
    return Field(name, plain, marks, shape, items, default is not MISSING)


def _unwrap(hint: Any) -> tuple[Any, tuple[object, ...]]:
    """Split a type into the plain type, without `| None`, and the marks that `Annotated` adds."""
    if get_origin(hint) is Annotated:
        plain, marks = _unwrap(get_args(hint)[0])
        return plain, (*marks, *hint.__metadata__)
    options = [option for option in get_args(hint) if option is not NoneType]
    if len(options) == 1 and NoneType in get_args(hint):
        return _unwrap(options[0])
    return hint, ()


def _is_class(cls: Any) -> bool:
    """Tell whether this is a class with fields in the file; references are plain texts there."""
    return isinstance(cls, type) and is_dataclass(cls) and cls.__str__ is object.__str__
