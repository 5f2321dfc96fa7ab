"""Builds the Bolt app with every setting explicit; its environment variables are hidden from it."""

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

# Bolt acts on these by itself: it builds an OAuth flow with files, warns about a token that it then
# ignores, or refuses Slack's SSL check.
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
    """Return a client without retries: callers look for an earlier result before they repeat."""
    return AsyncWebClient(token=token, base_url=base_url, session=session, retry_handlers=[])


def make_bolt(workspace: WorkspaceInfo, *, token: str, base_url: str) -> AsyncApp:
    """Return a Bolt app that only routes; requests are verified before they reach it.

    `process_before_response` makes Bolt send the ack when the listener ends.
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
            # Without a name, Bolt searches the call stack for one.
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
