"""Command changes hands by an offer or a request and its answer, or by taking over.

Without a commander, anybody can simply take the role. With one, command moves when the other
person accepts, when nobody answers in time, or when somebody takes over with a reason.
"""

from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted, Superseded
from incidents.core.ids import new_id
from incidents.core.people import Person, who
from incidents.core.sentences import Who
from incidents.engine.acknowledgement import acknowledge
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.role_entries import CommanderChanged, Move
from incidents.incident.roles import RoleAssignment, end_role, find_commander, start_role
from incidents.people.assignable import (
    Named,
    call_in,
    get_assignable,
    get_person,
    refuse_if_over,
)
from incidents.policy.policy import COMMANDER, Action
from incidents.roles.entries import (
    HandoffDeclined,
    HandoffEntry,
    HandoffOffered,
    HandoffRequested,
    HandoffWithdrawn,
    SuccessorWanted,
)
from incidents.roles.give import give_role
from incidents.roles.handoff_brief import draft_brief
from incidents.roles.handoffs import Handoff, HandoffKind, HandoffStatus, find_pending_handoff
from incidents.storage.database import storable

MAX_WORDS = 1000
MAX_REASON = 500

# Somebody who asks for command this soon after it changed hands couldn't know of the change.
SAME_MOMENT = timedelta(seconds=10)

HandoffEntryT = TypeVar("HandoffEntryT", bound=HandoffEntry)


async def propose_commander(
    uow: UnitOfWork, ref: IncidentRef, *, person: Named, words: str = ""
) -> Outcome:
    """Make somebody the commander; if there is one, offer or request the change instead.

    Outcomes: assigned, offered, requested, moved (it was already offered to them), kept.

    Raises: NotPermitted; IncidentOver; InvalidInput for somebody who can't command; AlreadySo;
        Superseded when somebody else took command at the same moment.
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
    """Take command if nobody has it, or if the commander offers it to anybody.

    Raises: NotPermitted; IncidentOver; AlreadySo; Superseded with the commander's name.
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
    """Take command at once, with a reason; the previous commander is told.

    `seen_commander_id` is the commander whom the actor saw on opening the form.

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
    """Ask for a successor; the commander stays until somebody takes command.

    Raises: IncidentOver; NotPermitted unless the actor commands; AlreadySo when a successor is
        already asked for, or when nobody commands.
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
    entry = uow.record(incident, await _entry_about(uow, handoff, SuccessorWanted))
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
    """Keep the commander: end what is pending. Raises: AlreadySo if nothing is."""
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
    """Move command at once if the commander has offered it to this person or to anybody."""
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
    proposed = await _entry_about(uow, handoff, HandoffOffered if is_offer else HandoffRequested)
    added = storable(words).strip()[:MAX_WORDS]
    entry = uow.record(incident, replace(proposed, expires_at=handoff.expires_at, words=added))
    await uow.flush()
    handoff.entry_id = entry.id
    asked = nominee if is_offer else await get_person(uow, commander.person_id)
    return outcome_of("offered" if is_offer else "requested", incident, person=asked)


_ENDED_BY_MOVE = {
    Move.ACCEPTED: HandoffStatus.ACCEPTED,
    Move.SUCCESSOR: HandoffStatus.ACCEPTED,
    Move.UNANSWERED: HandoffStatus.UNANSWERED,
    Move.TAKEN_OVER: HandoffStatus.TAKEN_OVER,
}


async def assume_command(uow: UnitOfWork, incident: Incident, person: Person) -> Outcome:
    """Make the person the commander of an incident that has none."""
    role = uow.policy.get_role(COMMANDER)
    await give_role(uow, incident, role=role, person=person)
    return outcome_of("assigned", incident, person=person, role_name=role.name)


