"""The pure rules of supervision: which stage applies, what counts as leading, what is missing."""

import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from incidents.policy.supervision import StageRequirement
from incidents.rights.stages import EVERYTHING, Levels, Scope, Stage
from incidents.supervision.facts import (
    Asked,
    HeldRole,
    Part,
    Participation,
    ProgressFacts,
    SentEscalation,
)
from incidents.supervision.progress import Counts, counts, needs_of, summarise, tally
from incidents.supervision.recertification import add_months

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def part(*held: tuple[str, Stage], **details: object) -> Part:
    values: dict[str, object] = {
        "incident_id": uuid.uuid4(),
        "reference": "INC-1",
        "is_drill": False,
        "severity_key": "sev2",
        "services": ("checkout",),
        "declared_at": NOW,
        **details,
    }
    return Part(held=tuple(HeldRole(*one) for one in held), **values)  # type: ignore[arg-type]


def facts(*parts: Part, **more: object) -> ProgressFacts:
    services = tuple((one.incident_id, one.services) for one in parts)
    drills = frozenset(one.incident_id for one in parts if one.is_drill)
    return ProgressFacts(parts=parts, services=services, drills=drills, **more)  # type: ignore[arg-type]


# -- stages -----------------------------------------------------------------------------------


def test_stages_compare_by_rank_not_as_text() -> None:
    way = [Stage.OBSERVE, Stage.ASSIST, Stage.LEAD, Stage.SOLO]
    assert all(one < two and two > one for one, two in pairwise(way))
    assert all(one <= two and two >= one for one, two in pairwise(way))
    assert min(reversed(way)) is Stage.OBSERVE
    assert [stage.following for stage in way] == [*way[1:], None]
    assert Stage.LEAD < "solo"


@pytest.mark.parametrize(
    ("role", "services", "expected"),
    [
        ("commander", ("checkout",), Stage.LEAD),  # role and service
        ("commander", ("search",), Stage.ASSIST),  # role alone
        ("scribe", ("checkout",), Stage.SOLO),  # service alone
        ("scribe", ("search",), Stage.OBSERVE),  # everything
        ("commander", ("checkout", "search"), Stage.ASSIST),  # the lower of two services
        (None, (), Stage.OBSERVE),
        (None, ("checkout",), Stage.SOLO),
    ],
)
def test_the_most_specific_stage_applies(
    role: str | None, services: tuple[str, ...], expected: Stage
) -> None:
    levels = Levels(
        {
            EVERYTHING: Stage.OBSERVE,
            Scope("commander", ""): Stage.ASSIST,
            Scope("", "checkout"): Stage.SOLO,
            Scope("commander", "checkout"): Stage.LEAD,
        }
    )
    assert levels.stage(role_key=role, services=services) is expected


def test_between_a_role_alone_and_a_service_alone_the_lower_applies() -> None:
    for one, two in ((Stage.ASSIST, Stage.LEAD), (Stage.LEAD, Stage.ASSIST)):
        levels = Levels({Scope("commander", ""): one, Scope("", "checkout"): two})
        assert levels.stage(role_key="commander", services=("checkout",)) is Stage.ASSIST


def test_a_peer_is_nowhere_below_solo_and_of_a_senior_somebody_has_said_so() -> None:
    nobody_said = Levels({})
    said = Levels({Scope("commander", ""): Stage.SOLO})
    learns_one = Levels({EVERYTHING: Stage.SOLO, Scope("scribe", ""): Stage.LEAD})
    to_a_limit = Levels({EVERYTHING: Stage.SOLO}, limits={EVERYTHING: 3})
    assert [one.is_peer for one in (nobody_said, said, learns_one, to_a_limit)] == [
        *(True, True, False, False)
    ]
    assert [one.is_senior for one in (nobody_said, said, learns_one, to_a_limit)] == [
        *(False, True, False, False)
    ]


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        ((2026, 1, 31), 1, (2026, 2, 28)),
        ((2026, 12, 15), 1, (2027, 1, 15)),
        ((2024, 2, 29), 12, (2025, 2, 28)),
        ((2026, 11, 21), 120, (2036, 11, 21)),
    ],
)
def test_adding_months_ends_on_an_existing_day(
    start: tuple[int, int, int], months: int, expected: tuple[int, int, int]
) -> None:
    assert add_months(datetime(*start, tzinfo=UTC), months) == datetime(*expected, tzinfo=UTC)


