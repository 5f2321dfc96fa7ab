"""Who is called when a step's turn comes: names to people, and who is left out and why.

Only these are left out: the deactivated, those absent in the policy, bots, the author, who was
called in this escalation before, and whom a private incident or a drill keeps out. Do-not-disturb
and status leave nobody out.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from incidents.directory import find_group_members, find_people_named
from incidents.escalations import Escalation, EscalationStep, Wanted, calls_of, wanted_of
from incidents.incident import Incident, find_participant
from incidents.people import Person, PersonFacts, PersonKind, save_person
from incidents.policy_refs import GroupRef, PersonRef
from incidents.roles import role_holders
from incidents.times import zone_of
from incidents.unit_of_work import UnitOfWork


@dataclass(slots=True)
class Callees:
    """Whom a step calls; `skipped` are (name, why), `unknown` names that must be looked up."""

    people: list[Person] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


async def find_callees(
    uow: UnitOfWork, incident: Incident, escalation: Escalation, step: EscalationStep
) -> Callees:
    """Return whom the step calls now."""
    found = Callees()
    meant: dict[uuid.UUID, Person] = {}
    for wanted in wanted_of(step):
        for person in await _people_of(uow, incident, step, wanted, found):
            meant[person.id] = person
    # A redirection is to this very person, called before or not.
    before = set() if step.is_redirect else await _called_before(uow, escalation)
    before |= await _called_in(uow, escalation, step)
    for person in meant.values():
        why = await _why_not(uow, incident, escalation, step, person)
        if why is None and person.id in before:
            why = "called_before"
        if why is None:
            found.people.append(person)
        else:
            found.skipped.append((person.name, why))
    return found


def is_absent(uow: UnitOfWork, person: Person) -> bool:
    """Tell whether the policy names the person as absent today, in their own zone."""
    today = uow.now.astimezone(zone_of(person.zone)).date()
    return any(
        absent.since <= today <= absent.until and _is(absent.who, person)
        for absent in uow.policy.escalation.absent
    )


async def takes_part(uow: UnitOfWork, incident: Incident, person_id: uuid.UUID) -> bool:
    """Tell whether the person is in the incident already: declared it, invited, in its channel."""
    if incident.declared_by_id == person_id:
        return True
    part = await find_participant(uow.session, incident_id=incident.id, person_id=person_id)
    return part is not None and (part.is_in_channel or part.invited_at is not None)


async def _people_of(
    uow: UnitOfWork, incident: Incident, step: EscalationStep, wanted: Wanted, found: Callees
) -> list[Person]:
    match wanted.kind:
        case "person":
            person = await uow.session.get(Person, uuid.UUID(wanted.value))
            return [person] if person is not None else []
        case "named":
            return await _named(uow, step, wanted, found)
        case "group":
            return await _members(uow, step, wanted, found)
        case "role":
            held = await role_holders(uow.session, incident.id, role_key=wanted.value)
            if not held:
                found.skipped.append((wanted.name, "nobody_in_role"))
            return [await uow.session.get_one(Person, one.person_id) for one in held]
    return []


async def _named(
    uow: UnitOfWork, step: EscalationStep, wanted: Wanted, found: Callees
) -> list[Person]:
    name = wanted.value
    known = await find_people_named(uow.session, [name], workspace_id=uow.workspace_id)
    if name in known:
        return [known[name]]
    if "@" not in name:  # an id that the directory doesn't know yet
        return [await save_person(uow.session, PersonFacts(name), workspace_id=uow.workspace_id)]
    _miss(step, wanted, found)
    return []


async def _members(
    uow: UnitOfWork, step: EscalationStep, wanted: Wanted, found: Callees
) -> list[Person]:
    groups = await find_group_members(uow.session, [wanted.value], workspace_id=uow.workspace_id)
    members = groups.get(wanted.value)
    if members is None:
        _miss(step, wanted, found)
        return []
    if not members:
        found.skipped.append((wanted.name, "empty_group"))
    return [
        await save_person(uow.session, PersonFacts(member), workspace_id=uow.workspace_id)
        for member in members
    ]


def _miss(step: EscalationStep, wanted: Wanted, found: Callees) -> None:
    if wanted.value in step.not_found:
        found.skipped.append((wanted.name, "not_found"))
    else:
        found.unknown.append(wanted.value)


async def _called_before(uow: UnitOfWork, escalation: Escalation) -> set[uuid.UUID]:
    return {call.person_id for call in await calls_of(uow.session, escalation.id)}


async def _called_in(
    uow: UnitOfWork, escalation: Escalation, step: EscalationStep
) -> set[uuid.UUID]:
    calls = await calls_of(uow.session, escalation.id)
    return {call.person_id for call in calls if call.step_id == step.id}


async def _why_not(
    uow: UnitOfWork,
    incident: Incident,
    escalation: Escalation,
    step: EscalationStep,
    person: Person,
) -> str | None:
    """Return why somebody isn't called (a key), or None."""
    if person.kind == PersonKind.BOT:
        return "a_bot"
    if not person.is_active:
        return "deactivated"
    if is_absent(uow, person):
        return "absent"
    if person.id == escalation.author_id:
        return "author"
    is_kept = incident.is_drill or (incident.is_private and not step.is_chosen)
    if not is_kept or await takes_part(uow, incident, person.id):
        return None
    if incident.is_drill:
        return "not_in_drill"
    is_let_in = await _is_one_of(uow, person, uow.policy.private.invite)
    return None if is_let_in else "not_in_private"


async def _is_one_of(
    uow: UnitOfWork, person: Person, named: Iterable[PersonRef | GroupRef]
) -> bool:
    refs = tuple(named)
    if any(isinstance(ref, PersonRef) and _is(ref, person) for ref in refs):
        return True
    names = [str(ref) for ref in refs if isinstance(ref, GroupRef)]
    groups = await find_group_members(uow.session, names, workspace_id=uow.workspace_id)
    return any(person.external_id in members for members in groups.values())


def _is(ref: PersonRef, person: Person) -> bool:
    if ref.user_id:
        return ref.user_id == person.external_id
    return (ref.email or "").casefold() == (person.email or "").casefold()
