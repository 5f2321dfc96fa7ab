"""Overrides: put somebody on call for a while instead of the person whose turn it is, or end that.

It changes who gets the next call, in running incidents too. Calls already made don't change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted
from incidents.core.hash_chain import instant_text
from incidents.core.ids import new_id
from incidents.core.people import Person
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.on_call.events import OverrideMade, OverrideStopped
from incidents.on_call.meant import Turns, turns_at
from incidents.on_call.tables import (
    OnCallOverride,
    overrides_after,
    rotation_subject,
    service_subject,
)
from incidents.people.assignable import Named, get_acting_member, get_reachable
from incidents.people.directory import find_people_named
from incidents.policy.escalation import Service
from incidents.policy.policy import Policy
from incidents.policy.references import GroupRef, Invitee, PersonRef, RotationRef
from incidents.policy.waking.rotations import Rotation
from incidents.record.audit_log import AuditKind, audit
from incidents.rights.decide import managers_named
from incidents.rights.stages import is_among

OVERRIDE: Final = "override_on_call"
LONGEST: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is overridden: a rotation, else a service whose on-call isn't one."""

    rotation: Rotation | None
    service: Service | None = None

    @property
    def key(self) -> str:
        """Return the subject as rows keep it."""
        if self.rotation is not None:
            return rotation_subject(self.rotation.key)
        return service_subject(self.service.key if self.service else "")

    @property
    def name(self) -> str:
        """Return the subject as people read it."""
        if self.rotation is not None:
            return str(RotationRef(self.rotation.key))
        return self.service.name if self.service else ""


def subject_of(policy: Policy, named: Service | Rotation) -> Subject:
    """Return what an override of a service or a rotation is about: a service's rotation, if any."""
    if isinstance(named, Rotation):
        return Subject(named)
    on_call = named.on_call
    if isinstance(on_call, RotationRef):
        rotation = policy.on_call.find_rotation(on_call.key)
        return Subject(rotation, None if rotation is not None else named)
    return Subject(None, named)


async def make_override(
    uow: UnitOfWork,
    *,
    person: Named,
    until: datetime,
    subject: Subject | None = None,
) -> Outcome:
    """Put the person on call until then; without a subject, for the actor's or the only rotation.

    Raises: NotPermitted; NotKnownYet; AlreadySo; InvalidInput.
    """
    actor = await get_acting_member(uow, OVERRIDE)
    stand_in = await get_reachable(uow, person.external_id, field="person")
    about = subject or await _pick(uow, actor)
    await _permit(uow, about, actor)
    if not uow.now < until <= uow.now + LONGEST:
        problem = "is in the past" if until <= uow.now else "is more than a year away"
        raise InvalidInput("override_until", problem, "")
    turns = await _turns(uow)
    if _who(turns, about) == stand_in.external_id and _until(turns, about) == until:
        raise AlreadySo("who is on call", stand_in.name)
    before = await _person_on_call(uow, turns, about)
    row = OnCallOverride(
        id=new_id(),
        workspace_id=uow.workspace_id,
        subject=about.key,
        person_id=stand_in.id,
        made_by_id=actor.id,
        made_at=uow.now,
        since_at=uow.now,
        until_at=until,
    )
    uow.session.add(row)
    await uow.flush()
    content = {"subject": about.name, "person_name": stand_in.name}
    content["until"] = instant_text(until)
    await audit(uow, AuditKind.ON_CALL_OVERRIDDEN, content, subject_id=stand_in.id)
    told = dict.fromkeys(one.id for one in (stand_in, before) if one is not None)
    told.pop(actor.id, None)
    uow.emit(OverrideMade(override_id=row.id, tell=tuple(told)))
    instead = before.name if before is not None and before.id != stand_in.id else ""
    return Outcome(
        "on_call_overridden",
        None,
        {
            "subject": about.name,
            "person": stand_in.name,
            "person_id": stand_in.external_id,
            "until": instant_text(until),
            "instead": instead,
        },
    )


