"""Enforces Slack's rate limits on our side, so that refusals are rare and people come first.

Limits apply per method and workspace, and for posting also per channel. A caller that would wait
longer than its patience gets an error with the delay instead, so that it can do other work.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from bot.slack.errors import Paced
from incidents.core.clock import Clock

POST = "chat.postMessage"


class Tier(Enum):
    """Slack's tiers; the value is the least number of calls per minute that Slack grants."""

    ONE = 1
    TWO = 20
    THREE = 50
    FOUR = 100
    POSTING = 240
    SPECIAL = 480


class Priority(Enum):
    """Who waits for the call: a person right now, an effect, or nobody (reading afterwards)."""

    PERSON = "person"
    WORK = "work"
    SPARE = "spare"


_TIER_OF: Mapping[str, Tier] = {
    POST: Tier.POSTING,
    "auth.test": Tier.SPECIAL,
    "chat.getPermalink": Tier.SPECIAL,
    "apps.connections.open": Tier.ONE,
    **dict.fromkeys(
        (
            "conversations.create",
            "conversations.setTopic",
            "conversations.setPurpose",
            "conversations.archive",
            "conversations.unarchive",
            "conversations.list",
            "pins.add",
            "pins.list",
            "pins.remove",
            "bookmarks.add",
            "users.list",
            "usergroups.list",
            "usergroups.users.list",
        ),
        Tier.TWO,
    ),
    **dict.fromkeys(
        (
            "conversations.members",
            "chat.postEphemeral",
            "users.info",
            "views.open",
            "views.update",
            "views.publish",
            "files.getUploadURLExternal",
            "files.completeUploadExternal",
            "files.info",
        ),
        Tier.FOUR,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Our limits; `burst` is the share by which we exceed a tier's guaranteed rate."""

    is_enabled: bool = True
    window: timedelta = timedelta(seconds=60)
    burst: float = 0.25
    reserved_for_people: float = 0.2
    spare: float = 0.5
    post_interval: timedelta = timedelta(seconds=1)
    post_burst: int = 4
    patience_of_people: timedelta = timedelta(seconds=1)
    patience_of_work: timedelta = timedelta(seconds=5)

    def most(self, tier: Tier, priority: Priority) -> int:
        """Return how many calls of a tier one window allows for this priority."""
        total = max(1, int(tier.value * (1 + self.burst)))
        if priority is Priority.PERSON:
            return total
        if priority is Priority.SPARE:
            return max(1, int(total * self.spare))
        return max(1, int(total * (1 - self.reserved_for_people)))


@dataclass(slots=True)
class _Seen:
    """A workspace's recent calls; times are seconds of the monotonic clock."""

    calls: dict[str, deque[float]] = field(default_factory=dict)
    next_post: dict[str, float] = field(default_factory=dict)
    blocked_until: dict[tuple[str, str], float] = field(default_factory=dict)


class RateLimits:
    """Paces the calls of one workspace; one instance suffices, as only one process sends for it."""

    def __init__(self, clock: Clock, *, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._clock = clock
        self._seen = _Seen()

    @classmethod
    def disabled(cls, clock: Clock) -> "RateLimits":
        """Return limits that obey only Slack's `Retry-After`."""
        return cls(clock, limits=Limits(is_enabled=False))

    async def wait(
        self, method: str, *, channel: str = "", priority: Priority = Priority.WORK
    ) -> None:
        """Wait for a turn to call `method`, and count the call.

        Raises:
            Paced: the wait would exceed the priority's patience.
        """
        is_person = priority is Priority.PERSON
        limits = self.limits
        patience = limits.patience_of_people if is_person else limits.patience_of_work
        waited = timedelta(0)
        while (delay := self.delay(method, channel=channel, priority=priority)) > timedelta(0):
            if waited + delay > patience:
                raise Paced(method=method, retry_after=delay)
            await self._clock.sleep(delay)
            waited += delay
        self._count(method, channel)

    def delay(
        self, method: str, *, channel: str = "", priority: Priority = Priority.WORK
    ) -> timedelta:
        """Return how long a call of `method` has to wait from now."""
        now = self._clock.monotonic()
        ready = max(self._unblocked_at(method, channel), now)
        if self.limits.is_enabled:
            ready = max(ready, self._free_at(method, priority), self._postable_at(method, channel))
        return timedelta(seconds=ready - now)

    def refused(self, method: str, *, retry_after: timedelta, channel: str = "") -> None:
        """Obey a `Retry-After`: for one channel when posting, else for the whole method.

        Slack doesn't say which of its two posting limits was exceeded. If a second channel is
        refused while the first is blocked, we assume the workspace's.
        """
        now = self._clock.monotonic()
        blocked = self._seen.blocked_until
        for key in [key for key, until in blocked.items() if until <= now]:
            del blocked[key]
        others = any(key[0] == method and key[1] != channel for key in blocked)
        scope = channel if method == POST and not others else ""
        blocked[method, scope] = now + retry_after.total_seconds()

    def _unblocked_at(self, method: str, channel: str) -> float:
        blocked = self._seen.blocked_until
        return max(blocked.get((method, ""), 0.0), blocked.get((method, channel), 0.0))

    def _free_at(self, method: str, priority: Priority) -> float:
        calls = self._seen.calls.get(method)
        most = self.limits.most(_TIER_OF.get(method, Tier.THREE), priority)
        if calls is None or len(calls) < most:
            return 0.0
        return calls[-most] + self.limits.window.total_seconds()

    def _postable_at(self, method: str, channel: str) -> float:
        if method != POST or channel not in self._seen.next_post:
            return 0.0
        ahead = self.limits.post_interval.total_seconds() * (self.limits.post_burst - 1)
        return self._seen.next_post[channel] - ahead

    def _count(self, method: str, channel: str) -> None:
        now = self._clock.monotonic()
        calls = self._seen.calls.setdefault(method, deque())
        oldest = now - self.limits.window.total_seconds()
        while calls and calls[0] <= oldest:
            calls.popleft()
        calls.append(now)
        if method != POST:
            return
        posts = self._seen.next_post
        for quiet in [key for key, free in posts.items() if free <= now]:
            del posts[quiet]
        posts[channel] = max(posts.get(channel, now), now) + (
            self.limits.post_interval.total_seconds()
        )
