"""Who is on call, as the policy says: for each service and severity, and why not, if they aren't there."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import PeopleGroup, Person
from incidents.escalation.callees import absent_until
from incidents.people.assignable import why_not_reachable
from incidents.people.directory import find_group_members, find_people_named
from incidents.policy.escalation import Service
from incidents.policy.policy import Policy, Severity
from incidents.policy.references import GroupRef, PersonRef

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


@dataclass(frozen=True, slots=True)
class Duty:
    """The people called first for a service or a severity; `is_owner`: its owner, as nobody is on call."""

    name: str
    people: tuple[OnDuty, ...]
    is_owner: bool = False


@dataclass(frozen=True, slots=True)
class OnCall:
    """Who is on call, by service and by severity."""

    services: tuple[Duty, ...]
    severities: tuple[Duty, ...]

    @property
    def reachable(self) -> tuple[OnDuty, ...]:
        """Return everybody a call would go to now, each once."""
        duties = (*self.services, *self.severities)
        people = (one for duty in duties for one in duty.people if one.is_reachable)
        return tuple({one.external_id: one for one in people}.values())


async def who_is_on_call(
    session: AsyncSession,
    *,
    workspace_id: uuid.UUID,
    policy: Policy,
    now: datetime,
    services: Sequence[Service],
    severities: Sequence[Severity],
) -> OnCall:
    """Return who is on call for these services and severities, by the policy and the directory."""
    named: dict[str, tuple[_Ref, ...]] = {
        **{f"service {one.key}": _only(one.on_call or one.owner) for one in services},
        **{f"severity {one.key}": _by_rules(policy, one) for one in severities},
    }
    refs = {ref for several in named.values() for ref in several}
    members = await find_group_members(
        session, [str(one) for one in refs if isinstance(one, GroupRef)], workspace_id=workspace_id
    )
    wanted = {one for group in members.values() for one in group}
    wanted |= {str(one) for one in refs if isinstance(one, PersonRef)}
    ours = (PeopleGroup.workspace_id == workspace_id, PeopleGroup.external_id.in_(list(members)))
    called = await session.execute(select(PeopleGroup.external_id, PeopleGroup.handle).where(*ours))
    handles = {group: f"@{handle}" for group, handle in called.all()}
    known = await find_people_named(session, sorted(wanted), workspace_id=workspace_id)
    away = {
        name: await absent_until(session, person, policy=policy, now=now)
        for name, person in known.items()
    }

    def people(key: str) -> tuple[OnDuty, ...]:
        found: dict[str, OnDuty] = {}
        for ref in named[key]:
            group = str(ref) if isinstance(ref, GroupRef) else ""
            for name in members.get(group, (group,)) if group else (str(ref),):
                shown = handles.get(group, group)
                found.setdefault(name, _on_duty(name, known.get(name), away.get(name), shown))
        return tuple(found.values())

    return OnCall(
        tuple(
            Duty(one.name, people(f"service {one.key}"), is_owner=one.on_call is None)
            for one in services
        ),
        tuple(Duty(one.name, people(f"severity {one.key}")) for one in severities),
    )


def _by_rules(policy: Policy, severity: Severity) -> tuple[_Ref, ...]:
    invited = [ref for rule in policy.rules_for(severity.key, ()) for ref in rule.invite]
    return (*invited, *_only(policy.backup_for(severity.key, ())))


def _only(ref: _Ref | None) -> tuple[_Ref, ...]:
    return () if ref is None else (ref,)


def _on_duty(name: str, person: Person | None, away: date | None, group: str) -> OnDuty:
    if person is None:
        return OnDuty(name=name, group=group if group != name else "", why_not="unknown")
    return OnDuty(
        name=person.name,
        external_id=person.external_id,
        zone=person.zone or "",
        group=group,
        why_not=why_not_reachable(person) or "",
        absent_until=away,
    )
