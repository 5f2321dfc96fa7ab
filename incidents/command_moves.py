"""The moves of command that its use cases share: assume, open, settle and withdraw, move."""

from enum import StrEnum

from incidents.acknowledgement import acknowledge
from incidents.assigning import call_in, get_person, give_role, person_content
from incidents.escalation_refresh import refresh_ladders
from incidents.handoff import Handoff, HandoffKind, HandoffStatus, find_pending_handoff
from incidents.handoff_brief import draft_brief
from incidents.ids import new_id
from incidents.incident import Incident
from incidents.people import Person
from incidents.policy import COMMANDER
from incidents.roles import RoleAssignment, end_role, start_role
from incidents.timeline import EntryKind
from incidents.unit_of_work import Outcome, UnitOfWork


class Move(StrEnum):
    """How command came to move."""

    ACCEPTED = "accepted"
    UNANSWERED = "unanswered"
    TAKEN_OVER = "taken_over"
    SUCCESSOR = "successor"


_ENDED_BY_MOVE = {
    Move.ACCEPTED: HandoffStatus.ACCEPTED,
    Move.SUCCESSOR: HandoffStatus.ACCEPTED,
    Move.UNANSWERED: HandoffStatus.UNANSWERED,
    Move.TAKEN_OVER: HandoffStatus.TAKEN_OVER,
}


async def assume_command(uow: UnitOfWork, incident: Incident, person: Person) -> Outcome:
    """Make the person the commander where there is none."""
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
    """Move command from one person to the other, and settle the handoff that waited."""
    pending = await find_pending_handoff(uow.session, incident.id)
    asked = await _asked(uow, pending) if pending is not None else {}
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
        EntryKind.COMMANDER_CHANGED,
        {
            "from": person_content(previous),
            "to": person_content(nominee),
            "how": how,
            "reason": reason,
            **asked,
        },
    )
    await refresh_ladders(uow, incident)
    return outcome_of("moved", incident, person=nominee, previous=previous.name)


async def open_handoff(
    uow: UnitOfWork,
    incident: Incident,
    *,
    commander: RoleAssignment,
    kind: HandoffKind,
    nominee: Person | None = None,
) -> Handoff:
    """Store a new pending handoff; the one before is withdrawn."""
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
    # At once: the index would refuse the next proposal if it were written first.
    await uow.flush()
    uow.record(incident, EntryKind.HANDOFF_WITHDRAWN, await handoff_content(uow, handoff))


async def decline_pending(uow: UnitOfWork, incident: Incident, handoff: Handoff) -> Outcome:
    """Write down that the actor declines the pending handoff that was put to them."""
    handoff.settle(HandoffStatus.DECLINED, now=uow.now, by_id=uow.actor.person_id)
    uow.record(incident, EntryKind.HANDOFF_DECLINED, await handoff_content(uow, handoff))
    return outcome_of("declined", incident)


async def handoff_content(uow: UnitOfWork, handoff: Handoff) -> dict[str, object]:
    """Return how entries name a handoff."""
    to = handoff.to_person_id
    by = handoff.proposed_by_id
    return {
        **await _asked(uow, handoff),
        "handoff_kind": handoff.kind,
        "from": person_content(await get_person(uow, handoff.from_person_id)),
        "to": person_content(await get_person(uow, to)) if to is not None else None,
        "proposed_by": person_content(await get_person(uow, by)) if by is not None else None,
    }


async def _asked(uow: UnitOfWork, handoff: Handoff) -> dict[str, object]:
    """Return which handoff it is and whom it was put to, if it was put to somebody."""
    asked = await get_person(uow, handoff.answerer_id) if handoff.answerer_id else None
    return {"handoff_id": handoff.id, "asked": person_content(asked) if asked else None}


def outcome_of(
    kind: str, incident: Incident, *, person: Person | None = None, **data: str
) -> Outcome:
    """Return the outcome of a change of command, with whom to name."""
    told = {"reference": str(incident.reference), **data}
    if person is not None:
        told |= {"person": person.name, "external_id": person.external_id}
    return Outcome(kind, incident.id, told)
