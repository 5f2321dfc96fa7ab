"""The clock port: every instant and every wait comes from here, so that tests can move time."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> datetime:
        """Return the current instant, timezone-aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go backwards, for measurements and rate limits."""
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Wait for the duration."""
        ...


class SystemClock:
    """The machine's clock, corrected by a measured offset to the database's clock."""

    def __init__(self, *, offset: timedelta = timedelta(0)) -> None:
        """Store the offset to add: with it, leases and due times agree between hosts."""
        self.offset = offset

    def now(self) -> datetime:
        """Return the current instant in UTC, corrected by the offset."""
        return datetime.now(UTC) + self.offset

    def monotonic(self) -> float:
        """Return the seconds of the machine's monotonic clock."""
        return time.monotonic()

    async def sleep(self, duration: timedelta) -> None:
        """Wait for the duration in real time."""
        await asyncio.sleep(max(duration.total_seconds(), 0.0))