async def move_command(
    uow: UnitOfWork,
    incident: Incident,
    *,
    commander: RoleAssignment,
    nominee: Person,
    how: Move,
    reason: str = "",
) -> Outcome:
    """Move command from `commander` to `nominee`, and settle the pending handoff if any."""
    pending = await find_pending_handoff(uow.session, incident.id)
    asked = await _asked(uow, pending) if pending is not None else None
    if pending is not None:
        pending.settle(_ENDED_BY_MOVE[how], now=uow.now, by_id=uow.actor.person_id)
        if pending.kind == HandoffKind.SUCCESSOR:
            pending.to_person_id = nominee.id
    previous = await get_person(uow, commander.person_id)
    role = uow.policy.get_role(COMMANDER)
    await end_role(uow.session, commander, now=uow.now)
    await start_role(
        uow.session, incident_id=incident.id, person_id=nominee.id, role=role, now=uow.now
    )
    await call_in(uow, incident, nominee)
    acknowledge(uow, incident)
    uow.record(
        incident,
        CommanderChanged(
            outgoing=who(previous),
            incoming=who(nominee),
            how=how,
            reason=reason,
            handoff_id=pending.id if pending is not None else None,
            asked=asked,
        ),
    )
    return outcome_of("moved", incident, person=nominee, previous=previous.name)


async def open_handoff(
    uow: UnitOfWork,
    incident: Incident,
    *,
    commander: RoleAssignment,
    kind: HandoffKind,
    nominee: Person | None = None,
) -> Handoff:
    """Store a new pending handoff, and withdraw the previous one."""
    pending = await find_pending_handoff(uow.session, incident.id)
    if pending is not None:
        await withdraw_handoff(uow, incident, pending)
    handoff = Handoff(
        id=new_id(),
        workspace_id=uow.workspace_id,
        incident_id=incident.id,
        kind=kind,
        status=HandoffStatus.PENDING,
        from_person_id=commander.person_id,
        to_person_id=nominee.id if nominee is not None else None,
        proposed_by_id=uow.actor.person_id,
        brief=await draft_brief(uow.session, incident),
        created_at=uow.now,
        expires_at=uow.now + uow.policy.reminders.handoff_timeout if nominee is not None else None,
    )
    uow.session.add(handoff)
    await uow.flush()
    return handoff


async def withdraw_handoff(uow: UnitOfWork, incident: Incident, handoff: Handoff) -> None:
    """End a pending handoff without moving command."""
    handoff.settle(HandoffStatus.WITHDRAWN, now=uow.now, by_id=uow.actor.person_id)
    # Flush now: the unique index would refuse the next proposal if it were written first.
    await uow.flush()
    uow.record(incident, await _entry_about(uow, handoff, HandoffWithdrawn))


async def end_handoff(uow: UnitOfWork, incident: Incident) -> None:
    """Withdraw the pending handoff, if there is one: nobody needs to take command any more."""
    pending = await find_pending_handoff(uow.session, incident.id)
    if pending is not None:
        await withdraw_handoff(uow, incident, pending)


async def decline_pending(uow: UnitOfWork, incident: Incident, handoff: Handoff) -> Outcome:
    """Record that the actor declines the pending handoff."""
    handoff.settle(HandoffStatus.DECLINED, now=uow.now, by_id=uow.actor.person_id)
    uow.record(incident, await _entry_about(uow, handoff, HandoffDeclined))
    return outcome_of("declined", incident)


async def _entry_about(
    uow: UnitOfWork, handoff: Handoff, entry_type: type[HandoffEntryT]
) -> HandoffEntryT:
    """Return an entry that names the handoff and its people."""
    to, by = handoff.to_person_id, handoff.proposed_by_id
    return entry_type(
        handoff_id=handoff.id,
        handoff_kind=handoff.kind,
        outgoing=who(await get_person(uow, handoff.from_person_id)),
        incoming=who(await get_person(uow, to)) if to is not None else None,
        proposed_by=who(await get_person(uow, by)) if by is not None else None,
        asked=await _asked(uow, handoff),
    )


async def _asked(uow: UnitOfWork, handoff: Handoff) -> Who | None:
    """Return the one person who has to answer the handoff, or None if anybody can."""
    return who(await get_person(uow, handoff.answerer_id)) if handoff.answerer_id else None


def outcome_of(
    kind: str, incident: Incident, *, person: Person | None = None, **data: str
) -> Outcome:
    """Return the outcome of a change of command; `person` is who the answer names."""
    told = {"reference": str(incident.reference), **data}
    if person is not None:
        told |= {"person": person.name, "external_id": person.external_id}
    return Outcome(kind, incident.id, told)
