"""What the command line writes and overwrites, and that reading needs no right to write."""

import asyncio
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from incidents.storage.database import open_database
from tests.program import environment, run
from tests.world import World

CONFIGURATION = 2


@pytest.fixture
def write_protected(database_url: str, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Make a write-protected copy of the database in a folder that can't be written either."""
    folder = tmp_path / "backup"
    folder.mkdir()

    def copied() -> str:
        file = Path(shutil.copy(str(make_url(database_url).database), folder / "sitrep.db"))
        file.chmod(0o444)
        folder.chmod(0o555)
        return f"sqlite:///{file}"

    yield copied
    folder.chmod(0o755)


async def _declared(world: World, url: str) -> dict[str, str]:
    await world.declare("Checkout errors", by=await world.person("alice"))
    return environment(DATABASE_URL=url)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("command", [("export", "INC-1"), ("audit",), ("person", "UALICE")])
async def test_a_file_is_overwritten_only_with_force(
    world: World, database_url: str, tmp_path: Path, command: tuple[str, ...]
) -> None:
    environ = await _declared(world, database_url)
    file = tmp_path / "kept.md"
    file.write_text("kept")
    arguments = (*command, "--output", str(file))
    code, output = await run(*arguments, environ=environ, folder=tmp_path)
    assert (code, file.read_text()) == (1, "kept")
    assert "kept.md exists already, so nothing was written. Add --force" in output
    code, output = await run(*arguments, "--force", environ=environ, folder=tmp_path)
    assert code == 0, output
    assert file.read_text() != "kept"
    assert _modes(file) == ["600"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_slash_at_the_end_names_a_folder_and_a_dash_the_output(
    world: World, database_url: str, tmp_path: Path
) -> None:
    environ = await _declared(world, database_url)
    code, output = await run(
        "export", "INC-1", "--output", "new/", environ=environ, folder=tmp_path
    )
    assert code == 0, output
    (written,) = (tmp_path / "new").iterdir()
    assert written.name.startswith("inc-1")
    assert _modes(tmp_path / "new", written) == ["700", "600"]
    code, output = await run("export", "INC-1", "--output", "-", environ=environ, folder=tmp_path)
    assert (code, "Checkout errors" in output) == (0, True)
    code, output = await run("backup", "-", environ=environ, folder=tmp_path)
    assert (code, "name a file or a folder" in output) == (1, True)
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_reading_changes_no_byte_of_the_file(
    world: World, database_url: str, tmp_path: Path
) -> None:
    environ = await _declared(world, database_url)
    copy = tmp_path / "copy" / "backup.db"
    copy.parent.mkdir()
    with closing(sqlite3.connect(str(make_url(database_url).database))) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    before = copy.read_bytes()
    environ["DATABASE_URL"] = f"sqlite:///{copy}"
    for command in (("verify",), ("export", "INC-1"), ("audit",)):
        code, output = await run(*command, environ=environ, folder=tmp_path)
        assert code == 0, output
    assert copy.read_bytes() == before
    assert [one.name for one in copy.parent.iterdir()] == ["backup.db"]


@pytest.mark.skipif(sys.platform != "linux", reason="only there, root may give up its rights")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_write_protected_file_is_verified_and_exported(
    world: World, database_url: str, tmp_path: Path, write_protected: Callable[[], str]
) -> None:
    environ = await _declared(world, database_url)
    await world.database.close()
    environ["DATABASE_URL"] = write_protected()
    for command in (("verify",), ("verify", "INC-1"), ("export", "INC-1"), ("audit",)):
        code, output = await run(*command, environ=environ, folder=tmp_path, obeys_modes=True)
        assert code == 0, output


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_user_who_may_only_read_verifies_and_exports(
    world: World, database_url: str, tmp_path: Path
) -> None:
    environ = await _declared(world, database_url)
    name = make_url(database_url).database
    reader = f"reader_{name}"
    await _execute(
        database_url,
        f"CREATE ROLE {reader} LOGIN PASSWORD 'x'",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}",
    )
    try:
        url = make_url(database_url).set(username=reader, password="x")
        environ["DATABASE_URL"] = url.render_as_string(hide_password=False)
        for command in (("verify",), ("export", "INC-1"), ("audit",), ("person", "UALICE")):
            code, output = await run(*command, environ=environ, folder=tmp_path)
            assert code == 0, output
    finally:
        await _execute(database_url, f"DROP OWNED BY {reader}", f"DROP ROLE {reader}")


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_another_programs_database_is_not_migrated(database_url: str, tmp_path: Path) -> None:
    await _execute(
        database_url,
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
        "CREATE TABLE invoices (number INT)",
    )
    environ = environment(
        DATABASE_URL=database_url, SLACK_BOT_TOKEN="xoxb-1", SLACK_APP_TOKEN="xapp-1"
    )
    for command in ("migrate", "serve"):
        code, output = await run(command, environ=environ, folder=tmp_path)
        assert code == 1
        assert "holds another program's tables" in output
        assert "Name a database of its own in DATABASE_URL" in output


async def test_a_misspelt_setting_is_refused_by_every_command(tmp_path: Path) -> None:
    environ = environment(SITREP_POLCY="policy.yaml")
    for command in (("serve",), ("doctor",), ("migrate",), ("verify",), ("export", "INC-1")):
        code, output = await run(*command, environ=environ, folder=tmp_path)
        assert code == CONFIGURATION
        assert "SITREP_POLCY isn't a setting; SITREP_POLICY is" in output


async def test_a_broken_line_of_the_env_file_is_named(tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / ".env").write_text, "PORT=0\nthis is: no [setting\n")
    code, output = await run("doctor", environ=environment(), folder=tmp_path)
    assert code == CONFIGURATION
    assert ".env:2 isn't KEY=value" in output
    assert "no [setting" not in output
    assert "could not parse" not in output


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("command", [("export", "INC-1"), ("audit",)])
async def test_the_format_follows_the_name_of_the_file(
    world: World, database_url: str, tmp_path: Path, command: tuple[str, ...]
) -> None:
    environ = await _declared(world, database_url)
    file = tmp_path / "kept.json"
    code, output = await run(*command, "--output", str(file), environ=environ, folder=tmp_path)
    assert code == 0, output
    assert file.read_text().startswith("{")
    other = str(tmp_path / "other.json")
    arguments = (*command, "--format", "csv", "--output", other)
    code, output = await run(*arguments, environ=environ, folder=tmp_path)
    assert code == 1
    assert "other.json ends in .json, but --format says csv. Nothing was written." in output
    assert not await asyncio.to_thread(Path(other).exists)


