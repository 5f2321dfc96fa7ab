"""Nobody in command: asked for once, then the policy's backup is named once, then silence."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from incidents.engine.effects import InvitePolicyPeople, TellPerson
from incidents.incident.incident import ById
from incidents.lifecycle.status import cancel
from incidents.people.assignable import Named
from incidents.policy.references import PersonRef
from incidents.policy.waking.call import CallRule
from incidents.roles.assign import assign_role
from incidents.roles.command import take_command, take_over
from incidents.roles.step_down import step_down
from tests.world import World

BACKUP = PersonRef(user_id="UBACKUP")


def with_backup(world: World, *, privately: bool = False) -> None:
    """Name a backup for every severity, and for private incidents if asked."""
    world.change_policy(call=(CallRule(backup=BACKUP),))
    if privately:
        world.change_policy(private=replace(world.policy.private, invite=(BACKUP,)))


async def said(world: World, incident_id: uuid.UUID) -> list[Mapping[str, Any]]:
    return [
        entry.content or {}
        for entry in await world.entries(incident_id)
        if entry.kind == "commander_missing"
    ]


async def wait(world: World, **duration: float) -> None:
    world.clock.advance(timedelta(**duration))
    await world.tick()


async def test_after_five_minutes_the_channel_is_asked_then_the_backup_is_named(
    world: World,
) -> None:
    with_backup(world)
    backup = await world.person("backup")
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    await world.gather(incident_id, alice)

    await wait(world, minutes=4, seconds=59)
    assert await said(world, incident_id) == []
    await wait(world, seconds=1)
    (asked,) = await said(world, incident_id)
    assert (asked["minutes"], asked.get("backup")) == (5, None)

    await wait(world, minutes=5)
    named = (await said(world, incident_id))[-1]
    assert named["backup"]["name"] == "backup"
    assert [effect.people for effect in await world.effects(InvitePolicyPeople)] == [("UBACKUP",)]
    assert [effect.person_id for effect in await world.effects(TellPerson)] == [backup.person_id]

    for _ in range(10):
        await wait(world, minutes=30)
    assert len(await said(world, incident_id)) == 2


async def test_a_backup_whom_we_do_not_know_yet_is_named_and_invited(world: World) -> None:
    with_backup(world)
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    await wait(world, minutes=5)
    await wait(world, minutes=5)
    named = (await said(world, incident_id))[-1]
    assert named["backup"]["external_id"] == "UBACKUP"
    assert len(await world.effects(InvitePolicyPeople)) == 1


async def test_without_a_backup_the_channel_is_asked_once(world: World) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    for _ in range(6):
        await wait(world, minutes=5)
    assert [content.get("backup") for content in await said(world, incident_id)] == [None]


async def test_after_an_absence_only_the_backup_is_named(world: World) -> None:
    with_backup(world)
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    await wait(world, hours=1)
    (named,) = await said(world, incident_id)
    assert named["backup"]["external_id"] == "UBACKUP"
    await wait(world, hours=1)
    assert len(await said(world, incident_id)) == 1


async def test_nobody_is_asked_for_once_somebody_commands(world: World) -> None:
    with_backup(world)
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    await wait(world, minutes=5)
    await world.run(partial(take_command, ref=ById(incident_id)), by=alice)
    await wait(world, minutes=30)
    assert len(await said(world, incident_id)) == 1


async def test_nobody_is_asked_for_once_the_incident_is_over(world: World) -> None:
    incident_id = await world.declare("Checkout errors", by=await world.person("alice"))
    await world.run(partial(cancel, ref=ById(incident_id), reason="False alarm"))
    await wait(world, minutes=30)
    assert await said(world, incident_id) == []


async def test_a_commander_who_steps_down_leaves_command_at_once_and_the_backup_is_called(
    world: World,
) -> None:
    with_backup(world)
    alice, backup = await world.person("alice"), await world.person("backup")
    incident_id = await world.declare("Checkout errors", by=alice)
    await world.gather(incident_id, alice)
    await world.run(partial(take_command, ref=ById(incident_id)), by=alice)

    outcome = await world.run(partial(step_down, ref=ById(incident_id)), by=alice)

    assert (outcome.kind, outcome.data["backup"]) == ("stepped_down", "backup")
    assert (await world.view(incident_id)).holders("commander") == ()
    (named,) = await said(world, incident_id)
    assert named["backup"]["name"] == "backup"
    assert [effect.person_id for effect in await world.effects(TellPerson)] == [backup.person_id]
    await wait(world, hours=1)
    assert len(await said(world, incident_id)) == 1


async def test_a_backup_who_steps_down_is_not_called_back_and_the_channel_is_asked(
    world: World,
) -> None:
    with_backup(world)
    backup = await world.person("backup")
    incident_id = await world.declare("Checkout errors", by=backup)
    await world.gather(incident_id, backup)
    await world.run(partial(take_command, ref=ById(incident_id)), by=backup)

    outcome = await world.run(partial(step_down, ref=ById(incident_id)), by=backup)

    assert (outcome.kind, outcome.data["backup"]) == ("stepped_down", "")
    assert await said(world, incident_id) == []  # the entry about stepping down asks the channel
    await wait(world, hours=1)
    asked = await said(world, incident_id)
    assert [(one["minutes"], one.get("backup")) for one in asked] == [(60, None)]
    assert await world.effects(TellPerson) == []
    assert await world.effects(InvitePolicyPeople) == []


async def test_a_backup_who_handed_command_on_is_called_when_their_successor_steps_down(
    world: World,
) -> None:
    with_backup(world)
    alice, backup = await world.person("alice"), await world.person("backup")
    incident_id = await world.declare("Checkout errors", by=alice)
    ref = ById(incident_id)
    await world.run(partial(take_command, ref=ref), by=backup)
    await wait(world, minutes=1)
    scribe = Named(alice.external_id or "", alice.name)
    await world.run(partial(assign_role, ref=ref, role="scribe", person=scribe), by=backup)
    await world.run(partial(take_over, ref=ref, reason="Shift ends"), by=alice)
    outcome = await world.run(partial(step_down, ref=ref), by=alice)
    assert (outcome.kind, outcome.data["backup"]) == ("stepped_down", "backup")


async def test_when_a_commander_steps_down_without_a_backup_the_channel_is_asked_again(
    world: World,
) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    await world.run(partial(take_command, ref=ById(incident_id)), by=alice)
    await world.run(partial(step_down, ref=ById(incident_id)), by=alice)
    assert await said(world, incident_id) == []
    await wait(world, minutes=5)
    assert len(await said(world, incident_id)) == 1


async def test_the_deputy_is_asked_first_and_the_backup_once_they_do_not_answer(
    world: World,
) -> None:
    with_backup(world)
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    ref = ById(incident_id)
    await world.run(partial(take_command, ref=ref), by=alice)
    named = Named(bob.external_id or "", bob.name)
    await world.run(partial(assign_role, ref=ref, role="deputy", person=named), by=alice)

    outcome = await world.run(partial(step_down, ref=ref), by=alice)

    assert (outcome.kind, outcome.data["person"]) == ("successor_asked", "bob")
    assert await said(world, incident_id) == []
    await wait(world, minutes=2)
    (missing,) = await said(world, incident_id)
    assert missing["backup"]["external_id"] == "UBACKUP"
    assert (await world.view(incident_id)).holders("commander") == ()


async def test_a_drill_calls_nobody(world: World) -> None:
    with_backup(world)
    incident_id = await world.declare("Practice", by=await world.person("alice"), is_drill=True)
    await wait(world, hours=1)
    assert [content.get("backup") for content in await said(world, incident_id)] == [None]
    assert await world.effects(InvitePolicyPeople) == []


async def test_a_private_incident_calls_the_backup_only_if_the_policy_lets_them_in(
    world: World,
) -> None:
    alice, backup = await world.person("alice"), await world.person("backup")
    with_backup(world)
    kept = await world.declare("Leaked key", by=alice, is_private=True)
    await wait(world, hours=1)
    assert [content.get("backup") for content in await said(world, kept)] == [None]

    with_backup(world, privately=True)
    shared = await world.declare("Leaked key again", by=alice, is_private=True)
    await wait(world, hours=1)
    (named,) = await said(world, shared)
    assert named["backup"]["name"] == "backup"
    assert (await world.view(shared, viewer=backup)).id == shared
