"""Policy files as trees that remember their lines: reading, and laying one over another.

Composing stops before YAML builds any object, so that nothing in a file can run code, and every
value keeps the line it came from.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any, Final

import yaml

MAX_DEPTH: Final = 12
_STANDARD_TAG: Final = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One thing wrong with the policy: where, what, and how it could look instead."""

    path: str
    line: int
    key_path: str
    what: str
    example: str = ""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        key = f"{self.key_path}: " if self.key_path else ""
        stop = "" if self.what.endswith((".", "?")) else "."
        example = f"{stop} Example: {self.example}" if self.example else ""
        text = f"{place}: {key}{self.what}{example}"
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class PolicyErrors(Exception):
    """The policy can't be used; `problems` holds everything that is wrong, in reading order."""

    def __init__(self, problems: Iterable[PolicyProblem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.path, problem.line)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Position:
    """A line of a file, counted from 1; 0 stands for the file as a whole."""

    path: str
    line: int


class ScalarKind(Enum):
    """What YAML takes a scalar for; REMOVED is a null that took something away."""

    TEXT = auto()
    INTEGER = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    NULL = auto()
    REMOVED = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as written; `under` is the value of the lower file that it replaced."""

    at: Position
    text: str
    kind: ScalarKind
    under: "Node | None" = None

    @property
    def is_null(self) -> bool:
        """Whether this is a null, with or without effect."""
        return self.kind in (ScalarKind.NULL, ScalarKind.REMOVED)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list; `under` is what it replaced."""

    at: Position
    items: tuple["Node", ...]
    under: "Node | None" = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """A map; `at` is the line of its own key, `key_at` has the lines of the keys inside.

    `under` is what it replaced; a map laid over a map merges and replaces nothing.
    """

    at: Position
    entries: dict[str, "Node"] = field(default_factory=dict)
    key_at: dict[str, Position] = field(default_factory=dict)
    under: "Node | None" = None


Node = Scalar | Sequence | Mapping

_KINDS: Final = {
    "str": ScalarKind.TEXT,
    "int": ScalarKind.INTEGER,
    "float": ScalarKind.NUMBER,
    "bool": ScalarKind.BOOLEAN,
    "null": ScalarKind.NULL,
}


def parse_tree(text: str, *, path: str) -> Mapping:
    """Read a policy file's text into a tree; a text without content is an empty map.

    Raises:
        PolicyErrors: it isn't YAML, or uses what policies have no need of.
    """
    try:
        composed = _compose(text, path=path)
    except yaml.MarkedYAMLError as error:
        raise PolicyErrors([_from_marked(error, path=path)]) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = "holds a character that YAML doesn't allow; remove it"
        raise PolicyErrors([PolicyProblem(path, line, "", what)]) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # PyYAML lets these escape for escapes such as "\UFFFFFFFF".
        raise PolicyErrors([PolicyProblem(path, 0, "", f"isn't valid YAML: {error}")]) from error
    if composed is None:
        return Mapping(Position(path, 1))
    problems: list[PolicyProblem] = []
    tree = _convert(composed, Position(path, composed.start_mark.line + 1), "", problems)
    if not isinstance(tree, Mapping) and not (isinstance(tree, Scalar) and tree.is_null):
        what = "has to be `key: value` lines at its outermost level"
        problems.append(PolicyProblem(path, tree.at.line, "", what, "command: /incident"))
    if problems:
        raise PolicyErrors(problems)
    return tree if isinstance(tree, Mapping) else Mapping(tree.at)


def lay_over(base: Mapping, overlay: Mapping) -> Mapping:
    """Lay one tree over another: maps merge, all else replaces, a null removes what is there."""
    entries, key_at = dict(base.entries), dict(base.key_at)
    for key, upper in overlay.entries.items():
        entries[key] = _lay_node(base.entries.get(key), upper)
        key_at[key] = overlay.key_at[key]
    return Mapping(overlay.at, entries, key_at)


def locate(tree: Mapping, keys: Iterable[str | int]) -> Position:
    """Return the line of a key path, or of the deepest part of it that the tree has."""
    node: Node = tree
    at = tree.at
    for key in keys:
        match node, key:
            case Mapping(), str() if key in node.entries:
                at, node = node.key_at[key], node.entries[key]
            case Sequence(), int() if key < len(node.items):
                node = node.items[key]
                at = node.at
            case _:
                break
    return at


def _lay_node(lower: Node | None, upper: Node) -> Node:
    match lower, upper:
        case Mapping(), Mapping():
            return lay_over(lower, upper)
        case None, _:
            return upper
        case _, Scalar(kind=ScalarKind.NULL):
            return replace(upper, kind=ScalarKind.REMOVED, under=lower)
        case _:
            return replace(upper, under=lower)


def _compose(text: str, *, path: str) -> yaml.Node | None:
    """Return the document, by the C library if it is there: that takes a twentieth of the time.

    What the library doesn't understand is read again by PyYAML itself, whose errors say more.
    """
    try:
        return _compose_with(getattr(yaml, "CSafeLoader", yaml.SafeLoader), text, path=path)
    except (yaml.YAMLError, ValueError, OverflowError):
        return _compose_with(yaml.SafeLoader, text, path=path)


def _compose_with(loader: Any, text: str, *, path: str) -> yaml.Node | None:
    _refuse_events(loader, text, path=path)
    return yaml.compose(text, Loader=loader)


def _refuse_events(loader: Any, text: str, *, path: str) -> None:
    """Refuse what could make composing or walking the tree endless: aliases, deep nesting."""
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        match event:
            case yaml.CollectionStartEvent():
                depth += 1
            case yaml.CollectionEndEvent():
                depth -= 1
            case yaml.AliasEvent():
                what = "anchors and aliases (`&` and `*`) can't be used here; write the value out"
                raise _refused(event, path, what)
        if depth > MAX_DEPTH:
            raise _refused(event, path, f"is nested more than {MAX_DEPTH} levels deep")


def _refused(event: yaml.Event, path: str, what: str) -> PolicyErrors:
    return PolicyErrors([PolicyProblem(path, _line_of(event), "", what)])


def _line_of(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _from_marked(error: yaml.MarkedYAMLError, *, path: str) -> PolicyProblem:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 0
    problem = error.problem or error.context or "unknown reason"
    if r"'\t'" in problem:
        return PolicyProblem(path, line, "", "is indented with a tab; YAML takes only spaces")
    if "cannot start any token" in problem:
        what = "a value that begins with a special character such as `@` needs quotes"
        return PolicyProblem(path, line, "", what, '"@database-oncall"')
    if isinstance(error, yaml.composer.ComposerError):
        return PolicyProblem(path, line, "", "holds more than one document; remove the `---` lines")
    return PolicyProblem(path, line, "", f"isn't valid YAML here: {problem}")


def _convert(node: yaml.Node, at: Position, key: str, problems: list[PolicyProblem]) -> Node:
    if not node.tag.startswith(_STANDARD_TAG) or "python" in node.tag:
        what = f"tags such as {node.tag} can't be used here; write the plain value"
        problems.append(PolicyProblem(at.path, at.line, key, what))
        return Scalar(at, "", ScalarKind.OTHER)
    if isinstance(node, yaml.MappingNode):
        return _convert_mapping(node, at, key, problems)
    if isinstance(node, yaml.SequenceNode):
        lines = (Position(at.path, item.start_mark.line + 1) for item in node.value)
        pairs = zip(node.value, lines, strict=True)
        items = (
            _convert(item, line, f"{key}[{index}]", problems)
            for index, (item, line) in enumerate(pairs)
        )
        return Sequence(at, tuple(items))
    kind = _KINDS.get(node.tag.removeprefix(_STANDARD_TAG), ScalarKind.OTHER)
    return Scalar(at, node.value, kind)


def _convert_mapping(
    node: yaml.MappingNode, at: Position, path: str, problems: list[PolicyProblem]
) -> Mapping:
    tree = Mapping(at)
    for key, key_at, value in _pairs(node, at.path):
        key_path = join_key(path, str(key.value) if isinstance(key, yaml.ScalarNode) else "?")
        if key.tag != f"{_STANDARD_TAG}str" or not isinstance(key, yaml.ScalarNode):
            what = "YAML doesn't take this key for text; put it in quotes"
            problems.append(PolicyProblem(key_at.path, key_at.line, key_path, what, '"on": …'))
        elif key.value in tree.entries:
            what = f"is there twice; it is first on line {tree.key_at[key.value].line}"
            problems.append(PolicyProblem(key_at.path, key_at.line, key_path, what))
        else:
            tree.entries[key.value] = _convert(value, key_at, key_path, problems)
            tree.key_at[key.value] = key_at
    return tree


def _pairs(node: yaml.MappingNode, path: str) -> Iterator[tuple[yaml.Node, Position, yaml.Node]]:
    for key, value in node.value:
        yield key, Position(path, key.start_mark.line + 1), value


def join_key(path: str, key: str) -> str:
    """Join a key path and one more key with a dot."""
    return f"{path}.{key}" if path else key
