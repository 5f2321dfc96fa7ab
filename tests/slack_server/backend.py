"""What Web API methods work with: the workspace, its views, triggers, tokens and tickets."""

import secrets
from collections.abc import Iterable

from tests.slack_server.delivery.triggers import ResponseUrls, Triggers
from tests.slack_server.ids import Clock
from tests.slack_server.interaction.modals import Modals
from tests.slack_server.workspace import Workspace

# Everything an incident bot may ask for. Grant `chat:write.public` (posting to channels that the
# bot isn't in) explicitly.
DEFAULT_SCOPES = frozenset(
    {
        "app_mentions:read",
        "bookmarks:read",
        "bookmarks:write",
        "channels:history",
        "channels:join",
        "channels:manage",
        "channels:read",
        "channels:write.invites",
        "channels:write.topic",
        "chat:write",
        "commands",
        "dnd:read",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "groups:write",
        "groups:write.invites",
        "groups:write.topic",
        "im:history",
        "im:read",
        "im:write",
        "mpim:history",
        "mpim:read",
        "mpim:write",
        "pins:read",
        "pins:write",
        "reactions:read",
        "reactions:write",
        "team:read",
        "usergroups:read",
        "users:read",
        "users:read.email",
    }
)


class Backend:
    """Everything behind the Web API and the response_urls."""

    def __init__(self, clock: Clock, *, scopes: Iterable[str] | None = None) -> None:
        self.ws = Workspace(clock)
        self.modals = Modals(self.ws)
        self.triggers = Triggers()
        self.response_urls = ResponseUrls(clock)
        self.scopes = frozenset(scopes) if scopes is not None else DEFAULT_SCOPES
        # False for a Slack-compatible server that doesn't say which scopes a token has.
        self.names_scopes = True
        self.bot_token = f"xoxb-{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-{self.ws.app_id}-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self.token_error = ""
        self.tickets: set[str] = set()
        self.base_url = ""

    def new_socket_url(self) -> str:
        """Make a Socket Mode URL, good for one handshake."""
        ticket = secrets.token_urlsafe(16)
        self.tickets.add(ticket)
        root = self.base_url.replace("http://", "ws://")
        return f"{root}/link/?ticket={ticket}&app_id={self.ws.app_id}"
