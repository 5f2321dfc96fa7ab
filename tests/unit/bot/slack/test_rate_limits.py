"""Calls keep within Slack's rate limits."""

import asyncio
from datetime import timedelta

import pytest

from bot.slack.errors import SlackTemporary
from bot.slack.rate_limits import Limits, Priority, RateLimits
from tests.clock import ManualClock

SECOND = timedelta(seconds=1)
POST = "chat.postMessage"


async def calls_at_once(limits: RateLimits, method: str, priority: Priority) -> int:
    """Return how many calls go through before the next would have to wait."""
    made = 0
    while not limits.delay(method, priority=priority):
        await limits.wait(method, priority=priority)
        made += 1
    return made


async def test_work_leaves_people_a_share_of_each_method() -> None:
    limits = RateLimits(ManualClock())
    assert await calls_at_once(limits, "conversations.create", Priority.WORK) == 20
    assert await calls_at_once(limits, "conversations.create", Priority.PERSON) == 5


async def test_reading_that_nobody_waits_for_takes_at_most_half() -> None:
    limits = RateLimits(ManualClock())
    assert await calls_at_once(limits, "conversations.history", Priority.SPARE) == 31
    assert await calls_at_once(limits, "conversations.history", Priority.WORK) == 18


async def test_methods_have_their_own_limits() -> None:
    limits = RateLimits(ManualClock())
    await calls_at_once(limits, "conversations.create", Priority.PERSON)
    assert not limits.delay("pins.add")


async def test_a_full_window_opens_again_as_its_oldest_call_ages() -> None:
    clock = ManualClock()
    limits = RateLimits(clock)
    await limits.wait("pins.add")
    clock.advance(10 * SECOND)
    await calls_at_once(limits, "pins.add", Priority.WORK)
    assert limits.delay("pins.add") == 50 * SECOND
    clock.advance(50 * SECOND)
    assert not limits.delay("pins.add")
    await limits.wait("pins.add")
    assert limits.delay("pins.add") == 10 * SECOND


async def test_a_channel_takes_a_burst_of_posts_and_then_one_a_second() -> None:
    clock = ManualClock()
    limits = RateLimits(clock)
    for _ in range(4):
        await limits.wait(POST, channel="C1")
    assert limits.delay(POST, channel="C1") == SECOND
    assert not limits.delay(POST, channel="C2")
    clock.advance(SECOND)
    assert not limits.delay(POST, channel="C1")


async def test_a_short_wait_is_waited_out() -> None:
    clock = ManualClock()
    limits = RateLimits(clock)
    for _ in range(4):
        await limits.wait(POST, channel="C1")
    waiting = asyncio.create_task(limits.wait(POST, channel="C1"))
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.advance(SECOND)
    await waiting
    assert limits.delay(POST, channel="C1") == SECOND


async def test_a_long_wait_says_when_to_retry() -> None:
    limits = RateLimits(ManualClock())
    await calls_at_once(limits, "pins.add", Priority.WORK)
    with pytest.raises(SlackTemporary) as refusal:
        await limits.wait("pins.add")
    assert refusal.value.retry_after == timedelta(seconds=60)
    assert not refusal.value.uncertain


async def test_a_wait_requested_by_slack_is_obeyed_even_without_limits() -> None:
    clock = ManualClock()
    limits = RateLimits.disabled(clock)
    limits.refused("pins.add", retry_after=30 * SECOND)
    assert limits.delay("pins.add") == 30 * SECOND
    assert not limits.delay("pins.remove")
    clock.advance(30 * SECOND)
    assert not limits.delay("pins.add")


async def test_a_refused_post_delays_its_channel_and_a_second_one_all_channels() -> None:
    clock = ManualClock()
    limits = RateLimits(clock)
    limits.refused(POST, retry_after=2 * SECOND, channel="C1")
    assert limits.delay(POST, channel="C1") == 2 * SECOND
    assert not limits.delay(POST, channel="C2")
    limits.refused(POST, retry_after=2 * SECOND, channel="C2")
    assert limits.delay(POST, channel="C3") == 2 * SECOND


async def test_disabled_limits_let_everything_through() -> None:
    limits = RateLimits.disabled(ManualClock())
    for _ in range(1_000):
        await limits.wait(POST, channel="C1")
    assert not limits.delay(POST, channel="C1")


async def test_limits_can_be_changed() -> None:
    limits = RateLimits(ManualClock(), limits=Limits(burst=0, reserved_for_people=0))
    assert await calls_at_once(limits, "pins.add", Priority.WORK) == 20
