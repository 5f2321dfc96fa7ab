"""Upgrades a database to the newest schema, or back, and reports its current revision."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError, IntegrityError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random

from incidents.registry.tables import metadata
from incidents.storage.availability import is_conflict
from incidents.storage.database import Database
from incidents.storage.sqlite_session import WRITES
from migrations.timeline_guard import create_statements, drop_statements

VERSIONS = Path(__file__).parent / "versions"
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The database's revision (`current`), and the one this version needs (`head`)."""

    current: str | None
    head: str | None
    # False if this version doesn't know the database's revision, which is then newer.
    is_known: bool
    # True for a database with tables but no revision: it belongs to another program.
    is_foreign: bool

    @property
    def is_current(self) -> bool:
        """Tell whether the database is at head."""
        return self.current == self.head


def _config(
    connection: Connection | None = None, *, versions: Sequence[Path] = (VERSIONS,)
) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join(map(str, versions)))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


async def upgrade(database: Database, *, versions: Sequence[Path] = (VERSIONS,)) -> None:
    """Upgrade the database to head, in one transaction."""
    await _change(database, lambda config: command.upgrade(config, "head"), versions=versions)


async def downgrade(database: Database, *, to: str, versions: Sequence[Path] = (VERSIONS,)) -> None:
    """Bring the database back to an older revision, in one transaction."""
    await _change(database, lambda config: command.downgrade(config, to), versions=versions)


async def _change(
    database: Database, change: Callable[[Config], None], *, versions: Sequence[Path]
) -> None:
    def run(connection: Connection) -> None:
        change(_config(connection, versions=versions))
        _guard(connection)
        _check_references(connection)

    # A bot at work may hold a table that comes later here, and wait for one that came before.
    async for attempt in AsyncRetrying(
        retry=retry_if_exception(
            lambda error: isinstance(error, DBAPIError) and is_conflict(error)
        ),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_random(0.1, 0.5),
        reraise=True,
    ):
        with attempt:
            async with database.engine.execution_options(**{WRITES: True}).begin() as connection:
                await connection.run_sync(run)


def _guard(connection: Connection) -> None:
    """Create the triggers of append-only tables again: SQLite drops them with a rebuilt table."""
    for statements in (drop_statements, create_statements):
        for statement in statements(connection.dialect.name):
            connection.exec_driver_sql(statement)


def _check_references(connection: Connection) -> None:
    """Check foreign keys on SQLite, where they are off in migrations. Raises: IntegrityError."""
    if connection.dialect.name != "sqlite":
        return
    query = "PRAGMA foreign_key_check"
    broken = connection.exec_driver_sql(query).first()
    if broken is not None:
        why = f"a row of {broken[0]} refers to one of {broken[2]} that isn't there"
        raise IntegrityError(query, None, sqlite3.IntegrityError(why))


async def schema_state(database: Database) -> SchemaState:
    """Return the state of the database's schema."""
    scripts = ScriptDirectory.from_config(_config())
    async with database.engine.connect() as connection:
        current = await connection.run_sync(
            lambda sync: MigrationContext.configure(sync).get_current_revision()
        )
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    return SchemaState(
        current=current,
        head=scripts.get_current_head(),
        is_known=current is None or is_known(current),
        is_foreign=current is None and bool(tables),
    )


def is_known(revision: str) -> bool:
    """Tell whether this version knows a database's revision; it doesn't know newer ones."""
    scripts = ScriptDirectory.from_config(_config())
    return revision in {known.revision for known in scripts.walk_revisions()}


async def differences(database: Database) -> list[object]:
    """Return the differences between the migrated schema and the models; tests expect none."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(
            lambda sync: list(compare_metadata(MigrationContext.configure(sync), metadata()))
        )
