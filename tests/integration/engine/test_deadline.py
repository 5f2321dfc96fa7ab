"""The deadline of a request ends what waits in the database, and undoes it."""

import asyncio
import time
from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError

from incidents.core.errors import Busy
from incidents.incident.incident import ById
from incidents.record.notes import add_note
from incidents.storage.availability import why_unusable
from incidents.storage.database import open_database
from incidents.storage.deadline import Deadline, TooLate, bound_by
from tests.world import World

WITHIN_SECONDS = 0.3
LATE_SECONDS = 1.5


def in_a_moment() -> Deadline:
    return Deadline(time.monotonic() + WITHIN_SECONDS)


async def test_what_waits_for_a_lock_is_given_up_in_time(world: World, database_url: str) -> None:
    """Without cancelling: PostgreSQL ends the statement itself, and SQLite isn't asked again."""
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    other = open_database(database_url)
    note = partial(add_note, ref=ById(incident_id), text="Errors fell")
    async with other.writing() as session:
        await session.execute(text("UPDATE incidents SET title = title"))
        began = time.monotonic()
        with pytest.raises((Busy, TooLate, DBAPIError)) as refused, bound_by(in_a_moment()):
            await world.transactions.run(note, actor=alice, workspace_id=world.workspace_id)
        assert time.monotonic() - began < LATE_SECONDS
        cause = refused.value.__cause__ if isinstance(refused.value, Busy) else refused.value
        assert cause is not None
        assert why_unusable(cause) is not None
    await other.close()
    assert "note" not in [entry.kind for entry in await world.entries(incident_id)]


async def test_a_statement_that_takes_too_long_is_ended_by_the_database(world: World) -> None:
    slow = "SELECT pg_sleep(5)"
    if world.database.is_sqlite:
        slow = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"
        )
    began = time.monotonic()
    with pytest.raises(DBAPIError) as ended, bound_by(in_a_moment()):
        async with world.database.reading() as session:
            await session.execute(text(slow))
    assert time.monotonic() - began < LATE_SECONDS
    assert why_unusable(ended.value) == "the database took too long"


async def test_a_commit_is_seen_through_but_a_silent_server_keeps_nobody_for_ever(
    world: World,
) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    world.transactions.commit_seconds = WITHIN_SECONDS
    note = partial(add_note, ref=ById(incident_id), text="Errors fell")
    restore = _commit_slowly(world)
    began = time.monotonic()
    task = asyncio.create_task(
        world.transactions.run(note, actor=alice, workspace_id=world.workspace_id)
    )
    # SQLite's thread goes on, even if a shutdown follows a deadline.
    for _ in range(2 if world.database.is_sqlite else 1):
        await asyncio.sleep(0.1)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < LATE_SECONDS
    restore()

    kinds = [entry.kind for entry in await world.entries(incident_id)]
    assert ("note" in kinds) is world.database.is_sqlite
    await world.transactions.run(note, actor=alice, workspace_id=world.workspace_id)


def _commit_slowly(world: World) -> Callable[[], None]:
    """Let SQLite's disk take its time, and PostgreSQL's server never answer."""
    engine = world.database.session_engine

    def slow(connection: Connection) -> None:
        if world.database.is_sqlite:
            time.sleep(0.5)
        else:
            connection.exec_driver_sql("SELECT pg_sleep(30)")

    event.listen(engine, "commit", slow)
    return partial(event.remove, engine, "commit", slow)


async def test_nothing_begins_after_the_deadline(world: World) -> None:
    with pytest.raises(TooLate), bound_by(Deadline(time.monotonic())):
        await world.person("alice")
