"""SQLite runs in the event loop's thread, but never blocks it for a lock or the disk."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from incidents.storage.database import Database, open_database
from tests.notes_file import make_notes, notes, write


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An embedded database with one table."""
    database = open_database(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}")
    await make_notes(database)
    yield database
    await database.close()


@pytest.fixture
def other(database: Database) -> sqlite3.Connection:
    """Another process on the same file."""
    return sqlite3.connect(database.file or "", isolation_level=None)


async def test_each_commit_is_written_to_the_disk(database: Database) -> None:
    found = {}
    async with database.reading() as session:
        for name in ("journal_mode", "synchronous", "foreign_keys"):
            found[name] = (await session.execute(text(f"PRAGMA {name}"))).scalar_one()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


async def test_the_loop_runs_while_a_commit_waits_for_the_disk(database: Database) -> None:
    is_written = threading.Event()
    event.listen(database.session_engine, "commit", lambda _: is_written.wait(10))
    waiting = asyncio.ensure_future(write(database, "kept"))
    for _ in range(10):
        await asyncio.sleep(0.005)
    assert not waiting.done()
    assert await notes(database) == []
    is_written.set()
    await waiting
    assert await notes(database) == ["kept"]


async def test_a_writer_waits_for_another_process_without_blocking_the_loop(
    database: Database, other: sqlite3.Connection
) -> None:
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO notes VALUES ('first')")
    waiting = asyncio.ensure_future(write(database, "second"))
    for _ in range(10):
        await asyncio.sleep(0.005)  # only a free loop gets here ten times
    assert not waiting.done()
    other.execute("COMMIT")
    other.close()
    await waiting
    assert await notes(database) == ["first", "second"]


async def test_a_lock_held_too_long_is_reported(
    database: Database, other: sqlite3.Connection
) -> None:
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="database is locked"):
        await write(database, "never")
    other.execute("ROLLBACK")
    other.close()
    await write(database, "after")
    assert await notes(database) == ["after"]


async def test_a_cancelled_wait_lets_the_next_one_write(
    database: Database, other: sqlite3.Connection
) -> None:
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.ensure_future(write(database, "never"))
    await asyncio.sleep(0.02)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    other.execute("ROLLBACK")
    other.close()
    await write(database, "after")
    assert await notes(database) == ["after"]


async def test_uncommitted_changes_are_gone(database: Database) -> None:
    async with database.writing() as session:
        await session.execute(text("INSERT INTO notes VALUES ('gone')"))
    assert await notes(database) == []


async def test_a_reader_sees_no_changes_while_others_write(database: Database) -> None:
    for note in ("one", "two", "three"):
        await write(database, note)
    async with database.writing() as session:
        seen = []
        for (note,) in await session.execute(text("SELECT text FROM notes")):
            seen.append(note)
            await session.execute(text("INSERT INTO notes VALUES (:note)"), {"note": f"{note}!"})
    assert seen == ["one", "two", "three"]


async def test_more_can_read_at_once_than_connections_are_kept_open(database: Database) -> None:
    async def read_slowly() -> int:
        async with database.reading() as session:
            await session.execute(text("SELECT 1"))
            await asyncio.sleep(0.01)
            return len(list((await session.execute(text("SELECT text FROM notes"))).scalars()))

    async with asyncio.timeout(10):
        assert await asyncio.gather(*(read_slowly() for _ in range(40))) == [0] * 40
