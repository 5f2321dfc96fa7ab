"""Quiet hours: when follow-ups wait, by the clock of the person who would get them."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated

from incidents.core.times import zone_of
from incidents.policy.schema import matches

_ClockTime = Annotated[
    str,
    matches(
        r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", "has to be a time in 24 hours, in quotes", '"20:00"'
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """From when until when follow-ups wait; none if both are the same."""

    since: _ClockTime
    until: _ClockTime

    def end(self, now: datetime, *, zone: str) -> datetime | None:
        """Return when the quiet hours end that somebody in this zone has now; None if they have none."""
        local = now.astimezone(zone_of(zone))
        since, until = time.fromisoformat(self.since), time.fromisoformat(self.until)
        clock = local.time()
        is_quiet = since <= clock < until if since <= until else not until <= clock < since
        if not is_quiet:
            return None
        end = local.replace(hour=until.hour, minute=until.minute, second=0, microsecond=0)
        return end if end > local else end + timedelta(days=1)
