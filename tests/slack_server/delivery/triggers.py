"""Trigger ids (3 s, one use, by real time) and response_urls (5 uses in 30 minutes)."""

import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.slack_server.ids import Clock
from tests.slack_server.state import Channel, Message, SlackError, User, View

TRIGGER_LIFE = 3.0  # seconds
RESPONSE_USES = 5
RESPONSE_LIFE = timedelta(minutes=30)


@dataclass(slots=True)
class Trigger:
    """Permission to open one view after something that `user` did, perhaps inside `view`."""

    id: str
    user: User
    view: View | None
    issued: float
    used: bool = False
    opened: View | None = None


class Triggers:
    """Trigger ids as Slack issues and exchanges them."""

    def __init__(self) -> None:
        self.life = TRIGGER_LIFE
        self._all: dict[str, Trigger] = {}

    def issue(self, user: User, view: View | None = None) -> Trigger:
        """Issue a trigger for what somebody just did."""
        number = len(self._all) + 1
        trigger = Trigger(
            f"{number}.{secrets.randbelow(10**9)}.{secrets.token_hex(16)}",
            user,
            view,
            time.monotonic(),
        )
        self._all[trigger.id] = trigger
        return trigger

    def exchange(self, trigger_id: str) -> Trigger:
        """Use a trigger up.

        Raises: SlackError `invalid_…`, `expired_…` or `exchanged_trigger_id`.
        """
        trigger = self._all.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if time.monotonic() - trigger.issued > self.life:
            raise SlackError("expired_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        trigger.used = True
        return trigger


@dataclass(slots=True)
class ResponseUrl:
    """One way to answer later; `source` is the message whose button was pressed."""

    token: str
    user: User
    channel: Channel
    source: Message | None
    issued: datetime
    uses: int = 0


class ResponseUrls:
    """The response_urls given out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._all: dict[str, ResponseUrl] = {}

    def issue(self, user: User, channel: Channel, source: Message | None = None) -> ResponseUrl:
        """Issue a new one."""
        token = f"{len(self._all) + 1}/{secrets.token_urlsafe(18)}"
        self._all[token] = ResponseUrl(token, user, channel, source, self._clock())
        return self._all[token]

    def use(self, token: str) -> ResponseUrl:
        """Count a use.

        Raises: SlackError `invalid_url`, `expired_url`, `used_url`.
        """
        found = self._all.get(token)
        if found is None:
            raise SlackError("invalid_url")
        if self._clock() - found.issued > RESPONSE_LIFE:
            raise SlackError("expired_url")
        if found.uses >= RESPONSE_USES:
            raise SlackError("used_url")
        found.uses += 1
        return found
