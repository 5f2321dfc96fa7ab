"""The revision read without Alembic is the one that Alembic reads."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

import migrations
from incidents.storage.database import open_database
from migrations.head import current_revision, newest_revision
from migrations.runner import schema_state


def test_the_newest_revision_by_name_is_alembics_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == newest_revision()


async def test_the_revision_of_a_database_is_read_as_alembic_reads_it(
    sqlite_url: str, tmp_path: Path
) -> None:
    for url, expected in (
        (sqlite_url, newest_revision()),
        (f"sqlite+aiosqlite:///{tmp_path}/empty.db", None),
    ):
        database = open_database(url)
        assert await current_revision(database) == expected
        assert (await schema_state(database)).current == expected
        await database.close()
