"""The only place that encodes and decodes a verb's arguments, for buttons and forms.

Arguments are frozen dataclasses. A button's value holds the fields in order, joined by `|`, without
defaults at the end, so that one value fits several verbs. A form keeps the fields that nobody
enters as JSON in its metadata; its inputs are named after the other fields.
"""

import json
import types
import typing
import uuid
from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, ClassVar, Final, Protocol, TypeVar, dataclass_transform

from bot.slack.blocks import state_of
from bot.slack.truncation import width
from incidents.core.errors import DomainError, IncidentNotFound, InvalidInput, Superseded
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.views import IncidentView
from incidents.people.assignable import Named

# A person still to be chosen in the form; a field that is `Named | None` may stay empty.
NOBODY: Final = Named("")
# https://docs.slack.dev/reference/block-kit/block-elements/button-element
MAX_VALUE: Final = 2_000


class Carried(Protocol):
    """A frozen dataclass whose fields a button or form can carry."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


A = TypeVar("A", bound=Carried)


@dataclass_transform(frozen_default=True)
class Arguments:
    """The base of a verb's arguments; `gone` is the `Superseded` key for unreadable values."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    GONE: ClassVar[str] = ""

    def __init_subclass__(cls, *, gone: str = "") -> None:
        """Make the subclass a frozen dataclass."""
        cls.GONE = gone or cls.GONE
        dataclass(frozen=True)(cls)


class OnIncident(Arguments):
    """An incident, and its version when the button was made."""

    ref: IncidentRef
    version: int = 0


class Words(OnIncident):
    """The text typed after a verb that parses it itself."""

    text: str = ""


class OnPrompt(Arguments, gone="prompt"):
    """A private prompt to one person, and the text of their answer."""

    prompt_id: uuid.UUID
    text: str = ""


def on_incident(incident: IncidentView) -> str:
    """Return the value of a button about an incident at its current version."""
    return to_value(OnIncident(ById(incident.id), incident.version))


def known_id(kept: uuid.UUID | None) -> uuid.UUID:
    """Return an id kept in an entry, or a nil UUID, which matches nothing, if the entry lost it."""
    return kept or uuid.UUID(int=0)


def to_value(given: Carried) -> str:
    """Return the arguments encoded as a button's value.

    Raises: ValueError if they are too long; use `find_value` where they hold people's words.
    """
    value = find_value(given)
    if value is None:
        raise ValueError(f"a button can't carry this much: {type(given).__name__}")
    return value


def find_value(given: Carried) -> str | None:
    """Return the arguments encoded as a button's value, or None if a button can't carry them."""
    value = _encoded(given)
    return value if width(value) <= MAX_VALUE else None


def _encoded(given: Carried) -> str:
    parts = [(field, getattr(given, field.name)) for field in fields(given)]
    while parts and parts[-1][1] == _default(parts[-1][0]):
        parts.pop()
    texts = [_text(value).replace("%", "%25").replace("|", "%7C") for _, value in parts]
    return "|".join(texts)


def from_value(kind: type[A], value: str) -> A:
    """Return the arguments decoded from a button's value.

    Raises: IncidentNotFound; Superseded, with the arguments' `GONE` as its key.
    """
    parts = [part.replace("%7C", "|").replace("%25", "%") for part in value.split("|")]
    names = [field.name for field in fields(kind)]
    if len(parts) > len(names):
        raise _gone(kind)
    return _made(kind, dict(zip(names, parts, strict=False)))


def to_metadata(given: Carried, *, entered: Collection[str] = ()) -> str:
    """Return a form's metadata: its arguments as JSON, without defaults and the `entered` ones."""
    kept = {
        field.name: value if isinstance(value, Mapping) else _text(value)
        for field in fields(given)
        if field.name not in entered and (value := getattr(given, field.name)) != _default(field)
    }
    return json.dumps(kept)


def from_view(kind: type[A], view: Mapping[str, Any]) -> A:
    """Return a form's arguments, from its metadata and what has been entered so far.

    Raises: InvalidInput if a required person wasn't chosen; otherwise as `from_value`.
    """
    try:
        state, raw = state_of(view), dict(json.loads(view.get("private_metadata") or "{}"))
    except (TypeError, ValueError):
        raise _gone(kind) from None
    hints = _hints(kind)
    for name in hints.keys() & state.values.keys():
        raw[name] = state.entered(name)
        if raw[name] is None and hints[name] is Named:
            raise InvalidInput(name, "not_a_person")
    return _made(kind, raw)


def _made(kind: type[A], raw: Mapping[str, object]) -> A:
    given: dict[str, Any] = {}
    for field in fields(kind):
        value = raw.get(field.name)
        if value in (None, "") and _default(field) is not MISSING:
            continue
        try:
            given[field.name] = _read(_hints(kind)[field.name], "" if value is None else value)
        except (AttributeError, TypeError, ValueError):
            raise IncidentNotFound(None) if field.name == "ref" else _gone(kind) from None
    return kind(**given)


def _gone(kind: type[Carried]) -> DomainError:
    key = getattr(kind, "GONE", "")
    return Superseded(key) if key else IncidentNotFound(None)


def _default(field: Field[Any]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


@cache
def _hints(kind: type[Carried]) -> Mapping[str, Any]:
    known = typing.get_type_hints(kind)
    return {field.name: known[field.name] for field in fields(kind)}


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else ""
        case ById(id=incident_id):
            return str(incident_id)
        case Named(external_id=external_id):
            return external_id
        case datetime():
            return value.isoformat()
        case timedelta():
            return str(int(value.total_seconds()))
        case tuple():
            return ",".join(value)
        case uuid.UUID() | str() | int():
            return str(value)
    raise TypeError(f"buttons and forms can't carry {value!r}")


def _read(hint: Any, value: Any) -> Any:
    """Return a value converted to the hinted type. Raises: TypeError; ValueError."""
    if hint == IncidentRef:
        return ById(uuid.UUID(value))
    origin = typing.get_origin(hint)
    if origin is types.UnionType:
        hint = next(one for one in typing.get_args(hint) if one is not types.NoneType)
    if origin is Mapping:  # from a form's metadata, which is already decoded
        return value
    if origin is tuple:
        return tuple(value.split(",")) if isinstance(value, str) else value
    if hint is datetime:
        is_epoch = isinstance(value, int)
        return datetime.fromtimestamp(value, UTC) if is_epoch else datetime.fromisoformat(value)
    if hint is timedelta:
        return timedelta(seconds=int(value))
    return hint(value)
