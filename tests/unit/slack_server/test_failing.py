"""Failure on command: errors, drops, hangs, redelivery, sockets, limits."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient

from tests.slack_server import Channel, Person, SlackServer

Json = dict[str, Any]


class ManualClock:
    def __init__(self) -> None:
        self.instant = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant


@pytest.fixture
def room(slack: SlackServer, alice: Person) -> Channel:
    return slack.add_channel("room", members=[slack.bot, alice])


async def test_a_planned_error_strikes_once(slack: SlackServer, client: AsyncWebClient) -> None:
    slack.fail("conversations.create", error="name_taken")
    with pytest.raises(SlackApiError, match="name_taken"):
        await client.conversations_create(name="inc-1")
    await client.conversations_create(name="inc-1")
    assert [call.error for call in slack.calls] == ["name_taken", ""]
    assert [call.took_effect for call in slack.calls] == [False, True]


async def test_a_fault_strikes_only_the_calls_that_match(
    slack: SlackServer, client: AsyncWebClient, room: Channel
) -> None:
    slack.fail("chat.postMessage", error="is_archived", match=lambda args: "b" in args["text"])
    await client.chat_postMessage(channel=room.id, text="a")
    with pytest.raises(SlackApiError, match="is_archived"):
        await client.chat_postMessage(channel=room.id, text="b")


async def test_rate_limited_on_command_says_when_to_come_back(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    slack.fail("auth.test", error="ratelimited", retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        await client.auth_test()
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "7"


async def test_a_server_error_has_no_json(slack: SlackServer, client: AsyncWebClient) -> None:
    slack.fail("auth.test", status=502)
    with pytest.raises(SlackApiError) as caught:
        await client.auth_test()
    assert caught.value.response.status_code == 502


@pytest.mark.parametrize("after", [False, True])
async def test_a_dropped_connection_may_have_taken_effect(
    slack: SlackServer, client: AsyncWebClient, room: Channel, *, after: bool
) -> None:
    slack.drop("chat.postMessage", after=after)
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=room.id, text="once")
    assert [m.text for m in room.messages] == (["once"] if after else [])
    (call,) = slack.calls
    assert (call.ok, call.took_effect) == (False, after)


async def test_a_hanging_call_times_out_at_the_client_and_is_released(slack: SlackServer) -> None:
    client = AsyncWebClient(
        token=slack.bot_token, base_url=slack.api_url, timeout=1, retry_handlers=[]
    )
    slack.hang("auth.test")
    with pytest.raises(TimeoutError):
        await client.auth_test()
    slack.heal()
    assert (await client.auth_test())["ok"]
    await slack.wait_for(lambda: all(call.ended for call in slack.calls))


async def test_revoked_tokens_are_refused_until_healed(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    slack.revoke_tokens("account_inactive")
    with pytest.raises(SlackApiError, match="account_inactive"):
        await client.auth_test()
    slack.heal()
    assert (await client.auth_test())["ok"]


async def test_latency_shows_in_the_journal(slack: SlackServer, client: AsyncWebClient) -> None:
    slack.latency = 0.05
    await client.auth_test()
    assert slack.calls[0].took >= 0.05


async def test_posting_faster_than_a_message_a_second_is_limited_by_channel(
    alice: Person,
) -> None:
    clock = ManualClock()
    async with SlackServer(clock=clock.now) as slack:
        room = slack.add_channel("one", members=[slack.bot])
        other = slack.add_channel("two", members=[slack.bot])
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        for _ in range(5):
            await client.chat_postMessage(channel=room.id, text="x")
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel=room.id, text="x")
        assert caught.value.response.headers["Retry-After"] == "1"
        await client.chat_postMessage(channel=other.id, text="x")
        clock.instant += timedelta(seconds=1)
        await client.chat_postMessage(channel=room.id, text="x")
        assert len(room.messages) == 6


async def test_a_tier_refills_over_a_minute() -> None:
    clock = ManualClock()
    async with SlackServer(clock=clock.now) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        for n in range(30):
            await client.conversations_create(name=f"inc-{n}")
        with pytest.raises(SlackApiError, match="ratelimited") as caught:
            await client.conversations_create(name="inc-30")
        assert caught.value.response.headers["Retry-After"] == "60"
        clock.instant += timedelta(seconds=60)
        await client.conversations_create(name="inc-30")


async def test_timestamps_follow_the_clock_and_never_repeat() -> None:
    clock = ManualClock()
    async with SlackServer(clock=clock.now) as slack:
        alice = slack.add_person("alice")
        first = await alice.says("one")
        second = await alice.says("two")
        clock.instant += timedelta(hours=1)
        third = await alice.says("three")
    assert first.ts < second.ts < third.ts
    assert third.ts.startswith(str(int(clock.instant.timestamp())))


async def test_a_response_url_expires_by_the_clock() -> None:
    clock = ManualClock()
    async with SlackServer(clock=clock.now) as slack:
        alice = slack.add_person("alice")
        general = slack.channel("general")
        issued = slack.backend.response_urls.issue(alice.user, general)
        clock.instant += timedelta(minutes=31)
        url = f"{slack.backend.base_url}/response/{issued.token}"
        async with aiohttp.ClientSession() as session, session.post(url, json={}) as answer:
            assert (await answer.json())["error"] == "expired_url"


async def test_a_trigger_opens_one_form_and_only_in_time(
    slack: SlackServer, client: AsyncWebClient, alice: Person
) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "Hi"}}
    view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [section]}
    trigger = slack.backend.triggers.issue(alice.user)
    await client.views_open(trigger_id=trigger.id, view=view)
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await client.views_open(trigger_id=trigger.id, view=view)
    late = slack.backend.triggers.issue(alice.user)
    late.issued -= 3.5
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=late.id, view=view)


async def test_an_outdated_hash_conflicts(
    slack: SlackServer, client: AsyncWebClient, alice: Person
) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "Hi"}}
    view = {"type": "home", "blocks": [section]}
    first = await client.views_publish(user_id=alice.id, view=view)
    old_hash = first["view"]["hash"]
    await client.views_publish(user_id=alice.id, view=view, hash=old_hash)
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_publish(user_id=alice.id, view=view, hash=old_hash)


async def test_redelivery_repeats_the_same_ids_with_retry_headers(
    slack: SlackServer, running: AsyncApp, alice: Person, room: Channel
) -> None:
    seen: list[tuple[str, list[str]]] = []

    @running.event("message")
    async def heard(body: Json, request: Any) -> None:
        seen.append((body["event_id"], request.headers.get("x-slack-retry-num", [])))

    await alice.says("hello", room)
    assert (await slack.redeliver(slack.deliveries_of("message")[0])).ok
    (first, _), (second, retries) = seen
    assert first == second
    assert retries == ["1"]


async def test_an_unacknowledged_event_is_retried(
    slack: SlackServer, running: AsyncApp, alice: Person, room: Channel
) -> None:
    heard: list[Json] = []

    @running.event("message")
    async def hear(event: Json) -> None:
        heard.append(event)

    slack.pause_deliveries()
    await alice.says("hello", room)
    assert heard == []
    slack.heal()
    await slack.wait_for(lambda: heard)
    (delivery,) = slack.deliveries_of("message")
    assert delivery.attempts[0].error == "connection_failed"
    assert delivery.acked


async def test_after_a_refresh_the_app_reconnects_with_a_new_ticket(
    slack: SlackServer, app: AsyncApp
) -> None:
    handler = AsyncSocketModeHandler(app, slack.app_token, ping_interval=0.1)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await slack.connected()
    await slack.disconnect("refresh_requested")
    await slack.wait_for(lambda: slack.sockets.handshakes == 2 and slack.sockets.is_ready)
    assert len(slack.calls_of("apps.connections.open")) == 2
    await handler.close_async()  # type: ignore[no-untyped-call]


async def test_a_ticket_is_good_for_one_handshake(slack: SlackServer) -> None:
    url = slack.backend.new_socket_url()
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            assert (await socket.receive_json())["type"] == "hello"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_payloads_are_spread_over_connections(slack: SlackServer, alice: Person) -> None:
    counts = [0, 0]

    async def listen(session: aiohttp.ClientSession, index: int) -> None:
        async with session.ws_connect(slack.backend.new_socket_url()) as socket:
            await socket.receive_json()
            async for frame in socket:
                counts[index] += 1
                await socket.send_json({"envelope_id": frame.json()["envelope_id"]})

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        for index in (0, 1):
            tasks.create_task(listen(session, index))
        await slack.connected(2)
        outcomes = [await alice.command("/incident list") for _ in range(4)]
        await slack.cut_sockets()
    assert all(outcome.acked for outcome in outcomes)
    assert counts == [2, 2]


async def test_handshakes_and_calls_are_refused_while_slack_is_down(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    url = slack.backend.new_socket_url()
    await slack.go_down()
    with pytest.raises(SlackApiError):
        await client.auth_test()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)
        slack.heal()
        async with session.ws_connect(url) as socket:
            assert (await socket.receive_json())["type"] == "hello"


async def test_an_app_that_does_not_answer_in_time_gives_an_unacked_outcome(
    slack: SlackServer, alice: Person
) -> None:
    slack.deliveries.ack_timeout = 0.05
    url = slack.backend.new_socket_url()
    async with aiohttp.ClientSession() as session, session.ws_connect(url):
        await slack.connected()
        outcome = await alice.command("/incident list")
    assert not outcome.acked
    assert outcome.ack.error == "http_timeout"


@pytest.mark.parametrize("running", ["http"], indirect=True)
async def test_forged_and_replayed_requests_reach_the_app_as_made(
    slack: SlackServer, running: AsyncApp
) -> None:
    event = {"type": "event_callback", "event": {"type": "message"}}
    forged = slack.signed_request(event, secret="wrong")
    replayed = slack.signed_request(event, timestamp=int(time.time()) - 600)
    assert (await slack.deliver_raw(*forged))[0] == 401
    assert (await slack.deliver_raw(*replayed))[0] == 401


async def test_response_urls_and_uploads_fail_on_command_too(
    slack: SlackServer, client: AsyncWebClient, alice: Person, room: Channel
) -> None:
    slack.fail("response_url", status=500)
    issued = slack.backend.response_urls.issue(alice.user, room)
    url = f"{slack.backend.base_url}/response/{issued.token}"
    async with aiohttp.ClientSession() as session:
        answers = [(await session.post(url, json={"text": "hi"})).status for _ in range(2)]
    assert answers == [500, 200]
    assert [m.text for m in alice.ephemerals] == ["hi"]
    slack.fail("upload_url", status=500)
    with pytest.raises(SlackRequestError):
        await client.files_upload_v2(channel=room.id, filename="a.md", content="x")
    assert slack.files == []
