"""While the database can't be used: people are told so in time, and nothing is done later."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import AsyncAdaptedQueuePool

from tests.scenario.conftest import PATIENCE_SECONDS, Bot, declared
from tests.slack_server import Channel, Message, Outcome, Person

# Slack waits for 3 s; the bot answers sooner than it has to, so that the test is short. It answers
# while the server is still frozen.
DEADLINE_SECONDS = 0.5
MOST_CONNECTIONS = 20


ON_SQLITE = pytest.mark.parametrize("surroundings", ["http-sqlite"], indirect=True)
ON_POSTGRES = pytest.mark.parametrize("surroundings", ["http-postgres"], indirect=True)


@ON_POSTGRES
async def test_a_frozen_or_exhausted_server_delays_no_answer_and_does_nothing_later(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    await bot.slack.quiet()
    engine = bot.app.services.database.engine
    assert isinstance(engine.pool, AsyncAdaptedQueuePool)
    async with bot.app.services.database.reading() as session:
        folder = (await session.execute(text("SHOW data_directory"))).scalar_one()
    bot.app.listeners.deadline_seconds = DEADLINE_SECONDS

    with frozen_server(folder):
        outcomes = await everything(alice, room)
        event = await event_of(bot, alice, room.messages[-1])
    assert_told_in_time(outcomes, "the database took too long")
    assert event == 503
    async with contextlib.AsyncExitStack() as held:
        while engine.pool.checkedout() < MOST_CONNECTIONS:
            await held.enter_async_context(engine.connect())
        outcomes = await everything(alice, room)
    assert_told_in_time(outcomes, "the database took too long")

    bot.app.listeners.deadline_seconds = PATIENCE_SECONDS
    await bot.settle()
    assert "Retried twice" not in room.transcript
    assert bot.slack.find_channel("inc-2-search-is-empty") is None
    assert "INC-2" in (await alice.command("/incident declare sev3 Search is empty")).text


@ON_POSTGRES
async def test_a_database_that_is_gone_is_named_and_costs_nobody_their_words(
    any_bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    form = (await alice.command("/incident declare")).get_view()
    await bot.slack.quiet()
    url = str(bot.app.services.database.engine.url.render_as_string(hide_password=False))
    capsys.readouterr()

    async with renamed_away(url):
        outcomes = await everything(alice, room)
        kept = await alice.submit(form, {"title": "Mail bounces", "severity": "sev2"})
        event = await event_of(bot, alice, room.messages[-1])
        await asyncio.sleep(1.2)  # the dispatcher and the scheduler fail meanwhile
        log = capsys.readouterr().out
        status, ready = await get(f"{bot.app.url}/readyz")
    assert (status, ready["database"], ready["schema"]) == (503, False, False)
    assert ready["reasons"]["database"] == "the database isn't there any more"
    assert_told_in_time(outcomes, "isn't there any more")
    assert "Open a channel by hand, for example `#inc-search-is-empty`" in outcomes[0].text
    assert "Open a channel by hand, for example `#inc-mail-bounces`" in kept.get_view().rendered
    assert event == 503
    assert log.count("database_unusable") == 1
    assert "Traceback" not in log

    again = await alice.submit(kept.get_view())
    await bot.settle()
    assert again.action != "errors"
    assert bot.slack.find_channel("inc-2-mail-bounces") is not None
    assert "Retried twice" not in room.transcript


@pytest.mark.parametrize("surroundings", ["socket-sqlite", "http-sqlite"], indirect=True)
async def test_a_file_that_is_moved_or_replaced_records_nothing_until_it_is_back(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    await alice.creates_channel("secret", private=True)
    note = await alice.says("The cache is cold", room)
    await bot.settle()
    file = bot.app.services.database.file
    assert file is not None
    away = file.with_name("away.db")

    file.rename(away)
    outcomes = await everything(alice, room)
    assert_told_in_time(outcomes, "the database's file was moved or deleted")
    # Slack sends a private channel without its name, which is looked up in the database.
    naming = await alice.command("/incident note Ask in #secret", channel=room)
    assert "*I didn't record that:* the database's file was moved" in naming.text
    # Over a socket it isn't acknowledged; either way, Slack delivers it again.
    assert await event_of(bot, alice, note) == (503 if bot.app.sockets is None else 0)
    await alice.click(room.pins[0], "role_take_command")
    assert "didn't record that" in alice.ephemerals[-1].text
    status, ready = await get(f"{bot.app.url}/readyz")
    assert (status, ready["database"]) == (503, False)
    assert "moved or deleted" in ready["reasons"]["database"]
    assert not file.exists()

    shutil.copy(away, file)
    assert "replaced by another" in (await alice.command("/incident note Retried twice")).text
    away.replace(file)
    assert (await bot.slack.redeliver(bot.slack.deliveries_of("reaction_added")[-1])).ok
    assert "INC-2" in (await alice.command("/incident declare sev3 Search is empty")).text
    await bot.settle()
    assert "Retried twice" not in room.transcript
    shown = await alice.command("/incident timeline", channel=room)
    assert shown.rendered.count("The cache is cold") == 1


@ON_SQLITE
async def test_a_damaged_file_is_not_ready_although_the_loops_go_on(
    any_bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    await bot.slack.quiet()
    file = bot.app.services.database.file
    assert file is not None
    async with bot.app.services.database.reading() as session:
        await session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    await bot.app.services.database.close()  # connections have read its pages already
    capsys.readouterr()

    with file.open("r+b") as opened:
        size = file.stat().st_size
        opened.seek(4096)
        opened.write(b"\xa5" * (size - 4096))
    await asyncio.sleep(1.2)
    outcome = await alice.command("/incident note Retried twice", channel=room)
    status, ready = await get(f"{bot.app.url}/readyz")
    log = capsys.readouterr().out
    scheduler = bot.app.scheduler
    await bot.stop()
    assert scheduler.ticked_at > scheduler.worked_at
    assert "*I didn't record that:* the database's file is damaged" in outcome.text
    assert (status, ready["database"]) == (503, False)
    assert ready["reasons"]["database"] == "the database's file is damaged"
    assert log.count("database_unusable") == 1
    assert "Traceback" not in log


async def get(url: str) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.json()


async def everything(alice: Person, room: Channel) -> list[Outcome]:
    """Let Alice declare, note and list, all at the same time."""
    return list(
        await asyncio.gather(
            alice.command("/incident declare sev3 Search is empty"),
            alice.command("/incident note Retried twice", channel=room),
            alice.command("/incident list"),
        )
    )


def assert_told_in_time(outcomes: list[Outcome], why: str) -> None:
    for outcome in outcomes:
        assert outcome.acked
        assert "didn't record that" in outcome.text
        assert why in outcome.text
    assert "`/incident note Retried twice`" in outcomes[1].text


async def event_of(bot: Bot, alice: Person, message: Message) -> int:
    """Return how the bot answers an event that it can't handle now."""
    patience = bot.slack.deliveries.ack_timeout
    if bot.app.sockets is not None:  # where no answer is the answer
        bot.slack.deliveries.ack_timeout = 0.5
    await alice.reacts(message, "pushpin")
    delivery = bot.slack.deliveries_of("reaction_added")[-1]
    await asyncio.wait_for(delivery.first.wait(), PATIENCE_SECONDS)
    bot.slack.deliveries.ack_timeout = patience
    return delivery.attempts[0].status


@contextlib.contextmanager
def frozen_server(folder: str) -> Iterator[None]:
    """Stop all of this test process's own PostgreSQL server for a while."""
    main = int(Path(folder, "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    processes = [main, *map(int, children)]
    try:
        for one in processes:
            os.kill(one, signal.SIGSTOP)
        yield
    finally:
        for one in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)


@contextlib.asynccontextmanager
async def renamed_away(url: str) -> AsyncIterator[None]:
    """Give the database another name for a while, and cut its connections."""
    address = make_url(url).set(drivername="postgresql")
    name = address.database
    server = address.set(database="postgres").render_as_string(hide_password=False)
    connection = await asyncpg.connect(server)

    async def rename(old: str, new: str) -> None:
        for _ in range(100):  # the bot may reconnect in between
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", old
            )
            with contextlib.suppress(asyncpg.ObjectInUseError):
                await connection.execute(f'ALTER DATABASE "{old}" RENAME TO "{new}"')
                return

    await rename(f"{name}", f"{name}_away")
    try:
        yield
    finally:
        await rename(f"{name}_away", f"{name}")
        await connection.close()
