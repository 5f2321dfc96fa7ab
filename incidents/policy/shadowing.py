"""The policy's sections on shadowing and on the on-call handoff, and who shadows by schedule when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from incidents.policy.disagreements import Disagreement
from incidents.policy.references import ROLE, SERVICE, PersonRef
from incidents.policy.schema import Duration, holds, lasts, short, some


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledShadow:
    """Somebody who shadows on these days, both included: a mentor, a role, or a service."""

    person: PersonRef
    mentor: PersonRef | None = None
    role: Annotated[str, ROLE] | None = None
    service: Annotated[str, SERVICE] | None = None
    starts_on: date
    ends_on: date

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield what makes it unclear whom or what somebody shadows, and when."""
        if sum(one is not None for one in (self.mentor, self.role, self.service)) != 1:
            what = "needs exactly one of mentor, role and service"
            yield Disagreement(("mentor",), what, "mentor: alex@example.com")
        if self.mentor == self.person:
            yield Disagreement(("mentor",), "nobody shadows themselves")
        if self.ends_on < self.starts_on:
            what = f"can't be before starts_on ({self.starts_on.isoformat()})"
            yield Disagreement(("ends_on",), what, other=("starts_on",))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRotation:
    """Shadows who take turns of `turn`, with mentors who take turns likewise, or on one service."""

    shadows: Annotated[tuple[PersonRef, ...], some("has to name at least one person")]
    mentors: tuple[PersonRef, ...] = ()
    service: Annotated[str, SERVICE] | None = None
    starts_on: date
    turn: Annotated[Duration, lasts("1d", "365d", "7d")]

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield what makes it unclear whom or what the shadows follow."""
        if bool(self.mentors) == (self.service is not None):
            what = "needs either mentors or a service"
            yield Disagreement(("mentors",), what, "mentors: [alex@example.com]")
        if set(self.shadows) & set(self.mentors):
            yield Disagreement(("mentors",), "nobody shadows themselves")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowingPolicy:
    """What shadows are given and asked, and who shadows by schedule.

    `ask_every`: at decisions a shadow is asked at most once in that time. `debrief_reminder`: a
    debrief that isn't written for so long is reminded of, once.
    """

    ask_every: Annotated[Duration, lasts("1m", "1d", "15m")]
    debrief_reminder: Annotated[Duration, lasts("1m", "30d", "1d")]
    watch: tuple[Annotated[str, short(300, "Who decides what, and on which evidence.")], ...]
    questions: Annotated[
        tuple[Annotated[str, short(200, "What would you have done differently, and why?")], ...],
        holds(1, 5, "questions"),
    ]
    schedule: tuple[ScheduledShadow, ...] = ()
    rotations: tuple[ShadowRotation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverPolicy:
    """The on-call handoff: when a note that isn't accepted is reminded of, and what it looks at.

    `due_within`: action items due within that time are part of the note; `remind_after` is for
    the next person, at twice that time the author hears of it.
    """

    remind_after: Annotated[Duration, lasts("1m", "1d", "15m")]
    due_within: Annotated[Duration, lasts("0s", "30d", "2d")]


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
