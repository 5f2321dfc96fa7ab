"""Command: it changes hands by an offer or a request that is answered, or by taking over.

With nobody in command, taking it is taking a role. With a commander present, it moves when the
other one accepts, when nobody answers for a while, or when somebody takes over with a reason.
"""

from datetime import timedelta

from incidents.acknowledgement import acknowledge
from incidents.assigning import Named, call_in, get_assignable, get_person, refuse_if_over
from incidents.command_moves import (
    Move,
    assume_command,
    decline_pending,
    handoff_content,
    move_command,
    open_handoff,
    outcome_of,
    withdraw_handoff,
)
from incidents.database import storable
from incidents.errors import AlreadySo, InvalidInput, NotPermitted, Superseded
from incidents.handoff import HandoffKind, find_pending_handoff
from incidents.incident import Incident, IncidentRef
from incidents.people import Person
from incidents.policy import Action
from incidents.roles import RoleAssignment, find_commander
from incidents.timeline import EntryKind
from incidents.unit_of_work import Outcome, UnitOfWork

MAX_WORDS = 1000
MAX_REASON = 500

# Who asks for command this soon after another took it asked before they could know.
SAME_MOMENT = timedelta(seconds=10)


async def propose_commander(
    uow: UnitOfWork, ref: IncidentRef, *, person: Named, words: str = ""
) -> Outcome:
    """Make somebody the commander, or, with one present, offer or request the change.

    Outcomes: assigned, offered, requested, moved (it was already offered to them), kept.

    Raises: NotPermitted; IncidentOver; InvalidInput for somebody who can't command; AlreadySo;
        Superseded when another one took command at the same moment.
    """
    incident = await uow.get_incident(ref)
    is_self = person.external_id == uow.actor.external_id
    commander = await find_commander(uow.session, incident.id)
    await uow.permit(_right_to_propose(uow, commander, is_self=is_self), incident)
    refuse_if_over(incident)
    nominee = await get_assignable(uow, person)
    if commander is None:
        return await assume_command(uow, incident, nominee)
    if nominee.id == commander.person_id:
        return await _keep_command(uow, incident, nominee)
    if is_self:
        at_once = await _take_if_offered(uow, incident, commander, nominee)
        if at_once is not None:
            return at_once
        await _refuse_same_moment(uow, commander)
    return await _propose(uow, incident, commander, nominee, words=words)


async def take_command(uow: UnitOfWork, ref: IncidentRef) -> Outcome:
    """Take command where nobody has it, or where it is offered to whoever comes first.

    Raises: NotPermitted; IncidentOver; AlreadySo; Superseded with the name of who has it.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.CLAIM_ROLE, incident)
    refuse_if_over(incident)
    actor = await _acting_person(uow)
    commander = await find_commander(uow.session, incident.id)
    if commander is None:
        return await assume_command(uow, incident, actor)
    if commander.person_id == actor.id:
        return await _keep_command(uow, incident, actor)
    at_once = await _take_if_offered(uow, incident, commander, actor)
    if at_once is not None:
        return at_once
    raise Superseded("command", by=(await get_person(uow, commander.person_id)).name)


async def take_over(
    uow: UnitOfWork, ref: IncidentRef, *, reason: str, seen_commander_id: str = ""
) -> Outcome:
    """Take command at once, with a reason; whoever had it is told.

    `seen_commander_id` is whom the person saw in command when asking for the form.

    Raises: NotPermitted; IncidentOver; InvalidInput without a reason; AlreadySo; Superseded when
        command has moved since.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.TAKE_OVER, incident)
    refuse_if_over(incident)
    actor = await _acting_person(uow)
    commander = await find_commander(uow.session, incident.id)
    if commander is not None and commander.person_id == actor.id:
        raise AlreadySo("commander", actor.name)
    if seen_commander_id and commander and str(commander.person_id) != seen_commander_id:
        raise Superseded("command", by=(await get_person(uow, commander.person_id)).name)
    given = storable(reason).strip()[:MAX_REASON]
    if not given:
        raise InvalidInput("reason", "empty", "Alice has no network")
    if commander is None:
        return await assume_command(uow, incident, actor)
    return await move_command(
        uow, incident, commander=commander, nominee=actor, how=Move.TAKEN_OVER, reason=given
    )


