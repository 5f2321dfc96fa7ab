"""An escalation says truly who is called next, and how it ended."""

from datetime import timedelta
from functools import partial

import pytest

from incidents.core.people import PersonFacts, save_person
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.answers import ask_for_more, call_step, decline, redirect, take
from incidents.escalation.entries import EscalationExhausted
from incidents.escalation.ladder import note_unavailable
from incidents.escalation.targets import PersonTarget
from incidents.incident.incident import ById
from incidents.policy.escalation import LadderStep
from incidents.policy.packet_fields import PacketField
from incidents.policy.references import PersonRef, RoleRef
from incidents.roles.assign import claim_role
from incidents.roles.command import take_over
from tests.escalation_world import Escalations
from tests.world import World


@pytest.fixture
async def made(world: World) -> Escalations:
    """An open SEV2 that Alice declared, under a policy that names nobody."""
    alice = await world.person("alice")
    incident_id = await world.declare("Logins fail", by=alice, severity_key="sev2")
    return Escalations(world, incident_id, alice)


async def test_only_steps_that_reach_somebody_count_as_waiting(made: Escalations) -> None:
    bob, carol = await made.world.person("bob"), await made.world.person("carol")
    made.change(steps=(LadderStep(who=(RoleRef("commander"), PersonRef(user_id="UDAVE"))),))
    await made.world.person("dave")
    await made.escalate(target=PersonTarget(external_id="UBOB"))

    async def reach() -> list[tuple[str, ...]]:
        return [step.reach for step in (await made.view()).waiting_steps]

    assert await reach() == [("UDAVE",)]
    await made.deactivate("UDAVE")
    assert await reach() == []
    # The author and people already called don't count.
    await made.commander(made.alice)
    assert await reach() == []
    scribe = partial(claim_role, ref=ById(made.incident_id), role="scribe")
    await made.world.run(scribe, by=carol)
    over = partial(
        take_over,
        ref=ById(made.incident_id),
        reason="Alice has no network",
        seen_commander_id=str(made.alice.person_id),
    )
    await made.world.run(over, by=carol)
    assert await reach() == [("Incident commander",)]
    await made.wait(minutes=5)
    assert await made.called() == ["bob", "carol"]
    await made.answer(take, by=bob)
    assert await reach() == []


async def test_an_exhausted_ladder_says_what_became_of_each_call(
    made: Escalations,
) -> None:
    made.steps("UCAROL", "UDAVE")
    bob, carol = await made.world.person("bob"), await made.world.person("carol")
    dave, erin = await made.world.person("dave"), await made.world.person("erin")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    (call,) = (await made.view()).calls
    await made.answer(note_unavailable, call_id=call.id, how="do not disturb until 08:00")
    await made.answer(redirect, by=carol, target=PersonTarget(external_id="UERIN"))
    await made.answer(ask_for_more, by=erin, field=PacketField.SINCE)
    made.world.clock.advance(timedelta(minutes=4))
    await made.answer(call_step, by=made.alice, step=4)
    await made.answer(decline, by=dave, reason="On a plane")
    assert await made.said(EscalationExhausted) == []
    await made.answer(decline, by=erin, reason="In a tunnel")
    (exhausted,) = await made.said(EscalationExhausted)
    assert {one.person.name: one.how for one in exhausted.called} == {
        "bob": "may_answer",  # may not have noticed, and still has time
        "carol": "passed_on",
        "erin": "declined",
        "dave": "declined",
    }
    await made.answer(take, by=bob)


async def test_two_people_with_the_same_name_are_both_listed(made: Escalations) -> None:
    made.steps("UROBERT")
    bob, robert = await made.world.person("bob"), await made.world.person("robert")

    async def rename(uow: UnitOfWork) -> Outcome:
        facts = PersonFacts("UROBERT", name="bob")
        await save_person(uow.session, facts, workspace_id=uow.workspace_id)
        return Outcome("saved")

    await made.world.run(rename)
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    await made.answer(decline, by=bob, reason="On a plane")
    await made.answer(decline, by=robert, reason="In a tunnel")
    (exhausted,) = await made.said(EscalationExhausted)
    assert [(one.person.name, one.how) for one in exhausted.called] == [("bob", "declined")] * 2
