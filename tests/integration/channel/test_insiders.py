"""A private incident opens to people by agreement, and sight of it can be taken back."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from incidents.channel.channel import record_opened
from incidents.channel.insiders import get_insiders, invite, take_sight_back
from incidents.channel.invitations import Invited, record_invitations
from incidents.channel.privacy import MoveToPrivate, move_to_private
from incidents.checkins.checkins import CheckinRequest, ask_checkin
from incidents.core.errors import (
    DomainError,
    IncidentNotFound,
    InvalidInput,
    NotPermitted,
    OpensPrivate,
)
from incidents.core.people import Actor, PersonFacts
from incidents.engine.effects import RemovePerson
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.answers import call_step, redirect
from incidents.escalation.entries import EscalationCalled, LeftOut
from incidents.escalation.targets import PersonTarget
from incidents.incident.entries import SightOpened
from incidents.incident.incident import ById
from incidents.people.assignable import Named
from incidents.people.directory import GroupFacts, save_group
from incidents.people.entries import SightTakenBack
from incidents.policy.escalation import LadderStep
from incidents.policy.references import GroupRef, PersonRef
from incidents.postmortem.action_items import add_action_item
from incidents.record.audit_log import AuditEntry, AuditKind
from incidents.roles.assign import assign_role
from tests.escalation_world import Escalations
from tests.world import World

Doing = Callable[..., Awaitable[Outcome]]


class Private:
    """A private incident that Alice declared; everybody else is outside."""

    def __init__(self, world: World, incident_id: uuid.UUID, alice: Actor) -> None:
        self.world = world
        self.id = incident_id
        self.alice = alice

    async def let_in(self, person: Actor, *, by: Actor | None = None) -> None:
        """Let somebody in, with agreement."""
        self.world.may_open_to = frozenset({person.external_id or ""})
        await self.do(invite, by=by, people=(person.external_id,))
        self.world.may_open_to = None

    async def do(self, use_case: Doing, *, by: Actor | None = None, **given: Any) -> Outcome:
        """Run a use case about the incident."""
        call = partial(use_case, ref=ById(self.id), **given)
        return await self.world.run(call, by=by or self.alice)

    async def sees(self, person: Actor) -> bool:
        """Tell whether the person sees it."""
        try:
            await self.world.view(self.id, viewer=person)
        except IncidentNotFound:
            return False
        return True

    async def audited(self, kind: AuditKind) -> list[AuditEntry]:
        """Return the audit log's entries of a kind."""
        async with self.world.database.reading() as session:
            query = select(AuditEntry).where(AuditEntry.kind == kind).order_by(AuditEntry.sequence)
            return list((await session.execute(query)).scalars())


@pytest.fixture
async def private(world: World) -> Private:
    alice = await world.person("alice")
    incident_id = await world.declare("Leaked key", by=alice, is_private=True)
    return Private(world, incident_id, alice)


@pytest.mark.parametrize("way", ["role", "action item", "check-in", "invite"])
async def test_each_way_in_asks_first_and_then_goes_on(private: Private, way: str) -> None:
    ben = await private.world.person("ben")
    named = Named("UBEN")
    ways: dict[str, tuple[Doing, dict[str, Any]]] = {
        "role": (assign_role, {"role": "scribe", "person": named}),
        "action item": (add_action_item, {"text": "Rotate it", "owner": named, "due_on": None}),
        "check-in": (
            ask_checkin,
            {"request": CheckinRequest(person=PersonFacts("UBEN"), question="Is it well?")},
        ),
        "invite": (invite, {"people": ("UBEN",)}),
    }
    use_case, given = ways[way]
    before = len(await private.world.entries(private.id))
    with pytest.raises(OpensPrivate) as question:
        await private.do(use_case, **given)
    assert [one.name for one in question.value.now] == ["ben"]
    assert question.value.reference == "INC-1"
    assert len(await private.world.entries(private.id)) == before
    assert not await private.sees(ben)

    private.world.may_open_to = frozenset({"UBEN"})
    await private.do(use_case, **given)
    private.world.may_open_to = None
    assert await private.sees(ben)
    (opened,) = [
        one for one in await private.world.entries(private.id) if one.kind == SightOpened.kind
    ]
    assert "ben" in str(opened.content)
    (audited,) = await private.audited(AuditKind.SIGHT_OPENED)
    assert audited.content == {"reference": "INC-1", "people": ["ben"]}


