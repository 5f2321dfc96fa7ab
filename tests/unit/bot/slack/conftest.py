"""A gateway to the embedded Slack."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.gateway import SlackGateway
from bot.slack.rate_limits import RateLimits
from tests.clock import ManualClock
from tests.slack_server import Person, SlackServer

TIMEOUT_SECONDS = 0.5


@dataclass(slots=True)
class Door:
    """The gateway, the Slack behind it, and the calls it reported."""

    gateway: SlackGateway
    slack: SlackServer
    clock: ManualClock
    alice: Person
    reported: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    clock = ManualClock()
    timeout = aiohttp.ClientTimeout(total=10)
    async with (
        SlackServer(clock=clock.now, rate_limits=False) as slack,
        aiohttp.ClientSession(timeout=timeout) as session,
    ):
        client = AsyncWebClient(
            token=slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[]
        )
        reported: list[tuple[str, str]] = []
        gateway = SlackGateway(
            client,
            limits=RateLimits(clock),
            clock=clock,
            team_id=slack.team_id,
            on_call=lambda method, outcome, _: reported.append((method, outcome)),
            timeout_seconds=TIMEOUT_SECONDS,
        )
        alice = slack.add_person("alice", email="alice@example.com", tz="Europe/Berlin")
        yield Door(gateway, slack, clock, alice, reported)
        clock.advance(timedelta(hours=1))
        slack.heal()
