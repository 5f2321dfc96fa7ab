"""Prompts: asked once, answered only by their owner, and kept private."""

import uuid
from collections.abc import Mapping
from functools import partial

import pytest

from incidents.core.errors import AlreadySo, IncidentNotFound, Superseded
from incidents.core.people import Actor
from incidents.engine.effects import SendPrompt, encode
from incidents.engine.outbox import EffectRow
from incidents.engine.prompts import (
    Prompt,
    PromptKind,
    PromptStatus,
    answer,
    ask,
    open_prompts,
    withdraw,
)
from incidents.engine.settling import record_failure
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById
from tests.world import World


async def ask_in(
    world: World,
    incident_id: uuid.UUID,
    who: Actor,
    *,
    key: str = "one",
    data: Mapping[str, object] | None = None,
) -> uuid.UUID:
    asked: list[uuid.UUID] = []

    async def use_case(uow: UnitOfWork) -> Outcome:
        incident = await uow.get_incident(ById(incident_id))
        assert who.person_id is not None
        prompt = await ask(
            uow,
            incident=incident,
            person_id=who.person_id,
            kind=PromptKind.DECISION,
            key=key,
            data=data,
        )
        asked.append(prompt.id)
        return Outcome("asked")

    await world.run(use_case)
    return asked[-1]


async def load(world: World, prompt_id: uuid.UUID) -> Prompt:
    async with world.database.reading() as session:
        return await session.get_one(Prompt, prompt_id)


async def test_the_same_question_is_asked_once(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    first = await ask_in(world, incident_id, alice)
    assert await ask_in(world, incident_id, alice) == first
    assert await ask_in(world, incident_id, alice, key="two") != first
    assert len(await world.effects(SendPrompt)) == 2


async def test_an_answer_is_stored_with_its_time_and_nowhere_else(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    before = len(await world.entries(incident_id))
    prompt_id = await ask_in(world, incident_id, alice, data={"secret": "sesame"})
    outcome = await world.run(
        partial(answer, prompt_id=prompt_id, answer="wait", text="I would wait"), by=alice
    )
    assert outcome.incident_id is None
    prompt = await load(world, prompt_id)
    assert (prompt.status, prompt.answer, prompt.text) == ("answered", "wait", "I would wait")
    assert prompt.answered_at == world.clock.now()
    assert len(await world.entries(incident_id)) == before
    payloads = [encode(effect) for effect in await world.effects(SendPrompt)]
    assert {key for payload in payloads for key in payload} == {
        "incident_id",
        "prompt_id",
        "person_id",
    }


async def test_only_its_owner_answers_a_prompt_and_only_once(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Checkout errors", by=alice)
    prompt_id = await ask_in(world, incident_id, bob)
    with pytest.raises(Superseded):
        await world.run(partial(answer, prompt_id=prompt_id, answer="wait"), by=alice)
    await world.run(partial(answer, prompt_id=prompt_id, answer="wait"), by=bob)
    with pytest.raises(AlreadySo):
        await world.run(partial(answer, prompt_id=prompt_id, answer="go"), by=bob)
    assert (await load(world, prompt_id)).answer == "wait"


async def test_somebody_who_may_not_see_the_incident_cannot_answer(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    incident_id = await world.declare("Leaked keys", by=alice, is_private=True)
    prompt_id = await ask_in(world, incident_id, bob)
    with pytest.raises(IncidentNotFound):
        await world.run(partial(answer, prompt_id=prompt_id, answer="wait"), by=bob)


async def test_a_withdrawn_prompt_accepts_no_answer(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    prompt_id = await ask_in(world, incident_id, alice)

    async def use_case(uow: UnitOfWork) -> Outcome:
        await withdraw(uow, await open_prompts(uow.session, incident_id))
        return Outcome("withdrawn")

    await world.run(use_case)
    assert (await load(world, prompt_id)).status == PromptStatus.WITHDRAWN
    with pytest.raises(Superseded):
        await world.run(partial(answer, prompt_id=prompt_id, answer="wait"), by=alice)


async def test_a_failed_prompt_is_reported_nowhere(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    await ask_in(world, incident_id, alice)
    before = len(await world.entries(incident_id))

    async def fail(uow: UnitOfWork) -> Outcome:
        row = EffectRow(kind=SendPrompt.kind, incident_id=incident_id, id=uuid.uuid4())
        await record_failure(uow, row=row, error="channel_not_found")
        return Outcome("failed")

    await world.run(fail)
    assert len(await world.entries(incident_id)) == before