async def stop_override(uow: UnitOfWork, *, subject: Subject | None = None) -> Outcome:
    """End the overrides that people made of a rotation or a service.

    Raises: NotPermitted; AlreadySo if nobody stands in; InvalidInput if it isn't clear where.
    """
    actor = await get_acting_member(uow, OVERRIDE)
    rows = await overrides_after(uow.session, uow.now, workspace_id=uow.workspace_id)
    keys = {row.subject for row, _ in rows}
    if subject is None and len(keys) == 1:
        subject = _subject_with(uow.policy, keys.pop())
    about = subject or await _pick(uow, actor)
    mine = [(row, person) for row, person in rows if row.subject == about.key]
    if not mine:
        raise AlreadySo("the override", about.name)
    if not all(person.id == actor.id for _, person in mine):
        await _permit(uow, about, actor)
    for row, _ in mine:
        row.until_at = uow.now
    await uow.flush()
    row, stand_in = mine[-1]
    content = {"subject": about.name, "person_name": stand_in.name}
    await audit(uow, AuditKind.ON_CALL_OVERRIDE_STOPPED, content, subject_id=stand_in.id)
    now_on_call = await _person_on_call(uow, await _turns(uow), about)
    told = dict.fromkeys(one.id for one in (stand_in, now_on_call) if one is not None)
    told.pop(actor.id, None)
    uow.emit(OverrideStopped(override_id=row.id, tell=tuple(told)))
    return Outcome(
        "on_call_override_stopped",
        None,
        {"subject": about.name, "person": now_on_call.name if now_on_call else ""},
    )


def find_subject(policy: Policy, key: str) -> Subject | None:
    """Return the subject that a row names, as far as the policy still has it."""
    try:
        return _subject_with(policy, key)
    except InvalidInput:
        return None


def _subject_with(policy: Policy, key: str) -> Subject:
    kind, _, name = key.partition("/")
    found = policy.find_service(name) if kind == "service" else policy.on_call.find_rotation(name)
    if found is None:
        raise _which(policy)
    return Subject(None, found) if isinstance(found, Service) else Subject(found)


async def _pick(uow: UnitOfWork, actor: Person) -> Subject:
    """Return the one rotation that the actor is in, else the only one. Raises: InvalidInput."""
    rotations = uow.policy.on_call.rotations
    own = [one for one in rotations if await _is_in(uow, actor, one.people)]
    found = own if len(own) == 1 else rotations
    if len(found) != 1:
        raise _which(uow.policy)
    return Subject(found[0])


def _which(policy: Policy) -> InvalidInput:
    known = [str(RotationRef(one.key)) for one in policy.on_call.rotations]
    known += [one.key for one in policy.services if not isinstance(one.on_call, RotationRef)]
    return InvalidInput("on_call_subject", "missing", ", ".join(known[:8]))


async def _permit(uow: UnitOfWork, subject: Subject, actor: Person) -> None:
    """Return quietly for the people on call there, and owners and managers. Raises: NotPermitted."""
    if not await _is_in(uow, actor, tuple(_may_override(uow.policy, subject))):
        raise NotPermitted(OVERRIDE, needs=subject.name)


def _may_override(policy: Policy, subject: Subject) -> Iterator[Invitee]:
    rotation = subject.rotation
    services = [subject.service] if subject.service is not None else []
    if rotation is not None:
        yield from rotation.people
        services = [one for one in policy.services if one.on_call == RotationRef(rotation.key)]
    for service in services:
        if isinstance(service.on_call, PersonRef | GroupRef):
            yield service.on_call
        if service.owner is not None:
            yield service.owner
    yield from managers_named(policy, [one.key for one in services])


async def _is_in(uow: UnitOfWork, person: Person, named: tuple[Invitee, ...]) -> bool:
    return await is_among(uow.session, person.id, named, workspace_id=uow.workspace_id)


async def _turns(uow: UnitOfWork) -> Turns:
    return await turns_at(uow.session, uow.now, policy=uow.policy, workspace_id=uow.workspace_id)


def _who(turns: Turns, subject: Subject) -> str:
    """Return who is on call there, as the policy or an override names them; "" if nobody says so."""
    if subject.rotation is not None:
        shift = turns.find_shift(subject.rotation.key)
        return shift.who if shift is not None else ""
    if subject.service is None:
        return ""
    cover = turns.find_cover(subject.service.key)
    on_call = subject.service.on_call
    return cover.who if cover else str(on_call) if isinstance(on_call, PersonRef) else ""


def _until(turns: Turns, subject: Subject) -> datetime | None:
    if subject.rotation is not None:
        shift = turns.find_shift(subject.rotation.key)
        return shift.cover.until if shift is not None and shift.cover is not None else None
    cover = turns.find_cover(subject.service.key) if subject.service is not None else None
    return cover.until if cover is not None else None


async def _person_on_call(uow: UnitOfWork, turns: Turns, subject: Subject) -> Person | None:
    name = _who(turns, subject)
    known = await find_people_named(uow.session, [name], workspace_id=uow.workspace_id)
    return known.get(name)
