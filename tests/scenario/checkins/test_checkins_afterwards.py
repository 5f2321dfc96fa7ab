"""What check-ins say and offer once somebody understood or answered them, or the incident ended."""

from collections.abc import Callable, Coroutine
from datetime import timedelta

import pytest

from tests.scenario.checkins.test_checkins import declared_with_bob
from tests.scenario.conftest import ROOM, Bot, redact, said
from tests.slack_server.interaction.people import Person
from tests.slack_server.state import Message

Step = Callable[[Bot, Person, Message], Coroutine[None, None, None]]

_ASKED = "Is the web tier healthy?"
_QUESTION = ["checkin_done", "checkin_more_time", "checkin_stuck", "checkin_answer_open"]


def question(bot: Bot) -> Message:
    """Return the newest question how it went, under the status card."""
    return said(bot.slack.channel(ROOM), "How did it go?")[-1]


async def understood(bot: Bot, bob: Person, asked: Message) -> None:
    await bob.click(asked, "checkin_understood")
    await bot.settle()  # an effect under way loses its lease when the clock jumps


async def time_is_up(bot: Bot, bob: Person, asked: Message) -> None:
    await bot.advance(minutes=10)


async def done(bot: Bot, bob: Person, asked: Message) -> None:
    await understood(bot, bob, asked)
    await bot.advance(minutes=10)
    await bob.click(question(bot), "checkin_done")


async def stuck(bot: Bot, bob: Person, asked: Message) -> None:
    await bot.advance(minutes=10)
    await bob.click(question(bot), "checkin_stuck")


async def more_time(bot: Bot, bob: Person, asked: Message) -> None:
    await bot.advance(minutes=10)
    await bob.click(question(bot), "checkin_more_time")


async def incident_over(bot: Bot, bob: Person, asked: Message) -> None:
    await understood(bot, bob, asked)
    await bob.command("/incident cancel A false alarm", channel=ROOM)


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (understood, "Understood* at"),
        (time_is_up, "The time is up. I asked how it went."),
        (done, "Done* (answered by bob at"),
        (stuck, "Stuck* (answered by bob at"),
        (more_time, "More time* until"),
        (incident_over, "INC-1 is cancelled. Nothing is left to do here."),
    ],
)
async def test_the_task_says_how_it_went_and_cannot_be_understood_again(
    bot: Bot, step: Step, says: str
) -> None:
    alice, bob, room = await declared_with_bob(bot)
    await alice.command(f"/incident checkin @bob 10m {_ASKED}", channel=ROOM)
    await bot.settle()
    told, posted = bot.slack.dm(bob).messages[-1], said(room, _ASKED)[-1]
    assert told.buttons == posted.buttons == ["checkin_understood"]
    await step(bot, bob, told)
    await bot.settle()
    for message in (told, posted):
        assert message.buttons == []
        assert _ASKED in message.rendered
        assert says in message.rendered
        assert says in message.text


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ("checkin_done", "Done* (answered by bob at"),
        ("checkin_stuck", "Stuck* (answered by bob at"),
        ("checkin_more_time", "More time* until"),
        (None, "INC-1 is cancelled."),
    ],
)
async def test_whoever_was_asked_how_it_went_sees_the_answer_of_the_other(
    bot: Bot, action: str | None, says: str
) -> None:
    alice, bob, room = await declared_with_bob(bot)
    await alice.command("/incident role commander me", channel=room)
    await alice.command(f"/incident checkin @bob 10m {_ASKED}", channel=room)
    await bot.settle()
    await bob.leaves(room)
    await bot.settle()
    await bot.advance(minutes=10)
    questions = [said(place, "How did it go?")[-1] for place in (room, bot.slack.dm(bob))]
    assert [one.buttons for one in questions] == [_QUESTION, _QUESTION]
    if action is not None:
        await bob.click(questions[1], action)
    else:
        await alice.command("/incident cancel A false alarm", channel=room)
    await bot.settle()
    for question in questions:
        assert question.buttons == []
        assert says in question.rendered


async def test_a_task_that_is_still_to_be_understood_is_left_alone(bot: Bot) -> None:
    alice, _bob, room = await declared_with_bob(bot)
    await alice.command(f"/incident checkin @bob 10m {_ASKED}", channel=ROOM)
    await bot.settle()
    await alice.command("/incident update Rolling back", channel=ROOM)
    await bot.settle()
    assert said(room, _ASKED)[-1].buttons == ["checkin_understood"]
    edited = [call for call in bot.slack.calls_of("chat.update") if _ASKED in str(call.args)]
    assert edited == []


async def test_pressed_before_the_message_was_recorded_it_still_loses_its_button(bot: Bot) -> None:
    """Slack takes the message, but the connection drops: the bot learns only later where it is."""
    alice, bob, room = await declared_with_bob(bot)
    bot.slack.drop("chat.postMessage", after=True)
    bot.slack.drop("chat.postMessage", after=True)
    await alice.command(f"/incident checkin @bob 10m {_ASKED}", channel=ROOM)
    await bot.settle()
    told = said(bot.slack.dm(bob), _ASKED)[-1]
    await bob.click(told, "checkin_understood")
    for _ in range(3):
        await bot.advance(seconds=20)
    for message in (told, said(room, _ASKED)[-1]):
        assert message.buttons == []
        assert "Understood* at" in message.rendered


async def test_a_task_that_is_redacted_stays_so_whatever_is_answered(bot: Bot) -> None:
    alice, bob, room = await declared_with_bob(bot)
    await alice.command(f"/incident checkin @bob 10m {_ASKED}", channel=ROOM)
    await bot.settle()
    told = bot.slack.dm(bob).messages[-1]
    old = told.seen()
    await redact(bot, "checkin_asked")
    await bot.settle()
    await bot.settle()
    await bob.click(old, "checkin_understood")
    await bot.settle()
    assert not said(room, _ASKED)
    assert _ASKED not in told.rendered


async def test_a_task_is_offered_again_when_the_incident_is_reopened(bot: Bot) -> None:
    alice, bob, _ = await declared_with_bob(bot)
    await alice.command(f"/incident checkin @bob 600m {_ASKED}", channel=ROOM)
    await bot.settle()
    asked = bot.slack.dm(bob).messages[-1]
    now = bot.clock.now()
    form = (await alice.command("/incident resolve Rolled back", channel=ROOM)).get_view()
    times = {"impact_started_at": now - timedelta(minutes=30), "impact_ended_at": now}
    outcome = await alice.submit(form, {**times, "resolution": "Rolled back"})
    assert outcome.errors == {}
    await bot.settle()
    assert "INC-1 is resolved." in asked.rendered
    assert asked.buttons == []
    await alice.command("/incident reopen Errors are back", channel=ROOM)
    await bot.settle()
    assert "is resolved" not in asked.rendered
    assert asked.buttons == ["checkin_understood"]


async def test_a_bare_number_before_the_question_is_its_time_box_in_minutes(bot: Bot) -> None:
    alice, bob = bot.slack.add_person("alice"), bot.slack.add_person("bob")
    await alice.command("/incident declare sev2 Checkout errors")
    await bot.settle()
    answer = await alice.command("/incident INC-1 checkin @bob 10 how is it")
    await bot.settle()
    assert "will ask how it went in 10 min" in answer.text
    assert "how is it" in bot.slack.dm(bob).messages[-1].rendered
    assert "10 how" not in bot.slack.dm(bob).messages[-1].rendered
