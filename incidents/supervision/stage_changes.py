"""Changes of stages and mentors: nobody changes their own, and only a sign-off leads to solo.

`change_stage` answers the same whatever the previous stage was, so that it reveals nothing. Only
`sign_off`, whose users see the stages anyway, checks the previous stage.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted, Superseded
from incidents.core.hash_chain import canonical
from incidents.core.ids import new_id
from incidents.core.people import Person
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident, visible_to
from incidents.incident.lifecycle import OPEN_STATUSES
from incidents.incident.roles import RoleAssignment
from incidents.people.assignable import Named, get_assignable
from incidents.policy.policy import COMMANDER, Action
from incidents.record.audit_log import AuditKind, audit
from incidents.rights.stages import (
    EVERYTHING,
    Scope,
    Stage,
    StageRecord,
    levels_of,
    may_see_progress,
    mentors_of,
    stage_records,
)
from incidents.storage.database import storable, trimmed
from incidents.supervision.events import StageSet
from incidents.supervision.mentors import end_mentor, name_mentor
from incidents.supervision.recertification import expect_renewal

MAX_NOTE = 2000
_REPEAT = timedelta(seconds=60)
# Blocks other changes of the person's stages, but not rows that only reference the person.
_LOCKED = {"key_share": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageChange:
    """Changes for one person: at least one of stage, mentor and former mentor."""

    person: Named
    stage: Stage | None = None
    scope: Scope = EVERYTHING
    up_to: str = ""
    note: str = ""
    mentor: Named | None = None
    former_mentor: Named | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff:
    """A mentor's confirmation of the next stage, or of solo again.

    It holds up to the same severity as before (`up_to`, as the mentor saw it).
    """

    person_id: uuid.UUID
    stage: Stage
    scope: Scope
    note: str
    up_to: str = ""


async def change_stage(uow: UnitOfWork, change: StageChange) -> Outcome:
    """Set a stage, ask for agreement to a mentor, and end a mentorship, as one change.

    Raises: NotPermitted; InvalidInput for oneself, a guest or bot, an unknown role or service, or
        solo without a note; Superseded while the person commands an incident.
    """
    person = await _get_learner(uow, change.person)
    is_sign_off = change.stage is Stage.SOLO
    if is_sign_off:
        await uow.permit(Action.SIGN_OFF, subject_id=person.id)
    if not is_sign_off or change.mentor or change.former_mentor:
        await uow.permit(Action.SET_STAGE, subject_id=person.id)
    if change.stage is not None:
        await _refuse_in_command(uow, person)
        _check_scope(uow, change.scope)
        note = _note(change.note, needed=is_sign_off)
        up_to = _severity(uow, change.up_to)
        if is_sign_off:
            await _refuse_beyond_own(uow, change.stage, scope=change.scope)
        await _record_stage(uow, person, change.stage, scope=change.scope, note=note, up_to=up_to)
    if change.mentor is not None:
        await name_mentor(uow, person, await get_assignable(uow, change.mentor))
    if change.former_mentor is not None:
        await end_mentor(uow, person, await get_assignable(uow, change.former_mentor))
    return _changed(person)


async def sign_off(uow: UnitOfWork, wanted: SignOff) -> Outcome:
    """Confirm the next stage or renew solo, with a note, from the person's progress.

    Raises: NotPermitted, also for actors who may not see the progress; InvalidInput without a
        note; AlreadySo if the person's stage is another one by now; Superseded while the person
        commands an incident.
    """
    person = await uow.session.get(Person, wanted.person_id, with_for_update=_LOCKED)
    may_see = person is not None and await may_see_progress(
        uow.session,
        uow.actor,
        person_id=person.id,
        workspace_id=uow.workspace_id,
        policy=uow.policy,
    )
    if person is None or not may_see or person.id == uow.actor.person_id:
        raise NotPermitted(action=Action.SIGN_OFF, needs="mentor")
    await uow.permit(Action.SIGN_OFF, subject_id=person.id)
    await _refuse_in_command(uow, person)
    note = _note(wanted.note, needed=True)
    _check_scope(uow, wanted.scope)
    levels = await levels_of(
        uow.session, workspace_id=uow.workspace_id, person_id=person.id, policy=uow.policy
    )
    present = levels.by_scope.get(wanted.scope, Stage.SOLO)
    up_to = levels.up_to.get(wanted.scope, "")
    if wanted.stage is not (present.following or Stage.SOLO) or wanted.up_to != up_to:
        raise AlreadySo("stage", present)
    await _refuse_beyond_own(uow, wanted.stage, scope=wanted.scope)
    await _record_stage(
        uow, person, wanted.stage, scope=wanted.scope, note=note, is_sign_off=True, up_to=up_to
    )
    return _changed(person)


def note_hash(record: StageRecord) -> str:
    """Return the hash with which the audit log commits to a note without holding it."""
    return hashlib.sha256(canonical([str(record.id), record.note])).hexdigest()


def _changed(person: Person) -> Outcome:
    # Ids and a name only: stored outcomes must not reveal the stage.
    data = {"person_id": str(person.id), "name": person.name, "external_id": person.external_id}
    return Outcome("stage_changed", None, data)


async def _get_learner(uow: UnitOfWork, named: Named) -> Person:
    person = await get_assignable(uow, named)
    if person.id == uow.actor.person_id:
        raise InvalidInput("person", "yourself")
    return await uow.session.get_one(
        Person, person.id, with_for_update=_LOCKED, populate_existing=True
    )


async def _refuse_in_command(uow: UnitOfWork, person: Person) -> None:
    """Return quietly unless the person commands an open incident: what they may do stays as it is.

    Raises: Superseded, which doesn't say why to somebody who can't see that incident.
    """
    commanding = (
        select(RoleAssignment.id)
        .join(Incident, Incident.id == RoleAssignment.incident_id)
        .where(
            RoleAssignment.person_id == person.id,
            RoleAssignment.role_key == COMMANDER,
            RoleAssignment.ended_at.is_(None),
            Incident.status.in_(OPEN_STATUSES),
            Incident.is_drill.is_(False),
        )
        .limit(1)
    )
    if (await uow.session.execute(commanding)).first() is None:
        return
    seen = commanding.where(visible_to(uow.actor))
    is_seen = (await uow.session.execute(seen)).first() is not None
    raise Superseded("stage_in_command" if is_seen else "stage_now", by=person.name)


async def _refuse_beyond_own(uow: UnitOfWork, stage: Stage, *, scope: Scope) -> None:
    """Return quietly if the actor, as a mentor, works at this stage themselves.

    Otherwise two who learn could sign each other off. Raises: NotPermitted.
    """
    if uow.actor.person_id is None:
        return
    own = await levels_of(
        uow.session,
        workspace_id=uow.workspace_id,
        person_id=uow.actor.person_id,
        policy=uow.policy,
    )
    services = (scope.service_key,) if scope.service_key else ()
    if own.stage(role_key=scope.role_key or None, services=services) < stage:
        raise NotPermitted(Action.SIGN_OFF, needs="solo_mentor")


def _check_scope(uow: UnitOfWork, scope: Scope) -> None:
    if scope.role_key and uow.policy.find_role(scope.role_key) is None:
        known = ", ".join(role.key for role in uow.policy.roles)
        raise InvalidInput("role", "unknown", known, scope.role_key)
    if scope.service_key and uow.policy.find_service(scope.service_key) is None:
        known = ", ".join(service.key for service in uow.policy.services)
        raise InvalidInput("service", "unknown", known, scope.service_key)


def _severity(uow: UnitOfWork, key: str) -> str:
    if not key:
        return ""
    found = uow.policy.find_severity(key) or uow.policy.find_severity_named(key)
    if found is None:
        known = ", ".join(one.key for one in uow.policy.severities)
        raise InvalidInput("severity", "unknown", known, key)
    return found.key


def _note(text: str, *, needed: bool) -> str:
    cleaned = trimmed(text)
    if needed and not cleaned:
        raise InvalidInput("note", "empty", "Led three incidents on checkout, calm and complete.")
    if len(cleaned) > MAX_NOTE:
        raise InvalidInput("note", "too_long")
    return cleaned


async def _record_stage(
    uow: UnitOfWork,
    person: Person,
    stage: Stage,
    *,
    scope: Scope,
    note: str,
    is_sign_off: bool = False,
    up_to: str = "",
) -> None:
    is_sign_off = is_sign_off or stage is Stage.SOLO
    earlier = await stage_records(uow.session, workspace_id=uow.workspace_id, person_id=person.id)
    before = [one for one in earlier if one.scope == scope]
    if before and _is_repeat(uow, before[-1], stage, note=note, up_to=up_to):
        return
    record = StageRecord(
        id=new_id(),
        workspace_id=uow.workspace_id,
        person_id=person.id,
        role_key=scope.role_key,
        service_key=scope.service_key,
        stage=stage,
        up_to=up_to,
        is_sign_off=is_sign_off,
        note=note,
        set_by_id=uow.actor.person_id,
        set_by_name=storable(uow.actor.name),
        set_at=uow.now,
    )
    kind = AuditKind.SIGNED_OFF if is_sign_off else AuditKind.STAGE_SET
    content = {
        **_about(person),
        "record_id": record.id,
        "role_key": scope.role_key,
        "service_key": scope.service_key,
        "stage": stage,
        "up_to": up_to,
        "previous": before[-1].stage if before else None,
        "note_hash": note_hash(record),
    }
    entry = await audit(uow, kind, content, subject_id=person.id)
    record.position, record.audit_entry_id = entry.sequence, entry.id
    uow.session.add(record)
    await uow.flush()
    if is_sign_off:
        expect_renewal(uow, record)
    await _tell_of_stage(uow, record)


def _is_repeat(uow: UnitOfWork, last: StageRecord, stage: Stage, *, note: str, up_to: str) -> bool:
    """Tell whether the same person repeats a change because the first seemed lost."""
    said = (last.stage, last.up_to, last.note, last.set_by_id)
    is_same = said == (stage, up_to, note, uow.actor.person_id)
    return is_same and uow.now - last.set_at < _REPEAT


async def _tell_of_stage(uow: UnitOfWork, record: StageRecord) -> None:
    mentors = await mentors_of(
        uow.session, workspace_id=uow.workspace_id, person_id=record.person_id, policy=uow.policy
    )
    concerned = dict.fromkeys((record.person_id, *mentors))
    told = tuple(one for one in concerned if one != uow.actor.person_id)
    uow.emit(StageSet(record_id=record.id, told=told))


def _about(person: Person) -> dict[str, object]:
    return {
        "person_id": person.id,
        "person_external_id": person.external_id,
        "person_name": person.name,
    }
