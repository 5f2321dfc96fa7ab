"""Move an incident to private: a channel of its own for chosen people, and never back.

Our messages elsewhere are deleted or reduced, and the old channel is archived. What people said
there stays readable for its members. A private incident whose channel others can read moves again,
with everybody who sees it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from incidents.channel.channel import wait_for_other_channel
from incidents.channel.exposure import insiders
from incidents.core.errors import AlreadySo
from incidents.core.ids import derived_id
from incidents.core.people import Person, PersonFacts
from incidents.core.sentences import Who
from incidents.engine.effects import OpenIncidentChannel
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.entries import MovedToPrivate
from incidents.incident.incident import Incident, IncidentRef, Participant, save_participant
from incidents.incident.roles import current_roles
from incidents.people.assignable import get_reachable, refuse_unknown
from incidents.policy.policy import Action
from incidents.record.audit_log import AuditKind, audit
from incidents.roles.handoffs import find_pending_handoff, withdraw_handoff
from incidents.storage.database import trimmed

MAX_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveToPrivate:
    """Who joins the private channel, apart from role holders, the mover and the declarer."""

    people: tuple[PersonFacts, ...] = ()
    reason: str = ""


async def move_to_private(uow: UnitOfWork, ref: IncidentRef, wanted: MoveToPrivate) -> Outcome:
    """Make the incident private and open a private channel for it: `moved_to_private`.

    Raises: IncidentNotFound; NotPermitted; AlreadySo when it is already private; NotKnownYet;
        InvalidInput for bots, deactivated people and people of other workspaces.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.MOVE_TO_PRIVATE, incident)
    if incident.is_private and not incident.is_channel_exposed:
        raise AlreadySo("incident", "private")
    chosen = await _chosen(uow, incident, wanted.people)
    await _keep_only(uow, incident, chosen)
    old_channel_id, old_name = incident.channel_id, incident.channel_name
    moved = MovedToPrivate(
        people=tuple(Who(person.name, person.id) for person in chosen),
        reason=trimmed(wanted.reason)[:MAX_REASON],
        old_channel_id=old_channel_id or "",
        old_channel_name=old_name or "",
    )
    incident.is_private = True
    incident.set_channel(None)
    entry = uow.record(incident, moved)
    content = {"reference": str(incident.reference), "what": "moved_to_private"}
    await audit(uow, AuditKind.CHANNEL_CHANGED, content)
    opening = derived_id(entry.id, f"{OpenIncidentChannel.kind}:")
    await wait_for_other_channel(uow, incident.channel_effect_id, opening)
    incident.channel_effect_id = opening
    await _end_handoff(uow, incident, chosen)
    data = {"reference": str(incident.reference), "people": [person.name for person in chosen]}
    return Outcome("moved_to_private", incident.id, data)


async def _chosen(
    uow: UnitOfWork, incident: Incident, people: Sequence[PersonFacts]
) -> list[Person]:
    """Return who will be in it: the mover, declarer and role holders, and the chosen people.

    If it is private already, everybody who sees it stays.
    """
    ids = [facts.external_id for facts in people]
    await refuse_unknown(uow, ids)
    named = [await get_reachable(uow, external_id, field="people") for external_id in ids]
    if incident.is_private:
        inside = [person.id for person in await insiders(uow, incident)]
    else:
        inside = [role.person_id for role in await current_roles(uow.session, incident.id)]
        inside += [incident.declared_by_id] if incident.declared_by_id else []
    wanted = dict.fromkeys(
        person_id
        for person_id in (
            uow.actor.person_id,
            *inside,
            *(person.id for person in named),
        )
        if person_id is not None
    )
    found = [await uow.session.get(Person, person_id) for person_id in wanted]
    return [person for person in found if person is not None]


async def _keep_only(uow: UnitOfWork, incident: Incident, chosen: Sequence[Person]) -> None:
    """End everybody else's participation: they no longer see the incident.

    Who let somebody into a private incident stays: only they may take it back as their own.
    """
    stay = {person.id for person in chosen}
    query = select(Participant).where(Participant.incident_id == incident.id)
    for part in (await uow.session.execute(query)).scalars():
        part.is_in_channel = False
        if not incident.is_private or part.person_id not in stay:
            part.invited_at = part.let_in_by_id = None
    await uow.flush()
    for person in chosen:
        await save_participant(
            uow.session,
            incident_id=incident.id,
            person_id=person.id,
            invited_at=uow.now,
            let_in_by_id=uow.actor.person_id,
        )


async def _end_handoff(uow: UnitOfWork, incident: Incident, chosen: Sequence[Person]) -> None:
    """End a handoff with somebody left out: they can no longer answer it."""
    handoff = await find_pending_handoff(uow.session, incident.id)
    if handoff is None or handoff.to_person_id is None:
        return
    if handoff.to_person_id not in {person.id for person in chosen}:
        await withdraw_handoff(uow, incident, handoff)
