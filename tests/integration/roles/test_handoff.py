"""Handing command over: offered or requested, answered or not, or taken over with a reason."""

import asyncio
import uuid
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from incidents.core.errors import (
    AlreadySo,
    IncidentNotFound,
    InvalidInput,
    NotPermitted,
    OpensPrivate,
    Superseded,
)
from incidents.core.people import Actor
from incidents.engine.effects import InvitePerson, TellPerson
from incidents.engine.reminders import ReminderKind
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import ById
from incidents.lifecycle.status import cancel
from incidents.people.assignable import Named
from incidents.policy.references import PersonRef
from incidents.policy.supervision import Stage, StageSeed
from incidents.record.notes import add_note
from incidents.roles.command import propose_commander, take_command, take_over
from incidents.roles.effects import RefreshHandoff, TellRoleHolder
from incidents.roles.handoff_answers import accept_handoff, decline_handoff
from incidents.roles.handoffs import (
    HandoffStatus,
    HandoffView,
    find_pending_handoff,
    get_handoff_view,
)
from incidents.roles.step_down import step_down
from incidents.updates.post import UpdateDraft, post_update
from tests.integration.roles.test_command_watch import with_backup
from tests.supervision import seed
from tests.world import World


class Commanded:
    """An incident that alice commands, with bob and carol beside her."""

    def __init__(self, world: World, *, alice: Actor, bob: Actor, carol: Actor) -> None:
        self.world, self.alice, self.bob, self.carol = world, alice, bob, carol
        self.id = uuid.UUID(int=0)

    @property
    def ref(self) -> ById:
        return ById(self.id)

    async def propose(self, person: Actor, *, by: Actor, words: str = "") -> Outcome:
        named = Named(person.external_id or "", person.name)
        use_case = partial(propose_commander, ref=self.ref, person=named, words=words)
        return await self.world.run(use_case, by=by)

    async def pending(self) -> uuid.UUID:
        async with self.world.database.reading() as session:
            found = await find_pending_handoff(session, self.id)
        assert found is not None
        return found.id

    async def handoff(self, handoff_id: uuid.UUID) -> HandoffView:
        async with self.world.database.reading() as session:
            return await get_handoff_view(session, handoff_id)

    async def accept(self, *, by: Actor, handoff_id: uuid.UUID | None = None) -> Outcome:
        wanted = handoff_id or await self.pending()
        use_case = partial(accept_handoff, ref=self.ref, handoff_id=wanted)
        return await self.world.run(use_case, by=by)

    async def decline(self, *, by: Actor) -> Outcome:
        use_case = partial(decline_handoff, ref=self.ref, handoff_id=await self.pending())
        return await self.world.run(use_case, by=by)

    async def commanders(self) -> list[str]:
        view = await self.world.view(self.id)
        return [person.name for person in view.holders("commander")]

    async def kinds(self) -> list[str]:
        return [entry.kind for entry in await self.world.entries(self.id)]

    async def last(self, kind: str) -> Mapping[str, Any]:
        entries = [entry for entry in await self.world.entries(self.id) if entry.kind == kind]
        return entries[-1].content or {}

    async def waits_for_an_answer(self) -> bool:
        pending = await self.world.pending_reminders()
        return ReminderKind.HANDOFF_UNANSWERED in {reminder.kind for reminder in pending}

    async def wait(self, **duration: float) -> None:
        self.world.clock.advance(timedelta(**duration))
        await self.world.tick()


@pytest.fixture
async def room(world: World) -> Commanded:
    people = {name: await world.person(name) for name in ("alice", "bob", "carol")}
    # Bob and Carol are seniors, so they may take over without a role.
    refs = [PersonRef(user_id=people[name].external_id) for name in ("bob", "carol")]
    seed(world, stages=tuple(StageSeed(person=ref, stage=Stage.SOLO) for ref in refs))
    room = Commanded(world, **people)
    room.id = await world.declare("Checkout errors", by=room.alice, severity_key="sev2")
    await room.propose(room.alice, by=room.alice)
    world.clock.advance(timedelta(minutes=1))
    return room


