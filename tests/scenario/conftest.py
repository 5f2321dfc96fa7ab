"""The whole bot against the embedded Slack, with a clock that tests move.

    async def test_…(bot: Bot) -> None:              # Socket Mode, SQLite
        alice, room = await declared(bot)
        await alice.command("/incident note Errors fell", channel=room)
        await bot.settle()                            # until no effect is due or under way
        await bot.advance(minutes=30)                 # time moves, reminders fire, effects settle
        await bot.restart()                           # a new process on the same database

`any_bot` runs a test twice, so that it meets both transports and both databases: for the long
scenarios; `every_bot` runs it in every combination of them. `bot` is enough elsewhere.
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
from sqlalchemy import delete, select

from bot.app import Sitrep, running
from config.policy_loader import LoadedPolicy
from config.settings import Settings, load_settings
from incidents.core.people import Actor
from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.engine.unit_of_work import Outcome, UnitOfWork, UseCase
from incidents.incident.incident import ById
from incidents.incident.timeline import TimelineEntry
from incidents.policy.escalation import LadderStep
from incidents.policy.references import GroupRef, PersonRef, RoleRef
from incidents.policy.supervision import MentorSeed, StageSeed
from incidents.record.audit_log import AuditEntry, audit_entries
from incidents.record.hiding import redact_entry
from incidents.registry.verification import prove_everything
from incidents.rights.stages import Stage
from incidents.storage import leases
from tests.clock import ManualClock
from tests.databases import fresh_database
from tests.freeze.checking import Frozen
from tests.policies import built_in
from tests.scenario.learning_leaks import check_learning
from tests.slack_server import Channel, Message, Person, SlackServer, View
from tests.world import STAGEHAND

DECLARE = "/incident declare sev2 Checkout errors"
ROOM = "inc-1-checkout-errors"
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
        """Change the policy from the next start on."""
        policy = replace(self.loaded.policy, **changes)
        self.loaded = LoadedPolicy(policy, policy.digest, "changed by the test")

    def supervise(self, learner: Person, *, mentor: Person, stage: Stage) -> None:
        """Give somebody a stage and a mentor in the policy, from the next start on."""
        person = PersonRef(user_id=learner.id)
        mentors = (PersonRef(user_id=mentor.id),)
        section = replace(
            self.loaded.policy.supervision,
            stages=(StageSeed(person=person, stage=stage),),
            mentors=(MentorSeed(person=person, mentors=mentors),),
        )
        self.change_policy(supervision=section)

    def change_ladder(self, *who: PersonRef | GroupRef | RoleRef) -> None:
        """Let every ladder call these, one a step, from the next start on."""
        steps = tuple(LadderStep(who=(one,)) for one in who)
        self.change_policy(escalation=replace(self.loaded.policy.escalation, steps=steps))

    async def start(self) -> None:
        self._app = await self._stack.enter_async_context(
            running(self.settings, self.loaded, clock=self.clock)
        )
        # A busy machine must not fail a test about something else; test_deadline.py sets its own.
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
        # A restart takes seconds, in which Slack's allowance refills; our clock stands still.
        self.slack.rate_limits.reset()
        await self.start()

    async def flaws(self) -> list[tuple[str, int, str]]:
        """Verify the whole record and return what is wrong: where, which entry, what."""
        services = self.app.services
        async with services.database.reading() as session:
            if session.get_bind().dialect.name == "postgresql":  # one moment, while the bot writes
                await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            return [
                (proof.name, flaw.sequence, flaw.problem)
                async for proof in prove_everything(session, workspace_id=services.workspace.id)
                for flaw in proof.flaws
            ]

    async def audit_entries(self) -> tuple[AuditEntry, ...]:
        """Return the workspace's audit log."""
        services = self.app.services
        async with services.database.reading() as session:
            entries, _ = await audit_entries(session, workspace_id=services.workspace.id)
        return entries

    async def forget_effects(self) -> None:
        """Delete the effects that are done, as retention does after a while."""
        async with self.app.services.database.writing() as session:
            await session.execute(delete(EffectRow).where(EffectRow.status == EffectStatus.DONE))
            await session.commit()

    async def settle(self) -> None:
        """Wait until no effect is due or under way; waits for rate limits end at once."""
        is_settled = False
        while not is_settled:
            settling = asyncio.ensure_future(self.app.settle())
            while not settling.done():
                await asyncio.sleep(0.005)
                self.clock.wake_next(within=timedelta(seconds=90))
            await settling
            # Short, because it is asked again: what Slack delivered may have made more to do.
            await self.slack.quiet(0.02)
            is_settled = await self.app._is_settled()

    async def settle_for(self, *, seconds: float) -> None:
        """Let the bot work for a moment of real time, where it would never settle."""
        await asyncio.sleep(seconds)

    async def advance(self, **duration: float) -> None:
        """Move time on, let reminders fire, and settle what follows."""
        self.clock.advance(timedelta(**duration))
        await self.app.scheduler.tick()
        await self.settle()

    async def run(self, use_case: UseCase, *, by: Actor | None = None) -> None:
        """Run a use case in a transaction of its own, by the system unless somebody is named."""
        services = self.app.services
        await services.transactions.run(
            use_case, actor=by or STAGEHAND, workspace_id=services.workspace.id
        )


