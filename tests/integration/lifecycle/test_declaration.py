"""Declaring: one transaction with the incident, its entry, its effects and its reminders."""

import asyncio
from functools import partial

import pytest

from incidents.core.errors import InvalidInput, NotPermitted
from incidents.core.people import PersonKind
from incidents.engine.effects import OpenIncidentChannel
from incidents.engine.reminders import ReminderKind
from incidents.engine.transactions import RequestKey
from incidents.lifecycle.declare import Declaration, declare
from tests.world import World


async def test_declaring_writes_the_entry_the_channel_effect_and_the_reminders(
    world: World,
) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice, severity_key="sev2")

    entries = await world.entries(incident_id)
    assert [entry.kind for entry in entries] == ["declared"]
    assert len(await world.effects(OpenIncidentChannel)) == 1
    kinds = {reminder.kind for reminder in await world.pending_reminders()}
    assert {ReminderKind.UPDATE_DUE, ReminderKind.COMMANDER_MISSING} <= kinds


async def test_the_same_request_twice_declares_once(world: World) -> None:
    alice = await world.person("alice")
    use_case = partial(declare, declaration=Declaration(title="Checkout errors"))
    first = await world.run(use_case, by=alice, request=RequestKey("a"))
    again = await world.run(use_case, by=alice, request=RequestKey("a"))
    assert (again.incident_id, again.is_repeat) == (first.incident_id, True)


async def test_twenty_declarations_at_once_get_gapless_numbers(world: World) -> None:
    alice = await world.person("alice")
    ids = await asyncio.gather(*(world.declare(f"Outage {n}", by=alice) for n in range(20)))
    numbers = [(await world.view(incident_id)).number for incident_id in ids]
    assert sorted(numbers) == list(range(1, 21))


async def test_drills_have_their_own_numbers(world: World) -> None:
    alice = await world.person("alice")
    await world.declare("Checkout errors", by=alice)
    drill = await world.declare("Practice", by=alice, is_drill=True)
    assert (await world.view(drill)).reference == "DRILL-1"


async def test_a_very_similar_title_leads_to_the_incident_just_declared(
    world: World,
) -> None:
    alice = await world.person("alice")
    first = await world.declare("Checkout errors for EU", by=alice)
    use_case = partial(declare, declaration=Declaration(title="checkout errors for eu"))
    outcome = await world.run(use_case, by=await world.person("bob"))
    assert (outcome.kind, outcome.incident_id) == ("similar", first)


async def test_a_guest_cannot_declare(world: World) -> None:
    guest = await world.person("guest", kind=PersonKind.GUEST)
    with pytest.raises(NotPermitted):
        await world.declare("Checkout errors", by=guest)


async def test_an_empty_title_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput):
        await world.declare("  \n ", by=await world.person("alice"))


async def test_of_two_who_declare_the_same_at_once_one_is_told(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    await world.declare("Something else entirely", by=alice)
    use_case = partial(declare, declaration=Declaration(title="Checkout errors"))
    outcomes = await asyncio.gather(*(world.run(use_case, by=who) for who in (alice, bob)))
    assert sorted(outcome.kind for outcome in outcomes) == ["declared", "similar"]
