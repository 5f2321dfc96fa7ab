"""Opening Socket Mode connections."""

import time

from bot.slack.errors import SlackFailure, SlackTemporary
from bot.slack.gateway.calls import SlackCalls, outcome_of

METHOD = "apps.connections.open"


class SocketCalls(SlackCalls):
    """The only call that uses the app-level token."""

    async def open_socket(self, app_token: str) -> str:
        """Return the address of a new Socket Mode connection, valid for one handshake.

        It bypasses our rate limits, because the caller's backoff waits longer than they would.
        """
        started = time.perf_counter()
        try:
            async with self._failures(METHOD):
                response = await self.client.apps_connections_open(app_token=app_token)
                address = str(response["url"] or "")
        except SlackFailure as failure:
            self._report(METHOD, outcome_of(failure), started)
            raise
        self._report(METHOD, "ok", started)
        if not address.startswith(("ws://", "wss://")):
            raise SlackTemporary("unreadable_answer", method=METHOD)
        return address
