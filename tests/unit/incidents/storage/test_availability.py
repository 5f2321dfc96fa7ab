"""Which errors say that the database can't be used, and in which words people hear it."""

import sqlite3
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from incidents.storage.availability import DatabaseMoved, why_unusable
from incidents.storage.deadline import TooLate


def on_sqlite(code: int, said: str = "") -> DBAPIError:
    cause = sqlite3.OperationalError(said)
    cause.sqlite_errorcode = code
    return OperationalError("SELECT 1", None, cause)


def on_postgresql(state: str) -> DBAPIError:
    return DatabaseError("SELECT 1", None, SimpleNamespace(sqlstate=state))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ConnectionRefusedError(111, "refused"), "isn't answering"),
        (TimeoutError(), "isn't answering"),
        (TooLate(), "took too long"),
        (PoolTimeout("no connection"), "connections to the database are busy"),
        (DatabaseMoved(0, "its file was moved"), "its file was moved"),
        (on_sqlite(sqlite3.SQLITE_FULL), "disk is full"),
        (on_sqlite(sqlite3.SQLITE_IOERR_FSYNC), "disk doesn't work"),
        (on_sqlite(sqlite3.SQLITE_CORRUPT), "file is damaged"),
        (on_sqlite(sqlite3.SQLITE_ERROR, "no such column: x.y"), "tables that I need"),
        (on_postgresql("57P03"), "isn't answering"),
        (on_postgresql("57014"), "took too long"),
        (on_postgresql("55P03"), "keeps the database locked"),
        (on_postgresql("53100"), "disk is full"),
        (on_postgresql("25006"), "can't be written"),
        (on_postgresql("42703"), "tables that I need"),
    ],
)
def test_an_error_of_the_database_is_told_in_words(error: Exception, why: str) -> None:
    assert why in (why_unusable(error) or "")


@pytest.mark.parametrize(
    "error",
    [
        KeyError("title"),
        on_sqlite(sqlite3.SQLITE_CONSTRAINT),
        on_sqlite(sqlite3.SQLITE_ERROR, "near x: syntax error"),
        on_postgresql("23505"),
        on_postgresql("40001"),
    ],
)
def test_a_fault_of_ours_is_not_blamed_on_the_database(error: Exception) -> None:
    assert why_unusable(error) is None
