"""From a tree of the policy file to the frozen classes of `incidents/policy/policy.py`.

The classes are the schema: `TreeReader` walks their fields and types, `config/policy_rules.py`
adds what a type can't say. A value that is refused is reported, and the one it replaced is used
to go on, so that everything wrong is found in one reading.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from datetime import date, timedelta
from difflib import get_close_matches
from enum import Enum
from functools import cache, partial, reduce
from operator import or_
from types import NoneType
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from config.policy_rules import Rule
from config.policy_shapes import KEY_FIELDS, SHORT_FIELDS, VALUE_FIELDS
from config.policy_yaml import (
    Mapping,
    Node,
    PolicyProblem,
    Position,
    Scalar,
    ScalarKind,
    Sequence,
    join_key,
)
from config.section_rules import RULES
from incidents.policy.escalation import Callee, Relation
from incidents.policy.references import Grantee, GroupRef, Invitee, PersonRef, RoleRef, Standing
from incidents.scenarios.scenario import LongText

T = TypeVar("T")

_DURATION: Final = re.compile(
    r"(?:([0-9]{1,5})d)?(?:([0-9]{1,5})h)?(?:([0-9]{1,5})m)?(?:([0-9]{1,5})s)?"
)
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,9}")
_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,9}(?:\.[0-9]{1,9})?")
_USER_ID: Final = re.compile(r"[UW][A-Z0-9]{2,20}")
_GROUP_ID: Final = re.compile(r"S[A-Z0-9]{2,20}")
_EMAIL: Final = re.compile(r"[^\s@<>|]{1,64}@[^\s@<>|]{1,190}")
_HANDLE: Final = re.compile(r"@[a-z0-9][a-z0-9._-]{0,79}")
_ROLE_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_MAX_TEXT: Final = 500
_MAX_LONG_TEXT: Final = 1500
_MAX_LISTED: Final = 8


class _RefusedError(Exception):
    """A value that can't be taken; it never leaves this module."""

    def __init__(self, what: str, example: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.example = example


@dataclass(frozen=True, slots=True)
class _Slot:
    """What is expected at one place of the file."""

    hint: Any
    path: str
    rule: Rule | None = None

    @property
    def example(self) -> str:
        return self.rule.example if self.rule else ""

    def of(self, hint: Any, suffix: str = "") -> "_Slot":
        """Return the same place, or one inside it, with something else expected there."""
        return replace(self, hint=hint, path=f"{self.path}{suffix}")


class TreeReader:
    """Builds values from a tree and collects in `problems` whatever is wrong with it.

    `dropped` has the keys of the map entries that are in the file but couldn't be read.
    """

    def __init__(self) -> None:
        self.problems: list[PolicyProblem] = []
        self.dropped: set[str] = set()

    def read(
        self, cls: type[T], tree: Mapping, *, given: dict[str, object] | None = None
    ) -> T | None:
        """Build one value of this class; None if something it needs is missing or refused.

        `given` holds fields that come from elsewhere, such as the name of the file.
        """
        return self._read_class(cls, tree, path="", given=given or {})

    def _read_class(
        self, cls: type[T], tree: Mapping, *, path: str, given: dict[str, object]
    ) -> T | None:
        plain: type = cls
        hints = {name: hint for name, hint in _hints_of(plain).items() if name not in given}
        for key in tree.entries.keys() - hints.keys():
            what = f"there is no such key{did_you_mean(key, hints)}"
            self._report(tree.key_at[key], join_key(path, key), what)
        optional = _optional_fields(cls)
        values = dict(given)
        for name, hint in hints.items():
            node = tree.entries.get(name)
            slot = _Slot(hint, join_key(path, name), RULES.get((cls, name)))
            if node is not None and not _is_null(node):
                value = self._attempt(node, slot)
            elif name in optional:
                continue
            else:
                value = self._without(node, slot, parent_at=tree.at)
            if value is not None:
                values[name] = value
        complete = hints.keys() <= values.keys() | optional
        return cls(**values) if complete else None

    def _without(self, node: Node | None, slot: _Slot, *, parent_at: Position) -> object | None:
        """Answer a value that is needed but missing or removed; a removed list is empty."""
        if get_origin(slot.hint) is tuple and node is not None:
            return ()
        name = slot.path.rpartition(".")[2]
        example = f"{name}: {slot.example}" if slot.example else ""
        what = "is needed but missing" if node is None else "is needed, but has no value"
        self._report(node.at if node else parent_at, slot.path, what, example)
        return self._attempt(node.under, slot) if node and node.under else None

    def _attempt(self, node: Node, slot: _Slot) -> object | None:
        """Read a value; a refused one is reported, and what it replaced is taken instead."""
        value = None
        try:
            value = self._read(node, slot)
        except _RefusedError as refusal:
            self._report(node.at, slot.path, refusal.what, refusal.example or slot.example)
        if value is None and node.under is not None and not _is_null(node.under):
            return self._attempt(node.under, slot)
        return value

    def _read(self, node: Node, slot: _Slot) -> object | None:
        hint = slot.hint
        options = [option for option in get_args(hint) if option is not NoneType]
        if get_origin(hint) is tuple and options[0] in KEY_FIELDS:
            return self._read_keyed(node, slot.of(options[0]))
        if get_origin(hint) is tuple:
            return self._read_list(node, slot.of(options[0]))
        if NoneType in get_args(hint):
            return self._read(node, slot.of(reduce(or_, options)))
        if hint in SHORT_FIELDS and not isinstance(node, Mapping):
            return self._read_short(node, slot)
        if isinstance(hint, type) and is_dataclass(hint) and hint is not PersonRef:
            if not isinstance(node, Mapping):
                raise _RefusedError("has to be `key: value` lines, indented under it")
            return self._read_class(hint, node, path=slot.path, given={})
        value = _read_scalar(hint, node)
        if slot.rule and not slot.rule.accepts(value):
            raise _RefusedError(slot.rule.what)
        return value

    def _read_short(self, node: Node, slot: _Slot) -> object | None:
        name = SHORT_FIELDS[slot.hint]
        hint = _hints_of(slot.hint)[name]
        if get_origin(hint) is tuple and isinstance(node, Scalar):
            one = self._attempt(node, slot.of(get_args(hint)[0]))
            value: object | None = None if one is None else (one,)
        else:
            value = self._attempt(node, slot.of(hint))
        return None if value is None else slot.hint(**{name: value})

    def _read_list(self, node: Node, slot: _Slot) -> tuple[object, ...] | None:
        if isinstance(node, Mapping):
            raise _RefusedError("has to be a list")
        # One value where a list is meant is clear enough.
        items = node.items if isinstance(node, Sequence) else (node,)
        values = [
            self._attempt(item, slot.of(slot.hint, f"[{index}]"))
            for index, item in enumerate(items)
        ]
        return None if None in values else tuple(values)

    def _read_keyed(self, node: Node, slot: _Slot) -> tuple[object, ...]:
        if not isinstance(node, Mapping):
            raise _RefusedError("has to be `key: …` lines, one for each entry")
        values: list[object] = []
        for key, entry in node.entries.items():
            inner = slot.of(slot.hint, f".{key}")
            if isinstance(entry, Scalar) and entry.kind is ScalarKind.REMOVED:
                continue
            if _is_null(entry):
                remark = did_you_mean(key, node.entries.keys() - {key})
                self._report(entry.at, inner.path, f"isn't there to be removed{remark}")
                continue
            value = self._read_entry(key, entry, inner, key_at=node.key_at[key])
            if value is None:
                self.dropped.add(key)
            else:
                values.append(value)
        return tuple(values)

    def _read_entry(self, key: str, entry: Node, slot: _Slot, *, key_at: Position) -> object | None:
        cls = slot.hint
        hints = _hints_of(cls)
        name = KEY_FIELDS[cls]
        key_slot = _Slot(hints[name], slot.path, RULES.get((cls, name)))
        as_text = Scalar(key_at, key, ScalarKind.TEXT)
        key_value = self._attempt(as_text, key_slot)
        if key_value is None:
            return None
        if cls in VALUE_FIELDS:
            value_name = VALUE_FIELDS[cls]
            value = self._attempt(entry, slot.of(hints[value_name]))
            return None if value is None else cls(**{name: key_value, value_name: value})
        if not isinstance(entry, Mapping):
            self._report(entry.at, slot.path, "has to be `key: value` lines, indented under it")
            return None
        return self._read_class(cls, entry, path=slot.path, given={name: key_value})

    def _report(self, at: Position, key_path: str, what: str, example: str = "") -> None:
        self.problems.append(PolicyProblem(at.path, at.line, key_path, what, example))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a closing remark that names the nearest known word, or lists a few of them."""
    choices = sorted(known)
    near = get_close_matches(word.casefold(), choices, n=1, cutoff=0.6)
    if near:
        return f"; did you mean `{near[0]}`?"
    if 0 < len(choices) <= _MAX_LISTED:
        return f"; there are {', '.join(choices)}"
    return ""


@cache
def _hints_of(cls: type) -> dict[str, Any]:
    """Return a class's fields with their types; finding them out takes longer than using them."""
    return get_type_hints(cls)


def _optional_fields(cls: type) -> set[str]:
    # `fields` is typed for classes known to be dataclasses; these are, being in the policy.
    return {item.name for item in fields(cls) if item.default is not MISSING}


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.is_null


def _read_scalar(hint: Any, node: Node) -> object:
    if not isinstance(node, Scalar) or node.is_null:
        raise _RefusedError("has to be a single value")
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _read_enum(hint, node.text)
    if hint == Callee:
        return _read_callee(node.text)
    if hint in (Invitee, Grantee):
        return _read_reference(node.text, grantee=hint == Grantee)
    readers: dict[Any, Callable[[Scalar], object]] = {
        str: _read_text,
        LongText: partial(_read_text, longest=_MAX_LONG_TEXT),
        int: _read_integer,
        float: _read_number,
        bool: _read_boolean,
        timedelta: _read_duration,
        date: _read_date,
        PersonRef: _read_person,
    }
    return readers[hint](node)


def _read_enum(cls: type[Enum], text: str) -> Enum:
    known = {str(member.value): member for member in cls}
    if text not in known:
        remark = did_you_mean(text, known)
        raise _RefusedError(f"`{text[:40]}` isn't one of the possible values{remark}")
    return known[text]


def _read_text(node: Scalar, *, longest: int = _MAX_TEXT) -> str:
    if node.kind is not ScalarKind.TEXT:
        raise _RefusedError(
            "YAML doesn't take this for text; put it in quotes", f'"{node.text[:40]}"'
        )
    if not node.text.strip():
        raise _RefusedError("can't be empty")
    if len(node.text) > longest:
        raise _RefusedError(f"is longer than {longest} characters")
    if _UNPRINTABLE.search(node.text):
        raise _RefusedError("holds a character that can't be shown; remove it")
    return node.text.strip()


def _read_integer(node: Scalar) -> int:
    if not _INTEGER.fullmatch(node.text) or node.kind is ScalarKind.TEXT:
        raise _RefusedError("has to be a whole number, without quotes")
    return int(node.text)


def _read_number(node: Scalar) -> float:
    if not _NUMBER.fullmatch(node.text) or node.kind is ScalarKind.TEXT:
        raise _RefusedError("has to be a number, without quotes")
    return float(node.text)


def _read_boolean(node: Scalar) -> bool:
    if node.kind is not ScalarKind.BOOLEAN:
        raise _RefusedError("has to be true or false", "true")
    return node.text.casefold() in ("true", "yes", "on")


def _read_duration(node: Scalar) -> timedelta:
    match = _DURATION.fullmatch(node.text)
    if match is None or not node.text:
        raise _RefusedError("has to be a duration: a number with s, m, h or d", "15m")
    days, hours, minutes, seconds = (int(group or 0) for group in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _read_date(node: Scalar) -> date:
    try:
        return date.fromisoformat(node.text)
    except ValueError:
        raise _RefusedError("has to be a date: year-month-day", "2026-12-24") from None


def _read_callee(text: str) -> Callee:
    if text in tuple(Relation):
        return Relation(text)
    if text not in tuple(Standing) and _ROLE_KEY.fullmatch(text):
        return RoleRef(text)
    found = None if text in tuple(Standing) else _read_reference(text, grantee=False)
    if isinstance(found, PersonRef | GroupRef):
        return found
    what = f"has to be {', '.join(Relation)}, a role's key, a person or a group"
    raise _RefusedError(what, '[owner, commander, jo@example.com, "@database-oncall"]')


def _read_person(node: Scalar) -> PersonRef:
    found = _read_reference(node.text, grantee=False)
    if not isinstance(found, PersonRef):
        raise _RefusedError("has to be a person, not a group", "jo@example.com")
    return found


def _read_reference(text: str, *, grantee: bool) -> Grantee:
    if _USER_ID.fullmatch(text):
        return PersonRef(user_id=text)
    if _GROUP_ID.fullmatch(text):
        return GroupRef(group_id=text)
    if _HANDLE.fullmatch(text):
        return GroupRef(handle=text.removeprefix("@"))
    if _EMAIL.fullmatch(text):
        return PersonRef(email=text)
    if not grantee:
        what = "has to be a person (member id or email) or a group (id or @handle)"
        raise _RefusedError(what, 'jo@example.com or "@database-oncall"')
    if text in tuple(Standing):
        return Standing(text)
    if _ROLE_KEY.fullmatch(text):
        return RoleRef(text)
    what = "has to be anyone, responder, senior, mentor, manager, a role's key, a person or a group"
    raise _RefusedError(what, '[responder, jo@example.com, "@database-oncall"]')