async def test_only_their_owner_can_open_what_sitrep_makes_and_the_doctor_says_if_not(
    tmp_path: Path,
) -> None:
    folder, file = tmp_path / "data", tmp_path / "data" / "sitrep.db"
    environ = environment(DATABASE_URL=f"sqlite:///{file}")
    code, output = await run("migrate", environ=environ, folder=tmp_path)
    assert (code, _modes(folder, file)) == (0, ["700", "600"]), output
    _, output = await run("doctor", environ=environ, folder=tmp_path)
    assert "other users" not in output
    logs = [file.with_name(f"sitrep.db-{end}") for end in ("wal", "shm")]
    with closing(sqlite3.connect(file)) as reading:
        reading.execute("SELECT * FROM incidents").fetchall()
        assert _modes(*logs) == ["600", "600"]
    folder.chmod(0o750)
    file.chmod(0o644)
    _, output = await run("doctor", environ=environ, folder=tmp_path)
    assert f"other users of this machine can open {folder}, {file}" in output
    assert f"chmod 700 {folder} && chmod 600 {file}" in output


async def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    nowhere = dict.fromkeys(("SSL_CERT_FILE", "PGSSLROOTCERT", "SITREP_POLICY"), "/nowhere")
    code, output = await run("doctor", environ=environment(**nowhere), folder=tmp_path)
    assert code == CONFIGURATION
    assert "SSL_CERT_FILE names /nowhere, which can't be read" in output
    assert "PGSSLROOTCERT names /nowhere, which can't be read" in output
    assert ".env can't be read: Is a directory" in output
    assert "/nowhere: there is no such file; check SITREP_POLICY" in output


async def test_the_version_is_printed(tmp_path: Path) -> None:
    code, output = await run("--version", environ=environment(), folder=tmp_path)
    assert code == 0
    assert output.startswith("sitrep 1.")


async def _execute(url: str, *statements: str) -> None:
    database = open_database(url)
    async with database.engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await database.close()


def _modes(*paths: Path) -> list[str]:
    return [f"{path.stat().st_mode & 0o777:o}" for path in paths]
