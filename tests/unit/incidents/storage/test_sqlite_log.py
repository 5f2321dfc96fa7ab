"""The write-ahead log: nothing is told before it is safe on the disk, and one wait does for many."""

import asyncio
import contextlib
import errno
import os
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from incidents.storage.database import Database, open_database
from incidents.storage.sqlite_log import NotKept, WriteAheadLog
from tests.notes_file import make_notes, notes, write


class Disk:
    """A disk that can be held up and can refuse; it counts how often it was written to."""

    def __init__(self) -> None:
        """Make one that takes everything."""
        self.begun = 0
        self.failures = 0
        self.synced: set[int] = set()
        self._may_go_on = threading.Event()
        self._may_go_on.set()

    def hold_up(self) -> None:
        """Let writes begin, but not end."""
        self._may_go_on.clear()

    def go_on(self) -> None:
        """Let writes end."""
        self._may_go_on.set()

    def write(self, descriptor: int) -> None:
        """Stand before the system's own write."""
        self.begun += 1
        if not self._may_go_on.wait(timeout=10):
            raise AssertionError("held up for good")
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fsync(descriptor)
        self.synced.add(os.fstat(descriptor).st_ino)


@pytest.fixture
def disk() -> Disk:
    """The disk under the database."""
    return Disk()


@pytest.fixture
async def database(tmp_path: Path, disk: Disk) -> AsyncIterator[Database]:
    """An embedded database with one table, on the disk; its log is folded every ten commits."""
    make_log = partial(
        WriteAheadLog,
        write_to_disk=disk.write,
        fold_every=10,
        fold_within=timedelta(milliseconds=50),
    )
    database = open_database(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}", make_log=make_log)
    await make_notes(database)
    yield database
    await database.close()


def notes_in_file(database: Database, copy: Path) -> list[str]:
    """What the file holds without its log."""
    shutil.copy(database.file or "", copy)
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        return [row[0] for row in connection.execute("SELECT text FROM notes")]


def inode(path: Path) -> int:
    return path.stat().st_ino


async def until(begun: int, disk: Disk) -> None:
    async with asyncio.timeout(10):
        while disk.begun < begun:  # noqa: ASYNC110 - a thread tells, not the loop
            await asyncio.sleep(0.001)


async def test_a_commit_is_told_only_when_it_is_on_the_disk(database: Database, disk: Disk) -> None:
    disk.hold_up()
    writing = asyncio.ensure_future(write(database, "first"))
    await until(1, disk)
    done, _ = await asyncio.wait({writing}, timeout=0.05)
    assert not done
    disk.go_on()
    await writing
    assert disk.begun == 1


async def test_others_write_meanwhile_and_share_the_next_wait(
    database: Database, disk: Disk
) -> None:
    disk.hold_up()
    first = asyncio.ensure_future(write(database, "first"))
    await until(1, disk)
    others = [asyncio.ensure_future(write(database, f"other {number}")) for number in range(8)]
    async with asyncio.timeout(10):
        while len(await notes(database)) < 9:  # noqa: ASYNC110 - the file tells, not the loop
            await asyncio.sleep(0.001)
    # Committed while the first wait was under way: it doesn't count for them.
    assert not any(other.done() for other in others)
    disk.go_on()
    await asyncio.gather(first, *others)
    assert disk.begun == 2


async def test_who_gives_up_waiting_takes_nothing_from_the_others(
    database: Database, disk: Disk
) -> None:
    disk.hold_up()
    impatient = asyncio.ensure_future(write(database, "impatient"))
    await until(1, disk)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    patient = asyncio.ensure_future(write(database, "patient"))
    disk.go_on()
    await patient
    assert await notes(database) == ["impatient", "patient"]


async def test_what_the_disk_refuses_is_written_into_the_file_instead(
    database: Database, disk: Disk, tmp_path: Path
) -> None:
    disk.failures = 1
    await write(database, "kept all the same")
    assert notes_in_file(database, tmp_path / "copy.db") == ["kept all the same"]
    await write(database, "as usual")
    assert disk.begun == 2


async def test_what_cant_be_made_safe_is_said_and_made_up_for(
    database: Database, disk: Disk, tmp_path: Path
) -> None:
    await write(database, "before")
    with contextlib.closing(sqlite3.connect(database.file or "")) as reader:
        # Somebody reads the old state, so that the log can't be emptied.
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM notes").fetchone()
        disk.failures = 1
        with pytest.raises(NotKept):
            await write(database, "in doubt")
    await write(database, "after")
    assert notes_in_file(database, tmp_path / "copy.db") == ["before", "in doubt", "after"]


async def test_a_log_being_folded_by_somebody_else_is_waited_for(
    database: Database, disk: Disk, tmp_path: Path
) -> None:
    disk.failures = 200
    await asyncio.gather(*(write(database, f"note {number}") for number in range(60)))
    assert disk.failures < 200
    assert len(notes_in_file(database, tmp_path / "copy.db")) == 60


async def test_a_file_behind_a_link_has_its_log_beside_it(tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a.db").symlink_to(tmp_path / "elsewhere" / "real.db")
    make_log = partial(WriteAheadLog, write_to_disk=disk.write)
    database = open_database(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}", make_log=make_log)
    await make_notes(database)
    await write(database, "kept")
    assert disk.begun == 1
    assert disk.synced == {inode(tmp_path / "elsewhere" / "real.db-wal")}
    await database.close()


async def test_a_log_made_anew_is_the_one_that_is_written(
    database: Database, disk: Disk, tmp_path: Path
) -> None:
    await write(database, "first")
    database.session_engine.dispose()  # the last connection folds the log and takes it away
    disk.synced.clear()
    await write(database, "second")
    assert disk.begun == 2
    assert disk.synced == {inode(tmp_path / "a.db-wal")}
    assert await notes(database) == ["first", "second"]


async def test_the_log_is_folded_into_the_file_also_while_others_keep_writing(
    database: Database, tmp_path: Path
) -> None:
    async def write_many() -> None:
        for number in range(60):
            await write(database, f"{number} {'x' * 1000}")

    await asyncio.gather(*(write_many() for _ in range(4)))
    # Two pages a commit: begun anew after every tenth or so; never, it would be 2 MB by now.
    assert os.path.getsize(f"{database.file}-wal") < 200_000  # noqa: ASYNC240, PTH202
    assert len(notes_in_file(database, tmp_path / "copy.db")) > 150
