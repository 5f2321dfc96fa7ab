"""Ids and message timestamps in the forms that Slack uses."""

from collections.abc import Callable
from datetime import datetime
from itertools import count

Clock = Callable[[], datetime]

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Ids:
    """Mints ids such as `C0000000A1`, never the same twice."""

    def __init__(self) -> None:
        self._numbers = count(1296)

    def mint(self, prefix: str) -> str:
        """Return a new id that begins with `prefix` (C, U, D, F, S, V …)."""
        number, digits = next(self._numbers), ""
        while number:
            number, digit = divmod(number, 36)
            digits = _DIGITS[digit] + digits
        return f"{prefix}0{digits:0>9}"


class Timestamps:
    """Message timestamps from a clock: unique and strictly increasing, whatever the clock does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> str:
        """Return the next `ts`, e.g. `1790000000.000100` (seconds, microseconds)."""
        now = self._clock()
        micros = int(now.timestamp()) * 1_000_000 + now.microsecond
        self._last = max(micros, self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"
