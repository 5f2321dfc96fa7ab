"""Structured logs without people's text or secrets.

Our own lines hold only ids and codes, by convention. Library lines and exception messages can hold
anything, so only their harmless parts are logged.
"""

import logging
import sqlite3
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.slack.errors import SlackFailure
from config.settings import LogFormat, LogLevel

# Messages of these errors name code, files or addresses; they don't quote people's text.
_SHOWN_ERRORS = (
    SlackFailure,
    SQLAlchemyError,
    OSError,
    sqlite3.Error,
    AttributeError,
    TypeError,
    NameError,
    ImportError,
    NotImplementedError,
)
# These libraries log payloads and tokens, so we keep only the place and level of their lines.
_TALKATIVE = ("slack_bolt", "slack_sdk", "aiohttp", "aiosqlite", "asyncio", "asyncpg")
_LONGEST_MESSAGE = 200


def configure_logs(*, level: LogLevel, form: LogFormat, stream: TextIO | None = None) -> None:
    """Write our log lines and those of libraries to `stream` (default: standard output)."""
    out = stream or sys.stdout
    number = logging.getLevelNamesMapping()[level]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render = _renderer(form, stream=out)
    structlog.configure(
        processors=[*shared, show_exception, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    _route_libraries(out, shared=shared, render=render, level=number)


def current_correlation_id() -> str:
    """Return the id of the request that this task works on, "" if it works on none."""
    return str(structlog.contextvars.get_contextvars().get("correlation_id", ""))


def _renderer(form: LogFormat, *, stream: TextIO) -> structlog.typing.Processor:
    match form:
        case LogFormat.JSON:
            return structlog.processors.JSONRenderer()
        case LogFormat.CONSOLE:
            return structlog.dev.ConsoleRenderer(colors=stream.isatty())


def _route_libraries(
    stream: TextIO,
    *,
    shared: list[structlog.typing.Processor],
    render: structlog.typing.Processor,
    level: int,
) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                _name_logger,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                show_exception,
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Below WARNING, libraries log payloads, statements with values, and addresses.
    root.setLevel(max(level, logging.WARNING))
    for name in (*_TALKATIVE, "alembic", "sqlalchemy"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    # It warns each second while one tick takes longer; our own watchdog says so once.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    logging.captureWarnings(capture=True)


def _name_logger(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    if record.name.split(".")[0] in _TALKATIVE:
        event["event"] = f"{record.module}.{record.funcName}"
    if record.exc_info and record.exc_info[1] is not None:
        event["exc_info"] = record.exc_info
    return event


def show_exception(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Turn `exc_info` into a traceback without local values and without unsafe messages."""
    given = event.pop("exc_info", None)
    error = _error_of(given)
    if error is not None:
        event["exception"] = "\n".join(_lines(error))
    return event


def _error_of(given: object) -> BaseException | None:
    match given:
        case None | False:
            return None
        case BaseException():
            return given
        case (_, BaseException() as error, _):
            return error
        case _:
            return sys.exc_info()[1]


def _lines(error: BaseException) -> list[str]:
    lines: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        lines.append(_headline(cause))
        frames = traceback.extract_tb(cause.__traceback__)
        lines.extend(f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return lines


def _headline(error: BaseException) -> str:
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    if not isinstance(error, _SHOWN_ERRORS):
        return name
    first = (str(error).splitlines() or [""])[0]
    return f"{name}: {first[:_LONGEST_MESSAGE]}"
