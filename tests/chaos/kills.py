"""Kill the bot at random moments, again and again, while people work."""

import asyncio
import random
from pathlib import Path

from tests.chaos.crew import Crew
from tests.chaos.stand import Bots, a_slack, end, settle
from tests.chaos.verdict import Verdict, judge

PEOPLE = 6
SHORTEST, LONGEST = 0.02, 1.5  # seconds between being ready and being killed


async def kill_bots(database_url: str, folder: Path, *, seed: int, kills: int) -> Verdict:
    """Kill one bot after the other; the last one completes what they left."""
    chance = random.Random(seed)
    async with a_slack(rate_limits=False) as slack:
        slack.latency = 0.005
        people = [slack.add_person(f"lead{number}") for number in range(PEOPLE)]
        crew = Crew(slack, chance, people, slack.add_person("called"))
        bots = Bots(slack, database_url, folder)
        process = await bots.start()
        # More incidents than there is time for: the kills decide when work ends.
        work = asyncio.create_task(crew.work(incidents=10_000))
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(SHORTEST, LONGEST))
            await end(process)
            process = await bots.start()
        await asyncio.sleep(1)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await settle(slack, database_url)
        await end(process)
        return await judge(crew, database_url)
