"""Prepares the database at startup: waits for it, checks its schema, compares its clock."""

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_delay, wait_fixed

from bot.operations.identity import StartRefused
from incidents.core.clock import SystemClock
from incidents.storage.database import Database, may_pass, reason_of
from migrations.columns import missing_columns
from migrations.head import current_revision, newest_revision

WAIT_FOR = timedelta(seconds=30)

log = structlog.get_logger(__name__)


async def prepare_schema(database: Database, *, wait_for: timedelta = WAIT_FOR) -> None:
    """Upgrade a SQLite database to head; for PostgreSQL only check that it is at head.

    Raises:
        StartRefused: the database can't be reached, or its schema isn't this version's.
    """
    _refuse_lost_file(database)
    revision = await _reach(database, wait_for=wait_for)
    if revision != newest_revision():
        await _bring_to_head(database)
    await _check_columns(database)
    database.remember_file()
    if revision is None:  # a new file, or one without tables
        log.warning(
            "new_database",
            file=str(database.file),
            todo="if your incidents should be there, stop Sitrep; check DATABASE_URL and the volume",
        )


def _refuse_lost_file(database: Database) -> None:
    """Make the file's folder, and build nothing upon what is left of a lost file."""
    try:
        database.make_folder()
        lost = database.lost_file()
    except OSError as error:
        raise StartRefused(
            f"The folder of {database.file} can't be made or read: {reason_of(error)}.",
            todo="Check DATABASE_URL, and that Sitrep may write there.",
        ) from None
    if lost is not None:
        raise StartRefused(
            f"{lost}, so a database was there and is lost. I don't begin a new one in its place.",
            todo="Put the file back, or restore a backup. If you have nothing to keep, delete what "
            f"is left ({database.file}*) and start again.",
        )


async def _check_columns(database: Database) -> None:
    try:
        missing = await missing_columns(database)
    except (OSError, DBAPIError) as error:
        raise _unusable(database, error) from None
    if missing:
        raise StartRefused(
            f"The database lacks columns that this version needs: {', '.join(missing)}.",
            todo="Somebody or something changed its tables: restore a backup.",
        )


async def _bring_to_head(database: Database) -> None:
    # Imported late: this takes as long as the rest of the startup.
    from migrations import runner  # noqa: PLC0415

    state = await runner.schema_state(database)
    if not state.is_known:
        raise StartRefused(
            f"The database is at schema {state.current}, which this version doesn't know.",
            todo="It was migrated by a newer Sitrep: start that version, or go back with its "
            f"`sitrep migrate --to {state.head}`.",
        )
    if state.is_foreign:
        own = "file" if database.is_sqlite else "database"
        raise StartRefused(
            f"{database.file or 'The database'} holds another program's tables.",
            todo=f"Nothing was changed. Name a {own} of its own in DATABASE_URL.",
        )
    if not database.is_sqlite:
        found = f"at schema {state.current}" if state.current else "empty"
        raise StartRefused(
            f"The database is {found}; this version needs schema {state.head}.",
            todo="Run `sitrep migrate`, then start again.",
        )
    try:
        await runner.upgrade(database)
    except DBAPIError as error:
        raise StartRefused(
            f"The database can't be brought to schema {state.head}: {reason_of(error)}.",
            todo="Nothing was changed. Is DATABASE_URL Sitrep's own database, and may it write?",
        ) from None
    log.info("schema_upgraded", schema=state.head)


def open_to_others(database: Database) -> tuple[Path, ...]:
    """Return which of the SQLite file, its logs and its folder others than the owner can open."""
    if database.file is None:
        return ()
    logs = (database.file.with_name(f"{database.file.name}{end}") for end in ("-wal", "-shm"))
    there = [path for path in (database.file.parent, database.file, *logs) if path.exists()]
    return tuple(path for path in there if stat.S_IMODE(path.stat().st_mode) & 0o077)


def write_protected(database: Database) -> Path | None:
    """Return what this user may not write to: the SQLite file or its folder; None if it may."""
    if database.file is None:
        return None
    needed = (database.file, database.file.parent)
    return next((path for path in needed if not os.access(path, os.W_OK)), None)


async def _reach(database: Database, *, wait_for: timedelta) -> str | None:
    """Wait until the database answers, and return its revision."""
    attempts = AsyncRetrying(
        retry=retry_if_exception(
            lambda error: isinstance(error, (OSError, DBAPIError)) and may_pass(error)
        ),
        stop=stop_after_delay(wait_for),
        wait=wait_fixed(1),
        before_sleep=_log_waiting,
        reraise=True,
    )
    try:
        async for attempt in attempts:
            with attempt:
                revision = await current_revision(database)
                if database.is_sqlite and revision is not None:
                    await _try_to_write(database)
                return revision
    except (OSError, DBAPIError) as error:
        raise _unusable(database, error) from None
    raise AssertionError("unreachable: the last failure is raised")


def _unusable(database: Database, error: OSError | DBAPIError) -> StartRefused:
    return StartRefused(
        f"The database can't be used: {reason_of(error)}.",
        todo=f"Check DATABASE_URL, and {what_to_check(database)}.",
    )


async def _try_to_write(database: Database) -> None:
    """Write an unchanged value and roll back. Raises: DBAPIError for a read-only file."""
    async with database.writing() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = version_num"))


def _log_waiting(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    why = reason_of(error) if isinstance(error, (OSError, DBAPIError)) else "unknown"
    log.warning("waiting_for_database", reason=why, attempt=state.attempt_number)


def what_to_check(database: Database) -> str:
    """Return what to check when the database can't be used, to follow "check …, and"."""
    if database.is_sqlite:
        return f"that {database.file} is a whole database file which Sitrep may read and write"
    return "that the database is there and up, and takes this user and password"


async def clock_offset(database: Database) -> timedelta:
    """Return how far the database's clock is ahead of this machine's; zero on SQLite."""
    if database.is_sqlite:
        return timedelta(0)
    best: tuple[timedelta, timedelta] | None = None
    async with database.engine.connect() as connection:
        # The fastest of three queries is the most precise; assume it was answered halfway through.
        for _ in range(3):
            asked = _machine_now()
            row = await connection.execute(text("SELECT clock_timestamp()"))
            told: datetime = row.scalar_one()
            took = _machine_now() - asked
            offset = told.astimezone(UTC) - (asked + took / 2)
            best = min(best, (took, offset)) if best else (took, offset)
    return best[1] if best else timedelta(0)


async def measured_clock(database: Database) -> SystemClock:
    """Return the machine's clock, corrected to the database's."""
    offset = await clock_offset(database)
    if abs(offset) > timedelta(seconds=1):
        log.warning("clock_differs_from_database", seconds=round(offset.total_seconds(), 3))
    return SystemClock(offset=offset)


def _machine_now() -> datetime:
    return SystemClock().now()
