"""Making the Bolt app: ours to the last switch, whatever else the environment says."""

import contextlib
import logging
import os
from collections.abc import Iterator
from typing import Any, Final

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.framework.requests import WorkspaceInfo

# Each of these would make Bolt do something of its own: build an OAuth flow with files, warn about
# a token that it then ignores, refuse Slack's certificate check.
_READ_BY_BOLT: Final = (
    "SLACK_BOT_TOKEN",
    "SLACK_CLIENT_ID",
    "SLACK_CLIENT_SECRET",
    "SLACK_SIGNING_SECRET",
    "SLACK_VERIFICATION_TOKEN",
)


def make_client(
    token: str | None, *, base_url: str, session: aiohttp.ClientSession | None = None
) -> AsyncWebClient:
    """Return a client that repeats nothing by itself: who repeats looks first."""
    return AsyncWebClient(token=token, base_url=base_url, session=session, retry_handlers=[])


def make_bolt(workspace: WorkspaceInfo, *, token: str, base_url: str) -> AsyncApp:
    """Return a Bolt app that routes; requests are proven before they get to it.

    With `process_before_response` an ack is sent when the listener has ended.
    """

    async def authorize(**_: Any) -> AuthorizeResult:
        # From the stored row: no auth.test while a request waits.
        return AuthorizeResult(
            enterprise_id=None,
            team_id=workspace.external_id,
            bot_user_id=workspace.bot_external_id,
            bot_id=workspace.bot_id,
            bot_token=token,
        )

    with _without(_READ_BY_BOLT):
        return AsyncApp(
            # Named, or Bolt would look through the call stack for a name.
            name="sitrep",
            logger=logging.getLogger("slack_bolt"),
            authorize=authorize,
            client=make_client(None, base_url=base_url),
            signing_secret="",
            process_before_response=True,
            request_verification_enabled=False,
            ssl_check_enabled=False,
            attaching_function_token_enabled=False,
        )


@contextlib.contextmanager
def _without(names: tuple[str, ...]) -> Iterator[None]:
    hidden = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)