async def want_successor(uow: UnitOfWork, ref: IncidentRef) -> Outcome:
    """Ask who takes command next; the commander stays until somebody does.

    Raises: IncidentOver; NotPermitted unless the actor commands; AlreadySo when asked already,
        or when nobody commands.
    """
    incident = await uow.get_incident(ref)
    refuse_if_over(incident)
    commander = await find_commander(uow.session, incident.id)
    if commander is None:
        raise AlreadySo("commander", "nobody")
    if uow.actor.is_person and uow.actor.person_id != commander.person_id:
        person = await get_person(uow, commander.person_id)
        raise NotPermitted("give_up_command", needs=person.name)
    pending = await find_pending_handoff(uow.session, incident.id)
    if pending is not None and pending.kind == HandoffKind.SUCCESSOR:
        raise AlreadySo("a successor", "asked for")
    handoff = await open_handoff(uow, incident, commander=commander, kind=HandoffKind.SUCCESSOR)
    entry = uow.record(incident, EntryKind.SUCCESSOR_WANTED, await handoff_content(uow, handoff))
    await uow.flush()
    handoff.entry_id = entry.id
    return outcome_of("successor_wanted", incident)


def _right_to_propose(
    uow: UnitOfWork, commander: RoleAssignment | None, *, is_self: bool
) -> Action:
    if is_self:
        return Action.CLAIM_ROLE
    return Action.ASSIGN_ROLE if commander is None else Action.HANDOFF


async def _acting_person(uow: UnitOfWork) -> Person:
    if uow.actor.person_id is None:
        raise NotPermitted("take_command", needs="member")
    return await get_person(uow, uow.actor.person_id)


async def _keep_command(uow: UnitOfWork, incident: Incident, commander: Person) -> Outcome:
    """Answer a commander who says that they command: what is pending ends; else nothing changes."""
    pending = await find_pending_handoff(uow.session, incident.id)
    if pending is None or uow.actor.person_id != commander.id:
        raise AlreadySo("commander", commander.name)
    if pending.kind == HandoffKind.REQUEST:
        return await decline_pending(uow, incident, pending)
    await withdraw_handoff(uow, incident, pending)
    return outcome_of("kept", incident, person=commander)


async def _take_if_offered(
    uow: UnitOfWork, incident: Incident, commander: RoleAssignment, person: Person
) -> Outcome | None:
    """Move command at once if the commander has offered it to this person, or to anybody."""
    pending = await find_pending_handoff(uow.session, incident.id)
    if pending is None:
        return None
    match HandoffKind(pending.kind):
        case HandoffKind.SUCCESSOR:
            return await move_command(
                uow, incident, commander=commander, nominee=person, how=Move.SUCCESSOR
            )
        case HandoffKind.OFFER if pending.to_person_id == person.id:
            return await move_command(
                uow, incident, commander=commander, nominee=person, how=Move.ACCEPTED
            )
    return None


async def _refuse_same_moment(uow: UnitOfWork, commander: RoleAssignment) -> None:
    if uow.now - commander.started_at < SAME_MOMENT:
        raise Superseded("command", by=(await get_person(uow, commander.person_id)).name)


async def _propose(
    uow: UnitOfWork,
    incident: Incident,
    commander: RoleAssignment,
    nominee: Person,
    *,
    words: str,
) -> Outcome:
    is_offer = uow.actor.person_id == commander.person_id
    kind = HandoffKind.OFFER if is_offer else HandoffKind.REQUEST
    pending = await find_pending_handoff(uow.session, incident.id)
    if pending is not None and (pending.kind, pending.to_person_id) == (kind, nominee.id):
        raise AlreadySo("command", f"{kind}ed {'to' if is_offer else 'for'} {nominee.name}")
    handoff = await open_handoff(uow, incident, commander=commander, kind=kind, nominee=nominee)
    await call_in(uow, incident, nominee)
    acknowledge(uow, incident)
    entry = uow.record(
        incident,
        EntryKind.HANDOFF_OFFERED if is_offer else EntryKind.HANDOFF_REQUESTED,
        {
            **await handoff_content(uow, handoff),
            "expires_at": handoff.expires_at,
            "words": storable(words).strip()[:MAX_WORDS],
        },
    )
    await uow.flush()
    handoff.entry_id = entry.id
    asked = nominee if is_offer else await get_person(uow, commander.person_id)
    return outcome_of("offered" if is_offer else "requested", incident, person=asked)
