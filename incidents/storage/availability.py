"""Whether an error says that the database can't be used now, and why, in words for people."""

import sqlite3
from types import MappingProxyType
from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from incidents.storage.deadline import TooLate
from incidents.storage.sqlite_session import primary_code

SILENT: Final = "the database isn't answering"
SLOW: Final = "the database took too long"
_WRONG_TABLES: Final = "the database doesn't have the tables that I need"
_LOCKED: Final = "somebody else keeps the database locked"
_FULL: Final = "the database's disk is full"
_DAMAGED: Final = "the database's file is damaged"
_READ_ONLY: Final = "the database can't be written"

_SQLITE: Final = MappingProxyType(
    {
        sqlite3.SQLITE_BUSY: _LOCKED,
        sqlite3.SQLITE_LOCKED: _LOCKED,
        sqlite3.SQLITE_INTERRUPT: SLOW,
        sqlite3.SQLITE_FULL: _FULL,
        sqlite3.SQLITE_CORRUPT: _DAMAGED,
        sqlite3.SQLITE_NOTADB: _DAMAGED,
        sqlite3.SQLITE_READONLY: _READ_ONLY,
        sqlite3.SQLITE_PERM: _READ_ONLY,
        sqlite3.SQLITE_CANTOPEN: "the database's file can't be opened",
        sqlite3.SQLITE_IOERR: "the database's disk doesn't work",
    }
)
# By the beginning of PostgreSQL's SQLSTATE; the longest that fits counts.
_POSTGRESQL: Final = MappingProxyType(
    {
        "08": SILENT,  # connection
        "57": SILENT,  # shutting down, starting up, closed by an administrator
        "58": "the database's disk doesn't work",
        "53": "the database is overloaded",
        "53100": _FULL,
        "57014": SLOW,
        "25P03": SLOW,  # the transaction stood still for too long
        "55P03": _LOCKED,
        "25006": _READ_ONLY,
        "28": "the database refuses my password",
        "3D": "the database isn't there any more",
        "42P01": _WRONG_TABLES,
        "42703": _WRONG_TABLES,
        "XX": _DAMAGED,
    }
)


class DatabaseMoved(OSError):
    """The SQLite file isn't the one that was opened; `strerror` says what happened to it."""


def why_unusable(error: BaseException) -> str | None:
    """Return why the database can't be used, to follow "because"; None if the error isn't its own."""
    match error:
        case DatabaseMoved():
            return error.strerror
        case TooLate():
            return SLOW
        case PoolTimeout():
            return "all connections to the database are busy"
        case OSError():  # also of connecting, and TimeoutError
            return SILENT
        case DBAPIError(orig=sqlite3.Error() as cause):
            return _why_of_sqlite(cause)
        case InterfaceError():
            return SILENT  # the connection is gone
    state = getattr(error, "sqlstate", None) or getattr(
        getattr(error, "orig", None), "sqlstate", None
    )
    fits = [start for start in _POSTGRESQL if (state or "").startswith(start)]
    if fits:
        return _POSTGRESQL[max(fits, key=len)]
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return SILENT if lost else None


def passes_soon(why: str) -> bool:
    """Tell whether this may be about a single request, while the database works for others."""
    return why in {SLOW, _LOCKED}


def _why_of_sqlite(cause: sqlite3.Error) -> str | None:
    if str(cause).startswith(("no such table", "no such column")) or "has no column" in str(cause):
        return _WRONG_TABLES
    return _SQLITE.get(primary_code(cause))


def is_conflict(error: DBAPIError) -> bool:
    """Tell whether a retry can help: after a serialization failure, a deadlock, a locked file."""
    code = getattr(error.orig, "sqlstate", None)
    if code in {"40001", "40P01"}:
        return True
    return isinstance(error, OperationalError) and "database is locked" in str(error.orig)
