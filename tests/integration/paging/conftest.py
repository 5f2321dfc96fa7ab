"""Fakes of pagers, our own pagers for them, and our door for what they tell."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import aiohttp
import pytest

from bot.integrations.pagers import Pagers
from bot.integrations.system import System
from bot.web.listening import Listening
from bot.web.pager_endpoint import PagerEndpoint
from bot.web.routes import pager_routes
from config.secrets_file import PagerSecrets, Secrets
from incidents.paging.port import Heard, Page
from incidents.policy.policy import Policy
from incidents.policy.waking.paging import PagerConfig
from tests.clock import ManualClock
from tests.policies import built_in

WEBHOOK_SECRET = "a-webhook-secret-of-thirty-two-letters"


def page(key: str = "5d7c7a4e", **changes: object) -> Page:
    """Return a page about checkout errors."""
    made = Page(
        key=key,
        address="checkout",
        reference="INC-12",
        title="SEV1: Checkout fails",
        severity_key="sev1",
        severity_rank=1,
        link="https://sitrep.slack.com/archives/C0INC12",
        details={"Services": "Checkout"},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@dataclass
class Paging:
    """What a bot has of paging: pagers, a door, and a use case that only notes what it hears."""

    clock: ManualClock
    policy: Policy
    pagers: Pagers
    heard: list[Heard] = field(default_factory=list)
    # Raised by the use case, if set.
    trouble: Exception | None = None
    is_open: bool = True
    url: str = ""

    def add(self, config: PagerConfig, secrets: PagerSecrets) -> System:
        """Put a pager into the policy and its secrets into the file."""
        self.policy = replace(self.policy, pagers=(*self.policy.pagers, config))
        self.pagers.secrets = Secrets(pagers={**self.pagers.secrets.pagers, config.key: secrets})
        return self.pager(config.key)

    def pager(self, key: str) -> System:
        """Return a pager of the policy."""
        found = self.pagers.find(self.policy, key)
        assert found is not None
        return found

    async def hear(self, _: object, heard: Heard) -> None:
        """Note it."""
        if self.trouble is not None:
            raise self.trouble
        self.heard.append(heard)


@pytest.fixture
async def paging() -> AsyncIterator[Paging]:
    """Paging that fails fast, reachable from outside on loopback."""
    clock = ManualClock()
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        pagers = Pagers(session, clock, Secrets(), call_seconds=0.3)
        made = Paging(clock, replace(built_in().policy, pagers=()), pagers)
        door = PagerEndpoint(made, is_open=lambda: made.is_open, hear=made.hear)  # type: ignore[arg-type]
        app = aiohttp.web.Application()
        app.add_routes(pager_routes(door))
        made.url = await Listening(app).start(stack, host="127.0.0.1", port=0)
        pagers.public_url = f"{made.url}/"
        yield made
