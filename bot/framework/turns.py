"""Whose turn it is: people who wait for an answer, then effects, then what nobody waits for.

One loop does it all, and while it works on one thing the others wait. Somebody who has typed a
command watches for the answer; whoever declared wants the channel; that somebody joined a channel
can be written down when those are served. Nobody stands back for long, however busy it is.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

EFFECTS_STAND_BACK: Final = timedelta(milliseconds=500)
EVENTS_STAND_BACK: Final = timedelta(milliseconds=300)
# Turns of the loop from the end of a transaction until the answer about it has left.
_TURNS_TO_ANSWER: Final = 8


class Turns:
    """Knows whether somebody waits for an answer, and whether effects are being sent."""

    def __init__(self) -> None:
        """Begin with nobody and nothing."""
        self._waiting = 0
        self._nobody_waits = _set_event()
        self._nothing_is_sent = _set_event()

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Do what somebody waits for; our own work only, as waiting for Slack keeps nobody else."""
        self._waiting += 1
        self._nobody_waits.clear()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._nobody_waits.set()

    def note_sending(self, *, is_sending: bool) -> None:
        """Note whether effects are under way, or ended and not settled yet."""
        if is_sending:
            self._nothing_is_sent.clear()
        else:
            self._nothing_is_sent.set()

    async def for_effects(self) -> None:
        """Return once nobody waits for an answer, or after half a second."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EFFECTS_STAND_BACK.total_seconds()):
                await self._after_answers()

    async def for_events(self) -> None:
        """Return once nobody waits and no effects are being sent, or after 0.3 seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EVENTS_STAND_BACK.total_seconds()):
                await self._after_answers()
                await self._nothing_is_sent.wait()

    async def _after_answers(self) -> None:
        await self._nobody_waits.wait()
        for _ in range(_TURNS_TO_ANSWER):
            await asyncio.sleep(0)


def _set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event