async def more(person: Person, card: Message, action: str) -> View:
    """Press *More…* on the card, and one of the buttons there; return the form in its place."""
    menu = (await person.click(card, "more_open")).get_view()
    await person.click(menu, action)
    return menu


async def declared(
    bot: Bot, *, by: Person | None = None, flags: str = ""
) -> tuple[Person, Channel]:
    """Let Alice or somebody else declare a SEV2; return them and the incident's channel."""
    person = by or bot.slack.add_person("alice")
    await person.command(f"{DECLARE} {flags}".rstrip())
    await bot.settle()
    return person, bot.slack.channel(ROOM)


async def redact(bot: Bot, kind: str) -> None:
    """Redact the one timeline entry of this kind."""

    async def use_case(uow: UnitOfWork) -> Outcome:
        query = select(TimelineEntry).where(TimelineEntry.kind == kind)
        entry = (await uow.session.execute(query)).scalar_one()
        return await redact_entry(uow, ById(entry.incident_id), entry_id=entry.id)

    await bot.run(use_case)


def said(place: Channel, words: str) -> list[Message]:
    """Return the messages that contain these words, also those in threads."""
    return [message for message in place.everything if words in message.rendered]


def unpinned(room: Channel, words: str) -> list[Message]:
    """Return the messages that contain these words, without the pinned status card."""
    return [message for message in said(room, words) if not message.is_pinned]


def newest(place: Channel, words: str) -> Message:
    """Return the newest message that contains these words."""
    found = said(place, words)
    assert found, f"no {words!r} in:\n{place.transcript}"
    return found[-1]


def told(bot: Bot, person: Person) -> str:
    """Return everything that the bot told somebody in direct messages."""
    return "\n".join(message.rendered for message in bot.slack.dm(person).messages)


def home_of(bot: Bot, person: Person) -> str:
    """Return what somebody's Home tab shows; nothing before they opened it."""
    home = bot.slack.home(person)
    return home.rendered if home is not None else ""


@pytest.fixture
def frozen(request: pytest.FixtureRequest) -> Iterator[Frozen]:
    """Compares what the test shows, plans and records with the snapshot: see tests/freeze."""
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
            sys.stdout.write(log.out)  # for people who read a failed test
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
    """The same, for tests that leak on purpose: see `learning_leaks.py`."""
    async for made in _bot(sqlite_url, "socket", capsys, frozen, may_leak=True):
        yield made


@pytest.fixture(params=["socket-sqlite", "http-postgres"])
def surroundings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A transport and a database URL: each transport and each kind of database once."""
    transport, _, kind = request.param.partition("-")
    with fresh_database(kind, request, tmp_path) as url:
        yield transport, url


@pytest.fixture
async def any_bot(
    surroundings: tuple[str, str], capsys: pytest.CaptureFixture[str], frozen: Frozen
) -> AsyncIterator[Bot]:
    """The bot in Socket Mode and over HTTP, on SQLite and on PostgreSQL: each once."""
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


@contextlib.asynccontextmanager
async def taken_over(bot: Bot) -> AsyncIterator[None]:
    """Let the bot stall past its lease and another process finish its work; then it goes on."""
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
        await stalled._settle_and_claim(limit=0)
        await bot.slack.quiet()
        yield
