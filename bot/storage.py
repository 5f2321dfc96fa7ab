"""Getting the database ready at the start: there, at the right schema, and its clock compared."""

from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from bot.identity import StartRefused
from incidents.clock import SystemClock
from incidents.database import Database
from migrations.head import current_revision, newest_revision

WAIT_FOR = timedelta(seconds=30)

log = structlog.get_logger(__name__)


async def prepare_schema(database: Database, *, wait_for: timedelta = WAIT_FOR) -> None:
    """Bring an embedded SQLite database to head; of PostgreSQL only see that it is there.

    Raises:
        StartRefused: the database can't be reached, or its schema isn't this version's.
    """
    if await _reach(database, wait_for=wait_for) == newest_revision():
        return
    # Only now: importing it costs as much as the rest of the start.
    from migrations import runner  # noqa: PLC0415

    state = await runner.schema_state(database)
    if not state.is_known:
        raise StartRefused(
            f"The database is at schema {state.current}, which this version doesn't know.",
            todo="It was migrated by a newer Sitrep: start that version, or a newer one.",
        )
    if not database.is_sqlite:
        found = f"at schema {state.current}" if state.current else "empty"
        raise StartRefused(
            f"The database is {found}; this version needs schema {state.head}.",
            todo="Run `sitrep migrate`, then start again.",
        )
    await runner.upgrade(database)
    log.info("schema_upgraded", schema=state.head)


async def _reach(database: Database, *, wait_for: timedelta) -> str | None:
    """Return the database's revision, as soon as it answers."""
    attempts = AsyncRetrying(
        retry=retry_if_exception_type((OSError, DBAPIError)),
        stop=stop_after_delay(wait_for),
        wait=wait_fixed(1),
        before_sleep=lambda state: log.warning(
            "waiting_for_database", attempt=state.attempt_number
        ),
        reraise=True,
    )
    try:
        async for attempt in attempts:
            with attempt:
                return await current_revision(database)
    except (OSError, DBAPIError) as error:
        raise StartRefused(
            f"The database can't be reached ({type(error).__name__}).",
            todo="Check DATABASE_URL, and that the database is up.",
        ) from None
    raise AssertionError("unreachable: the last failure is raised")


async def clock_offset(database: Database) -> timedelta:
    """Return by how much the database's clock is ahead of this machine's; none on SQLite."""
    if database.is_sqlite:
        return timedelta(0)
    best: tuple[timedelta, timedelta] | None = None
    async with database.engine.connect() as connection:
        # The quickest of a few questions tells best: the answer was given halfway through it.
        for _ in range(3):
            asked = _machine_now()
            row = await connection.execute(text("SELECT clock_timestamp()"))
            told: datetime = row.scalar_one()
            took = _machine_now() - asked
            offset = told.astimezone(UTC) - (asked + took / 2)
            best = min(best, (took, offset)) if best else (took, offset)
    return best[1] if best else timedelta(0)


async def measured_clock(database: Database) -> SystemClock:
    """Return the machine's clock, corrected to go by the database's."""
    offset = await clock_offset(database)
    if abs(offset) > timedelta(seconds=1):
        log.warning("clock_differs_from_database", seconds=round(offset.total_seconds(), 3))
    return SystemClock(offset=offset)


def _machine_now() -> datetime:
    return SystemClock().now()
