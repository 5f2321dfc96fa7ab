"""Who is on call now, until when and who is next: for each service, severity and rotation."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import PeopleGroup, Person
from incidents.on_call.meant import Turns, turns_at
from incidents.people.absence import absent_until
from incidents.people.assignable import why_not_reachable
from incidents.people.directory import find_group_members, find_people_named
from incidents.policy.escalation import Service
from incidents.policy.policy import Policy, Severity
from incidents.policy.references import Address, GroupRef, OnCallRef, PersonRef, RotationRef
from incidents.policy.waking.rotations import Rotation

_Ref = PersonRef | GroupRef


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDuty:
    """A person on call; `why_not`: the reason (a key) why nobody reaches them, or ""."""

    name: str
    external_id: str = ""
    zone: str = ""
    group: str = ""
    why_not: str = ""
    absent_until: date | None = None

    @property
    def is_reachable(self) -> bool:
        """Tell whether a call would go to them now."""
        return not self.why_not and self.absent_until is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """The people called first for a service or a severity, or on call in a rotation.

    `source`: the rotation or the pager's address that says so, "" for the policy's own names.
    `until`: when that ends, if it does; then comes `following`. `is_owner`: nobody is on call, so it
    is the owner; `is_fallback`: nor is there one. `is_override`: somebody stands in.
    """

    name: str
    people: tuple[OnDuty, ...]
    source: str = ""
    until: datetime | None = None
    following: OnDuty | None = None
    is_owner: bool = False
    is_fallback: bool = False
    is_override: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCall:
    """Who is on call, by service, by severity and by rotation; `fallback` where no service is named."""

    services: tuple[Duty, ...]
    severities: tuple[Duty, ...] = ()
    rotations: tuple[Duty, ...] = ()
    fallback: Duty | None = None

    @property
    def reachable(self) -> tuple[OnDuty, ...]:
        """Return everybody a call would go to now, each once."""
        others = () if self.fallback is None else (self.fallback,)
        duties = (*self.services, *self.severities, *self.rotations, *others)
        people = (one for duty in duties for one in duty.people if one.is_reachable)
        return tuple({one.external_id: one for one in people}.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked: these services, severities and rotations, and the fallback.

    `told`: people named by pagers, by e-mail, for each address that could be asked.
    """

    services: Sequence[Service] = ()
    severities: Sequence[Severity] = ()
    rotations: Sequence[Rotation] = ()
    with_fallback: bool = False
    told: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A duty before its people are looked up."""

    name: str
    refs: tuple[_Ref, ...]
    source: str = ""
    until: datetime | None = None
    following: PersonRef | None = None
    is_owner: bool = False
    is_fallback: bool = False
    is_override: bool = False

    @property
    def all_refs(self) -> tuple[_Ref, ...]:
        return self.refs if self.following is None else (*self.refs, self.following)


async def who_is_on_call(
    session: AsyncSession,
    question: Question,
    *,
    workspace_id: uuid.UUID,
    policy: Policy,
    now: datetime,
) -> OnCall:
    """Return who is on call now, by the policy, the overrides, the directory and what pagers say."""
    turns = await turns_at(session, now, policy=policy, workspace_id=workspace_id)
    services = [_of_service(one, turns, question) for one in question.services]
    severities = [_Named(name=one.name, refs=_by_rules(policy, one)) for one in question.severities]
    rotations = [
        _of_ref(str(RotationRef(one.key)), RotationRef(one.key), turns, question)
        for one in question.rotations
    ]
    is_asked = question.with_fallback and policy.on_call.fallback is not None
    fallback = [_of_ref("", policy.on_call.fallback, turns, question)] if is_asked else []
    named = (*services, *severities, *rotations, *fallback)
    refs = {ref for one in named for ref in one.all_refs}
    people = await _people(session, refs, workspace_id=workspace_id, policy=policy, now=now)
    found = fallback[0] if fallback else None
    return OnCall(
        services=tuple(people.duty(one) for one in services),
        severities=tuple(people.duty(one) for one in severities),
        rotations=tuple(people.duty(one) for one in rotations),
        fallback=people.duty(found) if found is not None else None,
    )


def addresses_of(policy: Policy, services: Iterable[Service]) -> tuple[Address, ...]:
    """Return the pagers' addresses that say who is on call for these services, or as the fallback."""
    refs = (policy.on_call.fallback, *(one.on_call for one in services))
    return tuple(dict.fromkeys(ref for ref in refs if isinstance(ref, Address)))