async def test_an_offer_moves_command_when_accepted_and_names_both(room: Commanded) -> None:
    assert (await room.propose(room.bob, by=room.alice)).kind == "offered"
    assert await room.commanders() == ["alice"]

    await room.accept(by=room.bob)

    assert await room.commanders() == ["bob"]
    moved = await room.last("commander_changed")
    assert (moved["outgoing"]["name"], moved["incoming"]["name"], moved["how"]) == (
        "alice",
        "bob",
        "accepted",
    )
    told = {effect.person_id for effect in await room.world.effects(TellPerson)}
    briefed = [effect.person_id for effect in await room.world.effects(TellRoleHolder)]
    assert (told, briefed[-1]) == ({room.alice.person_id}, room.bob.person_id)
    assert not await room.waits_for_an_answer()


async def test_a_request_moves_command_when_the_commander_accepts(room: Commanded) -> None:
    assert (await room.propose(room.bob, by=room.bob)).kind == "requested"
    with pytest.raises(NotPermitted):
        await room.accept(by=room.bob)  # nobody answers their own request
    await room.accept(by=room.alice)
    assert await room.commanders() == ["bob"]


async def test_declined_the_commander_stays_and_the_proposer_is_told(room: Commanded) -> None:
    await room.propose(room.bob, by=room.alice)
    await room.decline(by=room.bob)

    assert await room.commanders() == ["alice"]
    assert [effect.person_id for effect in await room.world.effects(TellPerson)] == [
        room.alice.person_id
    ]
    await room.wait(minutes=3)
    assert await room.commanders() == ["alice"]


@pytest.mark.parametrize("proposer", ["alice", "bob"])
async def test_unanswered_for_two_minutes_command_stays_and_the_commander_and_backup_hear_of_it(
    room: Commanded, proposer: str
) -> None:
    backup = await room.world.person("backup")
    with_backup(room.world)
    by = room.alice if proposer == "alice" else room.bob
    await room.propose(room.bob, by=by)

    await room.wait(minutes=1, seconds=59)
    assert "handoff_unanswered" not in await room.kinds()
    await room.wait(seconds=1)

    assert await room.commanders() == ["alice"]
    unanswered = await room.last("handoff_unanswered")
    assert (unanswered["minutes"], unanswered["backup"]["name"]) == (2, "backup")
    told = {effect.person_id for effect in await room.world.effects(TellPerson)}
    assert told == {room.alice.person_id, by.person_id, backup.person_id}
    await room.wait(hours=3)
    assert await room.commanders() == ["alice"]
    assert (await room.kinds()).count("handoff_unanswered") == 1


async def test_a_late_answer_still_counts(room: Commanded) -> None:
    await room.propose(room.bob, by=room.alice)
    await room.wait(minutes=20)
    await room.accept(by=room.bob)
    assert await room.commanders() == ["bob"]


async def test_a_request_agreed_to_late_asks_its_author_again(room: Commanded) -> None:
    """Bob may be asleep by then."""
    await room.propose(room.bob, by=room.bob)
    await room.wait(minutes=20)
    assert (await room.accept(by=room.alice)).kind == "offered"
    assert await room.commanders() == ["alice"]
    await room.accept(by=room.bob)
    assert await room.commanders() == ["bob"]


