"""Command changes hands by an offer or a request that is accepted, or by taking over.

Nobody gets command without saying yes, and nobody loses it by silence. Without a commander,
anybody can take the role for themselves, and anybody can ask somebody to.
"""

from dataclasses import replace
from datetime import timedelta

from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted, Superseded
from incidents.core.ids import new_id
from incidents.core.people import Person, who
from incidents.engine.acknowledgement import acknowledge
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.role_entries import CommanderChanged, Move
from incidents.incident.roles import (
    RoleAssignment,
    end_role,
    find_commander,
    start_role,
)
from incidents.people.assignable import (
    Named,
    call_in,
    check_assignable,
    get_assignable,
    get_person,
    refuse_if_over,
)
from incidents.policy.policy import COMMANDER, Action
from incidents.roles.entries import (
    HandoffDeclined,
    HandoffOffered,
    HandoffRequested,
)
from incidents.roles.give import give_role
from incidents.roles.handoff_brief import draft_brief
from incidents.roles.handoffs import (
    Handoff,
    HandoffKind,
    HandoffStatus,
    entry_about,
    find_pending_handoff,
    settle_agreed,
    who_is,
    withdraw_handoff,
)
from incidents.storage.database import trimmed

MAX_WORDS = 1000
MAX_REASON = 500

# Somebody who asks for command this soon after it changed hands couldn't know of the change.
SAME_MOMENT = timedelta(seconds=10)


async def propose_commander(
    uow: UnitOfWork, ref: IncidentRef, *, person: Named, words: str = ""
) -> Outcome:
    """Take command, offer it, or ask the commander for it: others get it once they accept.

    Outcomes: assigned (to oneself), offered, requested, moved (it was already offered to them),
    kept.

    Raises: NotPermitted; IncidentOver; InvalidInput for somebody who can't command; AlreadySo;
        Superseded when somebody else took command at the same moment, or while another person's
        proposal waits for its answer.
    """
    incident = await uow.get_incident(ref)
    is_self = person.external_id == uow.actor.external_id
    commander = await find_commander(uow.session, incident.id)
    await uow.permit(_right_to_propose(uow, commander, is_self=is_self), incident)
    refuse_if_over(incident)
    nominee = await get_assignable(uow, person)
    if commander is None and is_self:
        return await assume_command(uow, incident, nominee)
    if commander is not None and nominee.id == commander.person_id:
        return await _keep_command(uow, incident, nominee)
    if commander is not None and is_self:
        at_once = await _take_if_offered(uow, incident, commander, nominee)
        if at_once is not None:
            return at_once
        await _refuse_same_moment(uow, commander)
    return await _propose(uow, incident, commander, nominee, words=words)


async def take_command(uow: UnitOfWork, ref: IncidentRef) -> Outcome:
    """Take command if nobody has it, or if the commander has offered it to the actor.

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

    `seen_commander_id` is the commander that the actor saw on opening the form. Without it, somebody
    who took command a moment ago keeps it.

    Raises: NotPermitted; IncidentOver; InvalidInput without a reason; AlreadySo; Superseded when
        command has moved since.
    """
    incident = await uow.get_incident(ref)
    commander = await find_commander(uow.session, incident.id)
    subject_id = commander.person_id if commander is not None else None
    await uow.permit(Action.TAKE_OVER, incident, subject_id=subject_id)
    refuse_if_over(incident)
    actor = await _acting_person(uow)
    if commander is not None and commander.person_id == actor.id:
        raise AlreadySo("commander", actor.name)
    if seen_commander_id and commander and str(commander.person_id) != seen_commander_id:
        raise Superseded("command", by=(await get_person(uow, commander.person_id)).name)
    if commander is not None and not seen_commander_id:
        await _refuse_same_moment(uow, commander)
    given = trimmed(reason)[:MAX_REASON]
    if not given:
        raise InvalidInput("reason", "empty", "Alice has no network")
    if commander is None:
        return await assume_command(uow, incident, actor)
    return await move_command(
        uow, incident, commander=commander, nominee=actor, how=Move.TAKEN_OVER, reason=given
    )


