"""Which part may import which: the domain knows nothing of Slack, and no imports are circular."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.architecture.sources import Source, imports, is_within, parsed, require

_NETWORK = (
    "aiohttp",
    "apscheduler",
    "http.client",
    "httpx",
    "requests",
    "slack",
    "slack_bolt",
    "slack_sdk",
    "smtplib",
    "socket",
    "urllib.request",
)
FORBIDDEN: Mapping[str, tuple[str, ...]] = {
    "incidents/": ("bot", "config", "migrations", "tests", *_NETWORK),
    "config/": ("bot", "migrations", "tests", *_NETWORK),
    "migrations/": ("bot", "config", "tests", *_NETWORK),
    "bot/": ("tests",),
}


def wrong_directions(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find imports in the wrong direction."""
    for source in sources:
        for folder, packages in FORBIDDEN.items():
            if not source.is_in(folder):
                continue
            for node, name in imports(source):
                if is_within(name, packages):
                    yield f"{source.at(node)} imports {name}"


def circle(sources: tuple[Source, ...]) -> list[str]:
    """Return modules that import each other in a circle, or nothing.

    An import inside a function counts: it hides a circle but doesn't break it.
    """
    modules = {source.module for source in sources}
    graph = {source.module: _known_by(source, modules) for source in sources}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _known_by(source: Source, modules: set[str]) -> set[str]:
    for_types = _for_types_only(source)
    found = {_module_of(name, modules) for node, name in imports(source) if node not in for_types}
    return {module for module in found if module and module != source.module}


def _module_of(name: str, modules: set[str]) -> str | None:
    """Return the project's module that `from a.b import c` reads: a.b.c if it is one, else a.b."""
    if name in modules:
        return name
    parent = name.rpartition(".")[0]
    return parent if parent in modules else None


def _for_types_only(source: Source) -> set[ast.AST]:
    return {
        inner
        for node in ast.walk(source.tree)
        if isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }


def test_each_part_imports_only_parts_it_may_know(program: tuple[Source, ...]) -> None:
    require(
        wrong_directions(program),
        rule="bot knows config, migrations and incidents; none of these knows bot.",
        instead="pass the value in, or define a port in incidents/ that bot/ implements.",
    )


def test_there_are_no_circular_imports(program: tuple[Source, ...]) -> None:
    require(
        [" -> ".join(found)] if (found := circle(program)) else [],
        rule="Modules don't import each other in a circle, not even lazily.",
        instead="move what both need into the one that knows less.",
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("incidents/incident/roles.py", "from slack_sdk.web import client"),
        ("incidents/incident/roles.py", "def f():\n    import aiohttp"),
        ("incidents/incident/roles.py", "from bot.slack import blocks"),
        ("incidents/exports/csv.py", "from config.settings import Settings"),
        ("config/settings.py", "import bot"),
        ("migrations/env.py", "from config import settings"),
        ("bot/app.py", "from tests.clock import SteppedClock"),
    ],
)
def test_an_import_in_the_wrong_direction_is_found(path: str, text: str) -> None:
    assert list(wrong_directions((parsed(path, text),)))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("bot/app.py", "from incidents.roles import claim"),
        ("bot/app.py", "import slack_sdk"),
        ("incidents/incident/roles.py", "import jinja2, sqlalchemy"),
        ("incidents/incident/roles.py", "import slacking, configparser"),
    ],
)
def test_an_import_in_the_right_direction_is_left_alone(path: str, text: str) -> None:
    assert not list(wrong_directions((parsed(path, text),)))


def test_a_circle_is_found_even_when_it_is_lazy() -> None:
    one = parsed("incidents/one.py", "from incidents.two import b")
    two = parsed("incidents/two.py", "def f():\n    from incidents import one")

    assert set(circle((one, two))) == {"incidents.one", "incidents.two"}


def test_a_chain_of_imports_or_one_for_types_only_is_no_circle() -> None:
    one = parsed("incidents/one.py", "from incidents.two import b")
    two = parsed(
        "incidents/two.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from incidents.one import a",
    )

    assert circle((one, two)) == []
