"""Handoffs that outlive what they were about: the incident is over, reopened, or not theirs to see."""

from functools import partial

import pytest

from incidents.channel.channel import record_opened
from incidents.channel.membership import join_channel, leave_channel
from incidents.core.errors import (
    DomainError,
    IncidentNotFound,
    InvalidInput,
    NotPermitted,
    Superseded,
)
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.lifecycle.resolve import Resolution, resolve
from incidents.lifecycle.status import reopen
from incidents.policy.references import PersonRef
from incidents.policy.supervision import MentorSeed
from incidents.roles.assign import claim_role
from incidents.roles.command import take_over
from incidents.roles.handoffs import HandoffStatus
from tests.integration.roles.test_handoff import Commanded, room
from tests.supervision import seed
from tests.world import World

__all__ = ["room"]


async def _resolve(room: Commanded) -> None:
    resolution = Resolution(text="Rolled back", has_customer_impact=False)
    await room.world.run(partial(resolve, ref=room.ref, resolution=resolution), by=room.alice)


@pytest.mark.parametrize("asker", ["alice", "bob"])
async def test_what_waited_when_it_was_resolved_moves_no_command_after_reopening(
    room: Commanded, asker: str
) -> None:
    await room.propose(room.bob, by=getattr(room, asker))
    old = await room.pending()
    await _resolve(room)
    assert (await room.handoff(old)).status is HandoffStatus.WITHDRAWN
    answerer = room.bob if asker == "alice" else room.alice
    with pytest.raises(DomainError):
        await room.accept(by=answerer, handoff_id=old)
    await room.world.run(partial(reopen, ref=room.ref, reason="Errors are back"), by=room.alice)
    with pytest.raises(Superseded):
        await room.accept(by=answerer, handoff_id=old)
    assert await room.commanders() == ["alice"]


async def test_the_request_of_somebody_who_was_removed_gives_them_no_command(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    room = Commanded(world, alice=alice, bob=bob, carol=bob)
    room.id = await world.declare("Leaked key", by=alice, is_private=True)

    async def opened(uow: UnitOfWork) -> Outcome:
        channel = {"channel_id": "C1", "channel_name": "inc-1"}
        await record_opened(uow, room.id, **channel, is_private=True)
        return Outcome("opened")

    await world.run(opened)
    await room.propose(alice, by=alice)
    for person in (alice, bob):
        await world.run(partial(join_channel, channel_id="C1"), by=person)
    await room.wait(minutes=1)
    await room.propose(bob, by=bob)
    asked = await room.pending()
    await world.run(partial(leave_channel, channel_id="C1"), by=bob)

    with pytest.raises(Superseded):
        await room.accept(by=alice, handoff_id=asked)
    for attempt in (
        partial(take_over, ref=room.ref, reason="Nobody answers"),
        partial(take_over, ref=room.ref, reason="x", seen_commander_id=str(alice.person_id)),
    ):
        with pytest.raises(IncidentNotFound):
            await world.run(attempt, by=bob)
    assert await room.commanders() == ["alice"]


async def test_who_is_no_responder_and_no_senior_takes_nothing_over(room: Commanded) -> None:
    dan = await room.world.person("dan")
    with pytest.raises(NotPermitted):
        await room.world.run(partial(take_over, ref=room.ref, reason="Alice sleeps"), by=dan)
    await room.world.run(partial(claim_role, ref=room.ref, role="scribe"), by=dan)
    with pytest.raises(InvalidInput, match="reason"):
        await room.world.run(partial(take_over, ref=room.ref, reason="\u200b"), by=dan)
    await room.world.run(partial(take_over, ref=room.ref, reason="Alice sleeps"), by=dan)
    assert await room.commanders() == ["dan"]


async def test_a_mentor_takes_over_from_their_own_and_from_nobody_else(room: Commanded) -> None:
    dan, eve = await room.world.person("dan"), await room.world.person("eve")
    pairs = ((room.alice, dan), (room.bob, eve))
    mentors = tuple(
        MentorSeed(
            person=PersonRef(user_id=person.external_id),
            mentors=(PersonRef(user_id=mentor.external_id),),
        )
        for person, mentor in pairs
    )
    seed(room.world, mentors=mentors)
    use_case = partial(take_over, ref=room.ref, reason="Alice is stuck")
    with pytest.raises(NotPermitted):
        await room.world.run(use_case, by=eve)
    await room.world.run(use_case, by=dan)
    assert await room.commanders() == ["dan"]
