"""Escalating: who is called, what is recorded, and how people answer."""

import asyncio
import json
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest
from sqlalchemy import select

from incidents.core.errors import (
    AlreadySo,
    IncidentNotFound,
    InvalidInput,
    NotPermitted,
    OpensPrivate,
    Superseded,
)
from incidents.engine.effects import InvitePerson, TellPerson
from incidents.escalation import tables
from incidents.escalation.answers import (
    ask_for_more,
    call_step,
    decline,
    redirect,
    take,
    withdraw,
)
from incidents.escalation.effects import CallForEscalation, LookUpCallees, RefreshEscalationCard
from incidents.escalation.entries import (
    Escalated,
    EscalationCalled,
    EscalationCompleted,
    EscalationExhausted,
    EscalationQuestioned,
    EscalationTaken,
    EscalationWithdrawn,
    LeftOut,
)
from incidents.escalation.escalate import EscalationDraft, escalate
from incidents.escalation.ladder import note_unavailable, resume_step
from incidents.escalation.questions import complete, rate_packet
from incidents.escalation.tables import CallStatus, EscalationStatus, PacketRating, StepStatus
from incidents.escalation.targets import GroupTarget, PersonTarget, RoleTarget, ServiceTarget
from incidents.incident.incident import ById
from incidents.policy.escalation import AbsentPerson, LadderStep, Relation, Service
from incidents.policy.packet_fields import PacketField
from incidents.policy.references import GroupRef, PersonRef, RoleRef
from tests.escalation_world import PACKET, Escalations
from tests.world import World


@pytest.fixture
async def made(world: World) -> Escalations:
    """An open SEV2 that Alice declared, under a policy that names nobody."""
    alice = await world.person("alice")
    incident_id = await world.declare("Logins fail", by=alice, severity_key="sev2")
    return Escalations(world, incident_id, alice)


async def test_the_chosen_person_is_called_with_the_packet_and_the_severitys_wait(
    made: Escalations,
) -> None:
    bob = await made.world.person("bob")
    outcome = await made.escalate(target=PersonTarget(external_id="UBOB"))

    assert (outcome.data["called"], outcome.data["reference"]) == (["bob"], "INC-1")
    (call,) = await made.world.effects(CallForEscalation)
    assert call.person_id == bob.person_id
    view = await made.view()
    assert view.packet == PACKET
    assert view.due_at == made.world.clock.now() + timedelta(minutes=5)
    assert [effect.escalation_id for effect in await made.world.effects(RefreshEscalationCard)] == [
        view.id
    ]
    assert bob.person_id in {e.person_id for e in await made.world.effects(InvitePerson)}


async def test_without_an_answer_every_step_is_called_and_then_the_ladder_is_exhausted(
    made: Escalations,
) -> None:
    made.steps("UCAROL", "UDAVE")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    await made.wait(minutes=4, seconds=59)
    assert await made.called() == ["UBOB"]
    await made.wait(seconds=1)
    assert await made.called() == ["UBOB", "UCAROL"]
    await made.wait(minutes=5)
    assert await made.called() == ["UBOB", "UCAROL", "UDAVE"]
    assert await made.said(EscalationExhausted) == []

    await made.wait(minutes=5)
    (exhausted,) = await made.said(EscalationExhausted)
    assert [one.person.name for one in exhausted.called] == ["UBOB", "UCAROL", "UDAVE"]
    assert {one.how for one in exhausted.called} == {"no_answer"}
    assert exhausted.waited_seconds == 15 * 60
    told = {effect.person_id for effect in await made.world.effects(TellPerson)}
    assert made.alice.person_id in told
    assert (await made.view()).status is EscalationStatus.EXHAUSTED
    for _ in range(3):
        await made.wait(hours=1)
    assert len(await made.said(EscalationExhausted)) == 1
    called = await made.said(EscalationCalled)
    assert [one.because for one in called] == ["first", "no_answer", "no_answer"]


