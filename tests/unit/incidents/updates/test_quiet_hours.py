"""Quiet hours: when follow-ups wait, by each person's own clock."""

from datetime import UTC, datetime

import pytest

from incidents.policy.quiet_hours import QuietHours


@pytest.mark.parametrize(
    ("clock", "zone", "end"),
    [
        ("12:00", "UTC", None),
        ("19:59", "UTC", None),
        ("20:00", "UTC", "2026-03-03T08:00"),
        ("03:00", "UTC", "2026-03-02T08:00"),
        ("08:00", "UTC", None),
        ("09:00", "Pacific/Auckland", "2026-03-02T19:00"),  # 22:00 there
        ("09:00", "America/New_York", "2026-03-02T13:00"),  # 04:00 there
        ("21:00", "Nowhere/Unknown", "2026-03-03T08:00"),
    ],
)
def test_follow_ups_wait_for_the_morning_where_the_person_is(
    clock: str, zone: str, end: str | None
) -> None:
    now = datetime.fromisoformat(f"2026-03-02T{clock}").replace(tzinfo=UTC)
    expected = datetime.fromisoformat(end).replace(tzinfo=UTC) if end else None
    assert QuietHours(since="20:00", until="08:00").end(now, zone=zone) == expected


def test_hours_within_a_day_and_none_at_all() -> None:
    noon = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
    lunch = QuietHours(since="12:00", until="13:00")
    assert lunch.end(noon, zone="UTC") == datetime(2026, 3, 2, 13, tzinfo=UTC)
    assert QuietHours(since="12:00", until="12:00").end(noon, zone="UTC") is None
