"""Makes a backup: copied at one moment while the bot writes, checked, then given its name."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from bot.operations.backups import files, postgres, sqlite
from incidents.core.people import Workspace
from incidents.record.audit_log import audit_entries, verify_audit
from incidents.storage.database import Database, open_database


class BackupFailed(Exception):
    """No backup was made; the message says why."""


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made; `flawed` are the workspaces whose audit log isn't as recorded."""

    size: int
    flawed: tuple[str, ...] = ()


async def make_backup(
    database: Database, target: Path, *, force: bool, programs: Path | None
) -> Made:
    """Back the database up into a file that only its owner can read.

    Raises:
        FileExistsError: the target is there, and `force` is false.
        BackupFailed: the copy isn't whole, or would replace the database itself.
        ToolFailed, sqlite3.Error, DBAPIError, OSError: something can't be read or written.
    """
    if database.file is None:
        server = await postgres.reach_server(database, programs=programs)
        with files.whole_file(target, force=force) as copy:
            await server.dump(copy)
            return Made(copy.stat().st_size)
    if _is_same(target, database.file):
        raise BackupFailed(f"{target} is the database itself. Name another file.")
    with files.whole_file(target, force=force) as copy:
        await asyncio.to_thread(sqlite.copy_live, database.file, copy)
        damage = await asyncio.to_thread(sqlite.find_damage, copy)
        if damage is not None:
            raise BackupFailed(f"The copy is damaged ({damage}). Keep your earlier backups.")
        return Made(copy.stat().st_size, await _flawed_logs(copy))


def _is_same(target: Path, database: Path) -> bool:
    return target.exists() and target.samefile(database)


async def _flawed_logs(file: Path) -> tuple[str, ...]:
    """Return the workspaces whose audit log isn't proven; timelines take `sitrep verify` longer."""
    database = open_database(f"sqlite+aiosqlite:///{file}", for_reading=True)
    try:
        async with database.reading() as session:
            workspaces = list((await session.execute(select(Workspace))).scalars())
            flawed = []
            for workspace in workspaces:
                log, head = await audit_entries(session, workspace_id=workspace.id)
                if verify_audit(log, head=head):
                    flawed.append(workspace.external_id)
    finally:
        await database.close()
    return tuple(flawed)