async def test_an_answer_stops_the_ladder_at_once(made: Escalations) -> None:
    made.steps("UCAROL")
    bob = await made.world.person("bob")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    made.world.clock.advance(timedelta(minutes=2))
    await made.answer(take, by=bob)

    (taken,) = await made.said(EscalationTaken)
    assert (taken.person.name, taken.waited_seconds) == ("bob", 120)
    await made.wait(hours=1)
    assert await made.called() == ["bob"]
    view = await made.view()
    assert (view.taken_by and view.taken_by.name, view.due_at) == ("bob", None)
    assert view.measures.to_acknowledge == timedelta(minutes=2)
    kinds = [reminder.kind for reminder in await made.world.pending_reminders()]
    assert "escalation_unanswered" not in kinds


async def test_after_the_bot_was_away_only_the_next_step_is_called(made: Escalations) -> None:
    made.steps("UCAROL", "UDAVE")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    await made.wait(hours=2)
    assert await made.called() == ["UBOB", "UCAROL"]
    await made.wait(minutes=5)
    assert await made.called() == ["UBOB", "UCAROL", "UDAVE"]


@pytest.mark.parametrize(
    ("severity", "minutes"), [("sev1", 3), ("sev2", 5), ("sev3", 15), ("sev4", 15)]
)
async def test_each_severity_has_its_wait(world: World, severity: str, minutes: int) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Logins fail", by=alice, severity_key=severity)
    made = Escalations(world, incident_id, alice)
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    assert (await made.view()).due_at == world.clock.now() + timedelta(minutes=minutes)


async def test_raising_the_severity_shortens_the_wait_and_lowering_it_changes_nothing(
    made: Escalations,
) -> None:
    made.steps("UCAROL")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    made.world.clock.advance(timedelta(minutes=1))
    await made.severity("sev1")
    assert (await made.view()).due_at == made.world.clock.now() + timedelta(minutes=2)
    await made.severity("sev4")
    assert (await made.view()).due_at == made.world.clock.now() + timedelta(minutes=2)
    await made.wait(minutes=2)
    assert await made.called() == ["UBOB", "UCAROL"]


async def test_a_wait_of_the_step_or_the_template_overrides_the_severitys(
    made: Escalations,
) -> None:
    made.steps("UBOB", "UCAROL", wait=timedelta(minutes=2))
    await made.escalate()
    assert (await made.view()).due_at == made.world.clock.now() + timedelta(minutes=2)


async def test_declining_calls_the_next_step_at_once_and_keeps_the_packet(
    made: Escalations,
) -> None:
    made.steps("UCAROL")
    bob = await made.world.person("bob")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    await made.answer(decline, by=bob, reason="On a plane until six")
    assert await made.called() == ["bob", "UCAROL"]
    view = await made.view()
    assert view.packet == PACKET
    assert view.calls[0].reason == "On a plane until six"
    with pytest.raises(AlreadySo):
        await made.answer(decline, by=bob, reason="Still flying")
    with pytest.raises(InvalidInput):
        await made.answer(decline, by=await made.world.person("carol"), reason=" ")


async def test_the_next_step_is_called_when_the_last_of_a_group_declines(
    made: Escalations,
) -> None:
    made.steps("UEVE")
    people = [await made.world.person(name) for name in ("bob", "carol")]
    await made.group("S0DB", "database-oncall", "UBOB", "UCAROL")
    await made.escalate(target=GroupTarget("database-oncall"))
    assert sorted(await made.called()) == ["bob", "carol"]
    await made.answer(decline, by=people[0], reason="In a train")
    assert sorted(await made.called()) == ["bob", "carol"]
    await made.answer(decline, by=people[1], reason="In another train")
    assert (await made.called())[-1] == "UEVE"


async def test_of_two_who_answer_at_once_one_is_on_it_and_the_other_is_told_who(
    made: Escalations,
) -> None:
    bob, carol = await made.world.person("bob"), await made.world.person("carol")
    await made.group("S0DB", "database-oncall", "UBOB", "UCAROL")
    await made.escalate(target=GroupTarget("S0DB"))
    outcomes = await asyncio.gather(
        made.answer(take, by=bob), made.answer(take, by=carol), return_exceptions=True
    )
    (refused,) = [one for one in outcomes if isinstance(one, Superseded)]
    assert len(await made.said(EscalationTaken)) == 1
    view = await made.view()
    assert view.taken_by is not None
    assert refused.by == view.taken_by.name


