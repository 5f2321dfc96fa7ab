"""Serving: sockets that come back, starts without Slack, several processes, health."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from bot.app import Sitrep, running
from bot.features import all_features
from bot.inbound.socket_mode import SocketTuning
from bot.operations.identity import StartRefused
from bot.operations.manifest import build_manifest
from bot.operations.scheduler import Scheduler
from bot.operations.telemetry import METRICS
from config.settings import load_settings
from incidents.core.people import Workspace
from incidents.policy.waking.paging import PagerConfig, PagerKind
from tests.clock import ManualClock
from tests.policies import built_in
from tests.scenario.conftest import DECLARE, ROOM, Bot
from tests.slack_server import SlackServer

ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
QUICK = SocketTuning(first_wait_seconds=0.05, longest_wait_seconds=0.2, ping_seconds=1.0)

Start = Callable[..., Any]


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    """A Slack that retries events within seconds rather than minutes."""
    async with SlackServer(retry_delays=(0.1, 0.5, 1.0, 2.0)) as server:
        server.add_channel("incidents", members=[server.bot])
        yield server


def starting(slack: SlackServer, database_url: str, **more: Any) -> Any:
    """The bot in Socket Mode with quick reconnects, as a context manager."""
    environ = {
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": more.pop("token", slack.bot_token),
        "SLACK_APP_TOKEN": slack.app_token,
        "DATABASE_URL": database_url,
        "PORT": "0",
        "OPS_PORT": "0",
        **more.pop("environ", {}),
    }
    return running(load_settings(environ), built_in(), **{"tuning": QUICK, **more})


async def get(url: str) -> tuple[int, Any]:
    """Return the status and the body, parsed if it is JSON."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        is_json = response.content_type == "application/json"
        return response.status, await (response.json() if is_json else response.text())


# -- sockets ----------------------------------------------------------------------------------


async def test_refused_handshakes_are_tried_again_at_a_new_address(
    slack: SlackServer, sqlite_url: str
) -> None:
    slack.refuse_handshakes(5)
    async with starting(slack, sqlite_url) as app:
        await slack.connected(2)
        assert len(slack.calls_of("apps.connections.open")) == 7
        alice = slack.add_person("alice")
        assert (await alice.command(DECLARE)).acked
        await app.settle()


async def test_a_connection_that_worked_is_replaced_at_once_however_often_the_network_cuts_it(
    slack: SlackServer, sqlite_url: str
) -> None:
    slow = SocketTuning(first_wait_seconds=60, longest_deaf_seconds=60)
    async with starting(slack, sqlite_url, tuning=slow):
        for _ in range(2):
            await slack.connected(2, timeout=5)
            await asyncio.sleep(1.1)  # sooner, the bot would take it for a refusal
            await slack.cut_sockets()
        await slack.connected(2, timeout=5)


async def test_a_refresh_opens_the_next_connection_before_the_old_one_is_closed(
    slack: SlackServer, sqlite_url: str
) -> None:
    async with starting(slack, sqlite_url):
        await slack.connected(2)
        await asyncio.sleep(1.1)  # long enough that the bot sees no refusal
        await slack.disconnect("refresh_requested", close_after=None)
        await slack.connected(4)
        alice = slack.add_person("alice")
        assert (await alice.command(DECLARE)).acked


async def test_an_event_that_came_while_no_socket_was_open_takes_effect_once(
    slack: SlackServer, sqlite_url: str
) -> None:
    async with starting(slack, sqlite_url) as app:
        await slack.connected(2)
        alice, bob = slack.add_person("alice"), slack.add_person("bob")
        await alice.command(DECLARE)
        await app.settle()
        room = slack.channel(ROOM)
        message = await alice.says("The cache is cold", room)

        slack.refuse_handshakes(4)
        await slack.cut_sockets()
        assert slack.sockets.connections == 0
        await bob.joins(room)
        await alice.reacts(message, "pushpin")
        await slack.connected(2)
        reacted = slack.deliveries_of("reaction_added")[-1]
        await slack.wait_for(lambda: reacted.acked)
        await slack.redeliver(reacted)
        await app.settle()

        shown = await alice.command("/incident timeline", channel=room)
        assert shown.rendered.count("The cache is cold") == 1