async def test_without_a_commander_somebody_else_has_to_accept_command(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    room = Commanded(world, alice=alice, bob=bob, carol=bob)
    room.id = await world.declare("Checkout errors", by=alice, severity_key="sev2")

    assert (await room.propose(bob, by=alice)).kind == "asked"
    assert await room.commanders() == []
    await room.wait(minutes=2)
    assert await room.commanders() == []

    await room.accept(by=bob)
    assert await room.commanders() == ["bob"]


@pytest.mark.parametrize("first", ["bob asks for himself", "alice offers it to bob"])
async def test_a_bystander_ends_nobodys_proposal(room: Commanded, first: str) -> None:
    dan = await room.world.person("dan")
    await room.propose(room.bob, by=room.bob if "asks" in first else room.alice)
    pending = await room.pending()

    with pytest.raises(Superseded) as refused:
        await room.propose(dan, by=room.carol)

    assert refused.value.what == "handoff_pending"
    assert await room.pending() == pending
    assert not any(
        effect.person_id == dan.person_id for effect in await room.world.effects(InvitePerson)
    )


@pytest.mark.parametrize("how", ["a new offer", "taking over", "cancelling"])
async def test_a_request_that_others_end_tells_its_author_who_did(
    room: Commanded, how: str
) -> None:
    await room.propose(room.bob, by=room.bob)
    match how:
        case "a new offer":
            await room.propose(room.carol, by=room.alice)
            by = room.alice
        case "taking over":
            await room.world.run(partial(take_over, ref=room.ref, reason="Asleep"), by=room.carol)
            by = room.carol
        case _:
            await room.world.run(partial(cancel, ref=room.ref, reason="False"), by=room.alice)
            by = room.alice
    entries = await room.world.entries(room.id)
    (ended,) = [entry for entry in entries if entry.kind == "handoff_withdrawn"]
    assert ended.actor_id == by.person_id
    told = [
        effect for effect in await room.world.effects(TellPerson) if effect.entry_id == ended.id
    ]
    assert room.bob.person_id in {effect.person_id for effect in told}


async def test_an_answer_and_the_timeout_at_one_instant_move_command_once(
    room: Commanded,
) -> None:
    await room.propose(room.bob, by=room.alice)
    handoff_id = await room.pending()
    room.world.clock.advance(timedelta(minutes=2))

    await asyncio.gather(
        room.world.tick(),
        room.accept(by=room.bob, handoff_id=handoff_id),
        return_exceptions=True,
    )

    assert await room.commanders() == ["bob"]
    kinds = [entry.kind for entry in await room.world.entries(room.id)]
    assert kinds.count("commander_changed") == 1


async def test_taking_over_needs_a_reason_and_moves_at_once(room: Commanded) -> None:
    await room.propose(room.bob, by=room.alice)
    handoff_id = await room.pending()
    with pytest.raises(InvalidInput):
        await room.world.run(partial(take_over, ref=room.ref, reason=" "), by=room.carol)

    reason = "No answer for minutes"
    await room.world.run(partial(take_over, ref=room.ref, reason=reason), by=room.carol)

    assert await room.commanders() == ["carol"]
    moved = await room.last("commander_changed")
    assert (moved["how"], moved["reason"]) == ("taken_over", reason)
    ended = await room.handoff(handoff_id)
    assert (ended.status, ended.settled_by and ended.settled_by.name) == (
        HandoffStatus.WITHDRAWN,
        "carol",
    )
    # The person who had the offer sees it end, though command went to somebody else.
    shown_to = {effect.person_id for effect in await room.world.effects(RefreshHandoff)}
    assert shown_to == {None, room.bob.person_id}


async def test_two_who_take_over_at_once_one_wins_the_other_hears_who(room: Commanded) -> None:
    seen = str(room.alice.person_id)
    use_case = partial(take_over, ref=room.ref, reason="Silence", seen_commander_id=seen)
    answers = await asyncio.gather(
        room.world.run(use_case, by=room.bob),
        room.world.run(use_case, by=room.carol),
        return_exceptions=True,
    )
    (winner,) = await room.commanders()
    (refused,) = [answer for answer in answers if isinstance(answer, Superseded)]
    assert refused.by == winner


async def test_a_new_proposal_withdraws_the_one_before(room: Commanded) -> None:
    await room.propose(room.bob, by=room.alice)
    first = await room.pending()
    await room.propose(room.carol, by=room.alice)

    assert (await room.handoff(first)).status is HandoffStatus.WITHDRAWN
    with pytest.raises(Superseded):
        await room.accept(by=room.bob, handoff_id=first)
    await room.accept(by=room.carol)
    assert await room.commanders() == ["carol"]


async def test_the_same_proposal_again_starts_no_new_clock(room: Commanded) -> None:
    await room.propose(room.bob, by=room.alice)
    room.world.clock.advance(timedelta(seconds=90))
    with pytest.raises(AlreadySo):
        await room.propose(room.bob, by=room.alice)
    await room.wait(seconds=30)
    assert "handoff_unanswered" in await room.kinds()


async def test_the_commander_keeps_command_by_saying_so(room: Commanded) -> None:
    await room.propose(room.bob, by=room.alice)
    assert (await room.propose(room.alice, by=room.alice)).kind == "kept"
    await room.wait(minutes=3)
    assert await room.commanders() == ["alice"]


async def test_somebody_else_can_propose_a_commander_and_the_present_one_answers(
    room: Commanded,
) -> None:
    await room.propose(room.bob, by=room.carol)
    with pytest.raises(NotPermitted):
        await room.accept(by=room.carol)
    assert (await room.accept(by=room.alice)).kind == "offered"
    assert await room.commanders() == ["alice"]
    await room.accept(by=room.bob)
    assert await room.commanders() == ["bob"]


async def test_who_has_no_part_in_it_cannot_answer(room: Commanded) -> None:
    await room.propose(room.bob, by=room.alice)
    with pytest.raises(NotPermitted) as refused:
        await room.decline(by=room.carol)
    assert refused.value.needs == "bob"


async def test_who_has_asked_for_command_gets_it_when_the_commander_steps_down(
    room: Commanded,
) -> None:
    await room.propose(room.bob, by=room.bob)
    await room.world.run(partial(step_down, ref=room.ref), by=room.alice)
    assert await room.commanders() == ["bob"]


@pytest.mark.parametrize("proposer", ["alice", "carol"])
async def test_a_named_successor_is_asked_first_when_the_commander_steps_down(
    room: Commanded, proposer: str
) -> None:
    await room.propose(room.bob, by=room.alice if proposer == "alice" else room.carol)

    outcome = await room.world.run(partial(step_down, ref=room.ref), by=room.alice)

    assert (outcome.kind, outcome.data["person"]) == ("successor_asked", "bob")
    assert await room.commanders() == []
    await room.accept(by=room.bob)
    assert await room.commanders() == ["bob"]


async def test_only_the_commander_steps_down(room: Commanded) -> None:
    with pytest.raises(NotPermitted):
        await room.world.run(partial(step_down, ref=room.ref), by=room.bob)


async def test_anybody_can_take_command_once_the_commander_has_stepped_down(
    room: Commanded,
) -> None:
    await room.propose(room.bob, by=room.alice)
    await room.world.run(partial(step_down, ref=room.ref), by=room.alice)
    await room.world.run(partial(take_command, ref=room.ref), by=room.carol)
    assert await room.commanders() == ["carol"]
    with pytest.raises(Superseded) as refused:
        await room.world.run(partial(take_command, ref=room.ref), by=room.bob)
    assert refused.value.by == "carol"


async def test_a_handoff_of_an_incident_that_is_over_does_not_move(room: Commanded) -> None:
    await room.propose(room.bob, by=room.alice)
    handoff_id = await room.pending()
    await room.world.run(partial(cancel, ref=room.ref, reason="False alarm"), by=room.alice)

    await room.wait(minutes=2)

    assert await room.commanders() == ["alice"]
    assert (await room.handoff(handoff_id)).status is HandoffStatus.WITHDRAWN


async def test_the_brief_holds_the_state_the_last_update_and_the_notes(room: Commanded) -> None:
    note = partial(add_note, ref=room.ref, text="Rolled back checkout")
    await room.world.run(note, by=room.bob)
    update = UpdateDraft(text="Errors are falling", impact="Some carts fail")
    await room.world.run(partial(post_update, ref=room.ref, draft=update), by=room.alice)

    await room.propose(room.bob, by=room.alice, words="Ask carol about the cache")

    view = await room.handoff(await room.pending())
    brief = view.brief
    assert (brief.status, brief.severity, brief.impact) == ("triage", "SEV2", "Some carts fail")
    assert brief.last_update is not None
    assert brief.last_update.text == "Errors are falling"
    assert [line.text for line in brief.notes] == ["Rolled back checkout"]
    assert ("Incident commander", "alice") in brief.roles
    assert view.words == "Ask carol about the cache"
    assert brief.next_update_due_at is not None


async def test_who_is_offered_a_private_incident_can_see_it(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    room = Commanded(world, alice=alice, bob=bob, carol=bob)
    room.id = await world.declare("Leaked key", by=alice, is_private=True)
    await room.propose(alice, by=alice)
    with pytest.raises(OpensPrivate):
        await room.propose(bob, by=alice)
    with pytest.raises(IncidentNotFound):
        await world.view(room.id, viewer=bob)
    world.may_open_to = frozenset({"UBOB"})
    await room.propose(bob, by=alice)
    assert (await world.view(room.id, viewer=bob)).id == room.id