# -- counting ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "role_key", "expected"),
    [
        ((), "", Participation.OBSERVED),
        ((("scribe", Stage.OBSERVE),), "", Participation.OBSERVED),
        ((("scribe", Stage.ASSIST),), "", Participation.ASSISTED),
        ((("scribe", Stage.SOLO),), "", Participation.ASSISTED),
        ((("commander", Stage.ASSIST),), "", Participation.ASSISTED),
        ((("commander", Stage.LEAD),), "", Participation.LED),
        ((("scribe", Stage.ASSIST), ("commander", Stage.SOLO)), "", Participation.LED),
        ((("scribe", Stage.LEAD),), "scribe", Participation.LED),
        ((("commander", Stage.LEAD),), "scribe", Participation.ASSISTED),
    ],
)
def test_an_incident_counts_once_as_the_highest_participation(
    held: tuple[tuple[str, Stage], ...], role_key: str, expected: Participation
) -> None:
    assert part(*held).participation(role_key) is expected


def test_incidents_are_counted_by_severity_and_by_each_service() -> None:
    parts = [
        part(("scribe", Stage.ASSIST), services=("checkout", "search")),
        part(is_shadow=True, severity_key="sev1", services=("search",)),
    ]
    found = tally(parts)
    assert found.overall == Counts(1, 1, 0)
    assert dict(found.by_severity) == {"sev1": Counts(1, 0, 0), "sev2": Counts(0, 1, 0)}
    assert dict(found.by_service) == {"checkout": Counts(0, 1, 0), "search": Counts(1, 1, 0)}
    assert counts([]) == Counts()


def test_drills_are_counted_apart() -> None:
    real, drill = part(("scribe", Stage.ASSIST)), part(("scribe", Stage.ASSIST), is_drill=True)
    sent = (SentEscalation(drill.incident_id, NOW, 10), SentEscalation(real.incident_id, NOW, 90))
    view = summarise(facts(real, drill, escalations=sent))
    assert (view.real.overall, view.drills.overall) == (Counts(0, 1, 0), Counts(0, 1, 0))
    assert (view.escalations, view.completeness) == (1, 90)


def test_completeness_and_time_to_evidence_are_shown_by_month() -> None:
    before = NOW - timedelta(days=31)
    first = part(("scribe", Stage.ASSIST), declared_at=before, to_evidence=timedelta(minutes=20))
    second = part(("scribe", Stage.ASSIST), to_evidence=timedelta(minutes=5))
    # A shadowed incident says nothing about its shadow.
    watched = part(is_shadow=True, to_evidence=timedelta(hours=5))
    sent = (
        SentEscalation(first.incident_id, before, 50),
        SentEscalation(second.incident_id, NOW, 80),
        SentEscalation(second.incident_id, NOW, 91),
    )
    view = summarise(facts(first, second, watched, escalations=sent))
    assert [(one.name, one.escalations, one.completeness) for one in view.months] == [
        ("2026-01", 1, 50),
        ("2026-03", 2, 85),
    ]
    assert [one.to_evidence for one in view.months] == [
        timedelta(minutes=20),
        timedelta(minutes=5),
    ]


def test_missing_requirements_are_counted_in_the_scopes_service_and_role() -> None:
    here = part(("scribe", Stage.LEAD))
    elsewhere = part(("scribe", Stage.LEAD), services=("search",))
    practice = part(("scribe", Stage.LEAD), is_drill=True)
    known = facts(
        here,
        elsewhere,
        practice,
        prompts=tuple(Asked(here.incident_id, NOW, answered) for answered in (True, False, True)),
        debriefs=(Asked(elsewhere.incident_id, NOW, is_answered=True),),
    )
    asked = StageRequirement(
        stage=Stage.SOLO, led=2, drills=1, completeness=80, answered=70, debriefs=1
    )
    needs = {need.key: need for need in needs_of(asked, Scope("scribe", "checkout"), known)}
    assert {key: need.have for key, need in needs.items()} == {
        "led": 1,
        "drills": 1,
        "completeness": 100,  # nothing was sent, so nothing is incomplete
        "answered": 66,
        "debriefs": 0,
    }
    assert {key for key, need in needs.items() if not need.is_met} == {
        "led",
        "answered",
        "debriefs",
    }
    assert {
        need.have for need in needs_of(asked, Scope("scribe", ""), known) if need.key == "led"
    } == {2}


def test_a_stage_up_to_a_severity_is_one_lower_in_worse_incidents() -> None:
    as_commander = Scope("commander", "")
    levels = Levels({as_commander: Stage.SOLO}, {as_commander: 3}, {as_commander: "sev3"})
    found = [levels.stage(role_key="commander", severity_rank=rank) for rank in (1, 2, 3, 4)]
    assert found == [Stage.LEAD, Stage.LEAD, Stage.SOLO, Stage.SOLO]
    assert levels.stage(role_key="scribe", severity_rank=1) is Stage.SOLO
    assert not levels.is_senior
