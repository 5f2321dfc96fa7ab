"""A scene: Slack, bots and a crew at work; at its end all must be well, and is judged."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.crew import Crew
from tests.chaos.pagers import some_pagers
from tests.chaos.stand import Bots, Running, a_slack, end, settle
from tests.chaos.verdict import Verdict, judge
from tests.slack_server import SlackServer

LAST_WORK_SECONDS = 1.0  # after everything works again
CALL_SECONDS = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How a crew works: `pause` in seconds between one person's requests, `environ` of the bots.

    With `has_pagers`, declaring calls, and whoever is called is paged.
    """

    people: int = 6
    pause: float = 0.03
    call_seconds: float = CALL_SECONDS
    rate_limits: bool = False
    has_pagers: bool = True
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Scene:
    """What a trial can touch; `bots` that it ends it takes from `running`."""

    slack: SlackServer
    crew: Crew
    bots: Bots
    chance: random.Random
    database_url: str
    running: list[Running] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    async def begin(self) -> Running:
        """Start the first bot, and wait until everybody is at work in a channel."""
        process = await self.start()
        wanted = 2 * len(self.crew.people)
        await self.slack.wait_for(lambda: self.crew.given >= wanted, timeout=120)
        return process

    async def start(self, preload: dict[str, str] | None = None) -> Running:
        """Start one more bot."""
        sockets = 2 * len(self.running)
        await self.slack.wait_for(lambda: self.slack.sockets.connections <= sockets, timeout=10)
        self.running.append(await self.bots.start(preload, sockets=sockets + 2))
        return self.running[-1]

    async def kill(self, process: Running) -> None:
        """Kill a bot."""
        self.running.remove(process)
        await end(process)

    async def wait(self, shortest: float, longest: float) -> None:
        """Let people work for a random while, in seconds."""
        await asyncio.sleep(self.chance.uniform(shortest, longest))

    async def work(self, *, most: int, longest: float) -> None:
        """Let people work until some more requests are answered, or for `longest` seconds."""
        wanted = self.crew.given + self.chance.randint(1, most)
        with contextlib.suppress(AssertionError):
            await self.slack.wait_for(lambda: self.crew.given >= wanted, timeout=longest)
        await self.wait(0.0, 0.3)


@contextlib.asynccontextmanager
async def at_work(
    database_url: str, folder: Path, *, seed: int, under: Conditions | None = None
) -> AsyncIterator[Scene]:
    """Let a crew work until the block ends, then heal Slack, settle and judge."""
    chance, under = random.Random(seed), under or Conditions()
    async with contextlib.AsyncExitStack() as stack:
        slack = await stack.enter_async_context(a_slack(rate_limits=under.rate_limits))
        slack.latency = under.call_seconds
        leads = [slack.add_person(f"lead{number}") for number in range(under.people)]
        called, duty = slack.add_person("called"), slack.add_person("duty")
        pagers = None
        if under.has_pagers:
            pagers = await stack.enter_async_context(some_pagers(folder, called=called, duty=duty))
        crew = Crew(slack, chance, leads, called, pagers, under.pause)
        bots = Bots(
            slack, database_url, folder, {**(pagers.environ if pagers else {}), **under.environ}
        )
        scene = Scene(slack, crew, bots, chance, database_url)
        try:
            async with _working(crew):
                yield scene
                slack.heal()
                if pagers:
                    pagers.heal()
                if not scene.running:
                    await scene.start()
                await asyncio.sleep(LAST_WORK_SECONDS)
            await settle(slack, database_url)
        finally:
            for process in scene.running:
                await end(process)
        scene.verdict.add(await judge(crew, database_url))


@contextlib.asynccontextmanager
async def _working(crew: Crew) -> AsyncIterator[None]:
    work = asyncio.create_task(crew.work())
    try:
        yield
    finally:
        # Not cancelled: in Python 3.11, `wait_for` may swallow a cancellation.
        crew.is_over = True
        await work
