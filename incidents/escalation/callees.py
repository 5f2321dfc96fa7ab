"""Resolve a step's names to the people to call now, and say who is left out and why.

Left out are only: deactivated people, people absent in the policy, bots, the author, people already
called in this escalation, and people that a private incident or a drill excludes. Do-not-disturb
and a status leave nobody out.
"""

import uuid
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import Newcomer
from incidents.core.people import Person, PersonKind, own_address
from incidents.engine.unit_of_work import UnitOfWork
from incidents.escalation.tables import (
    Escalation,
    EscalationCall,
    EscalationStep,
    Wanted,
    calls_of,
    wanted_of,
)
from incidents.escalation.targets import FALLBACK, STANDS_IN, wanted_by
from incidents.incident.incident import Incident, find_participant, is_inside
from incidents.incident.roles import role_holders
from incidents.on_call.meant import Turns, turns_at
from incidents.people.absence import absent_until, is_meant
from incidents.people.assignable import why_not_reachable
from incidents.people.directory import find_group_members, find_people_named
from incidents.people.sight import agree_to_open
from incidents.policy.escalation import Relation
from incidents.policy.policy import Policy
from incidents.policy.references import GroupRef, PersonRef


@dataclass(slots=True)
class Callees:
    """The people a step calls; `skipped` are (name, why), `unknown` are names to look up.

    `through`: the name in the step that means each of them, by external id.
    """

    people: list[Person] = field(default_factory=list)
    through: dict[str, Wanted] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Everything that decides who a step calls; `calls` are those made so far."""

    session: AsyncSession
    policy: Policy
    now: datetime
    incident: Incident
    escalation: Escalation
    calls: Sequence[EscalationCall]


async def find_callees(
    uow: UnitOfWork, incident: Incident, escalation: Escalation, step: EscalationStep
) -> Callees:
    """Return the people the step calls now, and the names to look up first."""
    return await _look(await _ladder(uow, incident, escalation), step, wanted_of(step))


async def names_to_look_up(
    session: AsyncSession, step: EscalationStep, *, policy: Policy, now: datetime
) -> tuple[str, ...]:
    """Return the step's names that aren't known yet; a pager's address asks who is on call there."""
    escalation = await session.get_one(Escalation, step.escalation_id)
    ladder = Ladder(
        session=session,
        policy=policy,
        now=now,
        incident=await session.get_one(Incident, escalation.incident_id),
        escalation=escalation,
        calls=await calls_of(session, escalation.id),
    )
    found = await _look(ladder, step, wanted_of(step))
    return tuple(dict.fromkeys(found.unknown))


async def name_newcomers(
    uow: UnitOfWork, incident: Incident, escalation: Escalation, steps: Sequence[EscalationStep]
) -> None:
    """Ask the actor once about all people these steps will let into a private incident.

    Later steps call only people who are inside, agreed to, or let in by the policy: who joins a
    group meanwhile is left out, by name.
    """
    if not incident.is_private or incident.is_drill or not uow.actor.is_person:
        return
    ladder = await _ladder(uow, incident, escalation)
    now: tuple[Newcomer, ...] = ()
    later: dict[Newcomer, None] = {}
    is_calling = False
    for step in steps:
        newcomers = await _newcomers(ladder, step)
        if is_calling:
            later |= dict.fromkeys(one for one in newcomers if one not in now)
            continue
        now = newcomers
        is_calling = bool(newcomers or (await _look(ladder, step, wanted_of(step))).people)
    agreed = await agree_to_open(uow, incident, now, tuple(later))
    opened = dict.fromkeys((*escalation.opens_to, *(one.external_id for one in agreed)))
    escalation.opens_to = list(opened)
    await uow.flush()


async def _newcomers(ladder: Ladder, step: EscalationStep) -> tuple[Newcomer, ...]:
    """Return the people the step would call who can't see the incident yet."""
    newcomers: dict[str, Newcomer] = {}
    for wanted in _with_fallback(ladder, step):
        through = wanted.name if wanted.kind == "group" else ""
        found = Callees()
        for one, by in await _meant(ladder, step, wanted, found):
            for person in await _people_of(ladder, step, one, found):
                named_by = {person.external_id, *_named_by(wanted, one, by)}
                if await _why_not(ladder, person) is None and await _is_kept_out(
                    ladder, person, named_by
                ):
                    new = Newcomer(person.external_id, person.name, through)
                    newcomers.setdefault(person.external_id, new)
        for name in found.unknown:
            if name not in ladder.escalation.opens_to:
                is_group = bool(through) and name == wanted.value
                shown = wanted.name if is_group else name
                if wanted.kind == "pager" and name == wanted.value:
                    shown = f"the person on call at {name}"
                newcomers.setdefault(name, Newcomer(name, shown, is_group=is_group))
    return tuple(newcomers.values())


