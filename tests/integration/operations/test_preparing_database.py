"""The start makes a new database only where there was none, and finds what a database lacks."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.operations.identity import StartRefused
from bot.operations.storage import prepare_schema
from incidents.storage.database import Database, open_database


async def prepare(url: str) -> Database:
    database = open_database(url)
    try:
        await prepare_schema(database)
    finally:
        await database.close()
    return database


async def test_a_missing_column_refuses_the_start_and_is_named(database_url: str) -> None:
    database = open_database(database_url)
    async with database.writing() as session:
        await session.execute(text("ALTER TABLE incidents RENAME COLUMN impact TO other"))
        await session.commit()
    await database.close()
    with pytest.raises(StartRefused, match=r"lacks columns .*: incidents\.impact\."):
        await prepare(database_url)


async def test_a_first_start_makes_the_database_and_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "data" / "sitrep.db"
    await prepare(f"sqlite+aiosqlite:///{file}")
    assert file.exists()
    first = capsys.readouterr().out
    await prepare(f"sqlite+aiosqlite:///{file}")
    assert first.count("new_database") == 1
    assert str(file) in first
    assert "new_database" not in capsys.readouterr().out

    with closing(sqlite3.connect(tmp_path / "blank.db")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")  # some bytes, but no tables
    await prepare(f"sqlite+aiosqlite:///{tmp_path / 'blank.db'}")
    assert "new_database" in capsys.readouterr().out


async def test_what_is_left_of_a_lost_database_is_not_built_upon(tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()
    with pytest.raises(StartRefused, match=r"empty\.db is empty \(0 bytes\)") as refused:
        await prepare(f"sqlite+aiosqlite:///{empty}")
    assert "delete what is left" in refused.value.todo
    assert empty.stat().st_size == 0

    lost = tmp_path / "lost.db"
    (tmp_path / "lost.db-wal").write_bytes(b"log")
    with pytest.raises(StartRefused, match=r"lost\.db isn't there, but its log lost\.db-wal is"):
        await prepare(f"sqlite+aiosqlite:///{lost}")
    assert not lost.exists()


def test_only_a_migration_makes_a_file(tmp_path: Path) -> None:
    async def write() -> None:
        database = open_database(f"sqlite+aiosqlite:///{tmp_path / 'sitrep.db'}")
        try:
            async with database.writing():
                pass
        finally:
            await database.close()

    with pytest.raises(DBAPIError, match="unable to open"):
        asyncio.run(write())
    assert list(tmp_path.iterdir()) == []
