"""Guidance's private questions and messages offer nothing once they are over."""

from tests.scenario.conftest import ROOM, Bot, said
from tests.scenario.guidance.test_guidance import led_by_jun, mentor_is_coming


async def test_with_the_incident_its_private_questions_and_words_end(bot: Bot) -> None:
    jun, _maya, carol, _room = await led_by_jun(bot)
    own = bot.slack.dm(jun)
    await bot.advance(minutes=15)
    (question,) = said(own, "Nothing new for a while")
    await jun.click(question, "prompt_stuck")
    await bot.settle()
    await bot.advance(minutes=15)
    await mentor_is_coming(bot)
    (word,) = said(own, "to join you")
    stuck = said(own, "It's right to say so early")[-1]
    assert stuck.buttons == ["prompt_escalate"]
    assert word.buttons == ["prompt_quiet"]
    await carol.command("/incident cancel A false alarm", channel=ROOM)
    await bot.settle()
    await bot.advance(seconds=1)
    asking = [m for m in own.messages if [a for a in m.buttons if a.startswith("prompt_")]]
    assert asking == []
    assert "I asked @maya to join you." in word.rendered


async def test_quiet_takes_the_offer_to_be_quiet_off_every_message(bot: Bot) -> None:
    jun, _maya, _carol, _room = await led_by_jun(bot)
    own = bot.slack.dm(jun)
    await bot.advance(minutes=15)
    await bot.advance(minutes=15)
    await mentor_is_coming(bot)
    offering = [m for m in own.messages if "prompt_quiet" in m.buttons]
    assert len(offering) > 1
    await jun.click(offering[-1], "prompt_quiet")
    await bot.settle()
    assert [m for m in own.messages if "prompt_quiet" in m.buttons] == []
