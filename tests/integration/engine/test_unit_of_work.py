"""The unit of work: what one transaction promises."""

import asyncio
import uuid
from functools import partial

import pytest
from sqlalchemy import select

from incidents.engine.effects import OpenIncidentChannel, PostEntry, decode
from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.engine.transactions import RequestKey
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById
from incidents.incident.timeline import EntryKind
from incidents.lifecycle.declare import Declaration, declare
from tests.world import World


async def _note(uow: UnitOfWork, incident_id: uuid.UUID, text: str) -> Outcome:
    incident = await uow.get_incident(ById(incident_id))
    uow.record(incident, EntryKind.NOTE, {"text": text})
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
    assert [entry.kind for entry in await world.entries(incident_id)] == [EntryKind.DECLARED]
    assert await world.effects(PostEntry) == []


async def test_twenty_concurrent_read_decide_writes_lose_none(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)

    async def count_up(uow: UnitOfWork) -> Outcome:
        incident = await uow.get_incident(ById(incident_id))
        seen = int(incident.summary or 0)
        await asyncio.sleep(0)
        incident.summary = str(seen + 1)
        uow.record(incident, EntryKind.NOTE, {"text": str(seen)})
        return Outcome("counted")

    await asyncio.gather(*(world.run(count_up, by=alice) for _ in range(20)))
    assert (await world.view(incident_id)).summary == "20"
    assert len(await world.entries(incident_id)) == 21


async def test_the_same_request_at_the_same_instant_is_carried_out_once(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    use_case = partial(_note, incident_id=incident_id, text="once")
    outcomes = await asyncio.gather(
        *(world.run(use_case, by=alice, request=RequestKey("press")) for _ in range(5))
    )
    assert sum(not outcome.is_repeat for outcome in outcomes) == 1
    assert len(await world.entries(incident_id)) == 2


class Sending:
    """A process that sends, or doesn't: what was given to it to carry out."""

    def __init__(self, name: str | None) -> None:
        """Take the name that it takes effects under; None: it doesn't send now."""
        self.name = name
        self.given: list[EffectRow] = []

    def claim_as(self, workspace_id: uuid.UUID) -> str | None:
        """Return the name."""
        return self.name

    def carry_out(self, row: EffectRow) -> None:
        """Remember the effect."""
        self.given.append(row)


async def _stored(world: World) -> list[tuple[str, str | None, int]]:
    async with world.database.reading() as session:
        rows = (await session.execute(select(EffectRow))).scalars()
        return [(row.status, row.claimed_by, row.attempts) for row in rows]


async def test_who_sends_begins_to_open_a_new_incidents_channel_with_the_commit(
    world: World,
) -> None:
    world.transactions.sender = sending = Sending("here")
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    assert await _stored(world) == [(EffectStatus.CLAIMED, "here", 1)]
    [row] = sending.given
    assert (row.kind, row.incident_id) == (OpenIncidentChannel.kind, incident_id)
    assert decode(row.kind, row.payload) == OpenIncidentChannel(incident_id=incident_id)


async def test_who_doesnt_send_leaves_a_new_incidents_channel_to_whoever_does(
    world: World,
) -> None:
    world.transactions.sender = sending = Sending(None)
    alice = await world.person("alice")
    await world.declare("Checkout errors", by=alice)
    assert await _stored(world) == [(EffectStatus.PENDING, None, 0)]
    assert sending.given == []


async def test_of_a_repeated_or_failed_declaration_nothing_is_begun(world: World) -> None:
    world.transactions.sender = sending = Sending("here")
    alice = await world.person("alice")
    once = partial(declare, declaration=Declaration(title="Checkout errors"))

    async def fail_late(uow: UnitOfWork) -> Outcome:
        await once(uow)
        await uow.follow_up()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await world.run(fail_late, by=alice)
    assert sending.given == []
    for _ in range(2):
        await world.run(once, by=alice, request=RequestKey("submit"))
    assert len(sending.given) == 1
