"""A clock that tests move by hand; it wakes sleepers when their time comes."""

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday


class ManualClock:
    """Stands still until advanced."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - START).total_seconds()

    async def sleep(self, duration: timedelta) -> None:
        if duration <= timedelta(0):
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + duration, future))
        await future

    def advance(self, duration: timedelta) -> None:
        """Move time forward and wake the sleepers that are due."""
        self._now += duration
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._now]
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[0] > self._now]
        for _, future in due:
            if not future.done():
                future.set_result(None)

    def wake_next(self, *, within: timedelta) -> None:
        """Move time to the next sleeper, if one is due within this duration."""
        waiting = [wake_at for wake_at, future in self._sleepers if not future.done()]
        if waiting and min(waiting) <= self._now + within:
            self.advance(max(min(waiting) - self._now, timedelta(0)))
