"""Short files and functions, meaningful names, a docstring on each public name."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.sources import Source, parsed, require

FILE_LINES, TEST_FILE_LINES, FUNCTION_LINES = 400, 700, 60
# One table, with a line for each kind of entry: splitting it would help nobody.
ONE_TABLE, ONE_TABLE_LINES = "incidents/registry/reactions.py", 700
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_EMPTY_NAMES = {"common", "helper", "helpers", "misc", "util", "utilities", "utils"}


def long_files(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find files that are too long; migrations don't count."""
    for source in sources:
        allowed = TEST_FILE_LINES if source.is_in("tests/") else FILE_LINES
        allowed = ONE_TABLE_LINES if source.path == ONE_TABLE else allowed
        lines = len(source.text.splitlines())
        if lines > allowed and not source.is_version:
            yield f"{source.path} has {lines} lines, {lines - allowed} too many"


def long_functions(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find functions that are too long."""
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, _Function) and not source.is_version:
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    yield f"{source.at(node)} {node.name} has {lines} lines"


def empty_names(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find modules and classes whose name says nothing."""
    for source in sources:
        if _EMPTY_NAMES & set(source.module.split(".")):
            yield f"{source.path} has a name that says nothing"
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Manager"):
                yield f"{source.at(node)} class {node.name}"


def undocumented(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find public names without a docstring: modules, functions, classes and their methods."""
    for source in sources:
        if source.is_version:
            continue
        if not ast.get_docstring(source.tree):
            yield f"{source.path} (the module)"
        for node, name in _public(source.tree.body, prefix=""):
            if not ast.get_docstring(node):
                yield f"{source.at(node)} {name}"


def _public(body: list[ast.stmt], *, prefix: str) -> Iterator[tuple[_Function | ast.ClassDef, str]]:
    for node in body:
        if not isinstance(node, _Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        if any(ast.unparse(marker).endswith("overload") for marker in node.decorator_list):
            continue
        name = f"{prefix}{node.name}"
        yield node, name
        if isinstance(node, ast.ClassDef):
            yield from _public(node.body, prefix=f"{name}.")


def test_files_are_short(program: tuple[Source, ...], tests: tuple[Source, ...]) -> None:
    require(
        long_files(program + tests),
        rule=f"A file has at most {FILE_LINES} lines, a test file {TEST_FILE_LINES}.",
        instead="make it a package, or move a part that deserves its own name.",
    )


def test_functions_fit_a_screen(program: tuple[Source, ...], tests: tuple[Source, ...]) -> None:
    require(
        long_functions(program + tests),
        rule=f"A function has at most {FUNCTION_LINES} lines, and usually half as many.",
        instead="extract the part that deserves its own name.",
    )


def test_names_say_something(program: tuple[Source, ...], tests: tuple[Source, ...]) -> None:
    require(
        empty_names(program + tests),
        rule="No utils, helpers or common modules, and no classes named Manager.",
        instead="name it for what it is about.",
    )


def test_every_public_name_has_a_docstring(program: tuple[Source, ...]) -> None:
    require(
        undocumented(program),
        rule="Every public name says in a sentence what it is for.",
        instead='add """One sentence, with units and errors.""", or a leading underscore.',
    )


def _function(lines: int) -> str:
    return "def f():\n" + "    x = 1\n" * (lines - 1)


@pytest.mark.parametrize(("path", "allowed"), [("bot/a.py", 400), ("tests/unit/test_a.py", 700)])
def test_a_file_one_line_too_long_is_found(path: str, allowed: int) -> None:
    assert not list(long_files((parsed(path, "x = 1\n" * allowed),)))
    assert list(long_files((parsed(path, "x = 1\n" * (allowed + 1)),)))
    assert list(long_files((parsed(path, "x = 1\n" * allowed + "x = 1"),)))


@pytest.mark.parametrize("form", ["{}", "async {}", "class A:\n    {}"])
def test_a_function_one_line_too_long_is_found(form: str) -> None:
    indented = form.startswith("class")

    def source(lines: int) -> Source:
        text = _function(lines)
        return parsed("bot/a.py", form.format(text.replace("\n", "\n    ") if indented else text))

    assert not list(long_functions((source(60),)))
    assert list(long_functions((source(61),)))


def test_a_migration_may_be_as_long_as_its_tables() -> None:
    version = parsed("migrations/versions/20260101_0000_x.py", _function(500))

    assert not list(long_files((version,)))
    assert not list(long_functions((version,)))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("bot/utils.py", ""),
        ("incidents/helpers/__init__.py", ""),
        ("tests/common.py", ""),
        ("bot/roles.py", "class RoleManager: ..."),
    ],
)
def test_a_name_that_says_nothing_is_found(path: str, text: str) -> None:
    assert list(empty_names((parsed(path, text),)))


def test_a_name_that_says_something_is_left_alone() -> None:
    assert not list(empty_names((parsed("bot/common_words.py", "class Managed: ..."),)))


@pytest.mark.parametrize(
    "text",
    [
        "def f(): ...",
        '"""M."""\ndef f(): ...',
        '"""M."""\nclass A: ...',
        '"""M."""\nclass A:\n    """A."""\n    async def f(self): ...',
        '"""M."""\nclass A:\n    """A."""\n    @property\n    def f(self): ...',
    ],
)
def test_a_public_name_without_a_docstring_is_found(text: str) -> None:
    assert list(undocumented((parsed("bot/a.py", text),)))


@pytest.mark.parametrize(
    "text",
    [
        '"""M."""\ndef _f(): ...',
        '"""M."""\nclass _A:\n    def f(self): ...',
        '"""M."""\ndef f():\n    """F."""\n    def inner(): ...',
        '"""M."""\n@typing.overload\ndef f(): ...',
    ],
)
def test_a_private_name_needs_no_docstring(text: str) -> None:
    assert not list(undocumented((parsed("bot/a.py", text),)))
