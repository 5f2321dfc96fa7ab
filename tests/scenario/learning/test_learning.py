"""The check at the end of every scenario finds leaks, and nothing else."""

import uuid

import pytest
from sqlalchemy import select

from incidents.core.ids import new_id
from incidents.core.people import Person
from incidents.engine.prompts import Prompt, PromptKind
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.escalate import EscalationDraft, escalate
from incidents.escalation.targets import PersonTarget
from incidents.incident.incident import ById, Incident
from incidents.record.entries import Note
from tests.scenario.conftest import ROOM, Bot, declared
from tests.scenario.learning_leaks import check_learning

SECRET = "I am not sure which runbook this is about"


async def _answered(bot: Bot) -> uuid.UUID:
    """Store somebody's private answer to a prompt; return the incident's id."""
    alice, _ = await declared(bot)
    ids: list[uuid.UUID] = []

    async def keep(uow: UnitOfWork) -> Outcome:
        person = (
            await uow.session.execute(select(Person).where(Person.external_id == alice.id))
        ).scalar_one()
        incident = (await uow.session.execute(select(Incident))).scalar_one()
        ids.append(incident.id)
        uow.session.add(
            Prompt(
                id=new_id(),
                workspace_id=uow.workspace_id,
                incident_id=incident.id,
                person_id=person.id,
                kind=PromptKind.TIME_BOX,
                key="1",
                asked_at=uow.now,
                text=SECRET,
            )
        )
        return Outcome("kept")

    await bot.run(keep)
    return ids[-1]


async def _found(bot: Bot, *, log: str = "") -> list[str]:
    services = bot.app.services
    async with services.database.reading() as session:
        return await check_learning(session, bot.slack, policy=services.policy, log=log)


async def test_an_answer_that_only_its_owner_sees_is_no_leak(bot: Bot) -> None:
    await _answered(bot)
    alice = bot.slack.person("alice")
    await bot.app.services.gateway.client.chat_postMessage(channel=alice.id, text=SECRET)
    assert await _found(bot) == []


@pytest.mark.parametrize("place", [ROOM, "incidents", "eve"])
async def test_an_answer_that_anybody_else_can_read_is_found(place: str, leaking_bot: Bot) -> None:
    bot = leaking_bot
    await _answered(bot)
    eve = bot.slack.add_person("eve")
    channel = eve.id if place == "eve" else bot.slack.channel(place).id
    posted = await bot.app.services.gateway.client.chat_postMessage(
        channel=channel, text=f"They wrote: {SECRET}"
    )
    assert any("a prompt's text" in leak for leak in await _found(bot))
    # Even after an edit removed it.
    await bot.app.services.gateway.client.chat_update(
        channel=posted["channel"], ts=posted["ts"], text="Nothing"
    )
    assert any("a prompt's text" in leak for leak in await _found(bot))


async def test_an_answer_on_the_timeline_or_in_the_log_is_found(leaking_bot: Bot) -> None:
    bot = leaking_bot
    incident_id = await _answered(bot)
    assert await _found(bot, log=f"[info] prompt_answered text={SECRET}")

    async def record(uow: UnitOfWork) -> Outcome:
        incident = await uow.session.get(Incident, incident_id)
        assert incident is not None
        uow.record(incident, Note(text=SECRET))
        return Outcome("recorded")

    await bot.run(record)
    assert any("timeline entry" in leak for leak in await _found(bot))


async def test_words_of_learning_in_a_channel_are_found(leaking_bot: Bot) -> None:
    bot = leaking_bot
    await _answered(bot)
    room = bot.slack.channel(ROOM).id
    await bot.app.services.gateway.client.chat_postMessage(
        channel=room, text="alice is supervised here"
    )
    assert any("'supervised'" in leak for leak in await _found(bot))


async def test_for_whom_the_bot_escalates_is_found_wherever_others_read_it(
    leaking_bot: Bot,
) -> None:
    bot = leaking_bot
    incident_id = await _answered(bot)
    alice, eve = bot.slack.person("alice"), bot.slack.add_person("eve")
    await eve.command("/incident list")

    async def send(uow: UnitOfWork) -> Outcome:
        people = (await uow.session.execute(select(Person))).scalars()
        ids = {person.external_id: person.id for person in people}
        draft = EscalationDraft(
            target=PersonTarget(person_id=ids[eve.id]), on_behalf_of_id=ids[alice.id]
        )
        return await escalate(uow, ById(incident_id), draft)

    await bot.run(send)
    await bot.settle()
    assert await _found(bot) == []
    post = bot.app.services.gateway.client.chat_postMessage
    room = bot.slack.channel(ROOM).id
    await post(channel=room, text=f"INC-1\n*Escalation 1* (Owner): help for {alice.mention}")
    await post(channel=eve.id, text=f"INC-1: *{alice.mention} needs you* for *INC-1*")
    (in_room, in_direct) = await _found(bot)
    assert ROOM in in_room
    assert "for whom the bot escalates" in in_direct
