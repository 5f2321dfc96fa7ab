"""A whole incident, from declaring to the exported timeline and the drafted postmortem.

Once in Socket Mode and once over HTTP, on SQLite and on PostgreSQL, with a restart in the middle.
"""

import asyncio
import json

from sqlalchemy import select

from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.exports.offline import verify_export
from tests.scenario.conftest import ROOM, Bot, declared, unpinned
from tests.slack_server.interaction.people import Person
from tests.slack_server.state import Channel


def file_named(bot: Bot, ending: str) -> str:
    """Return the text of the newest uploaded file with this ending."""
    files = [file for file in bot.slack.files if file.name.endswith(ending)]
    assert files, f"no file *{ending}"
    return bytes(files[-1].content).decode()


async def test_an_incident_from_declaring_to_the_postmortem(every_bot: Bot) -> None:
    bot = every_bot
    alice, bob, carol = bot.slack.add_people("alice", "bob", "carol")

    _, room = await declared(bot, by=alice)
    await _roles_are_taken(bot, alice, bob, room)
    await _the_timeline_fills(bot, alice, bob, room)
    await _the_update_is_reminded_of_and_posted(bot, alice, room)
    await bot.restart()
    await _command_is_handed_over(bot, alice, bob, room)
    await _it_gets_worse_then_better(bot, bob, room)
    await _it_is_resolved_and_written_up(bot, bob, carol, room)
    await _the_record_is_whole(bot, bob)


async def _roles_are_taken(bot: Bot, alice: Person, bob: Person, room: Channel) -> None:
    await alice.click(room.pins[0], "role_take_command")
    await alice.command("/incident role scribe @bob", channel=ROOM)
    await bot.settle()
    assert bob in room
    assert alice.mention in room.pins[0].text
    assert bot.slack.dm(bob).messages


async def _the_timeline_fills(bot: Bot, alice: Person, bob: Person, room: Channel) -> None:
    await bob.command("/incident note -10m First alerts for the checkout service", channel=ROOM)
    message = await alice.says("The 08:55 deploy looks guilty", ROOM)
    reply = await bob.says("Error rate 12 %", ROOM, thread=message)
    await bob.reacts(reply, "pushpin")
    await bot.settle()
    shown = await bob.command("/incident timeline", channel=ROOM)
    assert "First alerts" in shown.text
    assert "Error rate 12 %" in shown.text


async def _the_update_is_reminded_of_and_posted(bot: Bot, alice: Person, room: Channel) -> None:
    await bot.advance(minutes=31)
    reminder = room.messages[-1]
    opened = await alice.click(reminder, "update_open")
    answered = await alice.submit(
        opened.get_view(), {"impact": "One in eight payments fails", "actions": "Rolling back"}
    )
    assert answered.errors == {}
    await bot.settle()
    assert "One in eight payments fails" in room.pins[0].rendered
    assert "Rolling back" in bot.slack.channel("incidents").messages[0].rendered


async def _command_is_handed_over(bot: Bot, alice: Person, bob: Person, room: Channel) -> None:
    await alice.command("/incident handoff @bob", channel=ROOM)
    await bot.settle()
    await bob.click(bot.slack.dm(bob).messages[-1], "handoff_accept")
    await bot.settle()
    assert bob.mention in room.pins[0].text


async def _it_gets_worse_then_better(bot: Bot, bob: Person, room: Channel) -> None:
    await bob.command("/incident severity sev1 All payments fail", channel=ROOM)
    await bot.settle()
    assert "SEV1" in unpinned(room, "SEV2")[-1].rendered
    await bot.advance(minutes=5)
    await bob.command("/incident status mitigated Rolled back", channel=ROOM)
    await bot.settle()
    assert "mitigated" in bot.slack.channel("incidents").messages[0].text


async def _it_is_resolved_and_written_up(
    bot: Bot, bob: Person, carol: Person, room: Channel
) -> None:
    await bot.advance(minutes=10)
    asked = await bob.command("/incident resolve Rolled the deploy back", channel=ROOM)
    answered = await bob.submit(asked.get_view())
    assert answered.errors == {}
    await bot.settle()
    draft = file_named(bot, "postmortem-v1.md")
    assert "Rolled the deploy back" in draft
    assert "One in eight payments fails" in draft
    await carol.joins(ROOM)
    await bot.settle()
    await bob.command("/incident close", channel=ROOM)
    await bot.settle()
    assert "closed" in room.pins[0].text


async def _the_record_is_whole(bot: Bot, bob: Person) -> None:
    for format_name in ("md", "csv", "json"):
        await bob.command(f"/incident export {format_name}", channel=ROOM)
    await bot.settle()
    record = file_named(bot, ".json")
    assert verify_export(record.encode()) == ()
    kinds = [entry["kind"] for entry in json.loads(record)["entries"]]
    for kind in ("declared", "role_assigned", "note", "marked", "update_posted", "update_reminded"):
        assert kind in kinds
    for kind in ("commander_changed", "severity_changed", "status_changed", "postmortem_drafted"):
        assert kind in kinds
    assert "First alerts for the checkout service" in file_named(bot, ".csv")
    assert "Error rate 12 %" in file_named(bot, ".md")
    async with bot.app.services.database.reading() as session:
        query = select(EffectRow).where(EffectRow.status != EffectStatus.DONE)
        left = [
            (row.kind, row.status, row.error)
            for row in (await session.execute(query)).scalars()
            if row.status != EffectStatus.DROPPED
        ]
    assert left == []


async def test_two_people_press_take_command_at_once_and_one_is_told(every_bot: Bot) -> None:
    bot = every_bot
    alice, bob = bot.slack.add_people("alice", "bob")
    _, room = await declared(bot, by=alice)
    await bob.joins(ROOM)
    card = room.pins[0].seen()
    await asyncio.gather(
        alice.click(card, "role_take_command"), bob.click(card, "role_take_command")
    )
    await bot.settle()
    assert (alice.mention in room.pins[0].text) != (bob.mention in room.pins[0].text)
    told = [person for person in (alice, bob) if "has command" in str(person.ephemerals)]
    assert len(told) == 1


async def test_two_people_resolve_at_once_and_one_is_told(every_bot: Bot) -> None:
    bot = every_bot
    alice, bob = bot.slack.add_people("alice", "bob")
    await declared(bot, by=alice)
    await bob.joins(ROOM)
    await bot.advance(minutes=5)
    forms = [
        (await person.command("/incident resolve Rolled back", channel=ROOM)).get_view()
        for person in (alice, bob)
    ]
    answers = await asyncio.gather(alice.submit(forms[0]), bob.submit(forms[1]))
    await bot.settle()
    room = bot.slack.channel(ROOM)
    assert sum("postmortem-v1.md" in file.name for file in bot.slack.files) == 1
    assert "resolved" in room.pins[0].text
    assert sum(answer.action == "update" for answer in answers) >= 1


async def test_a_redelivered_event_has_no_effect(every_bot: Bot) -> None:
    bot = every_bot
    alice, _ = await declared(bot)
    message = await alice.says("Error rate 12 %", ROOM)
    await alice.reacts(message, "pushpin")
    await bot.settle()
    delivery, _own = bot.slack.deliveries_of("reaction_added")
    await bot.slack.redeliver(delivery)
    await bot.settle()
    shown = await alice.command("/incident timeline", channel=ROOM)
    assert shown.text.count("Error rate 12 %") == 1
