"""Opens the pagers at the start, with a session of their own."""

import contextlib
from collections.abc import AsyncIterator

import aiohttp

from bot.integrations.pagers import Pagers
from bot.operations.identity import StartRefused
from config.secrets_file import Secrets, load_secrets
from config.settings import Settings
from config.yaml_tree import PolicyErrors
from incidents.core.clock import Clock


@contextlib.asynccontextmanager
async def open_pagers(settings: Settings, clock: Clock) -> AsyncIterator[Pagers]:
    """Yield the pagers. Raises: StartRefused if the secrets file can't be used."""
    # Slack's calls have another session: neither waits for the other's connections.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        public_url = settings.sitrep_public_url or ""
        yield Pagers(session, clock, _secrets(settings), public_url)


def _secrets(settings: Settings) -> Secrets:
    try:
        return load_secrets(settings.sitrep_secrets)
    except PolicyErrors as errors:
        what = f"I can't use the secrets file.\n{errors}"
        raise StartRefused(what, todo="Correct it and start again.") from None