async def test_answers_after_somebody_is_on_it_change_nothing(made: Escalations) -> None:
    made.steps("UCAROL", "UDAVE")
    bob, carol = await made.world.person("bob"), await made.world.person("carol")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    await made.wait(minutes=5)
    await made.answer(take, by=carol)
    before = len(await made.world.entries(made.incident_id))
    for use_case, given in (
        (take, {}),
        (decline, {"reason": "Busy"}),
        (redirect, {"target": PersonTarget(external_id="UDAVE")}),
        (ask_for_more, {"field": PacketField.TRIED}),
        (call_step, {"step": 3}),
        (withdraw, {}),
    ):
        with pytest.raises(Superseded) as refused:
            await made.answer(use_case, by=bob, **given)
        assert refused.value.by == "carol"
    with pytest.raises(AlreadySo):
        await made.answer(take, by=carol)
    assert len(await made.world.entries(made.incident_id)) == before


async def test_a_redirection_keeps_the_packet_is_counted_and_can_repeat_a_call(
    made: Escalations,
) -> None:
    made.steps("UCAROL", "UDAVE")
    bob, carol = await made.world.person("bob"), await made.world.person("carol")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    await made.wait(minutes=5)
    await made.answer(redirect, by=carol, target=PersonTarget(external_id="UBOB"))
    assert await made.called() == ["bob", "carol", "bob"]
    view = await made.view()
    assert (view.redirects, view.packet) == (1, PACKET)
    assert [call.status for call in view.calls] == [
        CallStatus.OPEN,
        CallStatus.REDIRECTED,
        CallStatus.OPEN,
    ]
    await made.wait(minutes=5)
    assert (await made.called())[-1] == "UDAVE"
    await made.answer(take, by=bob)
    assert (await made.view()).measures.redirects == 1


async def test_the_person_on_it_can_pass_it_on_and_the_last_taker_counts_as_engaged(
    made: Escalations,
) -> None:
    bob, eve = await made.world.person("bob"), await made.world.person("eve")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    made.world.clock.advance(timedelta(minutes=1))
    await made.answer(take, by=bob)
    made.world.clock.advance(timedelta(minutes=1))
    await made.answer(redirect, by=bob, target=PersonTarget(external_id="UEVE"), reason="Hers")
    assert (await made.view()).status is EscalationStatus.CALLING
    made.world.clock.advance(timedelta(minutes=1))
    await made.answer(take, by=eve)
    measures = (await made.view()).measures
    assert (measures.to_acknowledge, measures.to_engage) == (
        timedelta(minutes=1),
        timedelta(minutes=3),
    )


async def test_nobody_can_escalate_or_redirect_to_the_author_or_themselves(
    made: Escalations,
) -> None:
    bob = await made.world.person("bob")
    with pytest.raises(InvalidInput):
        await made.escalate(target=PersonTarget(external_id="UALICE"))
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    for target in ("UBOB", "UALICE"):
        with pytest.raises(InvalidInput):
            await made.answer(redirect, by=bob, target=PersonTarget(external_id=target))
    with pytest.raises(InvalidInput):
        await made.answer(take, by=made.alice)


async def test_a_chosen_step_is_called_at_once_and_skipped_steps_come_last(
    made: Escalations,
) -> None:
    made.steps("UBOB", "UCAROL", "UDAVE")
    await made.escalate()
    await made.answer(call_step, by=made.alice, step=3)
    assert await made.called() == ["UBOB", "UDAVE"]
    await made.wait(minutes=5)
    assert await made.called() == ["UBOB", "UDAVE", "UCAROL"]
    with pytest.raises(AlreadySo):
        await made.answer(call_step, by=made.alice, step=2)
    with pytest.raises(InvalidInput):
        await made.answer(call_step, by=made.alice, step=9)