async def test_other_refusals_come_before_the_question(private: Private) -> None:
    await private.world.person("ben")
    with pytest.raises(InvalidInput):
        await private.do(add_action_item, text=" ", owner=Named("UBEN"), due_on=None)
    with pytest.raises(InvalidInput):
        await private.do(invite, people=())


async def test_agreeing_to_one_lets_in_nobody_else(private: Private) -> None:
    ben, dev = await private.world.person("ben"), await private.world.person("dev")
    private.world.may_open_to = frozenset({"UBEN"})
    with pytest.raises(OpensPrivate) as question:
        await private.do(invite, people=("UBEN", "UDEV"))
    assert len(question.value.now) == 2
    assert not await private.sees(ben)
    assert not await private.sees(dev)


async def test_two_at_once_let_the_same_person_in_once(private: Private) -> None:
    ben, carol = await private.world.person("ben"), await private.world.person("carol")
    await private.let_in(carol)
    private.world.may_open_to = frozenset({"UBEN"})
    person = Named("UBEN")
    await asyncio.gather(
        private.do(assign_role, role="scribe", person=person),
        private.do(assign_role, by=carol, role="communications_lead", person=person),
    )
    assert await private.sees(ben)
    opened = [
        one for one in await private.audited(AuditKind.SIGHT_OPENED) if "ben" in str(one.content)
    ]
    assert len(opened) == 1


async def test_of_two_who_put_each_other_out_one_stays(private: Private) -> None:
    ben = await private.world.person("ben")
    await private.let_in(ben)
    private.world.may_open_to = frozenset({"UBEN"})
    await private.do(assign_role, role="deputy", person=Named("UBEN"))
    outcomes = await asyncio.gather(
        private.do(take_sight_back, person="UBEN"),
        private.do(take_sight_back, by=ben, person="UALICE"),
        return_exceptions=True,
    )
    assert sum(isinstance(one, DomainError) for one in outcomes) == 1
    assert [await private.sees(one) for one in (private.alice, ben)].count(True) == 1


async def test_taking_it_back_is_on_both_records_and_removes_from_the_channel(
    private: Private,
) -> None:
    ben = await private.world.person("ben")
    await private.let_in(ben)
    outcome = await private.do(take_sight_back, person="UBEN", reason="named by mistake")
    assert outcome.data["people_left"] == 1
    assert not await private.sees(ben)
    (entry,) = [
        one for one in await private.world.entries(private.id) if one.kind == SightTakenBack.kind
    ]
    assert (entry.content or {})["reason"] == "named by mistake"
    (audited,) = await private.audited(AuditKind.SIGHT_TAKEN_BACK)
    assert audited.subject_id == ben.person_id
    assert [one.person_id for one in await private.world.effects(RemovePerson)] == [ben.person_id]
    with pytest.raises(InvalidInput):
        await private.do(take_sight_back, person="UBEN")


async def test_only_who_may_takes_it_back(private: Private) -> None:
    ben, dev = await private.world.person("ben"), await private.world.person("dev")
    eve = await private.world.person("eve")
    await private.let_in(ben)
    await private.let_in(dev)
    with pytest.raises(NotPermitted):
        await private.do(take_sight_back, by=ben, person="UDEV")
    with pytest.raises(NotPermitted):
        await private.do(take_sight_back, by=ben, person="UALICE")
    with pytest.raises(IncidentNotFound):
        await private.do(take_sight_back, by=eve, person="UDEV")
    with pytest.raises(InvalidInput):
        await private.do(take_sight_back, person="UALICE")
    await private.let_in(eve, by=ben)
    await private.do(take_sight_back, by=ben, person="UEVE")
    assert not await private.sees(eve)
    assert await private.sees(dev)


async def test_nothing_lets_in_again_by_itself_whose_sight_was_taken_back(private: Private) -> None:
    world = private.world
    ben = await world.person("ben")
    made = Escalations(world, private.id, private.alice)
    made.steps("UBEN")
    world.change_policy(private=replace(world.policy.private, invite=(PersonRef(user_id="UBEN"),)))
    await private.let_in(ben)
    await private.do(take_sight_back, person="UBEN")
    # An invitation that was under way arrives late.
    await world.run(partial(_invited, incident_id=private.id, external_id="UBEN"))
    assert not await private.sees(ben)
    await made.know("UCAROL")
    world.may_open_to = frozenset({"UCAROL"})
    await made.escalate(target=PersonTarget(external_id="UCAROL"))
    await made.wait(minutes=30)
    assert await made.called() == ["UCAROL"]
    assert not await private.sees(ben)


