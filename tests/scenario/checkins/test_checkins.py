"""Check-ins in Slack: asked by command or form, understood, answered."""

from tests.scenario.conftest import ROOM, Bot, declared, said
from tests.slack_server.interaction.people import Person
from tests.slack_server.state import Channel


async def declared_with_bob(bot: Bot) -> tuple[Person, Person, Channel]:
    """Let Alice declare; return her, Bob and the channel."""
    alice, bob = bot.slack.add_people("alice", "bob")
    _, room = await declared(bot, by=alice)
    return alice, bob, room


async def test_a_checkin_by_command_goes_its_whole_way(any_bot: Bot) -> None:
    bot = any_bot
    alice, bob, room = await declared_with_bob(bot)
    outcome = await alice.command(
        "/incident checkin @bob 10m Is the web tier healthy?", channel=ROOM
    )
    assert "10 min" in outcome.text
    await bot.settle()
    assert bob in room
    (asked,) = bot.slack.dm(bob).messages  # he isn't in the channel yet
    await bob.click(asked, "checkin_understood")
    await bot.settle()
    assert "*Understood* at" in asked.rendered

    await bot.advance(minutes=10)
    question = said(room, "bob's time is up")[-1]
    assert bot.slack.dm(bob).messages == [asked]
    await bob.click(question, "checkin_more_time")
    await bot.settle()
    assert len(said(room, "asked for 10 min more")) == 1
    await bot.advance(minutes=10)
    question = said(room, "bob's time is up")[-1]
    form = (await bob.click(question, "checkin_answer_open")).get_view()
    await bob.submit(form, {"answer": "stuck", "text": "No access to the load balancer"})
    await bot.settle()
    (answer,) = [line for line in room.messages if "was stuck" in line.rendered]
    assert "No access" in answer.text


async def test_a_checkin_by_form_says_in_its_fields_what_cannot_be_taken(bot: Bot) -> None:
    alice, bob, room = await declared_with_bob(bot)
    form = (await alice.command("/incident checkin", channel=ROOM)).get_view()
    values = {"person": bob, "question": "Is the web tier healthy?", "minutes": "soon"}
    outcome = await alice.submit(form, values)
    assert "minutes" in outcome.errors
    await alice.submit(form, {**values, "minutes": "5"})
    await bot.settle()
    assert len(said(room, "You have 5 min")) == 1


async def test_a_name_that_is_no_mention_is_refused_with_an_example(bot: Bot) -> None:
    alice, _, room = await declared_with_bob(bot)
    outcome = await alice.command("/incident checkin somebody look at it", channel=ROOM)
    assert "checkin @" in outcome.text.replace("\u2060", "")
    await bot.settle()
    assert said(room, "look at it") == []


async def test_old_buttons_and_other_peoples_change_nothing(bot: Bot) -> None:
    alice, bob, room = await declared_with_bob(bot)
    await alice.command("/incident checkin @bob 10m Is the web tier healthy?", channel=ROOM)
    await bot.settle()
    await alice.click(said(room, "asks you")[0], "checkin_understood")
    await bot.advance(minutes=10)
    question = said(room, "How did it go?")[-1].seen()
    await bob.click(question, "checkin_done")
    await bot.settle()
    await bob.click(question, "checkin_stuck")
    await bot.settle()
    assert said(room, "took on") == []
    assert len(said(room, "finished the check-in")) == 1
    assert said(room, "was stuck") == []
