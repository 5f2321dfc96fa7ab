"""How long things took: from the record, to the last mitigation and resolution that held."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.core.hash_chain import instant_text
from incidents.incident.entries import Declared, MilestoneSet, SeverityChanged, StatusChanged
from incidents.incident.lifecycle import ALLOWED_TRANSITIONS, IncidentStatus
from incidents.incident.views import EntryView
from incidents.postmortem.durations import (
    Milestones,
    RoleSpan,
    durations,
    role_at,
    severity_spans,
    status_steps,
)
from tests.views import entry_view

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def entry(kind: str, *, sequence: int, occurred_at: datetime, **content: object) -> EntryView:
    return entry_view(kind, sequence=sequence, occurred_at=occurred_at, content=content)


def steps(*moves: tuple[float, str]) -> list[EntryView]:
    """Return changes of status from triage on, each at the minute given."""
    made: list[EntryView] = []
    old = "triage"
    for sequence, (minutes, new) in enumerate(moves, start=2):
        made.append(
            entry(
                StatusChanged.kind,
                sequence=sequence,
                occurred_at=at(minutes),
                old=old,
                new=new,
            )
        )
        old = new
    return made


def milestones(**moments: datetime | None) -> Milestones:
    return Milestones(**{"detected_at": START, "declared_at": at(2), **moments})  # type: ignore[arg-type]


def minutes(length: timedelta | None) -> float | None:
    return None if length is None else length / timedelta(minutes=1)


def test_each_duration_runs_between_its_two_moments() -> None:
    entries = steps((30, "mitigated"), (60, "resolved"))
    found = durations(
        entries,
        milestones(
            impact_started_at=at(-10),
            impact_ended_at=at(45),
            acknowledged_at=at(5),
            mitigated_at=at(30),
            resolved_at=at(60),
        ),
    )
    assert minutes(found.to_detect) == 10
    assert minutes(found.to_acknowledge) == 3
    assert minutes(found.to_mitigate) == 30
    assert minutes(found.to_resolve) == 60
    assert minutes(found.customer_impact) == 55
    assert found.resolved_then_reopened == ()


def test_with_two_resolutions_the_last_counts_and_the_time_between_is_separate() -> None:
    entries = steps(
        (30, "mitigated"),
        (40, "resolved"),
        (100, "investigating"),
        (150, "mitigated"),
        (160, "resolved"),
    )
    found = durations(entries, milestones())
    assert minutes(found.to_mitigate) == 150
    assert minutes(found.to_resolve) == 160
    assert [minutes(span.length) for span in found.resolved_then_reopened] == [60]


def test_a_closed_incident_counts_as_resolved_until_it_is_reopened() -> None:
    entries = steps((10, "resolved"), (20, "closed"), (50, "investigating"))
    found = durations(entries, milestones())
    assert [minutes(span.length) for span in found.resolved_then_reopened] == [40]
    assert found.to_resolve is None


def test_a_mitigation_that_slipped_back_doesnt_end_the_clock() -> None:
    slipped = steps((20, "mitigated"), (30, "investigating"))
    assert durations(slipped, milestones()).to_mitigate is None
    held = steps((20, "mitigated"), (30, "identified"), (70, "mitigated"))
    assert minutes(durations(held, milestones()).to_mitigate) == 70
    fixed = steps((20, "mitigated"), (30, "identified"), (70, "resolved"))
    found = durations(fixed, milestones())
    assert (found.to_mitigate, minutes(found.to_resolve)) == (None, 70)


def test_an_incident_never_mitigated_has_no_time_to_mitigate() -> None:
    found = durations(steps((25, "resolved")), milestones(resolved_at=at(25)))
    assert (found.to_mitigate, minutes(found.to_resolve)) == (None, 25)


def test_a_moment_corrected_by_people_overrides_the_step() -> None:
    entries = [
        *steps((30, "mitigated"), (60, "resolved"), (90, "investigating")),
        entry(
            MilestoneSet.kind,
            sequence=9,
            occurred_at=at(50),
            name="resolved_at",
            new=instant_text(at(50)),
        ),
    ]
    found = durations(entries, milestones(mitigated_at=at(12)))
    assert minutes(found.to_mitigate) == 12
    assert [minutes(span.length) for span in found.resolved_then_reopened] == [40]


def test_only_whole_days_count() -> None:
    entries = steps((60 * 24 * 3 + 5, "resolved"))
    found = durations(entries, milestones(impact_started_at=at(-60)))
    assert found.to_resolve == timedelta(days=3, minutes=5)


def test_moments_in_the_wrong_order_give_no_duration() -> None:
    found = durations([], milestones(impact_started_at=at(5), impact_ended_at=at(1)))
    assert (found.to_detect, found.customer_impact) == (None, None)


def test_without_customer_impact_there_are_no_minutes_of_it() -> None:
    found = durations(
        [], Milestones(detected_at=at(0), declared_at=at(0), has_customer_impact=False)
    )
    assert found.customer_impact == timedelta(0)


def test_severities_follow_one_another_until_the_end() -> None:
    entries = [
        entry(SeverityChanged.kind, sequence=4, occurred_at=at(20), new="SEV1", reason="all"),
        entry(Declared.kind, sequence=1, occurred_at=at(2), severity="SEV3"),
    ]
    spans = severity_spans(entries, ended_at=at(60))
    assert [(span.severity, span.since, span.until) for span in spans] == [
        ("SEV3", at(2), at(20)),
        ("SEV1", at(20), at(60)),
    ]


PERSON = uuid.uuid4()


def role(key: str, start: float, end: float | None) -> RoleSpan:
    return RoleSpan(
        role_key=key,
        role_name=key.title(),
        person_id=PERSON,
        person_name="alice",
        started_at=at(start),
        ended_at=None if end is None else at(end),
    )


@pytest.mark.parametrize(
    ("minute", "key"),
    [(5, None), (6, "commander"), (30, "commander"), (31, "scribe"), (50, "scribe"), (51, None)],
)
def test_the_role_is_the_one_held_until_that_moment(minute: float, key: str | None) -> None:
    spans = [role("commander", 5, 30), role("scribe", 30, 50)]
    found = role_at(spans, PERSON, at=at(minute))
    assert (found.role_key if found else None) == key


def test_somebody_without_a_role_has_none() -> None:
    assert role_at([role("commander", 0, None)], uuid.uuid4(), at=at(5)) is None
    assert role_at([role("commander", 0, None)], None, at=at(5)) is None


moments = st.none() | st.integers(-100_000, 100_000).map(at)


@given(data=st.data())
def test_no_duration_is_ever_negative(data: st.DataObject) -> None:
    moves: list[tuple[float, str]] = []
    status = IncidentStatus.TRIAGE
    for _ in range(data.draw(st.integers(0, 12))):
        if not ALLOWED_TRANSITIONS[status]:
            break
        status = data.draw(st.sampled_from(ALLOWED_TRANSITIONS[status]))
        moves.append((data.draw(st.integers(-1000, 1000)), status.value))
    entries = steps(*moves)
    names = (
        *("impact_started_at", "impact_ended_at", "acknowledged_at"),
        *("mitigated_at", "resolved_at"),
    )
    found = durations(entries, milestones(**{name: data.draw(moments) for name in names}))
    severities = [
        entry(SeverityChanged.kind, sequence=50 + n, occurred_at=at(minute), new="SEV1")
        for n, minute in enumerate(data.draw(st.lists(st.integers(-1000, 1000), max_size=4)))
    ]
    ended_at = data.draw(moments)
    lengths = [
        *(found.to_detect, found.to_acknowledge, found.to_mitigate, found.to_resolve),
        found.customer_impact,
        *(span.length for span in found.resolved_then_reopened),
        *(
            span.until - span.since
            for span in severity_spans(severities, ended_at=ended_at)
            if span.until is not None
        ),
    ]
    assert all(length is None or length >= timedelta(0) for length in lengths)
    assert len(status_steps(entries)) == len(moves)