async def test_who_joins_a_group_after_the_question_is_left_out_of_the_ladder(
    private: Private,
) -> None:
    world = private.world
    dev, eve = await world.person("dev"), await world.person("eve")
    made = Escalations(world, private.id, private.alice)
    world.change_policy(
        escalation=replace(
            world.policy.escalation, steps=(LadderStep(who=(GroupRef(group_id="S0DBA"),)),)
        )
    )
    await world.run(partial(save_group, facts=GroupFacts("S0DBA", "dba", ("UDEV",))))
    with pytest.raises(OpensPrivate) as question:
        await made.escalate(target=PersonTarget(external_id="UBOB"))
    assert [(one.name, one.through) for one in question.value.later] == [("dev", "S0DBA")]
    world.may_open_to = frozenset({"UBOB", "UDEV"})
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    await world.run(partial(save_group, facts=GroupFacts("S0DBA", "dba", ("UDEV", "UEVE"))))

    world.may_open_to = None
    with pytest.raises(OpensPrivate) as question:
        await made.answer(call_step, by=private.alice, step=2)
    assert [one.name for one in question.value.now] == ["eve"]
    await made.wait(minutes=30)
    assert await private.sees(dev)
    assert not await private.sees(eve)
    skipped = (await made.said(EscalationCalled))[-1].skipped
    assert LeftOut(name="eve", why="not_in_private") in skipped


async def test_passing_an_escalation_on_asks_too(private: Private) -> None:
    world = private.world
    ben, dev = await world.person("ben"), await world.person("dev")
    made = Escalations(world, private.id, private.alice)
    world.may_open_to = frozenset({"UBEN"})
    await made.escalate(target=PersonTarget(external_id="UBEN"))
    world.may_open_to = None
    with pytest.raises(OpensPrivate) as question:
        await made.answer(redirect, by=ben, target=PersonTarget(external_id="UDEV"))
    assert [one.name for one in question.value.now] == ["dev"]
    assert not await private.sees(dev)
    world.may_open_to = frozenset({"UDEV"})
    await made.answer(redirect, by=ben, target=PersonTarget(external_id="UDEV"))
    assert await private.sees(dev)


async def test_a_ladder_of_public_days_lets_nobody_into_the_private_incident(world: World) -> None:
    alice, ben, dev = [await world.person(name) for name in ("alice", "ben", "dev")]
    incident_id = await world.declare("Leaked key", by=alice)
    made = Escalations(world, incident_id, alice)
    made.steps("UDEV")
    await made.escalate(target=PersonTarget(external_id="UBEN"))
    assert await made.called() == ["ben"]
    joined = partial(assign_role, ref=ById(incident_id), role="scribe", person=Named("UALICE"))
    await world.run(joined, by=alice)
    move = partial(move_to_private, ref=ById(incident_id), wanted=MoveToPrivate())
    await world.run(move, by=alice)
    await made.wait(minutes=30)
    assert await made.called() == ["ben"]
    private = Private(world, incident_id, alice)
    assert not await private.sees(ben)
    assert not await private.sees(dev)


async def test_who_sees_it_is_told_only_to_those_who_do(private: Private) -> None:
    ben, eve = await private.world.person("ben"), await private.world.person("eve")
    await private.let_in(ben)
    given = {"workspace_id": private.world.workspace_id}
    async with private.world.database.reading() as session:
        view = await get_insiders(session, ById(private.id), viewer=ben, **given)
        with pytest.raises(IncidentNotFound):
            await get_insiders(session, ById(private.id), viewer=eve, **given)
    assert [one.person.name for one in view.people] == ["alice", "ben"]
    assert view.people[0].is_declarer
    assert view.people[1].let_in_by is not None
    assert view.people[1].let_in_by.name == "alice"


async def test_inviting_those_who_are_in_the_channel_changes_nothing(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    public = Private(world, incident_id, alice)
    await world.person("ben")
    outcome = await public.do(invite, people=("UBEN",))
    assert outcome.data["people"] == ["ben"]
    world.clock.advance(timedelta(minutes=1))
    assert (await public.do(take_sight_back, person="UBEN")).kind == "public"


async def _invited(uow: UnitOfWork, *, incident_id: uuid.UUID, external_id: str) -> Outcome:
    room = "C0PRIVATE"
    await record_opened(uow, incident_id, channel_id=room, channel_name="room", is_private=True)
    invited = [Invited(external_id)]
    await record_invitations(uow, incident_id, channel_id=room, invited=invited)
    return Outcome("invited")