async def agree_to_request(
    uow: UnitOfWork, incident: Incident, *, commander: RoleAssignment, request: Handoff
) -> Outcome:
    """Agree to a request: move command if the nominee asked for it just now, else ask them.

    Raises: InvalidInput if the nominee has left or become a guest since.
    """
    nominee = await get_person(uow, request.to_person_id)
    check_assignable(nominee)
    if request.is_asked_by_nominee(uow.now):
        return await move_command(
            uow, incident, commander=commander, nominee=nominee, how=Move.ACCEPTED
        )
    await settle_agreed(uow, incident, request, HandoffStatus.AGREED)
    return await offer_command(uow, incident, nominee, commander=commander)


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
    """Move command at once if the commander has offered it to this person."""
    pending = await find_pending_handoff(uow.session, incident.id)
    if (
        pending is None
        or pending.kind != HandoffKind.OFFER
        or (pending.from_person_id, pending.to_person_id) != (commander.person_id, person.id)
    ):
        return None
    return await move_command(uow, incident, commander=commander, nominee=person, how=Move.ACCEPTED)


async def _refuse_same_moment(uow: UnitOfWork, commander: RoleAssignment) -> None:
    if uow.now - commander.started_at < SAME_MOMENT:
        raise Superseded("command", by=(await get_person(uow, commander.person_id)).name)


async def _propose(
    uow: UnitOfWork,
    incident: Incident,
    commander: RoleAssignment | None,
    nominee: Person,
    *,
    words: str,
) -> Outcome:
    commands = commander is not None and uow.actor.person_id == commander.person_id
    if commander is None or commands:
        await _make_way(uow, incident, kind=HandoffKind.OFFER, nominee=nominee, commands=commands)
        return await offer_command(uow, incident, nominee, commander=commander, words=words)
    await _make_way(uow, incident, kind=HandoffKind.REQUEST, nominee=nominee, commands=False)
    return await _request(uow, incident, nominee, commander=commander, words=words)


async def _make_way(
    uow: UnitOfWork, incident: Incident, *, kind: HandoffKind, nominee: Person, commands: bool
) -> None:
    """End the pending handoff if the actor may, and tell its people.

    The commander may, its proposer may, and anybody may once its time has run out.

    Raises: AlreadySo if it is the same one; Superseded with who proposed it.
    """
    pending = await find_pending_handoff(uow.session, incident.id)
    if pending is None:
        return
    is_live = uow.now < pending.expires_at
    if is_live and (pending.kind, pending.to_person_id) == (kind, nominee.id):
        asked = "offered to" if kind is HandoffKind.OFFER else "requested for"
        raise AlreadySo("command", f"{asked} {nominee.name}")
    if is_live and not commands and uow.actor.person_id != pending.proposed_by_id:
        by = pending.proposed_by_id
        name = (await get_person(uow, by)).name if by is not None else "Sitrep"
        raise Superseded("handoff_pending", by=name)
    await withdraw_handoff(uow, incident, pending)


async def offer_command(
    uow: UnitOfWork,
    incident: Incident,
    nominee: Person,
    *,
    commander: RoleAssignment | None,
    words: str = "",
) -> Outcome:
    """Ask the nominee to take command. `commander` is who gives it up, None if nobody led."""
    handoff = await _open(
        uow, incident, kind=HandoffKind.OFFER, commander=commander, nominee=nominee
    )
    await call_in(uow, incident, nominee)
    await _record_proposal(uow, incident, handoff, HandoffOffered, words=words)
    return outcome_of("offered" if commander else "asked", incident, person=nominee)