async def test_slack_that_goes_down_and_comes_back_is_connected_to_again(
    slack: SlackServer, sqlite_url: str
) -> None:
    async with starting(slack, sqlite_url):
        await slack.connected(2)
        await slack.go_down()
        await asyncio.sleep(0.3)
        slack.heal()
        await slack.connected(2)


async def test_a_bad_app_token_is_said_at_the_start(slack: SlackServer, sqlite_url: str) -> None:
    with pytest.raises(StartRefused, match=r"SLACK_APP_TOKEN \(invalid_auth\)"):
        async with starting(slack, sqlite_url, environ={"SLACK_APP_TOKEN": "xapp-1-wrong"}):
            pass


# -- tokens and workspaces --------------------------------------------------------------------


async def test_a_restart_works_while_slack_is_down(slack: SlackServer, sqlite_url: str) -> None:
    environ = {"SLACK_SIGNING_SECRET": slack.signing_secret}
    async with starting(slack, sqlite_url, environ=environ):
        pass
    await slack.go_down()
    http_only = {**environ, "SLACK_APP_TOKEN": ""}
    async with starting(slack, sqlite_url, environ=http_only) as app:
        slack.use_http(f"{app.url}/slack/events")
        alice = slack.add_person("alice")
        assert "INC-1" in (await alice.command(DECLARE)).text
        assert (await get(f"{app.url}/readyz"))[1]["slack"] is False
        slack.heal()
        await slack.wait_for(lambda: slack.find_channel(ROOM), timeout=20)


async def test_the_first_start_waits_for_slack_for_a_bounded_time(
    slack: SlackServer, sqlite_url: str
) -> None:
    await slack.go_down()
    with pytest.raises(StartRefused, match="couldn't be asked"):
        async with starting(slack, sqlite_url, ask_for=timedelta(seconds=0.5)):
            pass


async def test_a_refused_bot_token_says_what_to_do(slack: SlackServer, sqlite_url: str) -> None:
    with pytest.raises(StartRefused, match="Install the app again"):
        async with starting(slack, sqlite_url, token="xoxb-wrong"):
            pass


async def test_another_workspaces_token_finds_its_own_incidents(sqlite_url: str) -> None:
    numbers: list[str] = []
    rows: list[Workspace] = []
    for _ in range(2):
        async with SlackServer() as slack:
            slack.ws.team_id = f"T{len(numbers)}TEAM"
            async with starting(slack, sqlite_url) as app:
                alice = slack.add_person("alice")
                outcome = await alice.command(DECLARE)
                numbers.append(outcome.text.split()[0])
                async with app.services.database.reading() as session:
                    rows = list((await session.execute(select(Workspace))).scalars())
    assert numbers == ["*INC-1*", "*INC-1*"]
    assert len(rows) == 2
    assert len({row.token_fingerprint for row in rows}) == 2


async def test_a_new_token_of_the_same_workspace_is_taken_for_the_same_workspace(
    slack: SlackServer, sqlite_url: str
) -> None:
    async with starting(slack, sqlite_url) as first:
        workspace_id = first.services.workspace.id
    slack.backend.bot_token = "xoxb-reinstalled"
    async with starting(slack, sqlite_url) as second:
        assert second.services.workspace.id == workspace_id


