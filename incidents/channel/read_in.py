"""Read newcomers in: who gets a read-in, how often, and what the incident needs now."""

import uuid
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select

from incidents.channel.events import NewcomerArrived
from incidents.core.people import PersonKind, system_actor
from incidents.engine.outbox import EffectRow
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.tables import Escalation, EscalationCall
from incidents.incident.incident import ByChannel, Incident, find_incident
from incidents.incident.lifecycle import IncidentStatus, is_open
from incidents.incident.roles import current_roles
from incidents.learning.tables import find_observation

AGAIN_AFTER = timedelta(hours=1)
# Who comes now finds the status card as the newest message, and the declarer knows the incident.
CARD_IS_NEW_FOR = timedelta(minutes=1)


class Need(StrEnum):
    """What an incident needs most right now."""

    COMMANDER = "commander"
    UPDATE = "update"
    HANDS = "hands"
    POSTMORTEM = "postmortem"
    NOTHING = "nothing"


def most_needed(
    status: IncidentStatus,
    *,
    has_commander: bool,
    next_update_due_at: datetime | None,
    now: datetime,
) -> Need:
    """Return what the incident needs most; a commander first."""
    if status is IncidentStatus.RESOLVED:
        return Need.POSTMORTEM
    if not is_open(status):
        return Need.NOTHING
    if not has_commander:
        return Need.COMMANDER
    if next_update_due_at is not None and next_update_due_at <= now:
        return Need.UPDATE
    return Need.HANDS


async def offer_read_in(uow: UnitOfWork, channel_id: str) -> Outcome:
    """Offer the actor, who joined an incident's channel, a read-in; at most once an hour."""
    person_id = uow.actor.person_id
    if person_id is None or uow.actor.person_kind in (PersonKind.BOT, PersonKind.EXTERNAL):
        return Outcome("nobody_of_ours")
    incident = await find_incident(
        uow.session, ByChannel(channel_id), workspace_id=uow.workspace_id, viewer=system_actor()
    )
    if incident is None:
        return Outcome("no_incident")
    if uow.now < incident.declared_at + CARD_IS_NEW_FOR:
        return Outcome("knows", incident.id)
    if await _was_read_in(uow, incident, person_id):
        return Outcome("was_read_in", incident.id)
    if await _was_briefed(uow, incident, person_id):
        return Outcome("was_briefed", incident.id)
    uow.emit(NewcomerArrived(person_id=person_id), incident)
    return Outcome("read_in", incident.id)


async def _was_read_in(uow: UnitOfWork, incident: Incident, person_id: uuid.UUID) -> bool:
    query = select(EffectRow.id).where(
        EffectRow.lane == f"{incident.id}:read_in:{person_id}",
        EffectRow.created_at > uow.now - AGAIN_AFTER,
    )
    return (await uow.session.execute(query)).first() is not None


async def _was_briefed(uow: UnitOfWork, incident: Incident, person_id: uuid.UUID) -> bool:
    """Tell whether a message has just told them the same: as a shadow, with a role, or called."""
    since = uow.now - AGAIN_AFTER
    observation = await find_observation(uow.session, incident_id=incident.id, person_id=person_id)
    if observation is not None and observation.began_at > since:
        return True
    held = await current_roles(uow.session, incident.id)
    if any(one.person_id == person_id and one.started_at > since for one in held):
        return True
    calls = (
        select(EscalationCall.id)
        .join(Escalation, Escalation.id == EscalationCall.escalation_id)
        .where(
            Escalation.incident_id == incident.id,
            EscalationCall.person_id == person_id,
            EscalationCall.called_at > since,
        )
    )
    return (await uow.session.execute(calls.limit(1))).first() is not None
