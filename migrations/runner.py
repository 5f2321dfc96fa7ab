"""Upgrades a database to the newest schema, and reports its current revision."""

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from incidents.registry.tables import metadata
from incidents.storage.database import Database
from incidents.storage.sqlite_session import WRITES


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


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


async def upgrade(database: Database) -> None:
    """Upgrade the database to head, in one transaction."""
    async with database.engine.execution_options(**{WRITES: True}).begin() as connection:
        await connection.run_sync(lambda sync: command.upgrade(_config(sync), "head"))


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