async def test_a_paused_workspace_goes_on_by_itself_when_the_token_works_again(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    bot.slack.revoke_tokens("invalid_auth")
    assert (await alice.command(DECLARE)).acked
    await bot.slack.wait_for(lambda: bot.app.dispatcher.is_paused)
    assert bot.slack.find_channel(ROOM) is None

    bot.slack.heal()
    await bot.app.scheduler.run_chore("token")
    await bot.settle()
    assert alice in bot.slack.channel(ROOM)


# -- several processes ------------------------------------------------------------------------


@pytest.fixture
async def pair(
    slack: SlackServer, database_url: str
) -> AsyncIterator[tuple[Sitrep, Sitrep, contextlib.AsyncExitStack]]:
    """Two bots on one PostgreSQL database; closing the stack stops the first."""
    async with contextlib.AsyncExitStack() as outer:
        stack = contextlib.AsyncExitStack()
        first = await stack.enter_async_context(starting(slack, database_url))
        outer.push_async_callback(stack.aclose)
        second = await outer.enter_async_context(starting(slack, database_url))
        await asyncio.gather(*(app.wake.wait_listening() for app in (first, second)))
        await slack.connected(4)
        yield first, second, stack


@ON_POSTGRES
async def test_two_processes_answer_and_each_effect_happens_once(
    slack: SlackServer, pair: tuple[Sitrep, Sitrep, contextlib.AsyncExitStack]
) -> None:
    titles = ("Mail bounces", "Search empty", "Login loops", "Disk full", "Maps blank", "No DNS")
    people = [slack.add_person(f"person{number}") for number in range(len(titles))]
    outcomes = await asyncio.gather(
        *(
            person.command(f"/incident declare sev3 {title}")
            for person, title in zip(people, titles, strict=True)
        )
    )
    assert all(outcome.acked for outcome in outcomes)
    first, second, _ = pair
    await first.settle()
    await second.settle()
    rooms = [channel for channel in slack.channels if channel.name.startswith("inc-")]
    assert sorted(room.name.split("-")[1] for room in rooms) == list("123456")
    assert all(len(room.pins) == 1 for room in rooms)
    assert len(slack.channel("incidents").messages) == 6
    assert [first.dispatcher.holds_lease, second.dispatcher.holds_lease].count(True) == 1


@ON_POSTGRES
async def test_what_one_process_writes_the_other_carries_out_at_once(
    slack: SlackServer, pair: tuple[Sitrep, Sitrep, contextlib.AsyncExitStack]
) -> None:
    first, _, _ = pair
    assert first.dispatcher.holds_lease
    assert first.sockets is not None
    await first.sockets.stop()  # so that only the second answers
    alice = slack.add_person("alice")
    assert (await alice.command(DECLARE)).acked
    # The sweep would come after five seconds; the message between processes comes at once.
    await slack.wait_for(lambda: slack.find_channel(ROOM), timeout=2)


@ON_POSTGRES
async def test_when_one_process_stops_the_other_goes_on(
    slack: SlackServer, pair: tuple[Sitrep, Sitrep, contextlib.AsyncExitStack]
) -> None:
    first, second, stack = pair
    assert first.dispatcher.holds_lease
    await stack.aclose()
    alice = slack.add_person("alice")
    assert (await alice.command(DECLARE)).acked
    await slack.wait_for(lambda: slack.find_channel(ROOM), timeout=2)
    assert second.dispatcher.holds_lease
    await second.settle()
    assert alice in slack.channel(ROOM)


# -- health, metrics, the manifest's rights -----------------------------------------------------


async def test_readiness_is_told_in_short_to_all_and_in_detail_to_operators(any_bot: Bot) -> None:
    app = any_bot.app
    await any_bot.settle()
    assert (await get(f"{app.url}/healthz"))[0] == 200
    status, checks = await get(f"{app.url}/readyz")
    assert (status, set(checks.values())) == (200, {True})
    assert set(checks) >= {"database", "schema", "slack", "dispatcher", "scheduler"}
    status, details = await get(f"{app.ops_url}/readyz")
    assert status == 200
    assert details["policy_digest"] == any_bot.loaded.digest
    assert details["lease"]["is_mine"] is True
    assert any_bot.slack.bot_token not in str(details)
    assert (await get(f"{app.url}/metrics"))[0] == 404


async def test_every_declared_metric_is_shown_after_an_incident(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command(DECLARE)
    await bot.settle()
    await asyncio.sleep(0.6)
    status, text = await get(f"{bot.app.ops_url}/metrics")
    assert status == 200
    for metric in METRICS:
        assert f"# HELP {metric.name}" in text
    assert 'sitrep_requests_total{kind="command",outcome="ok"} 1.0' in text
    assert 'sitrep_slack_calls_total{method="conversations.create",outcome="ok"} 1.0' in text
    assert 'sitrep_effects_total{kind="open_incident_channel",outcome="done"} 1.0' in text
    assert 'sitrep_outbox_depth{status="pending"} 0.0' in text
    assert "sitrep_sockets_connected 2.0" in text
    assert "sitrep_sockets_wanted 2.0" in text
    assert 'sitrep_ready{check="database"} 1.0' in text
    assert 'sitrep_beat_age_seconds{part="dispatcher"}' in text
    assert 'sitrep_disk_free_bytes{folder="database"}' in text


async def test_a_scheduler_that_came_to_rest_is_started_again(bot: Bot) -> None:
    services, telemetry = bot.app.services, bot.app.telemetry
    scheduler = Scheduler(services, telemetry=telemetry, stalled_after=timedelta(seconds=1.5))
    scheduler.start()
    assert scheduler._scheduler is not None
    scheduler._scheduler.pause()  # as setting back the wall clock does
    try:
        await bot.slack.wait_for(lambda: scheduler.restarts >= 1, timeout=10)
        ticked = scheduler.ticked_at
        await bot.slack.wait_for(lambda: scheduler.ticked_at > ticked, timeout=10)
    finally:
        await scheduler.stop()


async def test_the_rights_of_the_manifest_are_enough_for_an_incident(sqlite_url: str) -> None:
    manifest = build_manifest(all_features(), command="/incident")
    clock = ManualClock()
    async with SlackServer(
        clock=clock.now,
        scopes=manifest["oauth_config"]["scopes"]["bot"],
        subscriptions=manifest["settings"]["event_subscriptions"]["bot_events"],
    ) as slack:
        slack.add_channel("incidents")
        alice = slack.add_person("alice")
        async with starting(slack, sqlite_url, clock=clock) as app:
            await slack.connected(2)
            await alice.command(DECLARE)
            await app.settle()
            await alice.command("/incident declare sev1 Leak --private")
            await app.settle()
            room = slack.channel(ROOM)
            message = await alice.says("Deployed at nine", room)
            await alice.reacts(message, "pushpin")
            await alice.command("/incident export md", channel=room)
            await alice.opens_home()
            await app.settle()
        refused = [f"{call.method} {call.error}" for call in slack.calls if call.error]
        assert not [line for line in refused if "scope" in line]
        assert slack.channel("incidents").messages
        assert slack.violations == []


async def test_pagers_reach_the_running_bot_once_its_file_of_secrets_is_closed_to_others(
    slack: SlackServer, database_url: str, tmp_path: Path
) -> None:
    secrets = tmp_path / "secrets.yaml"
    secrets.write_text("pagers: {goalert: {webhook_secret: hunter2}}")
    secrets.chmod(0o644)
    goalert = PagerConfig(key="goalert", kind=PagerKind.GOALERT, url="https://goalert.example.com")
    loaded = replace(built_in(), policy=replace(built_in().policy, pagers=(goalert,)))
    settings = load_settings(
        {
            "SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "DATABASE_URL": database_url,
            "SITREP_SECRETS": str(secrets),
            "PORT": "0",
            "OPS_PORT": "0",
        }
    )
    with pytest.raises(StartRefused, match=r"open to others[^\0]*chmod 600"):
        async with running(settings, loaded):
            pass

    secrets.chmod(0o600)
    async with running(settings, loaded) as sitrep, aiohttp.ClientSession() as session:
        for secret, status in (("hunter2", 200), ("hunter3", 401)):
            url = f"{sitrep.url}/pagers/goalert/{secret}"
            async with session.post(url, json={"Type": "Test"}) as response:
                assert response.status == status
