"""YAML files as trees with line numbers: reading them, and laying one over another.

YAML is only composed, never constructed: nothing in a file can run code, and every value keeps
its line.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

from incidents.policy.disagreements import Keys, key_path

MAX_DEPTH: Final = 12
_TAG: Final = "tag:yaml.org,2002:"
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")

_UNSHOWN: Final = "holds a character that can't be shown; remove it"


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One thing wrong with a file: where, what, and a valid example."""

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
    """A file can't be used; `problems` holds everything wrong, in reading order."""

    def __init__(self, problems: Iterable[PolicyProblem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.path, problem.line)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Node:
    """A value as written, with the line of its key: a text, a list or a map.

    `tag` is the type that YAML sees, such as `int` or `null`; `under` is the value of the lower
    file that this one replaced. A map laid over a map merges and has no `under`.
    """

    path: str
    line: int
    tag: str
    value: "str | tuple[Node, ...] | dict[str, Node]"
    under: "Node | None" = None

    @property
    def is_null(self) -> bool:
        """Tell whether there is no value."""
        return self.tag == "null"

    @property
    def entries(self) -> "dict[str, Node]":
        """Return the entries of a map by key; empty for other values."""
        return self.value if isinstance(self.value, dict) else {}

    def problem(self, keys: Keys, what: str, example: str = "") -> PolicyProblem:
        """Return a problem with this value or a key inside it."""
        return PolicyProblem(self.path, self.line, key_path(keys), what, example)


def refused(path: str | Path, line: int, what: str, example: str = "") -> PolicyErrors:
    """Return the error that refuses a whole file; line 0 means no particular line."""
    return PolicyErrors([PolicyProblem(str(path), line, "", what, example)])


def read_yaml_file(path: Path, *, setting: str, most_bytes: int) -> str:
    """Return a file's text.

    Raises:
        PolicyErrors: it can't be read; `setting` is an example of naming another file, or empty.
    """
    reasons = {
        FileNotFoundError: f"there is no such file; check {setting.partition('=')[0] or 'its name'}",
        IsADirectoryError: "is a directory; name the file in it",
    }
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        what = reasons.get(type(error), f"can't be read: {error.strerror}")
        raise refused(path, 0, what, setting) from error
    if len(content) > most_bytes:
        what = f"is larger than {most_bytes / 1e6:g} MB; is it the right file?"
        raise refused(path, 0, what, setting)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refused(path, line, "isn't text in UTF-8; save it in that encoding") from error


def parse_tree(text: str, *, path: str) -> Node:
    """Read a file's text into a tree; an empty text is an empty map.

    Raises:
        PolicyErrors: it isn't YAML, or uses YAML features that these files don't need.
    """
    try:
        composed = _compose(text, path=path)
    except yaml.MarkedYAMLError as error:
        raise _from_marked(error, path=path) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise refused(path, line, "holds a character that YAML doesn't allow; remove it") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # PyYAML raises these for escapes such as "\UFFFFFFFF".
        raise refused(path, 0, f"isn't valid YAML: {error}") from error
    if composed is None:
        return Node(path, 1, "map", {})
    problems: list[PolicyProblem] = []
    tree = _convert(composed, path, composed.start_mark.line + 1, (), problems)
    if tree.is_null:
        return replace(tree, tag="map", value={})
    if tree.tag != "map":
        what = "has to be `key: value` lines at its outermost level"
        problems.append(tree.problem((), what, "command: /incident"))
    if problems:
        raise PolicyErrors(problems)
    return tree


def lay_over(lower: Node, upper: Node) -> Node:
    """Lay one tree over another: maps merge, other values replace, a null removes."""
    if lower.tag != "map" or upper.tag != "map":
        return replace(upper, under=lower)
    laid = {
        key: lay_over(lower.entries[key], node) if key in lower.entries else node
        for key, node in upper.entries.items()
    }
    return replace(upper, value={**lower.entries, **laid})


def locate(tree: Node, keys: Keys) -> Node:
    """Return the node at a key path, or the deepest node on it that exists."""
    node = tree
    for key in keys:
        match node.value, key:
            case dict() as entries, str() if key in entries:
                node = entries[key]
            case tuple() as items, int() if key < len(items):
                node = items[key]
            case _:
                break
    return node


def _compose(text: str, *, path: str) -> yaml.Node | None:
    """Return the document, read by the C library if there is one: that is twenty times faster.

    If the library fails, PyYAML itself reads the text again, because its errors say more.
    """
    try:
        return _compose_with(getattr(yaml, "CSafeLoader", yaml.SafeLoader), text, path=path)
    except (yaml.YAMLError, ValueError, OverflowError):
        return _compose_with(yaml.SafeLoader, text, path=path)


def _compose_with(loader: Any, text: str, *, path: str) -> yaml.Node | None:
    """Compose a document, but refuse aliases and deep nesting, which could make it endless."""
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            what = "anchors and aliases (`&` and `*`) can't be used here; write the value out"
            raise refused(path, line, what)
        if depth > MAX_DEPTH:
            raise refused(path, line, f"is nested more than {MAX_DEPTH} levels deep")
    return yaml.compose(text, Loader=loader)


def _from_marked(error: yaml.MarkedYAMLError, *, path: str) -> PolicyErrors:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 0
    problem = error.problem or error.context or "unknown reason"
    if r"'\t'" in problem:
        return refused(path, line, "is indented with a tab; YAML takes only spaces")
    if "cannot start any token" in problem:
        what = "a value that begins with a special character such as `@` needs quotes"
        return refused(path, line, what, '"@database-oncall"')
    if isinstance(error, yaml.composer.ComposerError):
        return refused(path, line, "holds more than one document; remove the `---` lines")
    return refused(path, line, f"isn't valid YAML here: {problem}")


def _convert(
    node: yaml.Node, path: str, line: int, keys: Keys, problems: list[PolicyProblem]
) -> Node:
    """Convert YAML's node into ours; `line` is that of its key."""
    tag = node.tag.removeprefix(_TAG)
    if tag == node.tag or "python" in tag:
        what = f"tags such as {node.tag} can't be used here; write the plain value"
        problems.append(PolicyProblem(path, line, key_path(keys), what))
    if isinstance(node, yaml.MappingNode):
        return Node(path, line, "map", _entries(node, path, keys, problems))
    if isinstance(node, yaml.SequenceNode):
        items = (
            _convert(item, path, item.start_mark.line + 1, (*keys, index), problems)
            for index, item in enumerate(node.value)
        )
        return Node(path, line, "seq", tuple(items))
    if _UNPRINTABLE.search(node.value):
        problems.append(PolicyProblem(path, line, key_path(keys), _UNSHOWN))
    return Node(path, line, tag, node.value)


def _entries(
    node: yaml.MappingNode, path: str, keys: Keys, problems: list[PolicyProblem]
) -> dict[str, Node]:
    entries: dict[str, Node] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        inner = (*keys, str(key.value) if isinstance(key, yaml.ScalarNode) else "?")
        if key.tag != f"{_TAG}str" or not isinstance(key, yaml.ScalarNode):
            what = "YAML doesn't take this key for text; put it in quotes"
            problems.append(PolicyProblem(path, line, key_path(inner), what, '"on": …'))
        elif _UNPRINTABLE.search(key.value):
            problems.append(PolicyProblem(path, line, key_path(inner), _UNSHOWN))
        elif key.value in entries:
            what = f"is there twice; it is first on line {entries[key.value].line}"
            problems.append(PolicyProblem(path, line, key_path(inner), what))
        else:
            entries[key.value] = _convert(value, path, line, inner, problems)
    return entries
