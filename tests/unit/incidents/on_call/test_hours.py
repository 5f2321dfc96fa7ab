"""How long people were on call, and which night a call belongs to."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from incidents.on_call.hours import Span, night_of, spans_on_call, total
from incidents.on_call.shifts import Cover
from incidents.policy.references import PersonRef
from incidents.policy.waking.rotations import Handover, Rotation

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def weekly(*people: str) -> Rotation:
    return Rotation(
        key="primary",
        people=tuple(PersonRef(user_id=name) for name in people),
        handover=Handover(0, time(9)),
        every=timedelta(days=7),
        time_zone="UTC",
        starts_on=date(2026, 3, 2),
        overrides=(),
    )


def on_call(within: Span, *covers: Cover) -> dict[str, timedelta]:
    found: dict[str, list[Span]] = {}
    for who, span in spans_on_call(weekly("U1", "U2"), within, covers):
        found.setdefault(who, []).append(span)
    return {who: total(spans) for who, spans in found.items()}


def test_turns_count_only_within_the_time_and_not_before_the_rotation_began() -> None:
    within = Span(MONDAY - 14 * DAY, MONDAY + 10 * DAY)
    assert on_call(within) == {"U1": 7 * DAY, "U2": 3 * DAY}


def test_hours_of_who_stands_in_are_theirs() -> None:
    cover = Cover(who="U3", since=MONDAY + DAY, until=MONDAY + 2 * DAY)
    assert on_call(Span(MONDAY, MONDAY + 7 * DAY), cover) == {"U1": 6 * DAY, "U3": DAY}


def test_two_rotations_at_once_count_once() -> None:
    spans = (
        Span(MONDAY, MONDAY + 2 * DAY),
        Span(MONDAY + DAY, MONDAY + 3 * DAY),
        Span(MONDAY + DAY, MONDAY + DAY * 3 / 2),
        Span(MONDAY + 5 * DAY, MONDAY + 6 * DAY),
    )
    assert total(reversed(spans)) == 4 * DAY


@pytest.mark.parametrize(
    ("at", "night"),
    [
        (datetime(2026, 3, 2, 21, 59, tzinfo=UTC), None),
        (datetime(2026, 3, 2, 22, tzinfo=UTC), date(2026, 3, 2)),
        (datetime(2026, 3, 3, 5, 59, tzinfo=UTC), date(2026, 3, 2)),
        (datetime(2026, 3, 3, 6, tzinfo=UTC), None),
    ],
)
def test_a_night_is_from_ten_to_six_and_has_the_date_of_its_evening(
    at: datetime, night: date | None
) -> None:
    assert night_of(at) == night
