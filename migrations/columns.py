"""Finds what a database lacks of the tables and columns that this version uses, without Alembic."""

from sqlalchemy import text

from incidents.registry.tables import metadata
from incidents.storage.database import Database

_ON_SQLITE = (
    "SELECT tables.name, columns.name FROM sqlite_master AS tables "
    "JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'"
)
_ON_POSTGRESQL = (
    "SELECT tables.relname, columns.attname FROM pg_class AS tables "
    "JOIN pg_attribute AS columns ON columns.attrelid = tables.oid "
    "WHERE tables.relkind IN ('r', 'p') AND pg_table_is_visible(tables.oid) "
    "AND columns.attnum > 0 AND NOT columns.attisdropped"
)


async def missing_columns(database: Database) -> tuple[str, ...]:
    """Return the names, as `table.column`, of the columns that aren't there, in order."""
    query = text(_ON_SQLITE if database.is_sqlite else _ON_POSTGRESQL)
    async with database.reading() as session:
        found = {(table, column) for table, column in await session.execute(query)}
    needed = (
        (table.name, column.name) for table in metadata().sorted_tables for column in table.columns
    )
    return tuple(f"{table}.{column}" for table, column in needed if (table, column) not in found)
