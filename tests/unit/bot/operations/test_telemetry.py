"""Metrics: all declared ones are emitted and vice versa. Logs: what they leave out."""

import ast
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy.exc import OperationalError

from bot.operations import telemetry
from bot.operations.logs import configure_logs
from bot.operations.telemetry import METRICS, Metric, Telemetry
from bot.slack.errors import SlackPermanent
from config.settings import LogFormat, LogLevel

BOT = Path(telemetry.__file__).parents[1]
TOKEN = "xoxb-12345-secret"


def constants() -> dict[str, Metric]:
    """All metrics of the module, by the name of their constant."""
    return {name: value for name, value in vars(telemetry).items() if isinstance(value, Metric)}


def emitted() -> dict[str, set[frozenset[str]]]:
    """Constants passed to count, observe or set anywhere in bot/, with the labels given."""
    found: dict[str, set[frozenset[str]]] = {}
    for path in BOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="count" | "observe" | "set"),
                    args=[ast.Name(id=name), *_],
                ) if name in constants():
                    labels = frozenset(keyword.arg or "" for keyword in node.keywords)
                    found.setdefault(name, set()).add(labels)
    return found


def test_exactly_the_listed_metrics_are_emitted() -> None:
    assert set(constants().values()) == set(METRICS)
    assert set(emitted()) == set(constants())


def test_metrics_are_emitted_with_exactly_their_labels() -> None:
    for name, given in emitted().items():
        assert given == {frozenset(constants()[name].labels)}, name


def test_names_of_metrics_are_unique_and_of_one_family() -> None:
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"sitrep_[a-z_]+", name) for name in names)


def test_a_count_appears_in_the_exposition() -> None:
    made = Telemetry()
    made.on_call("chat.update", "ok", 0.2)
    text = made.exposition().decode()
    assert 'sitrep_slack_calls_total{method="chat.update",outcome="ok"} 1.0' in text


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The program's log as JSON lines; the earlier configuration is restored afterwards."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs(level=LogLevel.DEBUG, form=LogFormat.JSON, stream=stream)
    structlog.configure(cache_logger_on_first_use=False)
    yield stream
    structlog.configure(**before)
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines of the log."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_log_line_has_time_level_and_event(log: io.StringIO) -> None:
    structlog.get_logger("bot.test").info("ready", policy="82da")
    (line,) = lines(log)
    assert (line["event"], line["level"], line["policy"]) == ("ready", "info", "82da")
    assert line["timestamp"].endswith("Z")


def test_a_trace_shows_where_and_what_kind_but_no_values(log: io.StringIO) -> None:
    title = "Okapi escaped"
    try:
        raise ValueError(f"can't parse {title} with {TOKEN}")
    except ValueError:
        structlog.get_logger("bot.test").exception("handler_failed")
    (line,) = lines(log)
    assert "builtins.ValueError" in line["exception"]
    assert "test_telemetry.py" in line["exception"]
    assert "Okapi" not in log.getvalue()
    assert TOKEN not in log.getvalue()


def test_harmless_error_messages_are_kept(log: io.StringIO) -> None:
    for error in (SlackPermanent("is_archived", method="chat.update"), OSError("disk full")):
        structlog.get_logger("bot.test").error("failed", exc_info=error)
    first, second = lines(log)
    assert "chat.update: is_archived" in first["exception"]
    assert "disk full" in second["exception"]


def test_database_errors_keep_only_their_first_line(log: io.StringIO) -> None:
    original = Exception("duplicate key\nDETAIL: Key (title)=(Okapi) exists")
    error = OperationalError("INSERT", {}, original)
    structlog.get_logger("bot.test").error("failed", exc_info=error)
    assert "duplicate key" in log.getvalue()
    assert "Okapi" not in log.getvalue()


@pytest.mark.parametrize("name", ["slack_bolt.App", "slack_sdk.web", "aiohttp.server"])
def test_errors_of_libraries_that_repeat_payloads_keep_only_the_place(
    log: io.StringIO, name: str
) -> None:
    logging.getLogger(name).error("Unhandled: %s", {"text": "Okapi escaped", "token": TOKEN})
    (line,) = lines(log)
    assert (line["logger"], line["level"]) == (name, "error")
    assert "Okapi" not in log.getvalue()
    assert TOKEN not in log.getvalue()


@pytest.mark.parametrize("name", ["slack_bolt", "slack_sdk.socket_mode", "aiosqlite", "asyncio"])
def test_libraries_that_print_payloads_when_debugging_never_debug(
    log: io.StringIO, name: str
) -> None:
    logging.getLogger(name).debug("Okapi")
    logging.getLogger(name).info("Okapi")
    assert log.getvalue() == ""
