"""A made-up next version of the schema, to prove that migrations after the first work.

It does what real ones may do: add tables, columns and indexes, and change what SQLite can't alter in
place. It only adds, so that a process of this version works on.
"""

from pathlib import Path

from incidents.storage.database import Database
from migrations import runner
from migrations.head import newest_revision

VERSIONS = (runner.VERSIONS, Path(__file__).parent / "versions")
REVISION = "29991231_2359"


async def upgrade(database: Database) -> None:
    """Bring the database to the made-up version."""
    await runner.upgrade(database, versions=VERSIONS)


async def downgrade(database: Database) -> None:
    """Bring the database back to this version."""
    await runner.downgrade(database, to=newest_revision(), versions=VERSIONS)
