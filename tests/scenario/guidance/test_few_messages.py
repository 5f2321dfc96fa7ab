"""Learners get one message, then one thing at a time, and a few until they ask for more."""

from tests.scenario.conftest import ROOM, Bot, declared, said
from tests.scenario.guidance.test_guidance import led_by_jun, mentor_is_coming, said_open
from tests.slack_server import Person


async def skip_five(bot: Bot, jun: Person) -> None:
    """Skip as many questions as come without being asked for."""
    for _ in range(5):
        (step,) = [message for message in bot.slack.dm(jun).messages if said_open(message)]
        await jun.click(step, "Skip")
        await bot.settle()
        await bot.advance(seconds=1)


async def test_taking_a_role_is_one_message_with_the_first_step(bot: Bot) -> None:
    jun, _, _, _ = await led_by_jun(bot)
    (first,) = bot.slack.dm(jun).messages
    assert "You're *Incident commander* now" in first.rendered
    assert "step 1 of 5" in first.rendered
    await jun.click(first, "My duties")
    await bot.settle()
    assert "*Checklist*" in jun.ephemerals[-1].rendered
    assert "Decide." in jun.ephemerals[-1].rendered


async def test_the_word_about_a_mentor_comes_with_the_first_step_and_before_the_call(
    bot: Bot,
) -> None:
    jun, _, _, room = await led_by_jun(bot, "sev1")
    (first,) = bot.slack.dm(jun).messages
    assert "I'm asking @maya to join you" in first.rendered
    assert "step 1 of 5" in first.rendered
    await mentor_is_coming(bot)
    assert said(room, "*Escalation 1*")
    assert len(bot.slack.dm(jun).messages) == 1


async def test_after_five_questions_the_next_waits_until_they_ask_for_more(bot: Bot) -> None:
    jun, _, _, _ = await led_by_jun(bot)
    mine = bot.slack.dm(jun)
    await skip_five(bot, jun)
    assert "prompts on" in str([call.args for call in bot.slack.calls_of("chat.postMessage")])
    before = len(mine.messages)
    await jun.command("/incident prompts on", channel=ROOM)
    await bot.settle()
    await bot.advance(minutes=11)
    assert "What do you know?" in mine.messages[before].rendered


async def test_silence_after_the_last_question_brings_in_the_mentor_instead(bot: Bot) -> None:
    jun, _, _, room = await led_by_jun(bot)
    mine = bot.slack.dm(jun)
    await skip_five(bot, jun)
    await bot.advance(minutes=11)
    await mentor_is_coming(bot)
    assert not said(mine, "What do you know?")
    assert said(mine, "I'm asking @maya to join you")
    assert said(room, "*Escalation 1*")
    assert len(mine.messages) <= 6


async def test_anybody_can_see_the_list_of_the_first_minutes(bot: Bot) -> None:
    alice, _ = await declared(bot)
    shown = await alice.command("/incident check", channel=ROOM)
    assert "1. *Size it up*" in shown.rendered
    assert "5. *Send the first update*" in shown.rendered
