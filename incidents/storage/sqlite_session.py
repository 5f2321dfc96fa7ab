"""SQLite on the event loop's own thread, except for the calls that wait.

aiosqlite hands every step of every statement to a thread and back: four round trips for one SELECT,
each competing for the interpreter with the loop that waits for it. Our statements take 20 to
100 µs, less than one such trip, so sessions call Python's own driver directly. Waiting never
blocks the loop: COMMIT waits for the disk in a thread, and BEGIN IMMEDIATE is retried between short
sleeps while another process has the lock.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import QueuePool

from incidents.storage.deadline import bound_by, is_over, seconds_left

# Shorter than a listener's 2.5 s deadline, so that the answer names the lock, not a timeout.
BUSY_TIMEOUT_SECONDS = 2.0
BEGIN_WRITING = "BEGIN IMMEDIATE"
# The execution option of connections that are about to write.
WRITES = "sitrep_writes"

_LOOK_AGAIN_SECONDS = 0.01
# Of SQLite's virtual machine: some milliseconds.
_STEPS_BETWEEN_LOOKS = 100_000
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")


class SessionInPlace(AsyncSession):
    """A session that executes on the loop's thread, except for COMMIT, which waits for the disk."""

    def __init__(self, engine: Engine) -> None:
        """Make a session on an engine made by `make_engine`."""
        super().__init__(expire_on_commit=False, autoflush=False)
        self.sync_session.bind = engine

    async def begin_writing(self) -> None:
        """Take the write lock. Raises: OperationalError, also if another process keeps the lock."""
        left = seconds_left()
        give_up_at = time.monotonic() + min(BUSY_TIMEOUT_SECONDS, left or BUSY_TIMEOUT_SECONDS)
        while (refusal := self._try_to_begin()) is not None:
            if time.monotonic() >= give_up_at:
                raise OperationalError(BEGIN_WRITING, None, refusal)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def _try_to_begin(self) -> sqlite3.OperationalError | None:
        try:
            self.sync_session.connection()
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY:
                raise OperationalError(BEGIN_WRITING, None, error) from error
            return error
        return None

    async def execute(self, statement: Any, params: Any = None, **options: Any) -> Any:
        """Execute a statement and fetch all rows: no cursor stays open while others write."""
        result = self.sync_session.execute(statement, params, **options)
        has_rows = not isinstance(result, CursorResult) or result.returns_rows
        return result.freeze()() if has_rows else result

    async def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        """Return the entity with this key, or None."""
        return self.sync_session.get(entity, ident, **options)

    async def get_one(self, entity: Any, ident: Any, **options: Any) -> Any:
        """Return the entity with this key. Raises: NoResultFound."""
        return self.sync_session.get_one(entity, ident, **options)

    async def refresh(self, instance: object, *given: Any, **options: Any) -> None:
        """Reload an entity from the database."""
        self.sync_session.refresh(instance, *given, **options)

    async def delete(self, instance: object) -> None:
        """Mark an entity as deleted."""
        self.sync_session.delete(instance)

    async def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write pending changes."""
        self.sync_session.flush(objects)

    async def commit(self) -> None:
        """Commit in a thread; on return the changes are safe on disk.

        If cancelled, it returns no sooner: nobody else may use the session meanwhile.
        """
        self.sync_session.flush()
        with bound_by(None):
            commit = asyncio.ensure_future(asyncio.to_thread(self.sync_session.commit))
        while not commit.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({commit})
        commit.result()

    async def rollback(self) -> None:
        """Undo uncommitted changes."""
        self.sync_session.rollback()

    async def close(self) -> None:
        """Undo uncommitted changes and return the connection to the pool."""
        self.sync_session.close()


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary error code (without the extended bits); 0 if there is none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def make_engine(path: str, *, for_reading: bool = False) -> Engine:
    """Return an engine for the database file; it opens nothing yet. `for_reading` changes no byte."""
    engine = create_engine(
        "sqlite://",
        creator=partial(connect_for_reading if for_reading else _connect, path),
        poolclass=QueuePool,
        pool_size=5,
        # Unlimited: waiting for a connection would block the loop's thread for ever.
        max_overflow=-1,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin)
    return engine


def _connect(path: str) -> sqlite3.Connection:
    """Open the file; never create it: only a migration makes a new database."""
    # The driver's own transaction handling is off: it would begin too late, after the first
    # SELECT, and a read-decide-write would lose updates. Other threads commit and close.
    connection = _open_uri(f"{Path(path).absolute().as_uri()}?mode=rw")
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    # A statement blocks the loop, so nothing but SQLite itself can end one that takes too long.
    connection.set_progress_handler(is_over, _STEPS_BETWEEN_LOOKS)
    return connection


def connect_for_reading(path: str) -> sqlite3.Connection:
    """Open the file without writing; where not even its log can be made, as a file that nobody changes.

    In a folder that can't be written, only a file without a log is whole: `immutable` ignores logs.
    """
    file = Path(path).absolute()
    connection = _open_uri(f"{file.as_uri()}?mode=ro")
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1")
    except sqlite3.OperationalError:
        connection.close()
        log = file.with_name(f"{file.name}-wal")
        if log.exists() and log.stat().st_size:
            raise
        connection = _open_uri(f"{file.as_uri()}?immutable=1")
    return connection


def _open_uri(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(
        uri, uri=True, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
    )


def begin_statement(connection: Connection) -> str:
    """Return the statement that begins this connection's transactions."""
    return BEGIN_WRITING if connection.get_execution_options().get(WRITES) else "BEGIN"


def _begin(connection: Connection) -> None:
    raw: Any = connection.connection.dbapi_connection
    statement = begin_statement(connection)
    if statement != BEGIN_WRITING:
        raw.execute(statement)
        return
    # Waiting here would block the loop; `begin_writing` retries instead.
    raw.execute("PRAGMA busy_timeout=0")
    try:
        raw.execute(statement)
    finally:
        raw.execute(f"PRAGMA busy_timeout={int(BUSY_TIMEOUT_SECONDS * 1000)}")
