"""Stale incidents, on a real database."""

import uuid
from datetime import timedelta
from functools import partial

import pytest

from incidents.core.errors import AlreadySo
from incidents.engine.reminders import ReminderKind
from incidents.incident.incident import ById
from incidents.lifecycle.staleness import still_working
from incidents.lifecycle.status import cancel
from incidents.updates.post import UpdateDraft, post_update
from tests.world import World

QUIET = timedelta(days=3)  # by the built-in policy


async def asked(world: World, incident_id: uuid.UUID) -> int:
    return [entry.kind for entry in await world.entries(incident_id)].count("stale_asked")


async def test_a_quiet_incident_is_asked_about_and_again_after_the_same_time(
    world: World,
) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Slow search", by=alice, severity_key="sev4")
    for days, expected in ((2, 0), (1, 1), (2, 1), (1, 2)):
        world.clock.advance(timedelta(days=days))
        await world.tick()
        assert await asked(world, incident_id) == expected


async def test_peoples_entries_are_a_sign_of_life_and_the_systems_are_not(
    world: World,
) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice, severity_key="sev1")
    world.clock.advance(QUIET - timedelta(hours=1))
    await world.tick()  # many missed updates are recorded here
    world.clock.advance(timedelta(hours=1))
    await world.tick()
    assert await asked(world, incident_id) == 1

    draft = UpdateDraft(text="Still at it")
    world.clock.advance(QUIET - timedelta(hours=1))
    await world.run(partial(post_update, ref=ById(incident_id), draft=draft), by=alice)
    world.clock.advance(timedelta(hours=2))
    await world.tick()
    assert await asked(world, incident_id) == 1
    world.clock.advance(QUIET)
    await world.tick()
    assert await asked(world, incident_id) == 2


async def test_still_working_is_a_sign_of_life(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Slow search", by=alice, severity_key="sev4")
    world.clock.advance(QUIET)
    await world.tick()
    world.clock.advance(timedelta(days=1))
    await world.run(partial(still_working, ref=ById(incident_id)), by=alice)
    world.clock.advance(timedelta(days=2))
    await world.tick()
    assert await asked(world, incident_id) == 1


async def test_an_incident_that_is_over_is_never_asked_about(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Slow search", by=alice, severity_key="sev4")
    await world.run(partial(cancel, ref=ById(incident_id), reason="false alarm"))
    assert ReminderKind.STALE not in {r.kind for r in await world.pending_reminders()}
    world.clock.advance(2 * QUIET)
    await world.tick()
    assert await asked(world, incident_id) == 0
    with pytest.raises(AlreadySo):
        await world.run(partial(still_working, ref=ById(incident_id)), by=alice)
