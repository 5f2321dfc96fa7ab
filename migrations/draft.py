"""Rewrites the first migration from the models; use it only before the first release.

Run as `python -m migrations.draft`.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import Connection

from incidents.storage.database import open_database
from migrations.runner import _config

FIRST = "20261121_1100"


def _autogenerate(connection: Connection) -> None:
    config = _config(connection)
    config.attributes["is_first"] = True
    command.revision(config, message="The first schema", autogenerate=True, rev_id=FIRST)


def _rewrite() -> None:
    versions = Path(__file__).parent / "versions"
    for old in versions.glob("*.py"):
        old.unlink()

    async def generate() -> None:
        with tempfile.TemporaryDirectory() as folder:
            database = open_database(f"sqlite+aiosqlite:///{folder}/draft.db")
            async with database.engine.begin() as connection:
                await connection.run_sync(_autogenerate)
            await database.close()

    asyncio.run(generate())
    (made,) = versions.glob("*.py")
    text = made.read_text()
    text = re.sub(r"incidents\.storage\.database\.UtcDateTime\([^)]*\)", "UtcDateTime()", text)
    text = text.replace(
        "from alembic import op\n",
        "from alembic import op\n\nfrom incidents.storage.database import UtcDateTime\n"
        "from migrations.timeline_guard import create_statements, drop_statements\n",
    )
    text = re.sub(r"    # ### (commands auto|end Alembic).*\n", "", text)
    text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
    text = text.replace(", unique=False)", ")")
    up, down = text.split("def downgrade() -> None:")
    up = up.rstrip() + (
        "\n    for statement in create_statements(op.get_bind().dialect.name):\n"
        "        op.execute(statement)\n\n\n"
    )
    # A table's indexes go with it.
    down = re.sub(r"    op\.drop_index\(.*\n", "", down)
    down = down.replace(
        '"""Take back."""\n',
        '"""Take back."""\n    for statement in drop_statements(op.get_bind().dialect.name):\n'
        "        op.execute(statement)\n",
    )
    target = versions / f"{FIRST}_first_schema.py"
    made.unlink()
    target.write_text(up + "def downgrade() -> None:" + down)
    subprocess.run([sys.executable, "-m", "ruff", "check", "--fix", "-q", str(target)], check=False)
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", str(target)], check=True)


if __name__ == "__main__":
    _rewrite()
