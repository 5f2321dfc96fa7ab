"""The stand: an embedded Slack, databases, and bots in processes that can be killed and frozen."""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from sqlalchemy import func, select

from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.storage.database import Database, open_database
from tests.benchmarks import bot_process
from tests.slack_server import SlackServer

READY_SECONDS = 60.0
ROOT = Path(__file__).parents[2]
Running = ForkServerProcess | subprocess.Popen[bytes]


@dataclass(slots=True)
class Bots:
    """Starts bots for one Slack and one database, and keeps their logs."""

    slack: SlackServer
    database_url: str
    folder: Path
    more: Mapping[str, str] = field(default_factory=dict)
    started: int = 0

    async def start(self, preload: Mapping[str, str] | None = None, *, sockets: int = 2) -> Running:
        """Start a bot, and wait until that many sockets are open.

        With `preload`, it is a process of its own with these variables from its first moment on.
        """
        self.started += 1
        log = self.folder / f"bot-{self.started}.log"
        environ = {**self._environ(), **self.more}
        process = _spawn({**environ, **preload}, log) if preload else _fork(environ, log)
        try:
            await self.slack.connected(sockets, timeout=READY_SECONDS)
        except AssertionError as error:
            await end(process)
            raise AssertionError(f"a bot didn't start:\n{log.read_text()[-2000:]}") from error
        return process

    def _environ(self) -> dict[str, str]:
        return {
            "SLACK_API_URL": self.slack.api_url,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "DATABASE_URL": self.database_url,
            "HOST": "127.0.0.1",
            "PORT": "0",
            "OPS_HOST": "127.0.0.1",
            "OPS_PORT": "0",
            "LOG_LEVEL": "WARNING",
        }


async def end(process: Running, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal that ends the process, and wait until it has ended."""
    if isinstance(process, subprocess.Popen):
        process.send_signal(number)
        await asyncio.to_thread(process.wait, 30)
        return
    if process.is_alive() and process.pid is not None:
        os.kill(process.pid, number)
    await asyncio.to_thread(process.join, 30)


@contextlib.asynccontextmanager
async def a_slack(*, rate_limits: bool) -> AsyncIterator[SlackServer]:
    """A Slack on the machine's clock that retries events soon."""
    async with SlackServer(
        retry_delays=(0.5, 1.0, 2.0, 4.0, 8.0), rate_limits=rate_limits
    ) as slack:
        slack.add_channel("incidents", members=[slack.bot])
        yield slack


async def settle(slack: SlackServer, database_url: str, *, timeout: float = 150.0) -> None:
    """Wait until the bot owes nothing: no effect waits and Slack hears nothing new.

    Raises: TimeoutError.
    """
    database, deadline = open_database(database_url), time.monotonic() + timeout
    try:
        # Being quiet takes half a second, so this doesn't keep the database busy.
        while not await _is_quiet(slack) or await _count_waiting(database):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{await _count_waiting(database)} effects still wait")
    finally:
        await database.close()


async def _count_waiting(database: Database) -> int:
    waiting = select(func.count()).where(
        EffectRow.status.in_((EffectStatus.PENDING, EffectStatus.CLAIMED, EffectStatus.BLOCKED))
    )
    async with database.reading() as session:
        return (await session.execute(waiting)).scalar_one()


async def _is_quiet(slack: SlackServer) -> bool:
    with contextlib.suppress(TimeoutError):
        await slack.quiet(0.5, timeout=5)
        return True
    return False


@cache
def _processes() -> ForkServerContext:
    # Forked from a process that has imported the bot: importing takes longer than most trials.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.benchmarks.bot_process"])
    return context


def _fork(environ: dict[str, str], log: Path) -> ForkServerProcess:
    process = _processes().Process(target=_serve, args=(environ, str(log)))
    process.start()
    return process


def _spawn(environ: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as written:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.bot_process"],
            env={**os.environ, **environ},
            cwd=ROOT,
            stdout=written,
            stderr=subprocess.STDOUT,
        )


def _serve(environ: dict[str, str], log: str) -> None:
    os.environ.update(environ)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(written, 1)
    os.dup2(written, 2)
    asyncio.run(bot_process.main())
