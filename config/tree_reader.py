"""Converts a YAML tree into the classes of a policy or a scenario, which pydantic checks.

The tree is reshaped like the classes and given to pydantic as JSON; in strict mode it confuses
no numbers with texts. Its errors are traced back to the tree and its lines. To find further errors,
a refused value is replaced by the value below it (of the built-in file), or left out.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import GenericAlias, MappingProxyType
from typing import Any, Final, Generic, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from config.yaml_tree import Node, PolicyProblem, locate
from incidents.policy.disagreements import Keys, find_disagreements
from incidents.policy.schema import Field, Refusal, Shape, did_you_mean, shape_of

T = TypeVar("T")

_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,9}")
_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,9}(?:\.[0-9]{1,9})?")
# By pydantic's error types: what a value has to be, and an example.
_REFUSALS: Final = {
    "bool_type": ("has to be true or false", "true"),
    "dataclass_type": ("has to be `key: value` lines, indented under it", ""),
    "date_parsing": ("has to be a date: year-month-day", "2026-12-24"),
    "date_type": ("has to be a date: year-month-day", "2026-12-24"),
    "float_type": ("has to be a number, without quotes", ""),
    "int_type": ("has to be a whole number, without quotes", ""),
    "string_too_short": ("can't be empty", ""),
}


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """The result of reading a tree: the value, if one could be built, and all problems.

    `dropped` are the keys of refused values without a replacement, which are missing in the value.
    """

    value: T | None
    problems: tuple[PolicyProblem, ...]
    dropped: frozenset[Keys]


def read_tree(cls: type[T], tree: Node, *, longest_text: int, key: str = "") -> Reading[T]:
    """Read a tree as a value of this class; `key` is the value's own key, if it has one."""
    dropped: set[Keys] = set()
    problems: tuple[PolicyProblem, ...] | None = None
    outline, shape = _Outline(set(), []), shape_of(cls)
    known: type = cls
    adapter = _adapter(known, longest_text)
    while True:
        parts = outline.fields(tree, shape, (), key=key)
        whole = _Part(tree, (), Field(shape=shape), parts)
        try:
            (value,) = adapter.validate_json(json.dumps([_plain(whole)]))
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
        else:
            return Reading(value, problems or tuple(outline.problems), frozenset(dropped))
        ways = [_way_to(whole, detail["loc"][1:]) for detail in details]
        if problems is None:
            told = (_problem(way, detail) for way, detail in zip(ways, details, strict=True))
            problems = (*outline.problems, *told)
        for way in ways:
            # The innermost value around the error that can be left out or replaced.
            part = next((part for part in reversed(way) if part.can_be_refused), None)
            if part is None:
                return Reading(None, problems, frozenset(dropped))
            outline.refused.add(id(part.node))
            dropped.update({part.keys} if part.node.under is None else ())


def disagreements_in(reading: Reading[T], tree: Node) -> Iterator[PolicyProblem]:
    """Yield the contradictions within a value, with their places in the tree."""
    for found in find_disagreements(reading.value):
        if reading.dropped.isdisjoint({found.keys, found.other}):
            at = locate(tree, (*found.keys, found.item))
            other = locate(tree, found.other) if found.other else at
            # Between a built-in value and one that people wrote, show theirs.
            shown = other if at.path != tree.path == other.path else at
            yield shown.problem(found.keys, found.what, found.example)


# pydantic accepts a configuration only for types that aren't dataclasses, hence a tuple of one.
@cache
def _adapter(cls: type, longest_text: int) -> TypeAdapter[Any]:
    config = ConfigDict(
        extra="forbid",
        strict=True,
        str_strip_whitespace=True,
        str_min_length=1,
        str_max_length=longest_text,
    )
    tuple_of_one: Any = GenericAlias(tuple, (cls,))
    return TypeAdapter(tuple_of_one, config=config)


@dataclass(frozen=True, slots=True)
class _Part:
    """One value of a tree, shaped like its type, with the keys that lead to it in the file.

    `parts` are its fields by name, or its items; None for a single value, and for a value that
    doesn't have the shape of its type.
    """

    node: Node
    keys: Keys
    field: Field
    parts: "dict[str, _Part] | list[_Part] | None" = None

    @property
    def can_be_refused(self) -> bool:
        under = self.node.under
        return self.field.can_be_left_out or (under is not None and not under.is_null)


# Keys that earlier versions had, and what to write instead.
_MOVED: Mapping[str, str] = MappingProxyType(
    {
        "invites": "; it is now `invite` in a rule under `call`",
        "backup": "; it is now `backup` in a rule under `call`",
    }
)


