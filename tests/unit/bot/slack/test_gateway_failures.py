"""Every failed call becomes one of three failures."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.errors import SlackFailure, SlackPermanent, SlackTemporary, SlackUnauthorized
from bot.slack.gateway import SlackGateway
from bot.slack.rate_limits import RateLimits
from tests.clock import ManualClock
from tests.unit.bot.slack.conftest import Door

POST = "chat.postMessage"


async def failure_of_posting(door: Door) -> SlackFailure:
    channel = await door.gateway.create_channel("inc-1", private=False)
    with pytest.raises(SlackFailure) as failure:
        await door.gateway.post(channel.id, Message("hello secret"), effect_id="e-1")
    assert failure.value.method == POST
    return failure.value


async def test_a_rate_limit_is_temporary_and_its_wait_is_obeyed(door: Door) -> None:
    door.slack.fail(POST, error="ratelimited", retry_after=7)
    failure = await failure_of_posting(door)
    assert isinstance(failure, SlackTemporary)
    assert failure.retry_after == timedelta(seconds=7)
    assert not failure.uncertain
    with pytest.raises(SlackTemporary) as again:
        await door.gateway.post(door.slack.channels[-1].id, Message("x"), effect_id="e-1")
    assert again.value.retry_after == timedelta(seconds=7)
    assert len(door.slack.calls_of(POST)) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        *(
            ({"error": one}, one)
            for one in ("fatal_error", "internal_error", "service_unavailable")
        ),
        *(({"status": one}, f"http_{one}") for one in (500, 502, 503, 504)),
    ],
)
async def test_slacks_internal_errors_are_temporary_and_uncertain(
    door: Door, fault: dict[str, Any], error: str
) -> None:
    door.slack.fail(POST, **fault)
    failure = await failure_of_posting(door)
    assert isinstance(failure, SlackTemporary)
    assert failure.error == error
    assert failure.uncertain
    assert failure.settled == ("error" in fault)  # a page isn't Slack's answer


@pytest.mark.parametrize("status", [400, 403, 404, 407, 451])
async def test_a_refusal_without_slacks_answer_is_a_proxys_and_temporary(
    door: Door, status: int
) -> None:
    door.slack.fail(POST, status=status)
    failure = await failure_of_posting(door)
    assert isinstance(failure, SlackTemporary)
    assert failure.error == f"http_{status}"
    assert failure.uncertain
    assert not failure.settled


@pytest.mark.parametrize(
    "error", ["invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"]
)
async def test_a_token_that_slack_refuses_is_reported(door: Door, error: str) -> None:
    door.slack.fail(POST, error=error)
    failure = await failure_of_posting(door)
    assert isinstance(failure, SlackUnauthorized)
    assert failure.error == error
    assert door.reported[-1] == (POST, "unauthorized")


@pytest.mark.parametrize(
    "error", ["is_archived", "restricted_action", "channel_not_found", "missing_scope"]
)
async def test_a_refusal_is_permanent(door: Door, error: str) -> None:
    door.slack.fail(POST, error=error)
    failure = await failure_of_posting(door)
    assert isinstance(failure, SlackPermanent)
    assert failure.error == error


async def test_no_answer_in_time_is_temporary_and_uncertain(door: Door) -> None:
    door.slack.hang(POST)
    failure = await failure_of_posting(door)
    assert isinstance(failure, SlackTemporary)
    assert failure.error == "timeout"
    assert failure.uncertain
    assert failure.settled  # Slack had time enough


async def test_a_dropped_connection_is_uncertain_and_never_tried_twice(door: Door) -> None:
    door.slack.drop(POST, after=True, times=9)
    failure = await failure_of_posting(door)
    assert isinstance(failure, SlackTemporary)
    assert failure.uncertain
    assert not failure.settled
    assert len(door.slack.calls_of(POST)) == 1


async def test_a_failure_reveals_neither_texts_nor_the_token(door: Door) -> None:
    door.slack.fail(POST, error="invalid_blocks")
    failure = await failure_of_posting(door)
    assert str(failure) == f"{POST}: invalid_blocks"
    assert failure.__cause__ is None
    assert failure.__suppress_context__


async def test_an_expired_trigger_is_permanent(door: Door) -> None:
    view = blocks.modal("Declare", blocks=[blocks.section("x")], callback_id="declare")
    with pytest.raises(SlackPermanent, match="trigger"):
        await door.gateway.open_view(trigger_id="1.2.none", view=view)


class StrangeProxy:
    """Answers as a proxy between us and Slack might."""

    def __init__(self) -> None:
        self.status = 200
        self.body = ""
        self.content_type = "text/html"
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        return web.Response(status=self.status, text=self.body, content_type=self.content_type)


@pytest.fixture
async def proxy() -> AsyncIterator[StrangeProxy]:
    strange = StrangeProxy()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", strange.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    strange.url = f"http://{host}:{port}/"
    yield strange
    await runner.cleanup()


def gateway_to(url: str, session: aiohttp.ClientSession) -> SlackGateway:
    clock = ManualClock()
    client = AsyncWebClient(token="xoxb-1", base_url=url, session=session, retry_handlers=[])
    return SlackGateway(client, limits=RateLimits(clock), clock=clock)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", "<html>Please log in</html>"),
        ("text/plain", "ok"),
        ("application/json", "[]"),
        ("application/json", "{"),
        ("application/json", "null"),
        ("application/json", "{}"),
    ],
)
async def test_an_unreadable_answer_is_temporary_and_uncertain(
    proxy: StrangeProxy, content_type: str, body: str
) -> None:
    proxy.content_type, proxy.body = content_type, body
    async with aiohttp.ClientSession() as session:
        with pytest.raises(SlackTemporary, match="unreadable_answer") as failure:
            await gateway_to(proxy.url, session).post("C1", Message("x"), effect_id="e")
    assert failure.value.uncertain


async def test_a_refused_connection_is_temporary_and_certain(unused_tcp_port: int) -> None:
    async with aiohttp.ClientSession() as session:
        gateway = gateway_to(f"http://127.0.0.1:{unused_tcp_port}/", session)
        with pytest.raises(SlackTemporary, match="unreachable") as failure:
            await gateway.post("C1", Message("x"), effect_id="e")
    assert not failure.value.uncertain


@pytest.mark.parametrize(
    ("status", "kind"), [(404, SlackPermanent), (429, SlackTemporary), (500, SlackTemporary)]
)
async def test_a_used_up_response_url_is_permanent_and_other_errors_are_temporary(
    proxy: StrangeProxy, status: int, kind: type[SlackFailure]
) -> None:
    proxy.status = status
    async with aiohttp.ClientSession() as session:
        with pytest.raises(kind, match=f"response_url: http_{status}"):
            await gateway_to(proxy.url, session).respond(proxy.url, Message("x"))
