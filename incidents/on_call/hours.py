"""When people were on call in rotations, by the policy of today and the overrides on record; pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from incidents.on_call.shifts import Cover, shift_at
from incidents.policy.waking.rotations import Rotation

# A call between these, where the person is, wakes them.
NIGHT_BEGINS: Final = time(22)
NIGHT_ENDS: Final = time(6)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A time from `since` until `until`."""

    since: datetime
    until: datetime


def spans_on_call(
    rotation: Rotation, within: Span, covers: Sequence[Cover] = ()
) -> Iterator[tuple[str, Span]]:
    """Yield who was on call when, as the policy names them; nothing before the rotation began."""
    began = datetime.combine(rotation.starts_on, rotation.handover.at, rotation.zone)
    moment = max(within.since, began.astimezone(UTC))
    while moment < within.until:
        shift = shift_at(rotation, moment, covers)
        until = min(shift.until, within.until)
        yield shift.who, Span(moment, until)
        moment = until


def total(spans: Iterable[Span]) -> timedelta:
    """Return how long these spans last together; what several cover counts once."""
    lasted, end = timedelta(0), None
    for span in sorted(spans):
        since = span.since if end is None else max(span.since, end)
        if span.until > since:
            lasted += span.until - since
            end = span.until
    return lasted


def night_of(at: datetime) -> date | None:
    """Return the day on which this night began, by the local time given; None by day."""
    if at.time() >= NIGHT_BEGINS:
        return at.date()
    return at.date() - timedelta(days=1) if at.time() < NIGHT_ENDS else None
