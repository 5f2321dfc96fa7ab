"""Migrations after the first: up, down and up again, with data and while this version works on."""

import asyncio
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from incidents.core.people import Actor
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById
from incidents.lifecycle.severity import change_severity
from incidents.record.hiding import redact_entry
from incidents.record.notes import add_note
from incidents.registry.tables import metadata
from incidents.rights.stages import Stage
from incidents.roles.command import take_command
from incidents.storage.database import Database, open_database
from migrations import runner
from migrations.head import newest_revision
from tests.next_version import downgrade, upgrade
from tests.policies import built_in
from tests.supervision import change, log, managed
from tests.world import World

CARELESS = """
from alembic import op
revision, down_revision = "careless", "HEAD"
def upgrade():
    op.execute("DELETE FROM workspaces")
"""


async def play(world: World) -> tuple[Actor, uuid.UUID]:
    """Play an incident that leaves rows in many tables; return the commander and the incident."""
    managed(world)
    ana, alice, bob = [await world.person(name) for name in ("ana", "alice", "bob")]
    incident_id = await world.declare("Checkout errors", by=alice)
    ref = ById(incident_id)
    await world.run(partial(take_command, ref=ref), by=alice)
    await note(world, incident_id, "The password is hunter2", by=alice)
    await world.run(partial(change_severity, ref=ref, severity_key="sev1", reason="All of it"))
    entry = next(one for one in await world.entries(incident_id) if one.kind == "note")
    await world.run(partial(redact_entry, ref=ref, entry_id=entry.id))
    await world.run(change(bob, Stage.LEAD), by=ana)
    return alice, incident_id


async def note(world: World, incident_id: uuid.UUID, words: str, *, by: Actor) -> None:
    """Add a note to the timeline."""
    await world.run(partial(add_note, ref=ById(incident_id), text=words), by=by)


async def rows(database: Database) -> dict[str, list[Any]]:
    """Return every row of every table, by this version's columns."""
    async with database.reading() as session:
        return {
            table.name: sorted(map(repr, await session.execute(select(table))))
            for table in metadata().sorted_tables
        }


async def guards(database: Database) -> set[str]:
    """Return the definitions of all indexes and triggers."""
    query = (
        "SELECT sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
        if database.is_sqlite
        else "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL "
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
    )
    async with database.reading() as session:
        return set((await session.execute(text(query))).scalars())


async def scalar(database: Database, statement: str) -> Any:
    async with database.reading() as session:
        return (await session.execute(text(statement))).scalar_one()


async def test_up_down_and_up_again_keep_every_row_and_every_guard(world: World) -> None:
    alice, incident_id = await play(world)
    before, guarded = await rows(world.database), await guards(world.database)
    assert sum(bool(found) for found in before.values()) > 10

    await upgrade(world.database)
    assert await rows(world.database) == before
    assert await scalar(world.database, "SELECT cost FROM incidents") == 10
    with pytest.raises(DBAPIError, match="append-only"):
        await scalar(world.database, "UPDATE timeline_entries SET source = 'x' RETURNING 1")

    await note(world, incident_id, "Written in between", by=alice)
    between = await rows(world.database)
    await downgrade(world.database)
    assert await rows(world.database) == between
    assert await guards(world.database) == guarded
    assert await runner.differences(world.database) == []

    await upgrade(world.database)
    assert await rows(world.database) == between
    assert await world.flaws() == set()
    assert len(await log(world)) == 1


async def test_a_process_of_this_version_writes_on_during_and_after_the_upgrade(
    world: World, database_url: str
) -> None:
    alice, incident_id = await play(world)
    written = await write(world, incident_id, by=alice, until=None)
    other = open_database(database_url)
    upgrading = asyncio.create_task(upgrade(other))
    written += await write(world, incident_id, by=alice, until=upgrading)
    await upgrading
    await other.close()

    async def write_as_the_next_version(uow: UnitOfWork) -> Outcome:
        await uow.session.execute(text("UPDATE incidents SET cost = 500"))
        return await add_note(uow, ById(incident_id), text="Next version: it cost 500.")

    await world.run(write_as_the_next_version, by=alice)
    written += ["Next version: it cost 500."]
    written += await write(world, incident_id, by=alice, until=None)
    second = await world.declare("Mail bounces", by=alice)

    told = [
        str(one.content["text"])
        for one in await world.entries(incident_id)
        if one.kind == "note" and one.content
    ]
    assert told == written
    assert await scalar(world.database, "SELECT max(cost) FROM incidents") == 500
    assert (await world.view(second)).title == "Mail bounces"
    assert await scalar(world.database, "SELECT min(cost) FROM incidents") == 0


async def write(
    world: World, incident_id: uuid.UUID, *, by: Actor, until: asyncio.Task[None] | None
) -> list[str]:
    """Write notes until a task is done, at least three; return those that were promised."""
    written: list[str] = []
    while len(written) < 3 or not (until is None or until.done()):
        words = f"Saw {uuid.uuid4()}"
        await note(world, incident_id, words, by=by)
        written.append(words)
        await asyncio.sleep(0.001)  # let the other process have the lock
    return written


async def test_a_migration_that_leaves_a_reference_to_nothing_is_undone(
    sqlite_url: str, tmp_path: Path
) -> None:
    world = World(open_database(sqlite_url), built_in().policy)
    await world.open()
    await world.person("alice")
    before = await rows(world.database)
    careless = CARELESS.replace("HEAD", newest_revision())
    (tmp_path / "29991231_2359_careless.py").write_text(careless)
    with pytest.raises(IntegrityError, match="people refers to one of workspaces"):
        await runner.upgrade(world.database, versions=(runner.VERSIONS, tmp_path))
    assert await rows(world.database) == before
    await world.database.close()
