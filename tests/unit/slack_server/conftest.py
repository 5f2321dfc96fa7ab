"""The embedded Slack, a real client, and small real Bolt apps on both transports."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from tests.slack_server import Person, SlackServer


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer(retry_delays=(0.01, 0.01)) as server:
        yield server


@pytest.fixture
async def client(slack: SlackServer) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])


@pytest.fixture
def alice(slack: SlackServer) -> Person:
    return slack.add_person("alice")


@pytest.fixture
def bob(slack: SlackServer) -> Person:
    return slack.add_person("bob", tz="America/New_York")


@pytest.fixture
def app(slack: SlackServer, client: AsyncWebClient) -> AsyncApp:
    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None,
            team_id=slack.team_id,
            bot_token=slack.bot_token,
            bot_user_id=slack.bot_user_id,
            bot_id=slack.ws.bot_id,
        )

    return AsyncApp(
        client=client,
        signing_secret=slack.signing_secret,
        authorize=authorize,
        process_before_response=True,
    )


@pytest.fixture(params=["socket", "http"])
async def running(
    request: pytest.FixtureRequest, slack: SlackServer, app: AsyncApp
) -> AsyncIterator[AsyncApp]:
    """The app, reached over the transport that the parameter names."""
    if request.param == "socket":
        handler = AsyncSocketModeHandler(app, slack.app_token)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        await slack.connected()
        yield app
        await handler.close_async()  # type: ignore[no-untyped-call]
        return
    runner = web.AppRunner(app.server(path="/slack/events").web_app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    slack.use_http(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    yield app
    await runner.cleanup()
