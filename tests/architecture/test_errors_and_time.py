"""Broad excepts only at the edges, one clock, one commit, no marks of later work, no mocks."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import Source, calls, dotted, imports, is_within, parsed, require

# The edges: each reports the error, and the program keeps running.
EDGES = (
    "bot/inbound/wrapper.py",
    "bot/web/",
    "bot/outbound/dispatcher.py",
    "bot/outbound/attempts.py",
    "bot/operations/scheduler.py",
    "bot/inbound/socket_mode.py",
)
CLOCK = ("incidents/core/clock.py",)
# The unit of work, and the SQLite session, which forwards it.
COMMIT = ("incidents/engine/transactions.py", "incidents/storage/sqlite_session.py")

_BROAD = {"Exception", "BaseException", "builtins.Exception", "builtins.BaseException"}
_NAIVE = {"utcnow", "utcfromtimestamp", "today"}
_WALL_CLOCK = {"time.time", "time.time_ns", "time.localtime", "time.gmtime"}
# Concatenated, so that this file doesn't find itself.
_LATER_MARK = re.compile(
    r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b"
)


def broad_excepts(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find broad excepts outside the edges."""
    for source in sources:
        if source.is_in(*EDGES):
            continue
        for node in ast.walk(source.tree):
            match node:
                case ast.ExceptHandler(type=None):
                    yield f"{source.at(node)} except:"
                case ast.ExceptHandler(type=ast.expr() as caught) if _names(caught) & _BROAD:
                    yield f"{source.at(node)} except {ast.unparse(caught)}"
        for call, name in calls(source):
            if name.endswith("suppress") and {dotted(given) for given in call.args} & _BROAD:
                yield f"{source.at(call)} {ast.unparse(call)}"


def _names(caught: ast.expr) -> set[str]:
    parts = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return {dotted(part) for part in parts}


