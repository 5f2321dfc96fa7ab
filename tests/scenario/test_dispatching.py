"""The dispatcher over two processes: one sends, the other takes over, nothing is doubled."""

import asyncio
from datetime import timedelta

from bot.app import running
from incidents import leases
from tests.scenario.conftest import Bot


async def test_a_restart_in_the_middle_loses_nothing_and_doubles_nothing(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    bot.slack.delay("conversations.create", 0.3)
    await alice.command("/incident declare sev2 Checkout errors")
    await bot.restart()
    await bot.settle()
    await bot.advance(seconds=30)
    room = bot.slack.channel("inc-1-checkout-errors")
    assert alice in room
    assert len(room.pins) == 1
    assert len(bot.slack.channel("incidents").messages) == 1


async def test_a_process_that_comes_second_waits_until_the_first_hands_over(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await bot.slack.wait_for(lambda: bot.app.dispatcher.holds_lease)
    async with running(bot.settings, bot.loaded, clock=bot.clock) as second:
        await asyncio.sleep(0.05)
        assert bot.app.dispatcher.holds_lease
        assert not second.dispatcher.holds_lease
        await alice.command("/incident declare sev2 Checkout errors")
        await bot.settle()
        assert len(bot.slack.channel("incidents").messages) == 1


async def test_a_process_that_stalled_past_its_lease_takes_its_double_back(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    bot.slack.delay("chat.postMessage", 1.5)
    await alice.command("/incident declare sev2 Checkout errors")
    await bot.slack.wait_for(lambda: bot.slack.calls_of("conversations.invite"))
    bot.slack.delay("chat.postMessage", 0.0)
    stalled = bot.app.dispatcher
    loop, stalled._loop_task = stalled._loop_task, None
    assert loop is not None
    while not loop.done():  # in Python 3.11 `wait_for` may swallow a cancellation
        loop.cancel()
        await asyncio.wait({loop}, timeout=0.1)
    bot.clock.advance(leases.LEASE + timedelta(seconds=1))
    async with running(bot.settings, bot.loaded, clock=bot.clock) as second:
        await bot.slack.wait_for(lambda: second.dispatcher.holds_lease)
        bot.clock.advance(timedelta(seconds=15))
        await second.settle()
        await bot.slack.wait_for(lambda: not stalled._tasks)
        await stalled._settle_and_take(limit=0)
        await bot.slack.quiet()
        assert len(bot.slack.channel("incidents").messages) == 1
        assert len(bot.slack.channel("inc-1-checkout-errors").messages) == 1