async def test_do_not_disturb_skips_nobody_and_calls_the_next_step_at_the_same_time(
    made: Escalations,
) -> None:
    made.steps("UCAROL")
    bob = await made.world.person("bob")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    (call,) = (await made.view()).calls
    for _ in range(2):  # a repeated effect says it again
        await made.answer(note_unavailable, call_id=call.id, how="do not disturb until 08:00")
    assert await made.called() == ["bob", "UCAROL"]
    called = await made.said(EscalationCalled)
    assert called[-1].because == "unavailable"
    (away,) = called[-1].away
    assert (away.person.name, away.how) == ("bob", "do not disturb until 08:00")

    # With nobody left to call, the wait continues: somebody may still answer.
    last = (await made.view()).calls[-1]
    await made.answer(note_unavailable, call_id=last.id, how="status: in a meeting")
    assert (await made.view()).status is EscalationStatus.CALLING
    await made.answer(take, by=bob)
    assert (await made.view()).status is EscalationStatus.TAKEN


async def test_deactivated_and_absent_people_are_skipped_with_the_reason(
    made: Escalations,
) -> None:
    today = made.world.clock.now().date()
    await made.world.person("carol")
    made.steps("UBOB", "UCAROL", "UDAVE", "UALICE", "UEVE")
    made.change(
        absent=(
            AbsentPerson(who=PersonRef(user_id="UCAROL"), since=today, until=today),
            AbsentPerson(
                who=PersonRef(user_id="UDAVE"), since=date(2026, 1, 1), until=date(2026, 1, 2)
            ),
        )
    )
    await made.deactivate("UBOB")
    await made.escalate()
    assert await made.called() == ["UDAVE"]
    skipped = [c.skipped for c in await made.said(EscalationCalled)]
    assert [[one.why for one in step] for step in skipped] == [["deactivated"], ["absent"], []]
    await made.wait(minutes=5)
    assert await made.called() == ["UDAVE", "UEVE"]


async def test_absence_follows_the_persons_own_time_zone(made: Escalations) -> None:
    await made.world.person("bob", zone="Pacific/Auckland")
    tomorrow = made.world.clock.now().date() + timedelta(days=1)
    made.steps("UBOB")
    made.change(
        absent=(AbsentPerson(who=PersonRef(user_id="UBOB"), since=tomorrow, until=tomorrow),)
    )
    made.world.clock.advance(timedelta(hours=3))  # noon in UTC: past midnight in Auckland
    await made.escalate()
    (called,) = await made.said(EscalationCalled)
    assert called.skipped == (LeftOut(name="bob", why="absent"),)


async def test_a_ladder_with_nobody_to_call_is_exhausted_at_once(made: Escalations) -> None:
    outcome = await made.escalate()
    assert (outcome.data["called"], outcome.data["is_exhausted"]) == ([], True)
    (called,) = await made.said(EscalationCalled)
    assert called.skipped == (LeftOut(name="Incident commander", why="nobody_in_role"),)
    assert len(await made.said(EscalationExhausted)) == 1
    await made.answer(take, by=await made.responder("bob"))
    assert (await made.view()).status is EscalationStatus.TAKEN


async def test_an_unresolved_group_blocks_nothing_and_is_called_later(
    made: Escalations,
) -> None:
    made.steps("UCAROL")
    await made.escalate(target=GroupTarget("database-oncall"))
    assert await made.called() == ["UCAROL"]
    (look_up,) = await made.world.effects(LookUpCallees)
    await made.group("S0DB", "database-oncall", "UBOB", "UCAROL")
    await made.answer(resume_step, step_id=look_up.step_id)
    assert sorted(await made.called()) == ["UBOB", "UCAROL"]  # at the same instant
    assert (await made.view()).steps[0].status is StepStatus.CALLED
    assert (await made.answer(resume_step, step_id=look_up.step_id)).kind == "over"


async def test_a_ladder_waits_briefly_at_its_end_for_a_group_lookup(
    made: Escalations,
) -> None:
    await made.escalate(target=GroupTarget("database-oncall"))
    assert (await made.view()).status is EscalationStatus.CALLING
    await made.group("S0DB", "database-oncall", "UBOB")  # by the refresh, not by the effect
    await made.wait(minutes=1)
    assert await made.called() == ["UBOB"]
    await made.wait(minutes=5)
    assert (await made.view()).status is EscalationStatus.EXHAUSTED


