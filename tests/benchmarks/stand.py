"""The stand: the bot in its own process, and in this one the embedded Slack, which keeps time."""

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from incidents.storage.database import open_database
from migrations.runner import upgrade
from tests.slack_server import Person, SlackServer

ANNOUNCEMENTS = "incidents"
MOST_AT_ONCE = 40
ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Stand:
    """A running bot's Slack, and the people who declare there."""

    slack: SlackServer
    people: list[Person]

    async def settle(self) -> None:
        """Wait until the bot makes no more calls."""
        await self.slack.quiet(0.3, timeout=60)


@contextlib.asynccontextmanager
async def standing(template: Path, *, latency: float) -> AsyncIterator[Stand]:
    """Start a bot on a copy of the migrated file, with `latency` seconds per call to Slack."""
    with tempfile.TemporaryDirectory(prefix="sitrep-bench-") as name:
        folder = Path(name)
        async with SlackServer(rate_limits=False) as slack:
            people = furnish(slack)
            env = environ(slack, template=template, folder=folder)
            async with process("tests.benchmarks.bot_process", env=env):
                await slack.connected(timeout=30)
                for person in people:
                    await person.command("/incident help")
                slack.latency = latency
                stand = Stand(slack, people)
                await stand.settle()
                yield stand
                slack.latency = 0
            if slack.violations:
                raise AssertionError(f"Slack would have refused: {slack.violations[:3]}")


@contextlib.asynccontextmanager
async def process(module: str, *given: str, env: dict[str, str]) -> AsyncIterator[Process]:
    """Run a module of ours in its own process; SIGTERM ends it."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *given, env={**os.environ, **env}, cwd=ROOT
    )
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.terminate()
        await running.wait()


def furnish(slack: SlackServer) -> list[Person]:
    """Add the people who declare, somebody on duty, and the announcement channel."""
    people = [slack.add_person(f"person{number}") for number in range(MOST_AT_ONCE)]
    slack.add_person("duty")
    slack.add_channel(ANNOUNCEMENTS, members=[slack.bot])
    return people


def environ(slack: SlackServer, *, template: Path, folder: Path) -> dict[str, str]:
    """Return the environment of a bot for this Slack, on a copy of the template.

    Its policy puts somebody on duty, so that declaring invites one more person.
    """
    path, policy = folder / "sitrep.db", folder / "policy.yaml"
    shutil.copy(template, path)
    duty = slack.person("duty").id
    policy.write_text(f"call: [{{invite: [{duty}]}}]\n")
    return {
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "DATABASE_URL": f"sqlite+aiosqlite:///{path}",
        "SITREP_POLICY": str(policy),
        "HOST": "127.0.0.1",
        "PORT": "0",
        "OPS_HOST": "127.0.0.1",
        "OPS_PORT": "0",
        "LOG_LEVEL": "ERROR",
        # Python may write bytecode: it compiles an edited file once, not at each start.
        "PYTHONDONTWRITEBYTECODE": "",
    }


async def make_template(folder: Path) -> Path:
    """Make a migrated database file, which each stand copies."""
    path = folder / "template.db"
    database = open_database(f"sqlite+aiosqlite:///{path}")
    await upgrade(database)
    await database.close()
    return path


async def breathe() -> None:
    """Let the machine rest between two measurements."""
    await asyncio.sleep(0.2)
