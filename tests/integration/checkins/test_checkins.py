"""Check-ins on a real database: asked, understood, timed out, answered."""

import uuid
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from incidents.checkins.checkins import (
    CheckinReply,
    CheckinRequest,
    answer_checkin,
    ask_checkin,
    understand_checkin,
)
from incidents.checkins.entries import CheckinAnswer, CheckinAnswered, CheckinAsked, CheckinDue
from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted, Superseded
from incidents.core.ids import new_id
from incidents.core.people import Actor, PersonFacts, PersonKind
from incidents.engine.effects import InvitePerson, TellPerson
from incidents.engine.reminders import ReminderKind
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, find_participant
from incidents.incident.roles import RoleAssignment
from incidents.lifecycle.status import cancel
from incidents.policy.policy import COMMANDER
from tests.world import World

BOX = timedelta(minutes=10)


async def ask(
    world: World, incident_id: uuid.UUID, by: Actor, person: Actor, **how: Any
) -> uuid.UUID:
    settings: dict[str, Any] = {"question": "Is the web tier healthy?", "box": BOX, **how}
    wanted = CheckinRequest(person=PersonFacts(person.external_id or ""), **settings)
    outcome = await world.run(partial(ask_checkin, ref=ById(incident_id), request=wanted), by=by)
    return uuid.UUID(outcome.data["checkin_id"])


async def answer(
    world: World, incident_id: uuid.UUID, checkin_id: uuid.UUID, by: Actor, **how: Any
) -> Outcome:
    reply = CheckinReply(**how)
    use_case = partial(answer_checkin, ref=ById(incident_id), checkin_id=checkin_id, reply=reply)
    return await world.run(use_case, by=by)


async def kinds(world: World, incident_id: uuid.UUID) -> list[str]:
    found = [entry.kind for entry in await world.entries(incident_id)]
    return [kind for kind in found if kind.startswith("checkin")]


async def make_commander(world: World, incident_id: uuid.UUID, who: Actor) -> None:
    async def assign(uow: UnitOfWork) -> Outcome:
        uow.session.add(
            RoleAssignment(
                id=new_id(),
                incident_id=incident_id,
                person_id=who.person_id,
                role_key=COMMANDER,
                role_name="Incident commander",
                is_exclusive=True,
                started_at=uow.now,
            )
        )
        return Outcome("assigned")

    await world.run(assign)
    world.is_tampered = True  # no entry tells of this role


async def test_a_checkin_invites_the_person_and_asks_both_at_the_end(
    world: World,
) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    await make_commander(world, incident_id, alice)
    checkin_id = await ask(world, incident_id, alice, bob)
    assert bob.person_id is not None
    assert [effect.person_id for effect in await world.effects(TellPerson)] == [bob.person_id]
    assert bob.person_id in {effect.person_id for effect in await world.effects(InvitePerson)}
    async with world.database.reading() as session:
        part = await find_participant(session, incident_id=incident_id, person_id=bob.person_id)
    assert part is not None

    understood = partial(understand_checkin, ref=ById(incident_id), checkin_id=checkin_id)
    await world.run(understood, by=bob)
    world.clock.advance(BOX)
    await world.tick()
    (due,) = [e for e in await world.entries(incident_id) if e.kind == CheckinDue.kind]
    assert due.content is not None
    assert due.content["question"] == "Is the web tier healthy?"
    asked = {e.person_id for e in await world.effects(TellPerson) if e.entry_id == due.id}
    assert asked == {alice.person_id, bob.person_id}

    await answer(world, incident_id, checkin_id, bob, answer=CheckinAnswer.DONE, text="It is.")
    assert [e.kind for e in await world.entries(incident_id)][-1] == CheckinAnswered.kind