async def test_an_unknown_group_is_reported_and_a_group_found_late_is_still_called(
    made: Escalations,
) -> None:
    await made.escalate(target=GroupTarget("databse-oncall"))
    (look_up,) = await made.world.effects(LookUpCallees)
    await made.answer(resume_step, step_id=look_up.step_id, not_found=["@databse-oncall"])
    assert (await made.said(EscalationCalled))[-1].skipped == (
        LeftOut(name="@databse-oncall", why="not_found"),
    )
    await made.wait(minutes=1)
    assert (await made.view()).status is EscalationStatus.EXHAUSTED

    await made.escalate(target=GroupTarget("late-oncall"))
    late = (await made.world.effects(LookUpCallees))[-1]
    await made.wait(minutes=1)
    assert (await made.view()).status is EscalationStatus.EXHAUSTED
    await made.group("S0LATE", "late-oncall", "UBOB")
    await made.answer(resume_step, step_id=late.step_id)
    view = await made.view()
    assert (view.status, [call.person.name for call in view.calls]) == (
        EscalationStatus.CALLING,
        ["UBOB"],
    )


async def test_a_service_calls_its_on_call_its_owner_its_steps_and_the_managers(
    made: Escalations,
) -> None:
    checkout = Service(
        key="checkout",
        name="Checkout",
        tier=1,
        owner=PersonRef(user_id="UOWNER"),
        on_call=GroupRef(handle="checkout-oncall"),
        manager=PersonRef(user_id="UMANAGER"),
        steps=(LadderStep(who=(PersonRef(user_id="USENIOR"), Relation.OWNER)),),
    )
    made.world.change_policy(services=(checkout,))
    await made.group("S0CO", "checkout-oncall", "UONCALL")
    await made.escalate(target=ServiceTarget("checkout"))
    names = [step.names for step in (await made.view()).steps]
    assert names == [
        ("@checkout-oncall",),
        ("UOWNER",),
        ("USENIOR",),
        ("UMANAGER",),
        ("Incident commander",),
    ]
    with pytest.raises(InvalidInput):
        await made.escalate(target=ServiceTarget("checkoot"))


async def test_redirecting_to_a_service_continues_with_its_ladder(made: Escalations) -> None:
    search = Service(
        key="search",
        name="Search",
        tier=2,
        on_call=PersonRef(user_id="USEARCH"),
        owner=PersonRef(user_id="UOWNER"),
    )
    made.world.change_policy(services=(search,))
    made.steps("ULAST")
    bob = await made.world.person("bob")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    await made.answer(redirect, by=bob, target=ServiceTarget("search"))
    for _ in range(2):
        await made.wait(minutes=5)
    assert await made.called() == ["bob", "USEARCH", "UOWNER", "ULAST"]
    assert (await made.view()).service_key == "search"


async def test_a_role_step_calls_the_holder_at_that_moment(made: Escalations) -> None:
    made.change(steps=(LadderStep(who=(RoleRef("commander"),)),))
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    await made.commander(await made.world.person("carol"))
    await made.wait(minutes=5)
    assert await made.called() == ["UBOB", "carol"]
    with pytest.raises(InvalidInput):
        await made.escalate(target=RoleTarget("janitor"))


async def test_a_question_reaches_the_author_and_the_answer_makes_a_new_version(
    made: Escalations,
) -> None:
    bob = await made.world.person("bob")
    sent = await made.escalate(target=PersonTarget(external_id="UBOB"), is_urgent=True)
    assert "evidence" in sent.data["missing"]
    await made.answer(ask_for_more, by=bob, field=PacketField.EVIDENCE)
    assert (await made.view()).asked_field == "evidence"
    assert [e.person_id for e in await made.world.effects(TellPerson)] == [made.alice.person_id]
    with pytest.raises(InvalidInput):
        await made.answer(ask_for_more, by=bob, field="horoscope")

    graph = {"evidence": "https://grafana.example.com/d/pool"}
    outcome = await made.answer(complete, by=made.alice, changes=graph)
    assert "evidence" not in outcome.data["missing"]
    view = await made.view()
    assert (view.packet_version, view.asked_field) == (2, "")
    assert view.packet == replace(PACKET, **graph)  # type: ignore[arg-type]
    (entry,) = await made.said(EscalationCompleted)
    assert (entry.version, entry.changed) == (2, ("evidence",))
    async with made.world.database.reading() as session:
        row = await session.get_one(tables.Escalation, made.id)
    assert (row.score_at_send, row.score) == (sent.data["score"], outcome.data["score"])
    assert row.score > row.score_at_send
    with pytest.raises(AlreadySo):
        await made.answer(complete, by=made.alice, changes=graph)


