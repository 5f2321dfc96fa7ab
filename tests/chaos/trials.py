"""What goes wrong in each trial; `seed` replays one as far as the machine's timing allows."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.chaos.scene import Conditions, Scene, at_work
from tests.chaos.verdict import Verdict
from tests.slack_server.delivery.failures import FOREVER
from tests.slack_server.delivery.faults import Match

Trial = Callable[..., Coroutine[Any, Any, Verdict]]

# Each fails by itself for ever; nothing else may be held up or lost by it.
METHODS = (
    "chat.update",
    "pins.add",
    "bookmarks.add",
    "conversations.setTopic",
    "conversations.info",
    "users.info",
    "chat.postEphemeral",
)


async def kill_bots(database_url: str, folder: Path, *, seed: int, cases: int) -> Verdict:
    """Kill the bot at random moments; the last one completes what the others left."""
    async with at_work(database_url, folder, seed=seed) as scene:
        process = await scene.begin()
        for _ in range(cases):
            await scene.work(most=10, longest=3)
            await scene.kill(process)
            process = await scene.start()
    return scene.verdict


async def kill_and_freeze_replicas(
    database_url: str, folder: Path, *, seed: int, cases: int
) -> Verdict:
    """Kill or freeze one of three bots on PostgreSQL; a frozen one wakes up and goes on."""
    async with at_work(database_url, folder, seed=seed) as scene:
        await scene.begin()
        await scene.start()
        await scene.start()
        for _ in range(cases):
            chosen = scene.chance.choice(scene.running)
            await scene.work(most=10, longest=3)
            if scene.chance.random() < 0.5:
                await scene.kill(chosen)
                await scene.start()
            else:
                await _freeze(scene, chosen.pid or 0)
    return scene.verdict


async def _freeze(scene: Scene, process_id: int) -> None:
    os.kill(process_id, signal.SIGSTOP)
    try:
        await scene.wait(0.5, 4.0)
    finally:
        os.kill(process_id, signal.SIGCONT)


async def fail_a_third(database_url: str, folder: Path, *, seed: int, cases: int) -> Verdict:
    """Let about 30 of 100 calls fail: refused, dropped, lost to a proxy, before or after, limited.

    Each case is a second of it.
    """
    async with at_work(database_url, folder, seed=seed) as scene:
        await scene.begin()
        slack, chance = scene.slack, scene.chance

        def strikes(share: float) -> Match:
            return lambda _: chance.random() < share

        slack.fail("*", status=500, times=FOREVER, match=strikes(0.06))
        slack.fail("*", status=502, times=FOREVER, match=strikes(0.06), after=True)
        slack.drop("*", times=FOREVER, match=strikes(0.06))
        slack.drop("*", times=FOREVER, match=strikes(0.06), after=True)
        slack.fail("*", status=404, times=FOREVER, match=strikes(0.02))  # a proxy's page
        slack.fail("*", status=404, times=FOREVER, match=strikes(0.02), after=True)
        slack.fail("*", error="ratelimited", times=FOREVER, match=strikes(0.06))
        await asyncio.sleep(cases)
    return scene.verdict


async def fail_pagers(database_url: str, folder: Path, *, seed: int, cases: int) -> Verdict:
    """Kill the bot again and again while 30 of 100 requests to the pagers fail."""
    async with at_work(database_url, folder, seed=seed) as scene:
        assert scene.crew.pagers is not None
        scene.crew.pagers.fail_a_third(scene.chance)
        process = await scene.begin()
        for _ in range(cases):
            await scene.work(most=10, longest=3)
            await scene.kill(process)
            process = await scene.start()
    return scene.verdict


async def take_slack_down(database_url: str, folder: Path, *, seed: int, cases: int) -> Verdict:
    """Take Slack down for some seconds, again and again."""
    async with at_work(database_url, folder, seed=seed) as scene:
        await scene.begin()
        for _ in range(cases):
            await scene.work(most=20, longest=5)
            await scene.slack.go_down()
            await scene.wait(1.0, 6.0)
            scene.slack.heal()
            await scene.slack.connected(2, timeout=60)
    return scene.verdict


async def fail_one_method(database_url: str, folder: Path, *, seed: int, cases: int) -> Verdict:
    """Let one method after the other fail all the time, for three seconds each."""
    async with at_work(database_url, folder, seed=seed) as scene:
        await scene.start()
        for case in range(cases):
            scene.slack.fail(METHODS[case % len(METHODS)], status=500, times=FOREVER)
            await asyncio.sleep(3)
            scene.slack.heal()
    return scene.verdict


async def hang_calls(database_url: str, folder: Path, *, seed: int, cases: int) -> Verdict:
    """Leave calls without an answer, before or after they took effect, and make others slow."""
    async with at_work(database_url, folder, seed=seed) as scene:
        await scene.begin()
        for _ in range(cases):
            is_late = scene.chance.random() < 0.5
            scene.slack.hang("*", times=scene.chance.randint(1, 6), after=is_late)
            scene.slack.delay("chat.postMessage", scene.chance.uniform(0, 1.5))
            await scene.wait(1.0, 3.0)
            scene.slack.release()
        scene.slack.heal()
    return scene.verdict


async def cut_sockets(database_url: str, folder: Path, *, seed: int, cases: int) -> Verdict:
    """Cut the sockets at random moments."""
    async with at_work(database_url, folder, seed=seed) as scene:
        await scene.begin()
        for _ in range(cases):
            await scene.work(most=10, longest=3)
            await scene.slack.cut_sockets()
            await scene.slack.connected(1, timeout=60)
    return scene.verdict


async def set_clocks(database_url: str, folder: Path, *, seed: int, cases: int) -> Verdict:
    """Set the machine's clock by up to a minute, now and then by hours, either way."""
    file = folder / "clock"
    file.write_text("0")
    under = Conditions(environ={"WRONG_CLOCK": str(file)})
    async with at_work(database_url, folder, seed=seed, under=under) as scene:
        await scene.begin()
        for case in range(cases):
            await scene.work(most=20, longest=3)
            most = 60.0 if case % 4 else 7200.0
            _replace(file, f"{scene.chance.uniform(-most, most):.1f}")
        await scene.wait(2.0, 2.0)
    return scene.verdict


def _replace(file: Path, text: str) -> None:
    """Write a file that another process may read at any moment."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


async def soak(database_url: str, folder: Path, *, seed: int, cases: int) -> Verdict:
    """Sixty changes a minute, with Slack's limits and ours, and one call in fifty failing.

    Each case is a minute of it. Nobody answers a call here, so that with one for each declaration the
    escalations' messages alone would need more edits than Slack allows.
    """
    under = Conditions(
        people=6,
        pause=5.5,
        call_seconds=0.05,
        rate_limits=True,
        has_pagers=False,
        environ={"OWN_LIMITS": "1"},
    )
    async with at_work(database_url, folder, seed=seed, under=under) as scene:
        await scene.start()
        chance = scene.chance
        scene.slack.fail("*", status=500, times=FOREVER, match=lambda _: chance.random() < 0.01)
        scene.slack.drop("*", times=FOREVER, match=lambda _: chance.random() < 0.01)
        await asyncio.sleep(60 * cases)
    return scene.verdict
