"""People first: work that nobody waits for stands back while somebody waits for an answer."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta

from incidents.people import Actor

# Turns of the loop from the end of a transaction until the answer about it has left.
_TURNS_TO_ANSWER = 8


class PeopleFirst:
    """Knows whether somebody waits for an answer."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._waiting = 0
        self._nobody_waits = asyncio.Event()
        self._nobody_waits.set()

    @contextlib.contextmanager
    def serving(self, actor: Actor) -> Iterator[None]:
        """Serve this actor; a person waits for what comes of it."""
        if actor.person_id is None:
            yield
            return
        self._waiting += 1
        self._nobody_waits.clear()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._nobody_waits.set()

    async def stand_back(self, *, most: timedelta) -> None:
        """Return once nobody waits, or after `most`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most.total_seconds()):
                await self._nobody_waits.wait()
                for _ in range(_TURNS_TO_ANSWER):
                    await asyncio.sleep(0)
