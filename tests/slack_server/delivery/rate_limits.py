"""Rate limits: each tier's calls per sliding 60 s plus a burst; posting, 1/s per channel."""

import math
from collections import deque
from datetime import datetime, timedelta

from tests.slack_server.ids import Clock

WINDOW = timedelta(seconds=60)
# The calls per minute that Slack guarantees, and the burst that we allow on top.
TIERS = {1: 1, 2: 20, 3: 50, 4: 100, 5: 600}
BURSTS = {1: 4, 2: 10, 3: 20, 4: 50, 5: 60}
POSTS_PER_CHANNEL = timedelta(seconds=1)
POST_BURST = 5
POSTS_PER_WORKSPACE = 300


class RateLimits:
    """Counts calls by the workspace's clock, so that advancing it refills everything."""

    def __init__(self, clock: Clock, *, enabled: bool = True) -> None:
        self.enabled = enabled
        self._clock = clock
        self._seen: dict[str, deque[datetime]] = {}
        self._free_at: dict[str, datetime] = {}

    def wait_for(self, method: str, *, tier: int, channel: str = "") -> int:
        """Count a call; return the whole seconds to wait if it's one too many, else 0."""
        if not self.enabled:
            return 0
        if method == "chat.postMessage":
            return self._window(method, POSTS_PER_WORKSPACE) or self._bucket(channel)
        return self._window(method, TIERS[tier] + BURSTS[tier])

    def reset(self) -> None:
        """Forget all calls so far."""
        self._seen.clear()
        self._free_at.clear()

    def _window(self, method: str, most: int) -> int:
        now, seen = self._clock(), self._seen.setdefault(method, deque())
        while seen and now - seen[0] >= WINDOW:
            seen.popleft()
        if len(seen) >= most:
            return max(1, math.ceil((seen[0] + WINDOW - now).total_seconds()))
        seen.append(now)
        return 0

    def _bucket(self, channel: str) -> int:
        now = self._clock()
        free_at = max(self._free_at.get(channel, now), now)
        ahead = free_at - now
        if ahead > POSTS_PER_CHANNEL * (POST_BURST - 1):
            too_much = ahead - POSTS_PER_CHANNEL * (POST_BURST - 1)
            return max(1, math.ceil(too_much.total_seconds()))
        self._free_at[channel] = free_at + POSTS_PER_CHANNEL
        return 0
