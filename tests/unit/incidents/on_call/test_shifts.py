"""Rotations: always exactly one person on call, through summer time, overrides and all."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.on_call.shifts import Cover, next_shift, shift_at
from incidents.policy.references import PersonRef
from incidents.policy.waking.rotations import Handover, Rotation, RotationOverride, WallTime

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC")


def weekly(*people: str, overrides: tuple[RotationOverride, ...] = ()) -> Rotation:
    return Rotation(
        key="checkout-primary",
        people=tuple(PersonRef(email=f"{name}@example.com") for name in people),
        handover=Handover(0, time(9)),
        every=timedelta(days=7),
        time_zone="Europe/Berlin",
        starts_on=date(2025, 3, 24),
        overrides=overrides,
    )


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "who"),
    [
        ("2025-03-24T08:59", "ben"),
        ("2025-03-24T09:00", "kim"),
        ("2025-03-31T08:59", "kim"),
        ("2025-03-31T09:00", "ben"),
        ("2025-10-27T08:59", "kim"),
        ("2025-10-27T09:00", "ben"),
        ("2024-12-30T09:00", "kim"),
    ],
)
def test_handover_is_at_nine_by_the_wall_clock_in_summer_and_in_winter(
    moment: str, who: str
) -> None:
    assert shift_at(weekly("kim", "ben"), berlin(moment)).who == f"{who}@example.com"


def test_the_week_in_which_the_clocks_go_forward_is_an_hour_shorter() -> None:
    shift = shift_at(weekly("kim", "ben"), berlin("2025-03-26T12:00"))
    assert (shift.since, shift.until) == (berlin("2025-03-24T09:00"), berlin("2025-03-31T09:00"))
    assert shift.until - shift.since == timedelta(days=7) - timedelta(hours=1)
    assert next_shift(weekly("kim", "ben"), shift).who == "ben@example.com"


def test_an_override_of_the_policy_counts_by_the_rotations_clock_and_a_persons_wins() -> None:
    sam = RotationOverride(
        who=PersonRef(email="sam@example.com"),
        since=WallTime(date(2025, 3, 29), time(12)),
        until=WallTime(date(2025, 3, 31), time(12)),
    )
    rotation = weekly("kim", "ben", overrides=(sam,))
    ana = Cover(who="UANA", since=berlin("2025-03-30T06:00"), until=berlin("2025-03-30T18:00"))
    seen, moment = [], berlin("2025-03-29T00:00")
    while moment < berlin("2025-04-01T00:00"):
        shift = shift_at(rotation, moment, [ana])
        seen.append((shift.who.partition("@")[0], shift.until.astimezone(BERLIN)))
        moment = shift.until
    assert [(who, f"{until:%d %H:%M}") for who, until in seen] == [
        ("kim", "29 12:00"),
        ("sam", "30 06:00"),
        ("UANA", "30 18:00"),
        ("sam", "31 12:00"),
        ("ben", "07 09:00"),
    ]


@st.composite
def rotations(draw: st.DrawFn) -> Rotation:
    starts_on = draw(st.dates(date(2024, 1, 1), date(2027, 1, 1)))
    names = draw(st.lists(st.sampled_from(["UKIM", "UBEN", "USAM"]), min_size=1, max_size=5))
    return Rotation(
        key="any",
        people=tuple(PersonRef(user_id=name) for name in names),
        handover=Handover(starts_on.weekday(), draw(st.times()).replace(second=0, microsecond=0)),
        every=timedelta(days=draw(st.integers(1, 30))),
        time_zone=draw(st.sampled_from(ZONES)),
        starts_on=starts_on,
    )


MOMENTS = st.datetimes(
    datetime(2023, 6, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2028, 6, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@st.composite
def covers(draw: st.DrawFn, near: datetime) -> list[Cover]:
    spans = st.tuples(st.integers(-900, 900), st.integers(1, 600))
    made = []
    for name, (start, length) in enumerate(draw(st.lists(spans, max_size=4))):
        since = near + timedelta(hours=start)
        made.append(Cover(who=f"U{name}", since=since, until=since + timedelta(hours=length)))
    return made


@given(rotation=rotations(), moment=MOMENTS, data=st.data())
def test_shifts_follow_each_other_without_gap_or_overlap(
    rotation: Rotation, moment: datetime, data: st.DataObject
) -> None:
    stand_ins = data.draw(covers(moment))
    shift = shift_at(rotation, moment, stand_ins)
    assert shift.since <= moment < shift.until
    for _ in range(8):
        following = next_shift(rotation, shift, stand_ins)
        assert following.since == shift.until < following.until
        shift = following


@given(rotation=rotations(), moment=MOMENTS, share=st.floats(0, 1), data=st.data())
def test_the_same_person_is_on_call_during_the_whole_shift(
    rotation: Rotation, moment: datetime, share: float, data: st.DataObject
) -> None:
    stand_ins = data.draw(covers(moment))
    shift = shift_at(rotation, moment, stand_ins)
    inside = shift.since + (shift.until - shift.since - timedelta(microseconds=1)) * share
    assert shift_at(rotation, inside, stand_ins) == shift


@given(rotation=rotations(), turn=st.integers(-60, 60))
def test_people_take_turns_in_the_policys_order(rotation: Rotation, turn: int) -> None:
    day = rotation.starts_on + timedelta(days=turn * rotation.every.days)
    begins = datetime.combine(day, rotation.handover.at, rotation.zone).astimezone(UTC)
    shift = shift_at(rotation, begins)
    assert shift.since == begins
    assert shift.who == str(rotation.people[turn % len(rotation.people)])
