"""Nobody changes the timeline unnoticed: the database refuses, and the chain shows it."""

import uuid
from functools import partial

import pytest
from sqlalchemy import Executable, delete, select, text, update
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


@pytest.mark.parametrize(
    "statement",
    [
        *(
            update(TimelineEntry).values({column: "changed"})
            for column in ("actor_name", "kind", "entry_hash", "previous_hash")
        ),
        update(TimelineEntry).values(content={"text": "nicer"}),
        delete(TimelineEntry),
    ],
)
async def test_the_database_refuses_to_change_or_delete_an_entry(
    world: World, statement: Executable
) -> None:
    await _incident_with_notes(world)
    with pytest.raises(DBAPIError, match="append-only"):
        async with world.database.writing() as session:
            await session.execute(statement)


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


async def test_verifying_finds_a_change_made_without_the_guard(world: World) -> None:
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


async def test_verifying_finds_content_that_cannot_be_hashed(world: World) -> None:
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


async def test_verifying_finds_a_missing_last_entry(world: World) -> None:
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