async def test_rating_and_completeness_are_in_no_entry_and_no_effect(
    made: Escalations,
) -> None:
    bob = await made.world.person("bob")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    before = len(await made.world.entries(made.incident_id))
    await made.answer(rate_packet, by=bob, rating=PacketRating.USABLE)
    await made.answer(rate_packet, by=bob, rating=PacketRating.CLEAR)
    assert len(await made.world.entries(made.incident_id)) == before
    async with made.world.database.reading() as session:
        ratings = (await session.execute(select(tables.EscalationRating.rating))).scalars().all()
    assert ratings == [PacketRating.CLEAR]
    with pytest.raises(NotPermitted):
        await made.answer(rate_packet, by=made.alice, rating=PacketRating.CLEAR)
    for entry in await made.world.entries(made.incident_id):
        assert not {"score", "completeness", "rating", "missing"} & set(entry.content or {})


async def test_withdrawing_or_ending_the_incident_ends_the_ladder(made: Escalations) -> None:
    made.steps("UCAROL")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    with pytest.raises(NotPermitted):
        await made.answer(withdraw, by=await made.world.person("eve"))
    await made.answer(withdraw, by=made.alice, reason="Found it")
    await made.wait(hours=1)
    assert await made.called() == ["UBOB"]

    await made.escalate(target=PersonTarget(external_id="UBOB"))
    await made.cancel()
    await made.wait(hours=1)
    assert await made.called() == ["UBOB"]
    ended = await made.said(EscalationWithdrawn)
    assert [one.because for one in ended] == ["withdrawn", "cancelled"]
    with pytest.raises(Superseded) as refused:
        await made.answer(take, by=await made.world.person("bob"))
    assert refused.value.what == "escalation_over"
    with pytest.raises(AlreadySo):
        await made.escalate(target=PersonTarget(external_id="UBOB"))


async def test_only_responders_and_the_people_called_may_answer(
    made: Escalations,
) -> None:
    eve, frank = await made.world.person("eve"), await made.responder("frank")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    for use_case, given in ((take, {}), (decline, {"reason": "No"})):
        with pytest.raises(NotPermitted):
            await made.answer(use_case, by=eve, **given)
    await made.answer(take, by=frank)
    assert (await made.view()).taken_by is not None


async def test_a_private_incident_is_shown_to_the_chosen_person_and_calls_nobody_else(
    world: World,
) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    eve = await world.person("eve")
    incident_id = await world.declare("Leaked key", by=alice, is_private=True)
    made = Escalations(world, incident_id, alice)
    made.steps("UMANAGER", "ULAWYER")
    lawyer = PersonRef(user_id="ULAWYER")
    world.change_policy(private=replace(world.policy.private, invite=(lawyer,)))
    with pytest.raises(IncidentNotFound):
        await made.escalate(by=eve)
    with pytest.raises(OpensPrivate) as question:
        await made.escalate(target=PersonTarget(external_id="UBOB"))
    assert [one.external_id for one in question.value.now] == ["UBOB"]
    assert [one.external_id for one in question.value.later] == ["UMANAGER"]
    world.may_open_to = frozenset({"UBOB"})
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    world.may_open_to = None
    with pytest.raises(IncidentNotFound):
        await made.answer(take, by=eve)
    assert (await world.view(incident_id, viewer=bob)).id == incident_id
    await made.wait(minutes=15)
    assert await made.called() == ["bob", "ULAWYER"]
    skipped = (await made.said(EscalationCalled))[1].skipped
    assert skipped == (LeftOut(name="UMANAGER", why="not_in_private"),)