async def test_more_time_starts_an_equal_box_and_disables_old_buttons(
    world: World,
) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    checkin_id = await ask(world, incident_id, alice, bob)
    world.clock.advance(BOX)
    await world.tick()
    await answer(world, incident_id, checkin_id, bob, answer=CheckinAnswer.MORE_TIME, round=1)
    with pytest.raises(Superseded):
        await answer(world, incident_id, checkin_id, alice, answer=CheckinAnswer.DONE, round=1)
    world.clock.advance(BOX)
    await world.tick()
    assert (await kinds(world, incident_id)).count(CheckinDue.kind) == 2
    await answer(world, incident_id, checkin_id, alice, answer=CheckinAnswer.DONE, round=2)
    with pytest.raises(Superseded):
        await answer(world, incident_id, checkin_id, bob, answer=CheckinAnswer.DONE, round=2)


async def test_an_early_answer_ends_the_box(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    checkin_id = await ask(world, incident_id, alice, bob)
    await answer(world, incident_id, checkin_id, bob, answer=CheckinAnswer.DONE)
    world.clock.advance(BOX)
    await world.tick()
    assert await kinds(world, incident_id) == [
        CheckinAsked.kind,
        CheckinAnswered.kind,
    ]


async def test_the_commander_and_the_asker_hear_that_somebody_is_stuck(world: World) -> None:
    alice, bob, carol = [await world.person(name) for name in ("alice", "bob", "carol")]
    incident_id = await world.declare("Checkout errors", by=alice)
    await make_commander(world, incident_id, carol)
    checkin_id = await ask(world, incident_id, alice, bob)
    await answer(world, incident_id, checkin_id, bob, answer=CheckinAnswer.STUCK)
    entry = (await world.entries(incident_id))[-1]
    told = {e.person_id for e in await world.effects(TellPerson) if e.entry_id == entry.id}
    assert told == {alice.person_id, carol.person_id}


async def test_only_the_person_asked_can_accept_and_only_once(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    checkin_id = await ask(world, incident_id, alice, bob)
    understood = partial(understand_checkin, ref=ById(incident_id), checkin_id=checkin_id)
    with pytest.raises(NotPermitted):
        await world.run(understood, by=alice)
    await world.run(understood, by=bob)
    with pytest.raises(AlreadySo):
        await world.run(understood, by=bob)


async def test_a_guest_may_answer_a_checkin_but_not_start_one(world: World) -> None:
    alice = await world.person("alice")
    guest = await world.person("guest", kind=PersonKind.GUEST)
    incident_id = await world.declare("Checkout errors", by=alice)
    checkin_id = await ask(world, incident_id, alice, guest)
    with pytest.raises(NotPermitted):
        await ask(world, incident_id, guest, alice)
    outcome = await answer(world, incident_id, checkin_id, guest, answer=CheckinAnswer.DONE)
    assert outcome.data["answer"] == "done"


async def test_the_end_of_the_incident_ends_its_checkins_quietly(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    checkin_id = await ask(world, incident_id, alice, bob)
    await world.run(partial(cancel, ref=ById(incident_id), reason="false alarm"))
    world.clock.advance(BOX)
    await world.tick()
    assert CheckinDue.kind not in await kinds(world, incident_id)
    assert ReminderKind.CHECKIN_DUE not in {r.kind for r in await world.pending_reminders()}
    with pytest.raises(Superseded):
        await answer(world, incident_id, checkin_id, bob, answer=CheckinAnswer.DONE)
    with pytest.raises(AlreadySo):
        await ask(world, incident_id, alice, bob)


@pytest.mark.parametrize(
    "wrong", [{"question": "  "}, {"box": timedelta(seconds=5)}, {"box": timedelta(days=2)}]
)
async def test_a_checkin_without_question_or_with_an_invalid_box_is_refused(
    world: World, wrong: dict[str, Any]
) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    with pytest.raises(InvalidInput):
        await ask(world, incident_id, alice, bob, **wrong)
    assert await kinds(world, incident_id) == []


async def test_a_bot_cannot_be_asked(world: World) -> None:
    alice = await world.person("alice")
    robot = await world.person("robot", kind=PersonKind.BOT)
    incident_id = await world.declare("Checkout errors", by=alice)
    with pytest.raises(InvalidInput):
        await ask(world, incident_id, alice, robot)
