"""Failures on command: errors, dropped connections, hanging calls, slowness."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tests.slack_server.render import Json

Match = Callable[[Json], bool]


class FaultKind(StrEnum):
    """How a call goes wrong."""

    ANSWER = "answer"
    DROP = "drop"
    HANG = "hang"
    HOLD = "hold"


@dataclass(slots=True)
class Fault:
    """One planned failure of a method (`*` for all), for as many `times`."""

    method: str
    kind: FaultKind
    times: float
    match: Match | None = None
    error: str = ""
    status: int = 200
    retry_after: int = 0
    after: bool = False
    extra: Json | None = None
    happened: int = 0

    def applies(self, method: str, args: Json) -> bool:
        """Whether this failure strikes the call."""
        if self.happened >= self.times or self.method not in ("*", method):
            return False
        return self.match is None or self.match(args)


class Faults:
    """Planned failures and slowness of the Web API and the socket."""

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.latency_of: dict[str, float] = {}
        self.refused_handshakes = 0.0
        self.is_down = False
        self._planned: list[Fault] = []
        self._released = asyncio.Event()

    def plan(self, fault: Fault) -> Fault:
        """Plan a failure; the earliest planned strikes first."""
        self._planned.append(fault)
        return fault

    def take(self, method: str, args: Json) -> Fault | None:
        """Return the failure that strikes this call, and use it up once."""
        found = next((fault for fault in self._planned if fault.applies(method, args)), None)
        if found:
            found.happened += 1
        return found

    def heal(self) -> None:
        """Forget all planned failures, end slowness and let hanging calls go."""
        self._planned.clear()
        self.latency_of.clear()
        self.refused_handshakes = 0
        self.is_down = False
        self.release()

    def release(self) -> None:
        """Let the calls go that hang or are held at this moment."""
        self._released.set()
        self._released = asyncio.Event()

    async def hang(self) -> None:
        """Wait until released."""
        await self._released.wait()

    async def wait(self, method: str, *, since: float, share: float) -> None:
        """Wait until this share of the method's latency has passed since `since` (`perf_counter`).

        Our own work counts towards it, so that a call takes no longer than planned.
        """
        latency = self.latency_of.get(method, self.latency)
        if latency > 0:
            await asyncio.sleep(max(since + latency * share - time.perf_counter(), 0))
