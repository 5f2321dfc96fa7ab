"""Stopping and crashing: nothing is lost, and nothing happens twice."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.program import Program, environment
from tests.scenario.conftest import DECLARE, ROOM
from tests.slack_server import SlackServer


@contextlib.asynccontextmanager
async def a_slack() -> AsyncIterator[SlackServer]:
    """A Slack on the machine's clock, because the program is a real process."""
    async with SlackServer(retry_delays=(0.5, 1.0, 2.0)) as server:
        server.add_channel("incidents", members=[server.bot])
        yield server


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    """The same as a fixture."""
    async with a_slack() as server:
        yield server


def serving(slack: SlackServer, folder: Path, **more: str) -> dict[str, str]:
    """The environment of a bot in Socket Mode."""
    given = {
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "DATABASE_URL": f"sqlite:///{folder}/sitrep.db",
    }
    return environment(**given, **more)


async def start(slack: SlackServer, folder: Path, **more: str) -> Program:
    """Start the bot and wait until it takes requests."""
    program = await Program.start("serve", environ=serving(slack, folder, **more), folder=folder)
    await program.said("ready")
    await slack.connected(2)
    return program


async def test_a_command_in_flight_is_answered_before_the_bot_stops(
    slack: SlackServer, tmp_path: Path
) -> None:
    program = await start(slack, tmp_path)
    alice = slack.add_person("alice")
    slack.delay("views.open", 1.0)

    command = asyncio.create_task(alice.command("/incident declare"))
    await slack.wait_for(lambda: slack.journal.under_way)
    program.signal()
    outcome = await command

    assert outcome.acked
    assert outcome.view is not None
    assert await program.ended(timeout=10) == 0
    assert await _calls_after_end(slack) == 0


async def test_effects_under_way_end_and_are_settled_before_the_bot_stops(
    slack: SlackServer, tmp_path: Path
) -> None:
    program = await start(slack, tmp_path)
    alice = slack.add_person("alice")
    slack.delay("conversations.create", 1.0)

    outcome = await alice.command(DECLARE)
    await slack.wait_for(lambda: slack.calls_of("conversations.create"))
    program.signal(signal.SIGINT)
    assert await program.ended(timeout=10) == 0
    assert outcome.acked

    again = await start(slack, tmp_path)
    await slack.wait_for(lambda: _is_furnished(slack), timeout=10)
    assert len(slack.calls_of("conversations.create")) == 1
    await again.end()


async def test_a_second_signal_ends_it_at_once(slack: SlackServer, tmp_path: Path) -> None:
    program = await start(slack, tmp_path)
    alice = slack.add_person("alice")
    slack.hang("conversations.create")
    await alice.command(DECLARE)
    await slack.wait_for(lambda: slack.calls_of("conversations.create"))

    program.signal()
    await program.said("stopping")
    program.signal()
    assert await program.ended(timeout=3) == 128 + signal.SIGTERM


async def test_it_is_no_longer_ready_while_it_still_answers(
    slack: SlackServer, tmp_path: Path
) -> None:
    program = await start(slack, tmp_path)
    url = (await program.said("ready"))["url"]
    alice = slack.add_person("alice")
    slack.delay("views.open", 2.0)
    async with aiohttp.ClientSession() as session:
        assert await _status(session, f"{url}/readyz") == 200
        command = asyncio.create_task(alice.command("/incident declare"))
        await slack.wait_for(lambda: slack.journal.under_way)
        program.signal()
        await program.said("stopping")
        assert await _status(session, f"{url}/readyz") == 503
        assert await _status(session, f"{url}/healthz") == 200
    assert (await command).acked
    assert await program.ended(timeout=10) == 0


async def test_killed_in_the_middle_of_a_declaration_it_completes_it_once(tmp_path: Path) -> None:
    # In parallel: each waits until the dead process's effects are free again.
    async with asyncio.TaskGroup() as group:
        for number, (method, after) in enumerate(
            (
                ("conversations.create", False),
                ("conversations.create", True),
                ("conversations.invite", True),
                ("chat.postMessage", True),
            )
        ):
            folder = tmp_path / str(number)
            folder.mkdir()
            group.create_task(_kill_and_complete(folder, method, after=after), name=method)


async def _kill_and_complete(folder: Path, method: str, *, after: bool) -> None:
    async with a_slack() as slack:
        program = await start(slack, folder)
        alice = slack.add_person("alice")
        slack.hang(method, after=after)
        outcome = await alice.command(DECLARE)
        assert outcome.acked
        await slack.wait_for(lambda: slack.calls_of(method))
        program.signal(signal.SIGKILL)
        assert await program.ended() == -signal.SIGKILL
        slack.heal()

        again = await start(slack, folder)
        await slack.wait_for(lambda: _is_furnished(slack), timeout=60)
        await slack.quiet(1.0, timeout=20)

        rooms = [channel.name for channel in slack.channels if channel.name.startswith("inc-")]
        assert rooms == [ROOM]
        room = slack.channel(ROOM)
        assert alice in room
        assert len(room.pins) == 1
        announced = [m for m in slack.channel("incidents").messages if "INC-1" in m.text]
        assert len(announced) == 1
        posted = [
            (message.metadata or {})["event_payload"]["effect_id"] for message in room.messages
        ]
        assert len(posted) == len(set(posted))
        again.signal()
        assert await again.ended(timeout=10) == 0


def _is_furnished(slack: SlackServer) -> bool:
    room = slack.find_channel(ROOM)
    announced = slack.channel("incidents").messages
    return room is not None and bool(room.pins) and bool(announced)


async def _status(session: aiohttp.ClientSession, url: str) -> int:
    async with session.get(url) as response:
        return response.status


async def _calls_after_end(slack: SlackServer) -> int:
    before = len(slack.calls)
    await asyncio.sleep(0.2)
    return len(slack.calls) - before
