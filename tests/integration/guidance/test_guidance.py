"""Guidance on both databases: the steps, the time box, calling company, and the end."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from incidents.core.errors import AlreadySo, Superseded
from incidents.core.people import Actor
from incidents.engine.effects import SendPrompt, encode
from incidents.engine.presence import beat, come_back
from incidents.engine.prompts import Prompt, PromptKind, PromptStatus, mark_delivered
from incidents.engine.reminders import Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.escalate import EscalationDraft, escalate
from incidents.escalation.packet import Packet
from incidents.escalation.tables import Escalation, calls_of, escalations_of
from incidents.escalation.targets import PersonTarget
from incidents.guidance.answers import (
    add_answer,
    answer_step,
    quiet,
    report_progress,
    say_stuck,
    switch_prompts,
)
from incidents.guidance.call_mentor import FIRST_WORD
from incidents.incident.incident import ById
from incidents.lifecycle.status import cancel
from incidents.people.assignable import Named
from incidents.policy.escalation import Service
from incidents.policy.guidance import StepAnswer
from incidents.policy.policy import COMMANDER, SCRIBE
from incidents.policy.references import PersonRef
from incidents.policy.supervision import MentorSeed, StageSeed
from incidents.record.notes import add_note
from incidents.rights.stages import Stage
from incidents.roles.assign import assign_role
from incidents.roles.command import take_over
from tests.world import World

BOX = timedelta(minutes=10)
STEPS = ["size_up", "recent_changes", "runbook", "evidence", "first_update"]


def supervise(world: World, person: Actor, *mentors: Actor, **seed: str) -> None:
    who = PersonRef(user_id=person.external_id)
    seeds = (StageSeed(person=who, stage=Stage.ASSIST, **seed),)
    refs = tuple(PersonRef(user_id=mentor.external_id) for mentor in mentors)
    named = (MentorSeed(person=who, mentors=refs),) if mentors else ()
    world.change_policy(supervision=replace(world.policy.supervision, stages=seeds, mentors=named))


async def give(world: World, incident_id: uuid.UUID, who: Actor, role: str = COMMANDER) -> None:
    named = Named(who.external_id or "")
    await world.run(partial(assign_role, ref=ById(incident_id), role=role, person=named), by=who)
    await world.tick()


async def prompts(world: World, who: Actor, kind: PromptKind | None = None) -> list[Prompt]:
    async with world.database.reading() as session:
        query = select(Prompt).where(Prompt.person_id == who.person_id).order_by(Prompt.asked_at)
        found = list((await session.execute(query)).scalars())
    return [prompt for prompt in found if kind is None or prompt.kind == kind]


async def waiting(world: World, who: Actor) -> list[str]:
    return [prompt.key for prompt in await prompts(world, who) if prompt.is_open]


async def deliver(world: World) -> None:
    """Deliver every prompt to its owner, as the chat service would."""
    async with world.database.reading() as session:
        found = list((await session.execute(select(Prompt.id))).scalars())

    async def use_case(uow: UnitOfWork) -> Outcome:
        for prompt_id in found:
            await mark_delivered(uow, prompt_id)
        return Outcome("delivered")

    await world.run(use_case)


async def escalations(world: World, incident_id: uuid.UUID) -> Sequence[Escalation]:
    async with world.database.reading() as session:
        return await escalations_of(session, incident_id)


async def called(world: World, escalation: Escalation) -> list[uuid.UUID]:
    async with world.database.reading() as session:
        return [call.person_id for call in await calls_of(session, escalation.id)]


async def pass_time(world: World, duration: timedelta) -> None:
    """Let time pass while the bot runs, and deliver what it sends."""
    end = world.clock.now() + duration
    while world.clock.now() < end:
        await deliver(world)
        world.clock.advance(timedelta(seconds=30))
        await world.run(beat)
        await world.tick()


async def wait_a_moment(world: World) -> None:
    """Wait until the person was told, so that the call may follow."""
    world.clock.advance(FIRST_WORD)
    await world.tick()


async def led_by_junior(world: World) -> tuple[Actor, Actor, uuid.UUID]:
    """A SEV2 incident led by Jun; Maya is the mentor."""
    jun, maya = await world.person("jun"), await world.person("maya")
    supervise(world, jun, maya)
    incident_id = await world.declare("Checkout errors", by=jun, severity_key="sev2")
    await give(world, incident_id, jun)
    return jun, maya, incident_id


async def answer(world: World, who: Actor, how: StepAnswer = StepAnswer.DONE) -> Prompt:
    (open_one,) = [
        prompt for prompt in await prompts(world, who, PromptKind.FIRST_FIFTEEN) if prompt.is_open
    ]
    await world.run(partial(answer_step, prompt_id=open_one.id, answer=how), by=who)
    await world.tick()
    return open_one


# -- the first minutes ----------------------------------------------------------------------


async def test_a_junior_is_walked_through_the_checklist_one_step_at_a_time(world: World) -> None:
    jun, _, _ = await led_by_junior(world)
    for key in STEPS:
        assert await waiting(world, jun) == [key]
        await answer(world, jun)
    assert await waiting(world, jun) == []


async def test_without_a_supervised_person_nobody_is_asked(world: World) -> None:
    jun, maya = await world.person("jun"), await world.person("maya")
    incident_id = await world.declare("Checkout errors", by=jun, severity_key="sev1")
    kinds = {reminder.kind for reminder in await world.pending_reminders()}
    await give(world, incident_id, jun)
    await give(world, incident_id, maya, SCRIBE)
    await pass_time(world, timedelta(minutes=25))
    assert await prompts(world, jun) == await prompts(world, maya) == []
    assert {reminder.kind for reminder in await world.pending_reminders()} <= kinds
    assert await escalations(world, incident_id) == []


async def test_the_checklist_follows_service_and_severity(world: World) -> None:
    jun = await world.person("jun")
    supervise(world, jun)
    guidance = world.policy.guidance
    (built_in,) = guidance.checklists
    own = replace(built_in, key="checkout", services=("checkout",), steps=built_in.steps[2:])
    severe = replace(built_in, key="severe", severities=("sev2",), steps=built_in.steps[1:])
    world.change_policy(
        guidance=replace(guidance, checklists=(built_in, severe, own)),
        services=(Service(key="checkout", name="Checkout", tier=1),),
    )
    first = await world.declare("Search is slow", by=jun, severity_key="sev2")
    await give(world, first, jun)
    second = await world.declare(
        "Checkout errors", by=jun, severity_key="sev2", services=("checkout",)
    )
    await give(world, second, jun)
    assert sorted(await waiting(world, jun)) == ["recent_changes", "runbook"]


async def test_an_answer_reaches_the_timeline_only_if_its_owner_adds_it(world: World) -> None:
    jun, _, incident_id = await led_by_junior(world)
    before = len(await world.entries(incident_id))
    prompt = await answer(world, jun)
    assert len(await world.entries(incident_id)) == before

    await world.run(partial(add_answer, prompt_id=prompt.id), by=jun)
    note = (await world.entries(incident_id))[-1]
    assert (note.kind, note.actor_name) == ("note", jun.name)
    assert (note.content or {})["text"].startswith("Sized up")
    with pytest.raises(AlreadySo):
        await world.run(partial(add_answer, prompt_id=prompt.id), by=jun)

    prompt = await answer(world, jun)
    words = partial(add_answer, prompt_id=prompt.id, text="Deploy 4711 went out at 13:50")
    await world.run(words, by=jun)
    note = (await world.entries(incident_id))[-1]
    assert (note.content or {})["text"] == "Deploy 4711 went out at 13:50"
    # Only the note holds the words, so redacting it leaves no copy.
    assert [found.text for found in await prompts(world, jun) if found.text] == []


async def test_only_the_owner_answers_or_adds(world: World) -> None:
    jun, maya, _ = await led_by_junior(world)
    (prompt,) = await prompts(world, jun)
    for use_case in (
        partial(answer_step, prompt_id=prompt.id, answer=StepAnswer.DONE),
        partial(add_answer, prompt_id=prompt.id),
        partial(quiet, prompt_id=prompt.id),
    ):
        with pytest.raises(Superseded):
            await world.run(use_case, by=maya)
    assert await waiting(world, jun) == ["size_up"]


# -- the time box ---------------------------------------------------------------------------


async def test_a_quiet_box_brings_a_question_and_the_line_becomes_a_note(
    world: World,
) -> None:
    jun, _, incident_id = await led_by_junior(world)
    await pass_time(world, BOX)
    (box,) = await prompts(world, jun, PromptKind.TIME_BOX)
    use_case = partial(report_progress, prompt_id=box.id, text="Found the slow query")
    await world.run(use_case, by=jun)
    note = (await world.entries(incident_id))[-1]
    assert (note.kind, (note.content or {})["text"]) == ("note", "Found the slow query")
    await pass_time(world, timedelta(minutes=9))
    assert len(await prompts(world, jun, PromptKind.TIME_BOX)) == 1
    await pass_time(world, timedelta(minutes=2))
    assert len(await prompts(world, jun, PromptKind.TIME_BOX)) == 2


async def test_a_late_answer_brings_the_next_step_instead_of_the_question(world: World) -> None:
    jun, _, incident_id = await led_by_junior(world)
    await pass_time(world, BOX + timedelta(minutes=1))
    assert await waiting(world, jun) == [STEPS[0], "1"]
    await answer(world, jun)
    assert await waiting(world, jun) == [STEPS[1]]
    # When the time is up, the question comes again, and company is called as usual.
    await pass_time(world, BOX)
    assert await waiting(world, jun) == [STEPS[1], "2"]
    await pass_time(world, BOX + timedelta(minutes=1))
    assert len(await escalations(world, incident_id)) == 1


async def test_news_from_anybody_restarts_the_box(world: World) -> None:
    jun, maya, incident_id = await led_by_junior(world)
    await pass_time(world, timedelta(minutes=8))
    await world.run(partial(add_note, ref=ById(incident_id), text="Errors fall"), by=maya)
    await pass_time(world, timedelta(minutes=8))
    assert await prompts(world, jun, PromptKind.TIME_BOX) == []


async def test_two_unanswered_prompts_call_the_mentor_and_then_questions_stop(
    world: World,
) -> None:
    jun, maya, incident_id = await led_by_junior(world)
    await pass_time(world, timedelta(minutes=19))
    assert await escalations(world, incident_id) == []
    await pass_time(world, timedelta(minutes=2))
    (made,) = await escalations(world, incident_id)
    assert made.author_id == jun.person_id
    assert (await called(world, made))[0] == maya.person_id
    (told,) = await prompts(world, jun, PromptKind.MENTOR_CALLED)
    assert (told.status, told.data["why"]) == (PromptStatus.TOLD, "silence")
    assert told.data["asked"] == [maya.external_id]
    await pass_time(world, timedelta(minutes=40))
    assert len(await escalations(world, incident_id)) == 1
    assert len(await prompts(world, jun, PromptKind.TIME_BOX)) == 1


async def test_somebody_stuck_who_sends_no_packet_gets_company(world: World) -> None:
    jun, maya, incident_id = await led_by_junior(world)
    await pass_time(world, BOX)
    (box,) = await prompts(world, jun, PromptKind.TIME_BOX)
    await world.run(partial(say_stuck, prompt_id=box.id), by=jun)
    await pass_time(world, timedelta(minutes=9))
    assert await escalations(world, incident_id) == []
    await pass_time(world, timedelta(minutes=2))
    (made,) = await escalations(world, incident_id)
    assert maya.person_id in await called(world, made)


async def test_after_the_bot_was_away_there_is_one_prompt_and_no_call(world: World) -> None:
    jun, _, incident_id = await led_by_junior(world)
    await pass_time(world, timedelta(minutes=12))
    await deliver(world)
    world.clock.advance(timedelta(hours=3))
    await world.run(come_back)
    before = len(await prompts(world, jun))
    await world.tick()
    await world.tick()
    assert len(await prompts(world, jun)) == before + 1
    assert len([p for p in await prompts(world, jun, PromptKind.TIME_BOX) if p.is_open]) == 1
    assert await escalations(world, incident_id) == []
    await pass_time(world, timedelta(minutes=21))
    assert len(await escalations(world, incident_id)) == 1


async def test_an_undelivered_prompt_doesnt_count_as_unanswered(world: World) -> None:
    jun, _, incident_id = await led_by_junior(world)
    for _ in range(60):
        world.clock.advance(timedelta(seconds=30))
        await world.run(beat)
        await world.tick()
    assert await escalations(world, incident_id) == []
    assert await prompts(world, jun, PromptKind.TIME_BOX) == []


# -- what calls for company -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "how"),
    [
        ("runbook", StepAnswer.RUNBOOK_FAILED),
        ("size_up", StepAnswer.BLAST_RADIUS_UNCLEAR),
        ("size_up", StepAnswer.DATA_OR_SECURITY),
    ],
)
async def test_an_answer_named_in_the_policy_calls_the_mentor_at_once(
    world: World, step: str, how: StepAnswer
) -> None:
    jun, maya, incident_id = await led_by_junior(world)
    while await waiting(world, jun) != [step]:
        await answer(world, jun)
    await answer(world, jun, how)
    assert await escalations(world, incident_id) == []  # the person is told first
    await wait_a_moment(world)
    (made,) = await escalations(world, incident_id)
    assert await called(world, made) == [maya.person_id]
    (told,) = await prompts(world, jun, PromptKind.MENTOR_CALLED)
    assert told.data["why"] == how


async def test_a_severe_incident_is_not_left_to_a_junior_alone(world: World) -> None:
    jun, maya = await world.person("jun"), await world.person("maya")
    supervise(world, jun, maya)
    incident_id = await world.declare("Checkout is down", by=jun, severity_key="sev1")
    await give(world, incident_id, jun)
    await wait_a_moment(world)
    (made,) = await escalations(world, incident_id)
    assert await called(world, made) == [maya.person_id]
    await answer(world, jun, StepAnswer.BLAST_RADIUS_UNCLEAR)
    await wait_a_moment(world)
    assert len(await escalations(world, incident_id)) == 1


async def test_with_a_senior_in_the_incident_severity_alone_calls_nobody(world: World) -> None:
    jun, maya, carol = [await world.person(name) for name in ("jun", "maya", "carol")]
    supervise(world, jun, maya)
    incident_id = await world.declare("Checkout is down", by=carol, severity_key="sev1")
    await give(world, incident_id, carol)
    await give(world, incident_id, jun, SCRIBE)
    assert await waiting(world, jun) == ["size_up"]
    assert await escalations(world, incident_id) == []


async def test_a_guess_in_their_packet_also_brings_the_mentor(world: World) -> None:
    jun, maya, incident_id = await led_by_junior(world)
    dana = await world.person("dana")
    draft = EscalationDraft(
        target=PersonTarget(external_id=dana.external_id or ""),
        packet=Packet(ask="Please look at the pool", confidence="low"),
    )
    await world.run(partial(escalate, ref=ById(incident_id), draft=draft), by=jun)
    await world.tick()
    await wait_a_moment(world)
    own, made = await escalations(world, incident_id)
    assert await called(world, own) == [dana.person_id]
    assert await called(world, made) == [maya.person_id]
    await wait_a_moment(world)
    assert len(await escalations(world, incident_id)) == 2


async def test_somebody_who_joined_meanwhile_is_company_enough(world: World) -> None:
    jun, maya, incident_id = await led_by_junior(world)
    await answer(world, jun, StepAnswer.BLAST_RADIUS_UNCLEAR)
    await give(world, incident_id, maya, SCRIBE)
    await wait_a_moment(world)
    assert await escalations(world, incident_id) == []
    assert len(await prompts(world, jun, PromptKind.MENTOR_CALLED)) == 1


async def test_free_text_never_calls_anybody(world: World) -> None:
    jun, _, incident_id = await led_by_junior(world)
    prompt = await answer(world, jun)
    text = "runbook failed, blast radius unclear, data or security in doubt, stuck"
    await world.run(partial(add_answer, prompt_id=prompt.id, text=text), by=jun)
    await world.tick()
    assert await escalations(world, incident_id) == []


async def test_nobody_is_called_automatically_into_a_private_incident(world: World) -> None:
    jun, maya = await world.person("jun"), await world.person("maya")
    supervise(world, jun, maya)
    incident_id = await world.declare("Leaked keys", by=jun, severity_key="sev1", is_private=True)
    await give(world, incident_id, jun)
    (told,) = await prompts(world, jun, PromptKind.MENTOR_CALLED)
    await wait_a_moment(world)
    assert told.data == {"why": "severity", "is_left": True}
    assert await escalations(world, incident_id) == []


async def test_if_nobody_is_called_the_questions_continue(world: World) -> None:
    jun, maya = await world.person("jun"), await world.person("maya")
    supervise(world, jun, maya)
    incident_id = await world.declare("Leaked keys", by=jun, severity_key="sev3", is_private=True)
    await give(world, incident_id, jun)
    await pass_time(world, timedelta(minutes=22))
    (told,) = await prompts(world, jun, PromptKind.MENTOR_CALLED)
    assert told.data == {"why": "silence", "is_left": True}
    before = len(await prompts(world, jun, PromptKind.TIME_BOX))
    await pass_time(world, BOX + timedelta(minutes=1))
    assert len(await prompts(world, jun, PromptKind.TIME_BOX)) == before + 1
    await pass_time(world, timedelta(minutes=25))
    assert len(await prompts(world, jun, PromptKind.MENTOR_CALLED)) == 2
    assert await escalations(world, incident_id) == []


# -- off ------------------------------------------------------------------------------------


async def test_it_stops_when_a_senior_takes_the_role(world: World) -> None:
    jun, maya, incident_id = await led_by_junior(world)
    use_case = partial(
        take_over,
        ref=ById(incident_id),
        reason="Jun is needed elsewhere",
        seen_commander_id=str(jun.person_id),
    )
    await world.run(use_case, by=maya)
    await world.tick()
    assert await waiting(world, jun) == []
    await pass_time(world, timedelta(minutes=25))
    assert len(await prompts(world, jun)) == 1
    assert await escalations(world, incident_id) == []


async def test_a_senior_in_the_same_role_is_company_enough(world: World) -> None:
    jun, maya = await world.person("jun"), await world.person("maya")
    supervise(world, jun)
    incident_id = await world.declare("Checkout errors", by=jun)
    await give(world, incident_id, jun, SCRIBE)
    assert await waiting(world, jun) == ["size_up"]
    await give(world, incident_id, maya, SCRIBE)
    assert await waiting(world, jun) == []


async def test_it_ends_with_the_incident(world: World) -> None:
    jun, _, incident_id = await led_by_junior(world)
    await world.run(partial(cancel, ref=ById(incident_id), reason="false alarm"))
    await world.tick()
    assert await waiting(world, jun) == []
    await pass_time(world, timedelta(minutes=25))
    assert len(await prompts(world, jun)) == 1


async def test_quiet_lasts_for_this_incident_and_nobody_is_told(world: World) -> None:
    jun, maya, incident_id = await led_by_junior(world)
    entries = len(await world.entries(incident_id))
    (prompt,) = await prompts(world, jun)
    await world.run(partial(quiet, prompt_id=prompt.id), by=jun)
    assert await waiting(world, jun) == []
    await pass_time(world, timedelta(minutes=25))
    assert len(await prompts(world, jun)) == 1
    assert await prompts(world, maya) == []
    assert len(await world.entries(incident_id)) == entries

    other = await world.declare("Search is slow", by=jun, severity_key="sev3")
    await give(world, other, jun)
    assert await waiting(world, jun) == ["size_up"]

    await world.run(partial(switch_prompts, ref=ById(incident_id), on=True), by=jun)
    await world.tick()
    assert await waiting(world, jun) == ["size_up", "recent_changes"]
    with pytest.raises(AlreadySo):
        await world.run(partial(switch_prompts, ref=ById(incident_id), on=True), by=jun)
    with pytest.raises(Superseded):
        await world.run(partial(switch_prompts, ref=ById(incident_id), on=False), by=maya)


async def test_a_policy_can_switch_it_off(world: World) -> None:
    jun, maya = await world.person("jun"), await world.person("maya")
    supervise(world, jun, maya)
    world.change_policy(guidance=replace(world.policy.guidance, enabled=False))
    incident_id = await world.declare("Checkout is down", by=jun, severity_key="sev1")
    await give(world, incident_id, jun)
    assert await prompts(world, jun) == []
    assert await escalations(world, incident_id) == []


# -- what leaves the private room -----------------------------------------------------------


async def test_effects_reminders_and_entries_hold_only_ids(world: World) -> None:
    jun, _, incident_id = await led_by_junior(world)
    await answer(world, jun, StepAnswer.DATA_OR_SECURITY)
    await pass_time(world, timedelta(minutes=12))
    for effect in await world.effects(SendPrompt):
        payload = encode(effect)
        assert {str(uuid.UUID(value)) for value in payload.values()} == set(payload.values())
    async with world.database.reading() as session:
        rows = (await session.execute(select(Reminder))).scalars()
        data = [row.data for row in rows if row.kind in {"prompt_step", "time_box"}]
    assert {key for found in data for key in found} == {"person_id"}
    record = json.dumps([entry.content for entry in await world.entries(incident_id)])
    for word in ("prompt", "stage", "stuck", "supervis", "data_or_security", "guid", "checklist"):
        assert word not in record
