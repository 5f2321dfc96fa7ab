"""SQLite's write-ahead log: one wait for the disk, shared by everybody whose commit it makes safe.

With synchronous=NORMAL a COMMIT appends to the log and returns. The log outlives this process, but
not a loss of power, so whoever committed waits for `keep()` before telling anybody. It does for all
who committed meanwhile what synchronous=FULL does inside each COMMIT, with the write lock held.

SQLite would also fold the log into the file inside some COMMIT; here a thread does it.
"""

import asyncio
import contextlib
import errno
import os
import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import structlog

# About 4 MB of log, which is where SQLite itself does it: a change here writes ten pages.
FOLD_EVERY = 100

FOLD_WITHIN = timedelta(seconds=10)

_LOOK_AGAIN_SECONDS = 0.01

log = structlog.get_logger(__name__)


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's code of what went wrong, without its finer part; 0 if it wasn't SQLite."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


class NotKept(OSError):
    """What was committed can be read, but the disk doesn't take it: without power it is gone."""

    def __init__(self) -> None:
        """Say so, as the system would."""
        super().__init__(errno.EIO, "the disk doesn't take what is written")


class WriteAheadLog:
    """The log of one database file, as far as this process writes it."""

    def __init__(
        self,
        path: str,
        *,
        write_to_disk: Callable[[int], None] | None = None,
        fold_every: int = FOLD_EVERY,
        fold_within: timedelta = FOLD_WITHIN,
    ) -> None:
        """Take the path of the database file; its log lies beside it.

        `write_to_disk` gets the log's descriptor. After `fold_every` commits the log is folded;
        where all of it must be, readers in the way get `fold_within`.
        """
        # Writers stand in line here, instead of polling SQLite's lock.
        self.turn = asyncio.Lock()
        # SQLite follows links, and lays the log beside the file itself.
        self._path = os.path.realpath(path)
        # Where the system has it, fdatasync is enough: all that is needed to read the log.
        default: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
        self._write_to_disk = write_to_disk or default
        self._fold_every = fold_every
        self._fold_within = fold_within
        self._next: asyncio.Task[None] | None = None
        self._under_way: asyncio.Task[None] | None = None
        self._folding: asyncio.Task[None] | None = None
        self._kept_since_fold = 0
        # After a failure the system takes for written what the disk may never have got.
        self._is_doubtful = False
        # The system tells of a failure once to each descriptor that was open before.
        self._descriptor: int | None = None

    async def keep(self) -> None:
        """Return once all that was committed before is safe on the disk.

        Raises: NotKept if the disk doesn't take it.
        """
        # Not the one under way: it may have begun before the commit.
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._write_after(self._under_way))
        self._kept_since_fold += 1
        await asyncio.shield(self._next)
        if self._kept_since_fold >= self._fold_every and self._folding is None:
            self._folding = asyncio.create_task(self._fold())

    async def close(self) -> None:
        """Let what is under way end; before the last connection closes."""
        under_way = [task for task in (self._next, self._under_way, self._folding) if task]
        await asyncio.gather(*under_way, return_exceptions=True)
        self._let_go()

    async def _write_after(self, before: asyncio.Task[None] | None) -> None:
        if before is not None and not before.done():
            await asyncio.wait({before})
        self._under_way, self._next = self._next, None
        await asyncio.to_thread(self._write)

    def _write(self) -> None:
        if not self._is_doubtful:
            try:
                self._write_to_disk(self._log_file())
            except OSError as error:
                self._doubt(error)
        if self._is_doubtful:
            self._move_to_file()

    def _log_file(self) -> int:
        """Return a descriptor of the log: the one we have, unless the log was made anew."""
        path = Path(f"{self._path}-wal")
        if self._descriptor is not None:
            if os.path.samestat(os.fstat(self._descriptor), path.stat()):
                return self._descriptor
            self._let_go()
        self._descriptor = os.open(path, os.O_RDWR)
        return self._descriptor

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _doubt(self, error: Exception) -> None:
        self._is_doubtful = True
        log.warning("disk_refuses_log", reason=str(error))

    def _move_to_file(self) -> None:
        """Write everything anew, into the file itself. Raises: NotKept if that fails, too."""
        give_up_at = time.monotonic() + self._fold_within.total_seconds()
        try:
            with contextlib.closing(self._connect()) as connection:
                # Where another thread or process folds it, SQLite refuses at once.
                while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                    if time.monotonic() >= give_up_at:
                        raise NotKept
                    time.sleep(_LOOK_AGAIN_SECONDS)
        except sqlite3.Error as error:
            log.warning("disk_refuses_file", reason=str(error))
            raise NotKept from error
        self._is_doubtful = False

    async def _fold(self) -> None:
        self._kept_since_fold = 0
        try:
            await asyncio.to_thread(self._fold_in)
            # The rest while nobody adds to it: only a log folded to its end begins anew.
            async with self.turn:
                await asyncio.to_thread(self._fold_in)
        finally:
            self._folding = None

    def _fold_in(self) -> None:
        # As far as no reader stands in the way. What is left is still in the log.
        try:
            with contextlib.closing(self._connect()) as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY:
                self._doubt(error)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=self._fold_within.total_seconds())
