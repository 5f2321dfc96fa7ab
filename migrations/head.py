"""Finds the schema revision of a database and of this version, without Alembic.

Importing Alembic takes a tenth of a second and ten megabytes; most starts don't need it.
"""

from pathlib import Path

from sqlalchemy import inspect, text

from incidents.storage.database import Database

# versions/YYYYMMDD_HHMM_<slug>.py: date and time are the revision and its order.
_REVISION_LENGTH = len("YYYYMMDD_HHMM")


def newest_revision() -> str:
    """Return the revision that this version needs."""
    versions = (Path(__file__).parent / "versions").glob("[0-9]*.py")
    return max(path.name[:_REVISION_LENGTH] for path in versions)


async def current_revision(database: Database) -> str | None:
    """Return the database's revision, or None if it has none yet."""
    async with database.engine.connect() as connection:
        has_one = await connection.run_sync(lambda sync: inspect(sync).has_table("alembic_version"))
        if not has_one:
            return None
        row = await connection.execute(text("SELECT version_num FROM alembic_version"))
        return row.scalar_one_or_none()