def _with_fallback(ladder: Ladder, step: EscalationStep) -> tuple[Wanted, ...]:
    """Return the step's names, and the fallback where a pager may not tell who is on call."""
    named = wanted_of(step)
    fallback = wanted_by(ladder.policy.on_call.fallback, FALLBACK)
    if fallback is None or not any(one.kind == "pager" for one in named):
        return named
    return (*named, fallback)


def _named_by(asked: Wanted, meant: Wanted, through: Wanted) -> set[str]:
    """Return the names by which somebody agreed to this person: an address means the person it names."""
    is_told = asked.kind == "pager" and through.why != FALLBACK
    return {meant.value, asked.value} if is_told else {meant.value}


async def _ladder(uow: UnitOfWork, incident: Incident, escalation: Escalation) -> Ladder:
    return Ladder(
        session=uow.session,
        policy=uow.policy,
        now=uow.now,
        incident=incident,
        escalation=escalation,
        calls=await calls_of(uow.session, escalation.id),
    )


async def reach_of(ladder: Ladder, step: EscalationStep) -> tuple[str, ...]:
    """Return the names of a step that would call somebody now, or need a look-up."""
    names: list[str] = []
    for wanted in wanted_of(step):
        found = await _look(ladder, step, [wanted])
        if found.people or found.unknown:
            names.append(wanted.name)
    return tuple(names)


async def takes_part(session: AsyncSession, incident: Incident, person_id: uuid.UUID) -> bool:
    """Tell whether the person is in the incident: its declarer, invited, or in its channel."""
    part = await find_participant(session, incident_id=incident.id, person_id=person_id)
    return is_inside(incident, part, person_id=person_id)


async def _look(ladder: Ladder, step: EscalationStep, wanted: Iterable[Wanted]) -> Callees:
    """Return the people that these names of the step call now; changes nothing."""
    found = Callees()
    meant: dict[str, Person] = {}
    named_by: dict[str, set[str]] = {}
    for asked in wanted:
        for one, through in await _meant(ladder, step, asked, found):
            for person in await _people_of(ladder, step, one, found):
                meant[person.external_id] = person
                found.through.setdefault(person.external_id, through)
                names = named_by.setdefault(person.external_id, {person.external_id})
                names |= _named_by(asked, one, through)
    # A redirect means this very person, even if they were called before.
    before = {
        call.person_id for call in ladder.calls if call.step_id == step.id or not step.is_redirect
    }
    for person in meant.values():
        why = await _why_not(ladder, person)
        if why is None and await _is_kept_out(ladder, person, named_by[person.external_id]):
            why = "not_in_drill" if ladder.incident.is_drill else "not_in_private"
        if why is None and person.id in before:
            why = "called_before"
        if why is None:
            found.people.append(person)
        else:
            found.skipped.append((person.name, why))
    return found


async def _meant(
    ladder: Ladder, step: EscalationStep, wanted: Wanted, found: Callees
) -> list[tuple[Wanted, Wanted]]:
    """Return the people a name means now, each with the name by which they are called.

    A rotation means the person on call; a pager's address, the person it named, else the fallback.
    """
    if wanted.why == Relation.ON_CALL and wanted.service:
        cover = (await _turns(ladder)).find_cover(wanted.service)
        if cover is not None:
            return [(_by_name(wanted, cover.who), replace(wanted, why=STANDS_IN))]
    match wanted.kind:
        case "rotation":
            shift = (await _turns(ladder)).find_shift(wanted.value)
            if shift is None:
                found.skipped.append((wanted.name, "no_rotation"))
                return []
            why = STANDS_IN if shift.cover is not None and wanted.service else wanted.why
            return [(_by_name(wanted, shift.who), replace(wanted, why=why))]
        case "pager":
            answers = (step.answers or {}).get(wanted.value)
            if answers is None:
                found.unknown.append(wanted.value)
                return []
            meant: list[tuple[Wanted, Wanted]] = []
            for answer in map(Wanted.read, answers):
                through = replace(wanted, why=answer.why, service=answer.service)
                inner = await _meant(ladder, step, answer, found)
                meant += [(one, through) for one, _ in inner]
            return meant
    return [(wanted, wanted)]


