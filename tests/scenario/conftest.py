"""The whole bot against the embedded Slack, with a clock that tests move.

    async def test_…(bot: Bot) -> None:              # Socket Mode, SQLite
        alice = bot.slack.add_person("alice")
        outcome = await alice.command("/incident declare sev2 Checkout errors")
        await bot.settle()                            # until no effect is due or under way
        room = bot.slack.channel("inc-1-checkout-errors")
        await bot.advance(minutes=30)                 # time moves, reminders fire, effects settle
        await bot.restart()                           # a new process on the same database

`any_bot` is the same twice, so that it meets both transports and both databases: for the long
scenarios; `every_bot` meets every combination of them. `bot` is enough elsewhere.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from bot.app import Sitrep, running
from config.policy_loader import LoadedPolicy
from config.settings import Settings, load_settings
from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.registry.verification import prove_everything
from tests.clock import ManualClock
from tests.databases import fresh_database
from tests.freeze.checking import Frozen
from tests.policies import built_in
from tests.scenario.learning_leaks import check_learning
from tests.slack_server import SlackServer

PATIENCE_SECONDS = 20.0


class Bot:
    """The running bot, its Slack, and its clock."""

    def __init__(self, slack: SlackServer, clock: ManualClock, environ: Mapping[str, str]) -> None:
        self.slack = slack
        self.clock = clock
        self.environ = dict(environ)
        self.loaded: LoadedPolicy = built_in()
        # True for a test that changes rows behind the program's back.
        self.is_tampered = False
        self._stack = contextlib.AsyncExitStack()
        self._app: Sitrep | None = None

    @property
    def app(self) -> Sitrep:
        assert self._app is not None
        return self._app

    @property
    def settings(self) -> Settings:
        return load_settings(self.environ)

    @property
    def is_running(self) -> bool:
        return self._app is not None

    def change_policy(self, **changes: Any) -> None:
        """Change the policy; takes effect at the next start."""
        policy = replace(self.loaded.policy, **changes)
        self.loaded = LoadedPolicy(policy, policy.digest, "changed by the test")

    async def start(self) -> None:
        self._app = await self._stack.enter_async_context(
            running(self.settings, self.loaded, clock=self.clock)
        )
        # A busy machine must not fail a test about something else; test_deadline.py lowers it.
        self._app.listeners.deadline_seconds = PATIENCE_SECONDS
        if "SLACK_APP_TOKEN" in self.environ:
            await self.slack.connected()
        else:
            self.slack.use_http(f"{self._app.url}/slack/events")

    async def stop(self) -> None:
        await self._stack.aclose()
        self._app = None

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def flaws(self) -> list[tuple[str, int, str]]:
        """Verify the whole record and return what is wrong: where, which entry, what."""
        services = self.app.services
        async with services.database.reading() as session:
            return [
                (proof.name, flaw.sequence, flaw.problem)
                async for proof in prove_everything(session, workspace_id=services.workspace.id)
                for flaw in proof.flaws
            ]

    async def forget_effects(self) -> None:
        """Delete the effects that are done, as retention does after a while."""
        async with self.app.services.database.writing() as session:
            await session.execute(delete(EffectRow).where(EffectRow.status == EffectStatus.DONE))
            await session.commit()

    async def settle(self) -> None:
        """Wait until no effect is due or under way; who waits for a rate limit is let go on."""
        settling = asyncio.ensure_future(self.app.settle())
        while not settling.done():
            await asyncio.sleep(0.005)
            self.clock.wake_next(within=timedelta(seconds=90))
        await settling
        await self.slack.quiet()

    async def settle_for(self, *, seconds: float) -> None:
        """Let the bot work for a moment of real time, where nothing will ever be settled."""
        await asyncio.sleep(seconds)

    async def advance(self, **duration: float) -> None:
        """Move time on, let reminders fire, and settle what follows."""
        self.clock.advance(timedelta(**duration))
        await self.app.scheduler.tick()
        await self.settle()


@pytest.fixture
def frozen(request: pytest.FixtureRequest) -> Iterator[Frozen]:
    """Holds what the test shows, plans and records against what is frozen: see tests/freeze."""
    failed_before = request.session.testsfailed
    with Frozen(request.path.stem, request.node.name) as frozen:
        yield frozen
    if request.session.testsfailed == failed_before:
        frozen.check()


async def _bot(
    database_url: str,
    transport: str,
    capsys: pytest.CaptureFixture[str],
    frozen: Frozen,
    *,
    may_leak: bool = False,
) -> AsyncIterator[Bot]:
    clock = ManualClock()
    async with SlackServer(clock=clock.now) as slack:
        slack.deliveries.ack_timeout = PATIENCE_SECONDS + 5
        slack.add_channel("incidents", members=[slack.bot])
        slack.add_channel("general")
        environ = {
            "SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "DATABASE_URL": database_url,
            "PORT": "0",
            "OPS_PORT": "0",
        }
        if transport == "socket":
            environ["SLACK_APP_TOKEN"] = slack.app_token
        else:
            environ["SLACK_SIGNING_SECRET"] = slack.signing_secret
        bot = Bot(slack, clock, environ)
        await bot.start()
        yield bot
        if bot.is_running:
            services = bot.app.services
            async with services.database.reading() as session:
                log = capsys.readouterr()
                leaks = await check_learning(
                    session, slack, policy=services.policy, log=log.out + log.err
                )
            sys.stdout.write(log.out)  # for whoever reads a failed test
            assert may_leak or leaks == []
            assert bot.is_tampered or await bot.flaws() == []
        await bot.stop()
        # Once is enough: the other transport and the other database show the same.
        if transport == "socket" and database_url.startswith("sqlite"):
            frozen.look(slack, database_url)
        assert slack.violations == []


@pytest.fixture
async def bot(
    sqlite_url: str, capsys: pytest.CaptureFixture[str], frozen: Frozen
) -> AsyncIterator[Bot]:
    """The bot in Socket Mode on SQLite."""
    async for made in _bot(sqlite_url, "socket", capsys, frozen):
        yield made


@pytest.fixture
async def leaking_bot(
    sqlite_url: str, capsys: pytest.CaptureFixture[str], frozen: Frozen
) -> AsyncIterator[Bot]:
    """The same, for tests that leak on purpose what people learn: see `learning.py`."""
    async for made in _bot(sqlite_url, "socket", capsys, frozen, may_leak=True):
        yield made


@pytest.fixture(params=["socket-sqlite", "http-postgres"])
def surroundings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A transport and the URL of a database: each transport and each kind of database once."""
    transport, _, kind = request.param.partition("-")
    with fresh_database(kind, request, tmp_path) as url:
        yield transport, url


@pytest.fixture
async def any_bot(
    surroundings: tuple[str, str], capsys: pytest.CaptureFixture[str], frozen: Frozen
) -> AsyncIterator[Bot]:
    """The bot in Socket Mode and over HTTP, on SQLite and on PostgreSQL: each of them once."""
    transport, url = surroundings
    async for made in _bot(url, transport, capsys, frozen):
        yield made


@pytest.fixture(params=["socket", "http"])
async def every_bot(
    request: pytest.FixtureRequest,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
    frozen: Frozen,
) -> AsyncIterator[Bot]:
    """The bot in every combination of the two transports and the two databases."""
    async for made in _bot(database_url, request.param, capsys, frozen):
        yield made