@dataclass(frozen=True, slots=True)
class _Outline:
    """Shapes a tree like its classes.

    `refused` are the ids of nodes to skip in favour of the nodes that they replaced.
    """

    refused: set[int]
    problems: list[PolicyProblem]

    def fields(self, node: Node, shape: Shape, keys: Keys, *, key: str = "") -> dict[str, _Part]:
        """Return a class's fields that the file has; an entry of a map includes its key."""
        parts = self._key(node, shape, keys, key=key)
        for name, entry in self._standing(node):
            known = shape.fields.get(name)
            if known is None or name == shape.key:
                # The key field isn't written as a field, so its name is as unknown as any other.
                parts[f"{name} "] = _Part(entry, (*keys, name), Field(can_be_left_out=True))
            else:
                parts[name] = self._part(entry, known, (*keys, name))
        return parts

    def _part(self, node: Node, field: Field, keys: Keys) -> _Part:
        shape, items = field.shape, field.items
        parts: dict[str, _Part] | list[_Part] | None = None
        match node.value:
            case dict() if items and field.is_map:
                parts = self._entries(node, items, keys)
            case dict() if shape:
                parts = self.fields(node, shape, keys)
            case tuple() as nodes if items and not field.is_map:
                parts = [self._part(one, items, (*keys, at)) for at, one in enumerate(nodes)]
            case str() if node.is_null:
                # A list removed by null is empty.
                parts = [] if items and not field.can_be_left_out else None
            case str() if items and not field.is_map:
                # A single value instead of a list is clear enough.
                parts = [self._part(node, items, keys)]
        if parts is None and shape and shape.alone and not node.is_null:
            parts = {shape.alone: self._part(node, shape.fields[shape.alone], keys)}
        return _Part(node, keys, field, parts)

    def _entries(self, node: Node, items: Field, keys: Keys) -> list[_Part]:
        shape = items.shape or Shape({}, "", "", "")
        entries: list[_Part] = []
        for key, entry in self._standing(node):
            at = (*keys, key)
            parts: dict[str, _Part] | None = None
            if entry.is_null:
                if entry.under is None:
                    remark = did_you_mean(key, node.entries.keys() - {key})
                    self.problems.append(entry.problem(at, f"isn't there to be removed{remark}"))
                continue
            if shape.value:
                value = self._part(entry, shape.fields[shape.value], at)
                parts = {**self._key(entry, shape, at, key=key), shape.value: value}
            elif isinstance(entry.value, dict):
                parts = self.fields(entry, shape, at, key=key)
            entries.append(_Part(entry, at, items, parts))
        return entries

    def _key(self, node: Node, shape: Shape, keys: Keys, *, key: str) -> dict[str, _Part]:
        written = Node(node.path, node.line, "str", key)
        return {shape.key: _Part(written, keys, shape.fields[shape.key])} if shape.key else {}

    def _standing(self, node: Node) -> Iterator[tuple[str, Node]]:
        """Yield the entries of a map; instead of refused ones, those that they replaced."""
        for key, entry in node.entries.items():
            standing: Node | None = entry
            while standing is not None and id(standing) in self.refused:
                standing = standing.under
            if standing is not None:
                yield key, standing


def _plain(part: _Part) -> object:
    """Return a value as JSON; a value of the wrong shape becomes "", which pydantic refuses."""
    match part.parts:
        case dict() as fields:
            present = {
                name: one
                for name, one in fields.items()
                if one.parts is not None or not one.node.is_null
            }
            return {name: _plain(one) for name, one in present.items()}
        case list() as items:
            return [_plain(item) for item in items]
    return _scalar(part.node) if isinstance(part.node.value, str) else ""


def _scalar(node: Node) -> object:
    """Return a scalar as JSON; anything not plainly a number, a boolean or null is a text."""
    text = str(node.value)
    match node.tag:
        case "null":
            return None
        case "int" if _INTEGER.fullmatch(text):
            return int(text)
        case "int" | "float" if _NUMBER.fullmatch(text):
            return float(text)
        case "bool":
            return text.casefold() in ("true", "yes", "on")
    return text


def _way_to(whole: _Part, path: Keys) -> list[_Part]:
    """Return the parts along a path, as far as they exist, innermost last."""
    way = [whole]
    for step in path:
        match way[-1].parts, step:
            case dict() as fields, str() if step in fields:
                way.append(fields[step])
            case list() as items, int() if step < len(items):
                way.append(items[step])
    return way


def _problem(way: list[_Part], detail: Mapping[str, Any]) -> PolicyProblem:
    """Describe in our own words what pydantic refused, and where."""
    part, name = way[-1], str(detail["loc"][-1]).strip()
    is_there = len(way) == len(detail["loc"])
    shape = way[-2 if is_there else -1].field.shape
    if detail["type"] == "missing" and shape:
        what = "is needed, but has no value" if is_there else "is needed but missing"
        example = _example_of(shape.fields[name])
        keys = part.keys if is_there else (*part.keys, name)
        return part.node.problem(keys, what, f"{name}: {example}" if example else "")
    if detail["type"] == "unexpected_keyword_argument" and shape:
        remark = _MOVED.get(name) or did_you_mean(name, shape.fields.keys() - {shape.key})
        return part.node.problem(part.keys, f"there is no such key{remark}")
    what, example = _refusal(part.node, part.field, detail)
    return part.node.problem(part.keys, what, example or _example_of(part.field))


def _refusal(node: Node, field: Field, detail: Mapping[str, Any]) -> tuple[str, str]:
    """Return what a value has to be, and an example unless the field's own fits."""
    text = node.value if isinstance(node.value, str) and not node.is_null else None
    kind, told = detail["type"], detail.get("ctx", {})
    if kind == "tuple_type":
        lines = "has to be `key: …` lines, one for each entry"
        return (lines if field.is_map else "has to be a list"), ""
    if text is None and not field.items and not field.shape:
        return "has to be a single value", ""
    match told.get("error"), kind:
        case Refusal() as refusal, _:
            return str(refusal), refusal.example
        case _, "enum":
            remark = did_you_mean(text or "", (member.value for member in field.type))
            return f"`{(text or '')[:40]}` isn't one of the possible values{remark}", ""
        case _, "string_type":
            return "YAML doesn't take this for text; put it in quotes", f'"{(text or "")[:40]}"'
        case _, "string_too_long":
            return f"is longer than {told['max_length']} characters", ""
    return _REFUSALS.get(kind, (detail["msg"], ""))


def _example_of(field: Field) -> str:
    found = (getattr(mark, "example", "") for mark in field.all_marks)
    return next(filter(None, found), "true" if field.type is bool else "")