def naive_datetimes(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find datetimes made without a zone."""
    for source in sources:
        for call, name in calls(source):
            owner, _, method = name.rpartition(".")
            if owner.rpartition(".")[2] not in {"datetime", "date"}:
                continue
            is_naive = (
                method in _NAIVE
                or (method == "now" and not _zone_given(call, position=0))
                or (method == "fromtimestamp" and not _zone_given(call, position=1))
            )
            if is_naive:
                yield f"{source.at(call)} {ast.unparse(call)}"


def _zone_given(call: ast.Call, *, position: int) -> bool:
    given = [*call.args[position : position + 1]]
    given += [keyword.value for keyword in call.keywords if keyword.arg == "tz"]
    return any(not (isinstance(zone, ast.Constant) and zone.value is None) for zone in given)


def second_clocks(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find code that asks the machine for the time instead of the clock port."""
    for source in sources:
        if source.is_in(*CLOCK):
            continue
        for call, name in calls(source):
            if name.endswith("datetime.now") or name in _WALL_CLOCK:
                yield f"{source.at(call)} {name}()"


def second_commits(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find commits outside the unit of work."""
    for source in sources:
        if source.is_in(*COMMIT):
            continue
        for call, name in calls(source):
            if name.endswith(".commit"):
                yield f"{source.at(call)} {name}()"


def marks_of_later_work(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find marks of work left for later."""
    for source in sources:
        for number, line in enumerate(source.text.splitlines(), 1):
            if found := _LATER_MARK.search(line):
                yield f"{source.path}:{number} {found.group()}"


def mocks(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find functions replaced instead of servers: patch, mock objects, monkeypatch.setattr."""
    for source in sources:
        for node, name in imports(source):
            if is_within(name, ("unittest.mock", "mock", "pytest_mock")):
                yield f"{source.at(node)} imports {name}"
        for call, name in calls(source):
            if name.rpartition(".")[2] == "patch" or name == "monkeypatch.setattr":
                yield f"{source.at(call)} {name}(…)"
        for node in ast.walk(source.tree):
            if isinstance(node, ast.arg) and node.arg == "mocker":
                yield f"{source.at(node)} takes mocker"


def test_only_the_edges_catch_everything(program: tuple[Source, ...]) -> None:
    require(
        broad_excepts(program),
        rule="Only the edges catch everything: listeners, web errors, effects, scheduler, socket.",
        instead="catch the errors you expect by name; let the others pass.",
    )


def test_no_datetime_is_naive(program: tuple[Source, ...], tests: tuple[Source, ...]) -> None:
    require(
        naive_datetimes(program + tests),
        rule="A datetime knows its zone.",
        instead="give it one: datetime.now(UTC), datetime.fromtimestamp(seconds, UTC).",
    )


def test_there_is_one_clock(program: tuple[Source, ...]) -> None:
    require(
        second_clocks(program),
        rule="Time comes from the clock, which follows the database's and which tests can move.",
        instead="take a clock and call now(); for spans time.monotonic() is fine.",
    )


def test_there_is_one_commit(program: tuple[Source, ...]) -> None:
    require(
        second_commits(program),
        rule="Only the unit of work commits: state, timeline and effects are written together.",
        instead="write inside a use case that the unit of work runs.",
    )


def test_no_work_is_marked_for_later(
    program: tuple[Source, ...], tests: tuple[Source, ...]
) -> None:
    require(
        marks_of_later_work(program + tests),
        rule="No marks of work left for later.",
        instead="do it, or write an issue.",
    )


def test_tests_replace_servers_not_functions(tests: tuple[Source, ...]) -> None:
    require(
        mocks(tests),
        rule="Tests use small real fakes, or the embedded Slack.",
        instead="write a class that implements the port, and pass it in.",
    )


@pytest.mark.parametrize(
    "handler",
    ["except:", "except Exception:", "except (ValueError, BaseException):", "except* Exception:"],
)
def test_a_broad_except_is_found_except_at_an_edge(handler: str) -> None:
    text = f"try:\n    f()\n{handler}\n    pass"

    assert list(broad_excepts((parsed("bot/app.py", text),)))
    assert not list(broad_excepts((parsed("bot/web/errors.py", text),)))


def test_suppressing_everything_is_found_and_a_named_error_is_left_alone() -> None:
    broad = parsed("bot/app.py", "with contextlib.suppress(Exception): f()")
    named = parsed("bot/app.py", "try:\n    f()\nexcept (OSError, KeyError):\n    pass")

    assert list(broad_excepts((broad,)))
    assert not list(broad_excepts((named,)))


@pytest.mark.parametrize(
    "text",
    [
        "datetime.now()",
        "datetime.datetime.now(tz=None)",
        "datetime.utcnow()",
        "datetime.utcfromtimestamp(0)",
        "datetime.fromtimestamp(0)",
        "date.today()",
    ],
)
def test_a_naive_datetime_is_found(text: str) -> None:
    assert list(naive_datetimes((parsed("tests/unit/test_a.py", text),)))


@pytest.mark.parametrize(
    "text", ["datetime.now(UTC)", "datetime.fromtimestamp(0, tz=UTC)", "clock.now()"]
)
def test_an_aware_datetime_is_left_alone(text: str) -> None:
    assert not list(naive_datetimes((parsed("tests/unit/test_a.py", text),)))


@pytest.mark.parametrize("text", ["datetime.now(UTC)", "time.time()"])
def test_a_second_clock_is_found(text: str) -> None:
    assert list(second_clocks((parsed("bot/outbound/dispatcher.py", text),)))
    assert not list(second_clocks((parsed("incidents/core/clock.py", text),)))


def test_the_clock_port_and_a_stopwatch_are_allowed() -> None:
    text = "self.clock.now()\ntime.monotonic()"

    assert not list(second_clocks((parsed("bot/outbound/dispatcher.py", text),)))


@pytest.mark.parametrize("text", ["await session.commit()", "f(self.session.commit())"])
def test_a_second_commit_is_found(text: str) -> None:
    source = parsed("incidents/incident/roles.py", f"async def f(): {text}")

    assert list(second_commits((source,)))
    assert not list(second_commits((parsed("incidents/engine/transactions.py", source.text),)))


@pytest.mark.parametrize("mark", ["TO" + "DO", "FIX" + "ME"])
def test_a_mark_of_later_work_is_found_in_a_comment_and_in_a_docstring(mark: str) -> None:
    assert list(marks_of_later_work((parsed("bot/a.py", f"x = 1  # {mark}: later"),)))
    assert list(marks_of_later_work((parsed("bot/a.py", f'"""{mark} later."""'),)))
    assert not list(
        marks_of_later_work((parsed("bot/a.py", f"# {mark.lower()} is a word, {mark}S too"),))
    )


@pytest.mark.parametrize(
    "text",
    [
        "from unittest import mock",
        "from unittest.mock import AsyncMock",
        "with patch('bot.app.x'): pass",
        "mock.patch('x')",
        "def test_a(mocker): ...",
        "def test_a(monkeypatch): monkeypatch.setattr(x, 'y', z)",
    ],
)
def test_a_mock_is_found(text: str) -> None:
    assert list(mocks((parsed("tests/unit/test_a.py", text),)))


def test_setting_the_environment_is_no_mock() -> None:
    text = "def test_a(monkeypatch): monkeypatch.setenv('A', 'b')"

    assert not list(mocks((parsed("tests/unit/test_a.py", text),)))
