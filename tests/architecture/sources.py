"""The project's source, parsed once for all rules."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ("bot", "config", "incidents", "migrations")


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file: its path from the project's root, its text, its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        """The module's dotted name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def is_version(self) -> bool:
        """Tell whether it is a migration: written once, never edited."""
        return self.path.startswith("migrations/versions/")

    def is_in(self, *places: str) -> bool:
        """Tell whether it is one of these files, or in one of these folders (ending in `/`)."""
        return any(
            self.path.startswith(place) if place.endswith("/") else self.path == place
            for place in places
        )

    def at(self, node: ast.AST) -> str:
        """Return a node's `path:line`, which terminals show as a link."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


def parsed(path: str, text: str) -> Source:
    """Return a source; the rules' examples use it too."""
    return Source(path, text, ast.parse(text, filename=path))


def load(*folders: str) -> tuple[Source, ...]:
    """Read every Python file under the folders, in a stable order."""
    return tuple(
        parsed(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    )


def require(findings: Iterable[str], *, rule: str, instead: str) -> None:
    """Fail with every finding, the rule they break and what to do instead."""
    found = sorted(set(findings))
    listed = "\n".join(f"  {finding}" for finding in found)
    assert not found, f"\n{rule}\n{listed}\nInstead: {instead}"


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for a chain of names, with `()` where a call is in the middle."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{dotted(value)}.{name}"
        case ast.Call(func=func):
            return f"{dotted(func)}()"
        case ast.Subscript(value=value):
            return dotted(value)
        case _:
            return "?"


def calls(source: Source) -> Iterator[tuple[ast.Call, str]]:
    """Yield every call with the dotted name of what is called."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def imports(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Yield every import, lazy ones too, as the dotted name of what is imported."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Import(names=names):
                yield from ((node, alias.name) for alias in names)
            case ast.ImportFrom(module=str(module), level=0, names=names):
                yield from ((node, f"{module}.{alias.name}") for alias in names)
            case ast.ImportFrom():
                # Ruff forbids relative imports; should one appear, it counts as the package.
                yield node, source.module.split(".")[0]


def is_within(name: str, packages: Iterable[str]) -> bool:
    """Tell whether a dotted name is one of the packages or inside one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)
