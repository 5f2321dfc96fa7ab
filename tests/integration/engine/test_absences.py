"""Absences: found when the bot is back, caught up with once, and said once."""

import uuid
from datetime import timedelta
from functools import partial

from incidents.channel.channel import record_opened
from incidents.engine.effects import CatchUp, PostEntry
from incidents.engine.entries import WasAway
from incidents.engine.presence import absences_since, beat, come_back, note_absence
from incidents.engine.unit_of_work import Outcome, UnitOfWork, UseCase
from incidents.incident.incident import ById
from incidents.lifecycle.status import cancel
from tests.world import World


async def opened(world: World, title: str) -> uuid.UUID:
    """Declare an incident and open its channel."""
    alice = await world.person("alice")
    incident_id = await world.declare(title, by=alice)

    async def use_case(uow: UnitOfWork) -> Outcome:
        await record_opened(
            uow, incident_id, channel_id=f"C{title}", channel_name=title, is_private=False
        )
        return Outcome("opened")

    await world.run(use_case)
    return incident_id


async def away_for(world: World, minutes: float) -> None:
    """Beat; then nobody does for a while, until two processes come back at once."""
    await world.run(beat)
    world.clock.advance(timedelta(minutes=minutes))
    await world.run(come_back)
    await world.run(come_back)


async def test_open_channels_are_read_once_after_longer_than_slack_redelivers(
    world: World,
) -> None:
    first, second = await opened(world, "one"), await opened(world, "two")
    over = await opened(world, "three")
    await world.declare("No channel yet", by=await world.person("alice"))
    await world.run(partial(cancel, ref=ById(over), reason="Nothing"))
    since = world.clock.now()

    await away_for(world, 5)
    assert await world.effects(CatchUp) == []
    async with world.database.reading() as session:
        found = await absences_since(session, since, workspace_id=world.workspace_id)
    assert len(found) == 1
    await away_for(world, 5.1)
    assert {one.incident_id for one in await world.effects(CatchUp)} == {first, second}
    assert len(await world.effects(CatchUp)) == 2


async def test_one_that_restarts_again_and_again_says_it_once_in_half_an_hour(world: World) -> None:
    incident_id = await opened(world, "one")

    for minutes in (40, 6, 6):
        await away_for(world, minutes)
        effect = (await world.effects(CatchUp))[-1]
        await world.run(noting(incident_id, effect.absence_id))
    entries = [one for one in await world.entries(incident_id) if one.kind == WasAway.kind]
    posted = [effect.entry_id for effect in await world.effects(PostEntry)]
    assert [entry.id in posted for entry in entries] == [True, False, False]

    world.clock.advance(timedelta(minutes=31))
    await away_for(world, 6)
    await world.run(noting(incident_id, (await world.effects(CatchUp))[-1].absence_id))
    last = (await world.entries(incident_id))[-1]
    assert last.id in [effect.entry_id for effect in await world.effects(PostEntry)]


def noting(incident_id: uuid.UUID, absence_id: uuid.UUID) -> UseCase:
    """Return the use case that records an absence."""

    async def use_case(uow: UnitOfWork) -> Outcome:
        await note_absence(uow, incident_id, absence_id=absence_id, is_complete=True)
        return Outcome("noted")

    return use_case
