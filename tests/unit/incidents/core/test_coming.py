"""Moments to come, as people type them."""

from datetime import UTC, datetime

import pytest

from incidents.core.coming import split_coming
from incidents.core.errors import InvalidInput

# A Monday, 09:00 in Berlin; the clocks go forward on the 29th.
NOW = datetime(2026, 3, 23, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment", "rest"),
    [
        ("18:00", "2026-03-23T17:00", ""),
        ("18:00 checkout", "2026-03-23T17:00", "checkout"),
        ("6pm checkout api", "2026-03-23T17:00", "checkout api"),
        ("08:59", "2026-03-24T07:59", ""),
        ("tomorrow 9:00", "2026-03-24T08:00", ""),
        ("9:00 tomorrow", "2026-03-24T08:00", ""),
        ("Friday 18:00", "2026-03-27T17:00", ""),
        ("Monday 9:00", "2026-03-30T07:00", ""),
        ("Monday 10:00", "2026-03-23T09:00", ""),
        ("2026-03-30 09:00", "2026-03-30T07:00", ""),
        ("2h", "2026-03-23T10:00", ""),
        ("90 minutes checkout", "2026-03-23T09:30", "checkout"),
        ("18:00 UTC", "2026-03-23T18:00", ""),
    ],
)
def test_a_moment_is_the_next_such_by_the_persons_clock(text: str, moment: str, rest: str) -> None:
    expected = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert split_coming(text, now=NOW, zone="Europe/Berlin") == (expected, rest)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("soon", "not_a_time"),
        ("", "not_a_time"),
        ("checkout", "not_a_time"),
        ("Friday", "needs a time of day"),
        ("3/4 14:00", "not_a_time"),
        ("2026-03-22 18:00", "is over already"),
    ],
)
def test_anything_else_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        split_coming(text, now=NOW, zone="Europe/Berlin")
    assert (refused.value.field, refused.value.problem) == ("until", problem)
