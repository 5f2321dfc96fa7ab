"""The moment when a waiting person is answered: no statement for them begins or lasts beyond it.

It is set once, around all of a request; the database reads it wherever it waits. A commit isn't
bound by it, so that its outcome can be known.
"""

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass


class TooLate(TimeoutError):
    """Nobody waits for this any more, so it isn't done."""


@dataclass(slots=True)
class Deadline:
    """A moment of `time.monotonic()`; None: take all the time."""

    moment: float | None = None
    # Tells what was too slow, once the time is over.
    is_in_database: bool = False

    def lift(self) -> None:
        """Let go on what can't be given up any more."""
        self.moment = None

    @property
    def seconds(self) -> float | None:
        """The seconds left, down to 0; None: unlimited."""
        return None if self.moment is None else max(0.0, self.moment - time.monotonic())


_deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextlib.contextmanager
def bound_by(deadline: Deadline | None) -> Iterator[None]:
    """Give up what begins inside at this deadline; with None, take all the time."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


@contextlib.contextmanager
def in_database() -> Iterator[None]:
    """Note that what has this deadline is using the database, or waiting for it."""
    deadline = _deadline.get()
    if deadline is None:
        yield
        return
    deadline.is_in_database = True
    try:
        yield
    finally:
        deadline.is_in_database = False


def seconds_left() -> float | None:
    """Return the seconds until somebody is answered; None if nobody waits.

    Raises: TooLate if the time is over.
    """
    left = _seconds()
    if left == 0:
        raise TooLate
    return left


def is_over() -> bool:
    """Tell whether the time is over."""
    return _seconds() == 0


def _seconds() -> float | None:
    deadline = _deadline.get()
    return None if deadline is None else deadline.seconds
