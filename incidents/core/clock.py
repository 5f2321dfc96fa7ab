"""The clock port: every instant and every wait in Sitrep comes from here, so tests can move time."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits; `now()` is aware and in UTC."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go backwards, for measuring and for rate limits."""
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Wait for the duration."""
        ...


class SystemClock:
    """The machine's clock, corrected by a measured offset to the database's clock."""

    def __init__(self, *, offset: timedelta = timedelta(0)) -> None:
        """Take the offset to add so that leases and due times agree between hosts."""
        self.offset = offset

    def now(self) -> datetime:
        """Return the present instant in UTC, corrected."""
        return datetime.now(UTC) + self.offset

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()

    async def sleep(self, duration: timedelta) -> None:
        """Wait for the duration in real time."""
        await asyncio.sleep(max(duration.total_seconds(), 0.0))