async def _turns(ladder: Ladder) -> Turns:
    workspace_id = ladder.escalation.workspace_id
    return await turns_at(
        ladder.session, ladder.now, policy=ladder.policy, workspace_id=workspace_id
    )


def _by_name(wanted: Wanted, name: str) -> Wanted:
    return replace(wanted, kind="named", value=name, name=name)


async def _people_of(
    ladder: Ladder, step: EscalationStep, wanted: Wanted, found: Callees
) -> list[Person]:
    match wanted.kind:
        case "person":
            person = await ladder.session.get(Person, uuid.UUID(wanted.value))
            return [person] if person is not None else []
        case "named":
            return await _named(ladder, step, wanted, found)
        case "group":
            return await _members(ladder, step, wanted, found)
        case "role":
            held = await role_holders(ladder.session, ladder.incident.id, role_key=wanted.value)
            if not held:
                found.skipped.append((wanted.name, "nobody_in_role"))
            return [await ladder.session.get_one(Person, one.person_id) for one in held]
    return []


async def _named(
    ladder: Ladder, step: EscalationStep, wanted: Wanted, found: Callees
) -> list[Person]:
    name = wanted.value
    if "@" not in name:
        return await _by_ids(ladder, step, [name], found)
    known = await find_people_named(
        ladder.session, [name], workspace_id=ladder.escalation.workspace_id
    )
    if name in known:
        return [known[name]]
    _miss(step, wanted.value, wanted.name, found)
    return []


async def _members(
    ladder: Ladder, step: EscalationStep, wanted: Wanted, found: Callees
) -> list[Person]:
    groups = await find_group_members(
        ladder.session, [wanted.value], workspace_id=ladder.escalation.workspace_id
    )
    members = groups.get(wanted.value)
    if members is None:
        _miss(step, wanted.value, wanted.name, found)
        return []
    if not members:
        found.skipped.append((wanted.name, "empty_group"))
    return await _by_ids(ladder, step, members, found)


async def _by_ids(
    ladder: Ladder, step: EscalationStep, external_ids: Sequence[str], found: Callees
) -> list[Person]:
    """Return those of these people that are known; the others are to be looked up."""
    workspace_id = ladder.escalation.workspace_id
    known = await find_people_named(ladder.session, external_ids, workspace_id=workspace_id)
    people: list[Person] = []
    for one in external_ids:
        person = known.get(one)
        if person is not None and person.kind != PersonKind.UNKNOWN:
            people.append(person)
        else:
            _miss(step, one, person.name if person else one, found)
    return people


def _miss(step: EscalationStep, value: str, name: str, found: Callees) -> None:
    if value in step.not_found:
        found.skipped.append((name, "not_found"))
    else:
        found.unknown.append(value)


async def _why_not(ladder: Ladder, person: Person) -> str | None:
    """Return the reason (a key) why the person isn't called anywhere, or None."""
    why = why_not_reachable(person)
    if why is not None:
        return why
    if await absent_until(ladder.session, person, policy=ladder.policy, now=ladder.now):
        return "absent"
    if person.id == ladder.escalation.author_id:
        return "at_work"  # no reason given: the bot may have escalated for them
    return None


async def _is_kept_out(ladder: Ladder, person: Person, named_by: AbstractSet[str]) -> bool:
    """Tell whether a drill or a private incident keeps out the person; `named_by`: ids and names.

    The policy's people come into private incidents unless they left, or sight was taken back.
    """
    incident = ladder.incident
    if not incident.is_drill and not incident.is_private:
        return False
    part = await find_participant(ladder.session, incident_id=incident.id, person_id=person.id)
    if is_inside(incident, part, person_id=person.id):
        return False
    if incident.is_drill:
        return True
    if person.external_id in ladder.escalation.opens_to:
        return False
    # Who left, or was put out, was meant neither by the policy nor by who agreed to a whole group.
    if part is not None and part.gone_at is not None:
        return True
    if not named_by.isdisjoint(ladder.escalation.opens_to):
        return False
    return not await _is_one_of(ladder, person, ladder.policy.private.invite)


async def _is_one_of(ladder: Ladder, person: Person, named: Iterable[PersonRef | GroupRef]) -> bool:
    refs = tuple(named)
    address = await own_address(ladder.session, person)
    if any(isinstance(ref, PersonRef) and is_meant(ref, person, address) for ref in refs):
        return True
    names = [str(ref) for ref in refs if isinstance(ref, GroupRef)]
    groups = await find_group_members(
        ladder.session, names, workspace_id=ladder.escalation.workspace_id
    )
    return any(person.external_id in members for members in groups.values())