def _of_service(service: Service, turns: Turns, question: Question) -> _Named:
    cover = turns.find_cover(service.key)
    if cover is not None:
        source = str(service.on_call or "")
        return _Named(
            name=service.name,
            refs=(cover.person,),
            source=source,
            until=cover.until,
            is_override=True,
        )
    if service.on_call is not None:
        return _of_ref(service.name, service.on_call, turns, question)
    if service.owner is not None:
        return _Named(name=service.name, refs=(service.owner,), is_owner=True)
    fallback = _of_ref(service.name, turns.policy.on_call.fallback, turns, question)
    return _Named(
        name=service.name,
        refs=fallback.refs,
        source=fallback.source,
        until=fallback.until,
        following=fallback.following,
        is_fallback=bool(fallback.refs or fallback.source),
    )


def _of_ref(name: str, ref: OnCallRef | None, turns: Turns, question: Question) -> _Named:
    match ref:
        case None:
            return _Named(name=name, refs=())
        case RotationRef(key=key):
            shift, following = turns.find_shift(key), turns.find_next(key)
            if shift is None or following is None:
                return _Named(name=name, refs=(), source=str(ref))
            return _Named(
                name=name,
                refs=(shift.person,),
                source=str(ref),
                until=shift.until,
                following=following.person,
                is_override=shift.cover is not None,
            )
        case Address():
            told = question.told.get(str(ref), ())
            refs = tuple(PersonRef(email=one) for one in told)
            return _Named(name=name, refs=refs, source=str(ref))
    return _Named(name=name, refs=(ref,))


def _by_rules(policy: Policy, severity: Severity) -> tuple[_Ref, ...]:
    invited = [ref for rule in policy.rules_for(severity.key, ()) for ref in rule.invite]
    backup = policy.backup_for(severity.key, ())
    return (*invited, *(() if backup is None else (backup,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _People:
    """What is known of the people and groups that duties name."""

    members: Mapping[str, tuple[str, ...]]
    handles: Mapping[str, str]
    known: Mapping[str, Person]
    away: Mapping[str, date | None]

    def duty(self, named: _Named) -> Duty:
        """Return the duty with its people, each once."""
        found: dict[str, OnDuty] = {}
        for ref in named.refs:
            for name, one in self._meant(ref):
                found.setdefault(name, one)
        following = named.following
        return Duty(
            name=named.name,
            people=tuple(found.values()),
            source=named.source,
            until=named.until,
            following=self._on_duty(str(following)) if following is not None else None,
            is_owner=named.is_owner,
            is_fallback=named.is_fallback,
            is_override=named.is_override,
        )

    def _meant(self, ref: _Ref) -> Iterator[tuple[str, OnDuty]]:
        if isinstance(ref, PersonRef):
            yield str(ref), self._on_duty(str(ref))
            return
        group = str(ref)
        for name in self.members.get(group, (group,)):
            shown = self.handles.get(group, group)
            yield name, self._on_duty(name, group=shown)

    def _on_duty(self, name: str, *, group: str = "") -> OnDuty:
        person = self.known.get(name)
        if person is None:
            return OnDuty(name=name, group=group if group != name else "", why_not="unknown")
        return OnDuty(
            name=person.name,
            external_id=person.external_id,
            zone=person.zone or "",
            group=group,
            why_not=why_not_reachable(person) or "",
            absent_until=self.away.get(name),
        )


async def _people(
    session: AsyncSession,
    refs: Iterable[_Ref],
    *,
    workspace_id: uuid.UUID,
    policy: Policy,
    now: datetime,
) -> _People:
    named = tuple(refs)
    groups = [str(one) for one in named if isinstance(one, GroupRef)]
    members = await find_group_members(session, groups, workspace_id=workspace_id)
    wanted = {one for group in members.values() for one in group}
    wanted |= {str(one) for one in named if isinstance(one, PersonRef)}
    ours = (PeopleGroup.workspace_id == workspace_id, PeopleGroup.external_id.in_(list(members)))
    called = await session.execute(select(PeopleGroup.external_id, PeopleGroup.handle).where(*ours))
    known = await find_people_named(session, sorted(wanted), workspace_id=workspace_id)
    return _People(
        members=members,
        handles={group: f"@{handle}" for group, handle in called.all()},
        known=known,
        away={
            name: await absent_until(session, person, policy=policy, now=now)
            for name, person in known.items()
        },
    )
