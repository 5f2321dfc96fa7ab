"""Durations and clock times as people type them."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.core.errors import InvalidInput
from incidents.core.moments import find_moment, latest_clock_time, split_moment
from incidents.core.times import (
    duration_text,
    find_duration,
    parse_duration,
    split_duration,
    spoken_duration,
    zone_of,
)
from incidents.core.typed_dates import split_day

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("15m", 15),
        ("1h30m", 90),
        ("1 h 30 min", 90),
        ("2H", 120),
        ("90s", 1.5),
        ("1d", 1440),
        ("20 minutes", 20),
    ],
)
def test_a_duration_is_read_however_it_is_written(text: str, minutes: float) -> None:
    assert find_duration(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "0m", "15", "15x", "m", "-5m", "1h-5m", "9999d", "15m ago"])
def test_other_texts_are_not_durations(text: str) -> None:
    assert find_duration(text) is None


def test_where_only_a_duration_is_expected_a_bare_number_means_minutes() -> None:
    assert parse_duration("20") == timedelta(minutes=20)
    with pytest.raises(InvalidInput):
        parse_duration("soon")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10m is the tier healthy?", (timedelta(minutes=10), "is the tier healthy?")),
        ("10 min is it?", (timedelta(minutes=10), "is it?")),
        ("10 servers are down?", (None, "10 servers are down?")),
        ("", (None, "")),
        ("15m", (timedelta(minutes=15), "")),
    ],
)
def test_a_leading_duration_is_taken_off_the_text(
    text: str, expected: tuple[timedelta | None, str]
) -> None:
    assert split_duration(text) == expected


def test_a_clock_time_is_its_latest_occurrence_in_the_authors_zone() -> None:
    assert find_moment("09:30", now=NOW, zone="Europe/Berlin") == NOW - timedelta(minutes=30)
    assert find_moment("10:30", now=NOW, zone="Europe/Berlin") == NOW - timedelta(hours=23.5)


def test_a_minus_counts_back_from_now_even_as_phones_type_it() -> None:
    assert find_moment("-10m", now=NOW, zone="UTC") == NOW - timedelta(minutes=10)
    assert find_moment("\N{MINUS SIGN}1h30m", now=NOW, zone="UTC") == NOW - timedelta(hours=1.5)
    assert find_moment("25:00", now=NOW, zone="UTC") is None


def test_a_leading_moment_is_taken_off_the_text() -> None:
    moment, text = split_moment("08:55 rolled back", now=NOW, zone="UTC")
    assert (moment, text) == (NOW - timedelta(minutes=5), "rolled back")
    assert split_moment("rolled back 08:55", now=NOW, zone="UTC") == (None, "rolled back 08:55")


@pytest.mark.parametrize("word", ["-10", "-10x", "\N{MINUS SIGN}10", "25:99", "9:60", "-0m"])
def test_an_invalid_time_as_the_first_word_is_refused(word: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        split_moment(f"{word} rolled back", now=NOW, zone="UTC")
    assert (refused.value.field, refused.value.problem) == ("time", "not_a_time")


@pytest.mark.parametrize(
    "text",
    [
        "10:1 odds",
        "-v was given",
        "3 of 10 hosts",
        "99.95 % of requests fail",
        "12.50 EUR lost per cart",
        "5 ms slower",
        "today we deployed",
        "may be the cache",
        "sun is hot in the data centre",
        "second deploy failed",
        "24h of logs are gone",
        "2pmish",
    ],
)
def test_a_first_word_that_only_resembles_a_time_is_text(text: str) -> None:
    assert split_moment(text, now=NOW, zone="UTC") == (None, text)


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("-10m", "2026-03-02 08:50"),
        ("\N{EN DASH}10m", "2026-03-02 08:50"),
        ("--10m", "2026-03-02 08:50"),
        ("10m ago", "2026-03-02 08:50"),
        ("10 minutes ago,", "2026-03-02 08:50"),
        ("1 h 30 min ago", "2026-03-02 07:30"),
        ("an hour ago", "2026-03-02 08:00"),
        ("half an hour ago", "2026-03-02 08:30"),
        ("08.55", "2026-03-02 08:55"),
        ("8:55:", "2026-03-02 08:55"),
        ("8:55 am", "2026-03-02 08:55"),
        ("at 8:55", "2026-03-02 08:55"),
        ("8h55", "2026-03-02 08:55"),
        ("[08:55]", "2026-03-02 08:55"),
        ("at noon", "2026-03-01 12:00"),
        ("2pm", "2026-03-01 14:00"),
        ("2:05 pm", "2026-03-01 14:05"),
        ("08:55 UTC", "2026-03-02 08:55"),
        ("08:55Z", "2026-03-02 08:55"),
        ("today 08:55", "2026-03-02 08:55"),
        ("yesterday 14:05", "2026-03-01 14:05"),
        ("yesterday at 2pm", "2026-03-01 14:00"),
        ("Friday 14.05", "2026-02-27 14:05"),
        ("on Friday, 14:05", "2026-02-27 14:05"),
        ("Monday 08:00", "2026-03-02 08:00"),
        ("Monday 14:05", "2026-02-23 14:05"),
        ("last Monday 08:00", "2026-02-23 08:00"),
        ("2026-02-28 14:05", "2026-02-28 14:05"),
        ("2026-02-28T14:05:30Z", "2026-02-28 14:05:30"),
        ("28.02. 14:05", "2026-02-28 14:05"),
        ("28.2.2026 14:05", "2026-02-28 14:05"),
        ("28 Feb 14:05", "2026-02-28 14:05"),
        ("Feb 28th, 14:05", "2026-02-28 14:05"),
        ("28 November 14:05", "2025-11-28 14:05"),
        ("2/28 14:05", "2026-02-28 14:05"),
    ],
)
def test_a_moment_is_read_however_people_write_it(typed: str, moment: str) -> None:
    found, text = split_moment(f"{typed} rolled back", now=NOW, zone="UTC")
    assert (found, text) == (datetime.fromisoformat(moment).replace(tzinfo=UTC), "rolled back")


@pytest.mark.parametrize(
    "text",
    [
        "+10m rolled back",
        "yesterday we deployed",
        "Friday the deploy broke",
        "2026-02-28 it began",
        "28 Feb it began",
        "28.11 it began",
        "3/4 14:05 it began",
        "31.02. 14:05 it began",
        "25:99:00 it began",
        "10:00-10:05 outage",
        "14:05\N{EN DASH}14:10 outage",
        "7:45-ish outage",
        "~14:05 outage",
        "around 14:05 outage",
        "since 14:05 errors",
        "last night it began",
        "this morning the deploy broke",
    ],
)
def test_a_text_that_begins_like_a_moment_and_is_not_clear_is_asked_about(text: str) -> None:
    with pytest.raises(InvalidInput):
        split_moment(text, now=NOW, zone="UTC")


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("Friday", "2026-03-06"),
        ("fri", "2026-03-06"),
        ("Monday", "2026-03-02"),
        ("next Monday", "2026-03-09"),
        ("tomorrow", "2026-03-03"),
        ("2026-12-01", "2026-12-01"),
        ("1.12.", "2026-12-01"),
        ("1 Dec", "2026-12-01"),
        ("Feb 1st", "2027-02-01"),
    ],
)
def test_a_day_to_come_is_the_next_such_day(typed: str, day: str) -> None:
    found, rest = split_day(f"{typed} fix it", today=NOW.date(), is_past=False)
    assert (found, rest) == (date.fromisoformat(day), "fix it")


def test_a_time_shown_twice_when_clocks_go_back_is_the_later_past_one() -> None:
    # Berlin, 2026-10-25: 02:30 is shown at 00:30 and at 01:30 UTC.
    wall, zone = time(2, 30), "Europe/Berlin"
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = first + timedelta(hours=1)
    between = latest_clock_time(wall, now=first + timedelta(minutes=20), zone=zone)
    assert between == first
    assert latest_clock_time(wall, now=second + timedelta(minutes=20), zone=zone) == second


def test_a_time_skipped_when_clocks_go_forward_is_the_day_before() -> None:
    # Berlin, 2026-03-29: after 01:59 comes 03:00.
    now = datetime(2026, 3, 29, 6, 0, tzinfo=UTC)
    found = latest_clock_time(time(2, 30), now=now, zone="Europe/Berlin")
    assert found == datetime(2026, 3, 28, 1, 30, tzinfo=UTC)


def test_an_unknown_zone_is_read_as_utc() -> None:
    assert find_moment("08:00", now=NOW, zone="Mars/Olympus") == NOW - timedelta(hours=1)


@given(
    wall=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    now=st.datetimes(
        datetime(2025, 1, 1),  # noqa: DTZ001  (hypothesis adds the zone)
        datetime(2028, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    zone=st.sampled_from(
        ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
    ),
)
def test_the_latest_clock_time_is_past_within_two_days_and_shows_that_time(
    wall: time, now: datetime, zone: str
) -> None:
    found = latest_clock_time(wall, now=now, zone=zone)
    assert now - timedelta(hours=49) <= found <= now
    assert found.astimezone(zone_of(zone)).time().replace(fold=0) == wall


@given(st.integers(min_value=1, max_value=60 * 24 * 300))
def test_a_written_duration_is_read_back(minutes: int) -> None:
    duration = timedelta(minutes=minutes)
    assert find_duration(duration_text(duration)) == duration
    assert find_duration(spoken_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "when", "rest"),
    [
        ("2026-02-28T14:05:00+05:00 it", "2026-02-28T09:05:00", "it"),
        ("2026-02-28T14:05:00-05:00 it", "2026-02-28T19:05:00", "it"),
        ("2026-02-28T14:05:00.123Z it", "2026-02-28T14:05:00", "it"),
        ("2026-02-28 14:05:01,123 ERROR it", "2026-02-28T13:05:01", "ERROR it"),
        ("14:05 +0000 it", "2026-03-01T14:05:00", "it"),
        ("(08:05) it", "2026-03-02T07:05:00", "it"),
        ("*08:05* it", "2026-03-02T07:05:00", "it"),
        ("-1h 30m it", "2026-03-02T07:30:00", "it"),
        ("-10 min it", "2026-03-02T08:50:00", "it"),
        ("March 2 08:05 it", "2026-03-02T07:05:00", "it"),
    ],
)
def test_a_moment_is_read_to_its_end(text: str, when: str, rest: str) -> None:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    found = split_moment(text, now=now, zone="Europe/Berlin")
    assert found == (datetime.fromisoformat(when).replace(tzinfo=UTC), rest)


@pytest.mark.parametrize(
    "text", ["14:05 PST it", "14:05 CET it", "10:30-11:00 it", "midnight batch failed"]
)
def test_a_time_that_may_be_another_is_asked_about(text: str) -> None:
    with pytest.raises(InvalidInput):
        split_moment(text, now=datetime(2026, 3, 2, 9, tzinfo=UTC), zone="Europe/Berlin")


@pytest.mark.parametrize("text", ["- 5 min delay on all", "(see 14:05) it", "*bold* text"])
def test_a_text_that_looks_like_a_time_stays_text(text: str) -> None:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert split_moment(text, now=now, zone="Europe/Berlin") == (None, text)
