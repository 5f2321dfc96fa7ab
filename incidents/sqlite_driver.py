"""SQLite driven from the event loop: statements run in place, only what waits gives way.

aiosqlite hands every step of every statement to a thread and back: four round trips for one
SELECT, each competing for the interpreter with the loop that waits for it. Our statements take 20
to 100 µs, less than one such trip; declaring took a third longer. So statements run in the loop's
own thread. What can wait doesn't hold it up: COMMIT leaves the wait for the disk to
`sqlite_log.py`, and BEGIN IMMEDIATE tries again and again while another process has the lock.

The classes have the part of aiosqlite's interface that SQLAlchemy's dialect for it uses.
"""

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Any, Self

# Under the 2.5 s deadline of a listener, so that a locked file is told, not timed out.
BUSY_TIMEOUT_SECONDS = 2.0
BEGIN_WRITING = "BEGIN IMMEDIATE"

_LOOK_AGAIN_SECONDS = 0.01
_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=0", "foreign_keys=ON")


async def connect(path: str) -> "Connection":
    """Open a database file in WAL mode; what is committed is safe once its log was kept."""
    return Connection(await asyncio.to_thread(_opened, path))


def _opened(path: str) -> sqlite3.Connection:
    # The driver's own transaction handling is off: it would begin too late, after the first
    # SELECT, and a read-decide-write would lose updates.
    connection = sqlite3.connect(
        path,
        timeout=BUSY_TIMEOUT_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


class Connection:
    """One connection, used by one coroutine at a time: SQLAlchemy's pool sees to that."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Wrap an open connection."""
        self._connection: sqlite3.Connection | None = connection

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ValueError("Connection closed")
        return self._connection

    def cursor(self) -> "Cursor":
        """Return a new cursor."""
        return Cursor(self._open)

    async def commit(self) -> None:
        """Commit what was begun. It is in the log, but not yet on the disk."""
        if self._open.in_transaction:
            self._open.execute("COMMIT")

    async def rollback(self) -> None:
        """Undo what was begun."""
        if self._connection is not None and self._connection.in_transaction:
            self._connection.rollback()

    async def create_function(self, name: str, *given: Any, **options: Any) -> None:
        """Make a Python function known to SQL."""
        self._open.create_function(name, *given, **options)

    async def close(self) -> None:
        """Close; the last one to close folds the log into the file, which may take a moment."""
        closing, self._connection = self._connection, None
        if closing is not None:
            await asyncio.to_thread(closing.close)

    def stop(self) -> None:
        """Close at once, where nothing can be awaited any more."""
        closing, self._connection = self._connection, None
        if closing is not None:
            closing.close()


class Cursor:
    """A cursor whose coroutines never wait, but for a lock that another process holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Make the cursor that does the work."""
        self._cursor = connection.cursor()

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        """Name the columns of the result; None without one."""
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        """Count the rows that were changed."""
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        """Give the key of the row inserted last."""
        return self._cursor.lastrowid

    async def execute(self, operation: str, parameters: Sequence[Any] = ()) -> Self:
        """Execute a statement."""
        if operation == BEGIN_WRITING:
            await self._begin_writing()
        else:
            self._cursor.execute(operation, parameters)
        return self

    async def executemany(self, operation: str, parameters: Iterable[Sequence[Any]]) -> Self:
        """Execute a statement once with each of the parameters."""
        self._cursor.executemany(operation, parameters)
        return self

    async def fetchone(self) -> Any:
        """Return the next row, or None."""
        return self._cursor.fetchone()

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows, at most `size` of them."""
        return self._cursor.fetchmany(self._cursor.arraysize if size is None else size)

    async def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        return self._cursor.fetchall()

    async def close(self) -> None:
        """Let go of the result."""
        self._cursor.close()

    async def _begin_writing(self) -> None:
        """Take the write lock. Raises: sqlite3.OperationalError if it isn't free in time."""
        give_up_at = time.monotonic() + BUSY_TIMEOUT_SECONDS
        while (refusal := self._try_to_write()) is not None:
            if time.monotonic() >= give_up_at:
                raise refusal
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def _try_to_write(self) -> sqlite3.OperationalError | None:
        self._cursor.execute("PRAGMA busy_timeout=0")
        try:
            self._cursor.execute(BEGIN_WRITING)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return error
        finally:
            self._cursor.execute(f"PRAGMA busy_timeout={int(BUSY_TIMEOUT_SECONDS * 1000)}")
        return None
