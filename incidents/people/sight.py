"""Let people into an incident; before a private one opens to somebody, the actor has to agree.

A role, a call, a task, a question: each lets somebody see the whole incident. Who causes that is
asked once, with the names of all who will see it. Nothing opens a private incident by itself.
"""

import uuid
from collections.abc import Sequence

from incidents.core.errors import Newcomer, OpensPrivate
from incidents.core.people import Person, find_person
from incidents.core.sentences import Who
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.entries import SightOpened
from incidents.incident.incident import Incident, is_inside, save_participant
from incidents.record.audit_log import AuditKind, audit


async def let_in(
    uow: UnitOfWork,
    incident: Incident,
    person: Person,
    *,
    is_agreed: bool = False,
    by: uuid.UUID | None = None,
) -> None:
    """Make the person part of the incident, once the actor agreed to open a private one to them.

    `is_agreed`: that was asked before, by `agree_to_open`, of `by`; or the policy lets them in.
    """
    part = await save_participant(uow.session, incident_id=incident.id, person_id=person.id)
    if incident.is_private and not is_agreed and not is_inside(incident, part, person_id=person.id):
        await agree_to_open(uow, incident, [Newcomer(person.external_id, person.name)])
        by = uow.actor.person_id
    part.let_in(uow.now, by=by)
    await uow.flush()


async def agree_to_open(
    uow: UnitOfWork,
    incident: Incident,
    now: Sequence[Newcomer],
    later: Sequence[Newcomer] = (),
) -> tuple[Newcomer, ...]:
    """Return the newcomers the actor agreed to let into the private incident; record it.

    If they weren't asked about all who see it `now`, or about anybody at all, they are asked instead
    of the commit. What a system does asks nobody: it lets in only those who are agreed.
    """
    if not uow.actor.is_person or not (now or later):
        return ()
    agreed = uow.may_open_to
    if agreed is None or any(one.external_id not in agreed for one in now):
        question = OpensPrivate(str(incident.reference), tuple(now), tuple(later))
        uow.ask_to_open(question)
        return (*now, *later)
    at_once = tuple(now)
    in_time = tuple(one for one in later if one.external_id in agreed)
    if at_once or in_time:
        await _record(uow, incident, at_once, in_time)
    return (*at_once, *in_time)


async def _record(
    uow: UnitOfWork, incident: Incident, now: Sequence[Newcomer], later: Sequence[Newcomer]
) -> None:
    opened = SightOpened(
        people=tuple([await _named(uow, one) for one in now]),
        later=tuple([await _named(uow, one) for one in later]),
    )
    uow.record(incident, opened)
    names = [one.name for one in (*now, *later)]
    content = {"reference": str(incident.reference), "people": names}
    await audit(uow, AuditKind.SIGHT_OPENED, content)


async def _named(uow: UnitOfWork, one: Newcomer) -> Who:
    person = await find_person(
        uow.session, workspace_id=uow.workspace_id, external_id=one.external_id
    )
    return Who(one.name, person.id if person is not None else None)