async def _request(
    uow: UnitOfWork,
    incident: Incident,
    nominee: Person,
    *,
    commander: RoleAssignment,
    words: str,
) -> Outcome:
    """Ask the commander to hand command to the nominee, who is called in once they agree."""
    handoff = await _open(
        uow, incident, kind=HandoffKind.REQUEST, commander=commander, nominee=nominee
    )
    if nominee.id == uow.actor.person_id:
        await call_in(uow, incident, nominee)
    await _record_proposal(uow, incident, handoff, HandoffRequested, words=words)
    asked = await get_person(uow, commander.person_id)
    return outcome_of("requested", incident, person=asked)


async def _record_proposal(
    uow: UnitOfWork,
    incident: Incident,
    handoff: Handoff,
    entry_type: type[HandoffOffered | HandoffRequested],
    *,
    words: str,
) -> None:
    acknowledge(uow, incident)
    proposed = await entry_about(uow, handoff, entry_type)
    added = trimmed(words)[:MAX_WORDS]
    entry = uow.record(incident, replace(proposed, expires_at=handoff.expires_at, words=added))
    await uow.flush()
    handoff.entry_id = entry.id


async def assume_command(uow: UnitOfWork, incident: Incident, person: Person) -> Outcome:
    """Make the person the commander of an incident that has none, and end what was pending."""
    pending = await find_pending_handoff(uow.session, incident.id)
    if pending is not None and pending.to_person_id == person.id:
        await settle_agreed(uow, incident, pending, HandoffStatus.ACCEPTED)
    elif pending is not None:
        await withdraw_handoff(uow, incident, pending)
    role = uow.policy.get_role(COMMANDER)
    await give_role(uow, incident, role=role, person=person)
    return outcome_of("assigned", incident, person=person, role_key=role.key, role_name=role.name)


async def move_command(
    uow: UnitOfWork,
    incident: Incident,
    *,
    commander: RoleAssignment,
    nominee: Person,
    how: Move,
    reason: str = "",
) -> Outcome:
    """Move command from `commander` to `nominee`, and end the pending handoff if there is one."""
    pending = await find_pending_handoff(uow.session, incident.id)
    if pending is not None and how is not Move.ACCEPTED:
        await withdraw_handoff(uow, incident, pending)
        pending = None
    if pending is not None:
        pending.settle(HandoffStatus.ACCEPTED, now=uow.now, by_id=uow.actor.person_id)
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
            asked=await who_is(uow, pending.answerer_id) if pending is not None else None,
        ),
    )
    return outcome_of("moved", incident, person=nominee, previous=previous.name)


async def _open(
    uow: UnitOfWork,
    incident: Incident,
    *,
    kind: HandoffKind,
    commander: RoleAssignment | None,
    nominee: Person,
) -> Handoff:
    handoff = Handoff(
        id=new_id(),
        workspace_id=uow.workspace_id,
        incident_id=incident.id,
        kind=kind,
        status=HandoffStatus.PENDING,
        from_person_id=commander.person_id if commander is not None else None,
        to_person_id=nominee.id,
        proposed_by_id=uow.actor.person_id,
        brief=await draft_brief(uow.session, incident),
        created_at=uow.now,
        expires_at=uow.now + uow.policy.reminders.handoff_timeout,
    )
    uow.session.add(handoff)
    await uow.flush()
    return handoff


async def decline_pending(uow: UnitOfWork, incident: Incident, handoff: Handoff) -> Outcome:
    """Record that the actor declines the pending handoff."""
    handoff.settle(HandoffStatus.DECLINED, now=uow.now, by_id=uow.actor.person_id)
    uow.record(incident, await entry_about(uow, handoff, HandoffDeclined))
    return outcome_of("declined", incident)


def outcome_of(
    kind: str, incident: Incident, *, person: Person | None = None, **data: str
) -> Outcome:
    """Return the outcome of a change of command; `person` is who the answer names."""
    told = {"reference": str(incident.reference), **data}
    if person is not None:
        told |= {"person": person.name, "external_id": person.external_id}
    return Outcome(kind, incident.id, told)
