"""The unit of work: what one transaction guarantees."""

import asyncio
import uuid
from functools import partial

import pytest

from incidents.engine.effects import PostEntry
from incidents.engine.transactions import RequestKey
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById
from incidents.record.entries import Note
from tests.world import World


async def _note(uow: UnitOfWork, incident_id: uuid.UUID, text: str) -> Outcome:
    incident = await uow.get_incident(ById(incident_id))
    uow.record(incident, Note(text=text))
    return Outcome("noted", incident.id)


async def test_several_changes_of_one_incident_in_one_transaction_keep_the_chain(
    world: World,
) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)

    async def three_notes(uow: UnitOfWork) -> Outcome:
        for text in ("one", "two", "three"):
            await _note(uow, incident_id, text)
        return Outcome("noted")

    await world.run(three_notes, by=alice)
    texts = [
        entry.content["text"] for entry in (await world.entries(incident_id))[-3:] if entry.content
    ]
    assert texts == ["one", "two", "three"]
    assert len(await world.effects(PostEntry)) == 3


async def test_a_use_case_that_fails_leaves_nothing_behind(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)

    async def fail_late(uow: UnitOfWork) -> Outcome:
        await _note(uow, incident_id, "lost")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await world.run(fail_late, by=alice)
    assert [entry.kind for entry in await world.entries(incident_id)] == ["declared"]
    assert await world.effects(PostEntry) == []


async def test_twenty_concurrent_updates_lose_none(world: World) -> None:
    world.is_tampered = True  # it changes a row without an entry
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)

    async def count_up(uow: UnitOfWork) -> Outcome:
        incident = await uow.get_incident(ById(incident_id))
        seen = int(incident.summary or 0)
        await asyncio.sleep(0)
        incident.summary = str(seen + 1)
        uow.record(incident, Note(text=str(seen)))
        return Outcome("counted")

    await asyncio.gather(*(world.run(count_up, by=alice) for _ in range(20)))
    assert (await world.view(incident_id)).summary == "20"
    assert len(await world.entries(incident_id)) == 21


async def test_the_same_request_twice_at_once_runs_once(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    use_case = partial(_note, incident_id=incident_id, text="once")
    outcomes = await asyncio.gather(
        *(world.run(use_case, by=alice, request=RequestKey("press")) for _ in range(5))
    )
    assert sum(not outcome.is_repeat for outcome in outcomes) == 1
    assert len(await world.entries(incident_id)) == 2