async def test_a_drill_calls_nobody_outside_it(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Practice", by=alice, is_drill=True)
    made = Escalations(world, incident_id, alice)
    made.steps("UMANAGER")
    with pytest.raises(InvalidInput):
        await made.escalate(target=PersonTarget(external_id="UBOB"))
    await made.escalate()
    assert await made.called() == []
    assert await world.effects(CallForEscalation) == []


async def test_the_bot_escalates_for_somebody_to_their_mentor_then_up_the_ladder(
    made: Escalations,
) -> None:
    made.steps("UCAROL")
    await made.know("UCAROL")
    mentor, junior = await made.world.person("mentor"), await made.world.person("junior")
    draft = EscalationDraft(
        target=PersonTarget(person_id=mentor.person_id), on_behalf_of_id=junior.person_id
    )
    await made.world.run(partial(escalate, ref=ById(made.incident_id), draft=draft))
    (entry,) = await made.said(Escalated)
    made.id = entry.escalation_id
    await made.wait(minutes=5)
    assert await made.called() == ["mentor", "UCAROL"]
    # No entry names the person it is for, but they are told.
    await made.answer(ask_for_more, by=mentor, field=PacketField.SINCE)
    await made.answer(take, by=mentor)
    about = [one for one in await made.world.entries(made.incident_id) if "escal" in one.kind]
    assert (await made.view()).is_automatic
    for one in about:
        assert "is_automatic" not in (one.content or {})
        assert "junior" not in json.dumps(one.content)
        assert str(junior.person_id) not in json.dumps(one.content)
    told = [e for e in await made.world.effects(TellPerson) if e.person_id == junior.person_id]
    kinds = {one.id: one.kind for one in about}
    assert [kinds[effect.entry_id] for effect in told] == [
        EscalationQuestioned.kind,
        EscalationTaken.kind,
    ]
    with pytest.raises(AlreadySo):
        await made.answer(take, by=mentor)


async def test_the_wait_continues_if_the_rest_of_the_ladder_is_empty(
    made: Escalations,
) -> None:
    made.steps("UCAROL")
    await made.world.person("carol")
    await made.deactivate("UCAROL")
    bob = await made.world.person("bob")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    (call,) = (await made.view()).calls
    made.world.clock.advance(timedelta(seconds=2))
    await made.answer(note_unavailable, call_id=call.id, how="do not disturb until 08:00")
    view = await made.view()
    assert (view.status, await made.said(EscalationExhausted)) == (
        EscalationStatus.CALLING,
        [],
    )
    assert view.due_at is not None
    await made.wait(minutes=6)
    assert (await made.view()).status is EscalationStatus.EXHAUSTED
    await made.answer(take, by=bob)


async def test_calling_an_empty_step_early_ends_no_other_wait(
    made: Escalations,
) -> None:
    made.steps("UCAROL")
    await made.world.person("carol")
    await made.deactivate("UCAROL")
    await made.world.person("bob")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    await made.answer(call_step, step=2, by=made.alice)
    assert (await made.view()).status is EscalationStatus.CALLING
    await made.wait(minutes=5)
    assert (await made.view()).status is EscalationStatus.EXHAUSTED


async def test_after_the_incident_the_person_on_it_can_call_nobody(
    made: Escalations,
) -> None:
    made.steps("UCAROL")
    bob = await made.world.person("bob")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    await made.answer(take, by=bob)
    await made.cancel()
    with pytest.raises(Superseded):
        await made.answer(decline, by=bob, reason="I'm off shift")
    with pytest.raises(Superseded):
        await made.answer(redirect, by=bob, target=PersonTarget(external_id="UDAVE"))
    assert await made.called() == ["bob"]


async def test_a_step_chosen_in_a_form_is_called_even_if_others_were_added_before_it(
    made: Escalations,
) -> None:
    made.steps("UCAROL", "UDAVE")
    bob = await made.world.person("bob")
    await made.escalate(target=PersonTarget(external_id="UBOB"))
    seen = {step.names: step.id for step in (await made.view()).steps}
    await made.answer(redirect, by=bob, target=PersonTarget(external_id="UEVE"))
    await made.answer(call_step, step=seen[("UDAVE",)], by=made.alice)
    assert await made.called() == ["bob", "UEVE", "UDAVE"]
