"""The app's calls of the Web API."""

import time
from dataclasses import dataclass, field

from tests.slack_server.render import Json


@dataclass(slots=True)
class ApiCall:
    """One call: `started` and `ended` in monotonic seconds; `ok` is what the caller was told."""

    method: str
    args: Json
    order: int
    started: float
    ended: float | None = None
    ok: bool = False
    error: str = ""
    took_effect: bool = False
    answer: Json = field(default_factory=dict, repr=False)

    @property
    def took(self) -> float:
        """How long it took, in seconds; infinite while under way."""
        return self.ended - self.started if self.ended is not None else float("inf")


class Journal:
    """All calls in order of arrival."""

    def __init__(self) -> None:
        self.calls: list[ApiCall] = []

    def begin(self, method: str, args: Json) -> ApiCall:
        """Record an incoming call."""
        call = ApiCall(method, args, len(self.calls), time.perf_counter())
        self.calls.append(call)
        return call

    def of(self, *methods: str) -> list[ApiCall]:
        """The calls of these methods."""
        return [call for call in self.calls if call.method in methods]

    @property
    def under_way(self) -> list[ApiCall]:
        """Calls not yet answered."""
        return [call for call in self.calls if call.ended is None]
