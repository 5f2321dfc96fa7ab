"""The timeline can't be changed behind one's back: the database refuses, and the chain tells."""

import uuid
from functools import partial

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, Incident
from incidents.incident.timeline import TimelineEntry, verify
from incidents.record.entries import Note, Redacted
from tests.world import World


async def _note(uow: UnitOfWork, incident_id: uuid.UUID, text: str) -> Outcome:
    incident = await uow.get_incident(ById(incident_id))
    uow.record(incident, Note(text=text))
    return Outcome("noted")


async def _incident_with_notes(world: World) -> uuid.UUID:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    for number in range(3):
        await world.run(partial(_note, incident_id=incident_id, text=f"note {number}"), by=alice)
    return incident_id


@pytest.mark.parametrize("column", ["actor_name", "kind", "entry_hash", "previous_hash"])
async def test_the_database_refuses_to_change_an_entry(world: World, column: str) -> None:
    await _incident_with_notes(world)
    with pytest.raises(DBAPIError, match="append-only"):
        async with world.database.writing() as session:
            await session.execute(update(TimelineEntry).values({column: "changed"}))


async def test_the_database_refuses_to_rewrite_content(world: World) -> None:
    await _incident_with_notes(world)
    with pytest.raises(DBAPIError, match="append-only"):
        async with world.database.writing() as session:
            await session.execute(update(TimelineEntry).values(content={"text": "nicer"}))


async def test_the_database_refuses_to_delete_an_entry(world: World) -> None:
    await _incident_with_notes(world)
    with pytest.raises(DBAPIError, match="append-only"):
        async with world.database.writing() as session:
            await session.execute(delete(TimelineEntry))


_ERASING = update(TimelineEntry).where(TimelineEntry.sequence == 2).values(content=None, salt=None)


async def test_the_database_refuses_to_erase_what_no_redaction_points_at(world: World) -> None:
    await _incident_with_notes(world)
    with pytest.raises(DBAPIError, match="append-only"):
        async with world.database.writing() as session:
            await session.execute(_ERASING)


async def test_what_a_redaction_points_at_may_be_erased_and_the_chain_still_proves(
    world: World,
) -> None:
    incident_id = await _incident_with_notes(world)
    target_id = (await world.entries(incident_id))[1].id

    async def redact(uow: UnitOfWork) -> Outcome:
        incident = await uow.get_incident(ById(incident_id))
        uow.record(incident, Redacted(), target_id=target_id)
        await uow.flush()
        await uow.session.execute(_ERASING)
        return Outcome("redacted")

    await world.run(redact)
    entries = await world.entries(incident_id)
    assert entries[1].content is None


async def test_a_change_with_the_guard_taken_down_is_found_by_verifying(world: World) -> None:
    incident_id = await _incident_with_notes(world)
    async with world.database.reading() as session:
        query = select(TimelineEntry).where(TimelineEntry.incident_id == incident_id)
        entries = list((await session.execute(query.order_by(TimelineEntry.sequence))).scalars())
        incident = await session.get(Incident, incident_id)
    assert incident is not None
    entries[1].content = {"text": "nicer"}
    entries[2].actor_name = "somebody else"
    flaws = verify(entries, head=incident.chain_head)
    assert [(flaw.sequence, flaw.problem) for flaw in flaws] == [
        (2, "content_changed"),
        (3, "entry_changed"),
    ]


async def test_what_no_hash_can_be_made_of_is_found_by_verifying(world: World) -> None:
    incident_id = await _incident_with_notes(world)
    entries = await world.entries(incident_id)
    async with world.database.reading() as session:
        incident = await session.get(Incident, incident_id)
    assert incident is not None
    entries[1].salt = "no hex"
    entries[2].content = {"text": 2**60}
    flaws = verify(entries, head=incident.chain_head)
    assert [(flaw.sequence, flaw.problem) for flaw in flaws] == [
        (2, "content_changed"),
        (3, "content_changed"),
    ]


async def test_a_missing_last_entry_is_found_by_verifying(world: World) -> None:
    incident_id = await _incident_with_notes(world)
    entries = await world.entries(incident_id)
    async with world.database.reading() as session:
        incident = await session.get(Incident, incident_id)
    assert incident is not None
    flaws = verify(entries[:-1], head=incident.chain_head)
    assert [flaw.problem for flaw in flaws] == ["head_differs"]


async def test_the_migrated_schema_is_what_the_models_say(world: World) -> None:
    from migrations.runner import differences, schema_state

    assert await differences(world.database) == []
    assert (await schema_state(world.database)).is_current


async def test_foreign_keys_are_enforced(world: World) -> None:
    with pytest.raises(DBAPIError):
        async with world.database.writing() as session:
            await session.execute(
                text("INSERT INTO counters (workspace_id, name, value) VALUES (:id, 'x', 1)"),
                {"id": uuid.uuid4().hex},
            )
