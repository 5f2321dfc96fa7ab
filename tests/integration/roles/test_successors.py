"""Successors who can't command, don't answer or decline: nobody is left waiting for them."""

from functools import partial

import pytest

from incidents.core.errors import InvalidInput
from incidents.core.people import Actor, PersonFacts, PersonKind
from incidents.incident.incident import ById
from incidents.people.assignable import Named
from incidents.policy.policy import DEPUTY
from incidents.roles.assign import assign_role
from incidents.roles.departures import save_people
from incidents.roles.step_down import step_down
from tests.integration.roles.test_command_watch import said, with_backup
from tests.integration.roles.test_handoff import Commanded, room
from tests.world import World

__all__ = ["room"]


async def becomes(
    world: World,
    person: Actor,
    *,
    is_active: bool | None = None,
    kind: PersonKind | None = None,
) -> None:
    facts = PersonFacts(person.external_id or "", name=person.name, is_active=is_active, kind=kind)
    await world.run(partial(save_people, people=[facts]))


async def steps_down(room: Commanded) -> str:
    return (await room.world.run(partial(step_down, ref=room.ref), by=room.alice)).kind


async def called(room: Commanded) -> list[str]:
    return [one["backup"]["name"] for one in await said(room.world, room.id) if one.get("backup")]


@pytest.mark.parametrize("kind", [PersonKind.GUEST, PersonKind.EXTERNAL])
@pytest.mark.parametrize("proposer", ["bob", "carol"])
async def test_a_request_for_somebody_who_is_no_member_any_more_moves_nothing(
    room: Commanded, kind: PersonKind, proposer: str
) -> None:
    await room.propose(room.bob, by=getattr(room, proposer))
    await becomes(room.world, room.bob, kind=kind)
    with pytest.raises(InvalidInput):
        await room.accept(by=room.alice)
    assert await room.commanders() == ["alice"]


async def test_who_became_a_guest_accepts_no_offer(room: Commanded) -> None:
    await room.propose(room.bob, by=room.alice)
    await becomes(room.world, room.bob, kind=PersonKind.GUEST)
    with pytest.raises(InvalidInput):
        await room.accept(by=room.bob)
    assert await room.commanders() == ["alice"]


@pytest.mark.parametrize("proposer", ["alice", "bob", "carol"])
async def test_the_handoff_of_somebody_who_leaves_ends(room: Commanded, proposer: str) -> None:
    await room.propose(room.bob, by=getattr(room, proposer))
    await becomes(room.world, room.bob, is_active=False)
    assert (await room.kinds())[-1] == "handoff_withdrawn"
    assert await steps_down(room) == "stepped_down"
    assert await room.commanders() == []


@pytest.mark.parametrize("kind", [PersonKind.GUEST, PersonKind.EXTERNAL])
@pytest.mark.parametrize("proposer", ["alice", "bob"])
async def test_a_successor_who_is_no_member_any_more_is_not_waited_for(
    room: Commanded, kind: PersonKind, proposer: str
) -> None:
    with_backup(room.world)
    await room.world.person("backup")
    await room.propose(room.bob, by=getattr(room, proposer))
    await becomes(room.world, room.bob, kind=kind)
    assert await steps_down(room) == "stepped_down"
    assert await room.commanders() == []
    assert await called(room) == ["backup"]


async def test_a_deputy_who_is_no_member_any_more_is_not_asked(room: Commanded) -> None:
    named = Named(room.bob.external_id or "", room.bob.name)
    give = partial(assign_role, ref=ById(room.id), role=DEPUTY, person=named)
    await room.world.run(give, by=room.alice)
    await becomes(room.world, room.bob, kind=PersonKind.GUEST)
    assert await steps_down(room) == "stepped_down"


async def test_an_asked_successor_who_leaves_is_replaced_by_the_backup(room: Commanded) -> None:
    with_backup(room.world)
    await room.world.person("backup")
    await room.propose(room.bob, by=room.alice)
    assert await steps_down(room) == "successor_asked"
    await becomes(room.world, room.bob, is_active=False)
    assert await called(room) == ["backup"]


async def test_a_successor_who_declines_is_replaced_by_the_backup(room: Commanded) -> None:
    with_backup(room.world)
    await room.world.person("backup")
    await room.propose(room.bob, by=room.alice)
    await steps_down(room)
    await room.decline(by=room.bob)
    assert await called(room) == ["backup"]


async def test_an_offer_that_nobody_answered_in_time_is_no_successor(room: Commanded) -> None:
    with_backup(room.world)
    await room.world.person("backup")
    await room.propose(room.bob, by=room.alice)
    await room.wait(minutes=3)
    assert await steps_down(room) == "stepped_down"
    assert await called(room) == ["backup"]
    await room.accept(by=room.bob)  # a late answer still counts
    assert await room.commanders() == ["bob"]
