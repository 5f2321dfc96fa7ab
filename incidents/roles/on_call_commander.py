"""Ask who is on call for command to take it, as soon as an incident is declared."""

from collections.abc import Sequence

from incidents.core.people import Person, who
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import Incident
from incidents.incident.roles import find_commander
from incidents.on_call.meant import turns_at
from incidents.people.absence import absent_until
from incidents.people.assignable import why_not_reachable
from incidents.people.directory import find_group_members, find_people_named
from incidents.people.sight import let_in
from incidents.policy.references import GroupRef, RotationRef
from incidents.rights.stages import is_among
from incidents.roles.entries import CommanderAsked

# Of a group on call for command; more would only wait for each other.
_MOST_ASKED = 5


async def ask_commander_on_call(uow: UnitOfWork, incident: Incident) -> None:
    """Ask the policy's on-call for command; nobody in a drill, or if somebody has command.

    The declarer is asked by the answer to the declaration. A private incident opens only to those
    whom the policy lets in.
    """
    if incident.is_drill or await find_commander(uow.session, incident.id) is not None:
        return
    may = [one for one in await _on_call(uow) if await _may_ask(uow, incident, one)]
    asked = may[:_MOST_ASKED]
    for one in asked:
        await let_in(uow, incident, one, is_agreed=True)
    if asked:
        uow.record(incident, CommanderAsked(people=tuple(map(who, asked))))


async def _on_call(uow: UnitOfWork) -> Sequence[Person]:
    ref = uow.policy.on_call.commander
    names: Sequence[str] = () if ref is None else (str(ref),)
    if isinstance(ref, GroupRef):
        groups = await find_group_members(uow.session, names, workspace_id=uow.workspace_id)
        names = groups.get(str(ref), ())
    if isinstance(ref, RotationRef):
        turns = await turns_at(
            uow.session, uow.now, policy=uow.policy, workspace_id=uow.workspace_id
        )
        shift = turns.find_shift(ref.key)
        names = () if shift is None else (shift.who,)
    known = await find_people_named(uow.session, names, workspace_id=uow.workspace_id)
    return [known[name] for name in names if name in known]


async def _may_ask(uow: UnitOfWork, incident: Incident, person: Person) -> bool:
    if person.id == incident.declared_by_id or why_not_reachable(person) is not None:
        return False
    if await absent_until(uow.session, person, policy=uow.policy, now=uow.now):
        return False
    if not incident.is_private:
        return True
    let_in = uow.policy.private.invite
    return await is_among(uow.session, person.id, let_in, workspace_id=uow.workspace_id)
