"""The policy's sections on shadowing and on the on-call handoff, and who shadows by schedule when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from incidents.policy.references import PersonRef


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledShadow:
    """Somebody who shadows on these days, both included: a mentor, a role, or a service."""

    person: PersonRef
    mentor: PersonRef | None = None
    role: str | None = None
    service: str | None = None
    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRotation:
    """Shadows who take turns of `turn`, with mentors who take turns likewise, or on one service."""

    shadows: tuple[PersonRef, ...]
    mentors: tuple[PersonRef, ...] = ()
    service: str | None = None
    starts_on: date
    turn: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowingPolicy:
    """What shadows are given and asked, and who shadows by schedule.

    `ask_every`: at decisions a shadow is asked at most once in that time. `debrief_reminder`: a
    debrief that isn't written for so long is reminded of, once.
    """

    ask_every: timedelta
    debrief_reminder: timedelta
    watch: tuple[str, ...]
    questions: tuple[str, ...]
    schedule: tuple[ScheduledShadow, ...] = ()
    rotations: tuple[ShadowRotation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverPolicy:
    """The on-call handoff: when a note that isn't accepted is reminded of, and what it looks at.

    `due_within`: action items due within that time are part of the note; `remind_after` is for
    the next person, at twice that time the author hears of it.
    """

    remind_after: timedelta
    due_within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Who shadows today, and whom or what: exactly one of the three is set."""

    person: PersonRef
    mentor: PersonRef | None = None
    role: str | None = None
    service: str | None = None


def turns_on(policy: ShadowingPolicy, day: date) -> Iterator[Turn]:
    """Yield who shadows by schedule on a day (in UTC)."""
    for entry in policy.schedule:
        if entry.starts_on <= day <= entry.ends_on:
            yield Turn(
                person=entry.person, mentor=entry.mentor, role=entry.role, service=entry.service
            )
    for rotation in policy.rotations:
        turn = _turn_of(rotation, day)
        if turn is not None:
            yield turn


def _turn_of(rotation: ShadowRotation, day: date) -> Turn | None:
    length = max(rotation.turn.days, 1)
    number = (day - rotation.starts_on).days // length
    if number < 0 or not rotation.shadows:
        return None
    person = rotation.shadows[number % len(rotation.shadows)]
    if not rotation.mentors:
        return Turn(person=person, service=rotation.service)
    return Turn(person=person, mentor=rotation.mentors[number % len(rotation.mentors)])
