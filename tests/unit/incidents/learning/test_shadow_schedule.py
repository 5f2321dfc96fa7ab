"""Who shadows on which day, by schedule."""

from datetime import date, timedelta

import pytest

from incidents.policy.references import PersonRef
from incidents.policy.shadowing import ScheduledShadow, ShadowingPolicy, ShadowRotation, turns_on
from tests.policies import built_in

JO, KIM = PersonRef(email="jo@example.com"), PersonRef(email="kim@example.com")
ALEX, SAM, EVE = (PersonRef(user_id=f"U{name}") for name in ("ALEX", "SAM", "EVE"))
MONDAY = date(2026, 3, 2)


def section(**changes: object) -> ShadowingPolicy:
    given = built_in().policy.shadowing
    return ShadowingPolicy(
        ask_every=given.ask_every,
        debrief_reminder=given.debrief_reminder,
        watch=given.watch,
        questions=given.questions,
        **changes,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("day", "is_on"),
    [
        (date(2026, 3, 1), False),
        (date(2026, 3, 2), True),
        (date(2026, 3, 6), True),
        (date(2026, 3, 7), False),
    ],
)
def test_a_schedule_holds_on_its_first_and_last_day_and_between(day: date, *, is_on: bool) -> None:
    entry = ScheduledShadow(person=JO, role="commander", starts_on=MONDAY, ends_on=date(2026, 3, 6))
    turns = list(turns_on(section(schedule=(entry,)), day))
    assert [turn.role for turn in turns] == (["commander"] if is_on else [])


def test_shadows_and_mentors_rotate_separately() -> None:
    rotation = ShadowRotation(
        shadows=(JO, KIM), mentors=(ALEX, SAM, EVE), starts_on=MONDAY, turn=timedelta(days=7)
    )
    policy = section(rotations=(rotation,))
    pairs = [
        (turn.person, turn.mentor)
        for week in range(6)
        for turn in turns_on(policy, MONDAY + timedelta(days=7 * week + 3))
    ]
    assert pairs == [(JO, ALEX), (KIM, SAM), (JO, EVE), (KIM, ALEX), (JO, SAM), (KIM, EVE)]
    assert list(turns_on(policy, MONDAY - timedelta(days=1))) == []


def test_a_rotation_without_mentors_follows_its_service() -> None:
    rotation = ShadowRotation(
        shadows=(JO,), service="checkout", starts_on=MONDAY, turn=timedelta(days=1)
    )
    (turn,) = turns_on(section(rotations=(rotation,)), MONDAY)
    assert (turn.person, turn.mentor, turn.service) == (JO, None, "checkout")
