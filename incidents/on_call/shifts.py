"""Whose turn it is in a rotation, until when, and who is next; pure.

Turns follow each other without a gap. Handover keeps its reading on the wall clock, so a turn is an
hour shorter or longer where the clocks change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from incidents.policy.references import PersonRef
from incidents.policy.waking.rotations import Rotation


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """Somebody who stands in from `since` until `until`: an override, of the policy or by a person."""

    who: str
    since: datetime
    until: datetime

    @property
    def person(self) -> PersonRef:
        """Return the person as a policy names them."""
        return _person(self.who)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Somebody's time on call, from `since` until `until`; `cover` if an override says so."""

    who: str
    since: datetime
    until: datetime
    cover: Cover | None = None

    @property
    def person(self) -> PersonRef:
        """Return the person as a policy names them."""
        return _person(self.who)


def shift_at(rotation: Rotation, moment: datetime, covers: Sequence[Cover] = ()) -> Shift:
    """Return who is on call at this moment; later covers win over earlier ones and the policy's."""
    ranked = (*_policy_covers(rotation), *covers)
    number = _turn_at(rotation, moment)
    shift = Shift(
        who=str(rotation.people[number % len(rotation.people)]),
        since=_begin(rotation, number),
        until=_begin(rotation, number + 1),
    )
    for cover in ranked:
        if cover.since <= moment < cover.until:
            shift = Shift(who=cover.who, since=cover.since, until=cover.until, cover=cover)
    above = ranked[ranked.index(shift.cover) + 1 :] if shift.cover else ranked
    return Shift(
        who=shift.who,
        since=max((shift.since, *(one.until for one in above if one.until <= moment))),
        until=min((shift.until, *(one.since for one in above if one.since > moment))),
        cover=shift.cover,
    )


def next_shift(rotation: Rotation, shift: Shift, covers: Sequence[Cover] = ()) -> Shift:
    """Return the shift after this one."""
    return shift_at(rotation, shift.until, covers)


def _person(name: str) -> PersonRef:
    return PersonRef(email=name) if "@" in name else PersonRef(user_id=name)


def _turn_at(rotation: Rotation, moment: datetime) -> int:
    """Return the number of the turn at this moment; the one of `starts_on` is 0."""
    days = (moment.astimezone(rotation.zone).date() - rotation.starts_on).days
    number = days // rotation.every.days
    return number if _begin(rotation, number) <= moment else number - 1


def _begin(rotation: Rotation, number: int) -> datetime:
    day = rotation.starts_on + timedelta(days=number * rotation.every.days)
    return datetime.combine(day, rotation.handover.at, rotation.zone).astimezone(UTC)


def _policy_covers(rotation: Rotation) -> tuple[Cover, ...]:
    return tuple(
        Cover(
            who=str(one.who),
            since=one.since.within(rotation.zone),
            until=one.until.within(rotation.zone),
        )
        for one in rotation.overrides
    )
