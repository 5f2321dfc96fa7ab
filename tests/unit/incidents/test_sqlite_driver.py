"""The SQLite driver: in the loop, but never holding it up for a lock or a disk."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from incidents.sqlite_driver import BEGIN_WRITING, Connection, connect


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A database file with one table."""
    file = str(tmp_path / "a.db")
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
    connection.close()
    return file


async def wrote(connection: Connection, text: str) -> None:
    cursor = connection.cursor()
    await cursor.execute(BEGIN_WRITING)
    await cursor.execute("INSERT INTO notes VALUES (?)", (text,))
    await connection.commit()


async def texts(connection: Connection) -> list[str]:
    cursor = connection.cursor()
    await cursor.execute("SELECT text FROM notes ORDER BY rowid")
    return [row[0] for row in await cursor.fetchall()]


async def test_a_connection_leaves_disk_and_folding_to_the_log(path: str) -> None:
    connection = await connect(path)
    cursor = connection.cursor()
    found = {}
    for name in ("journal_mode", "synchronous", "wal_autocheckpoint", "foreign_keys"):
        await cursor.execute(f"PRAGMA {name}")
        found[name] = (await cursor.fetchone())[0]
    assert found == {
        "journal_mode": "wal",
        "synchronous": 1,
        "wal_autocheckpoint": 0,
        "foreign_keys": 1,
    }
    await connection.close()


async def test_a_writer_waits_for_another_process_without_holding_up_the_loop(path: str) -> None:
    connection = await connect(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(BEGIN_WRITING)
    other.execute("INSERT INTO notes VALUES ('first')")

    waiting = asyncio.ensure_future(wrote(connection, "second"))
    for _ in range(10):
        await asyncio.sleep(0.005)  # only a loop that is free gets here ten times
    assert not waiting.done()

    other.execute("COMMIT")
    other.close()
    await waiting
    assert await texts(connection) == ["first", "second"]
    await connection.close()


async def test_giving_up_the_wait_leaves_the_connection_usable(path: str) -> None:
    connection = await connect(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(BEGIN_WRITING)
    waiting = asyncio.ensure_future(wrote(connection, "never"))
    await asyncio.sleep(0.02)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    other.execute("ROLLBACK")
    other.close()

    await wrote(connection, "after")
    assert await texts(connection) == ["after"]
    await connection.close()


async def test_what_was_rolled_back_is_gone_and_a_closed_connection_says_so(path: str) -> None:
    connection = await connect(path)
    cursor = connection.cursor()
    await cursor.execute(BEGIN_WRITING)
    await cursor.execute("INSERT INTO notes VALUES ('gone')")
    await connection.rollback()
    assert await texts(connection) == []
    await connection.close()
    with pytest.raises(ValueError, match="Connection closed"):
        connection.cursor()
