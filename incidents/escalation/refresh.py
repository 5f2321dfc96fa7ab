"""Keeping current what shows an escalation: its card, and the messages that called somebody."""

import uuid
from enum import StrEnum

from incidents.core.ids import new_id
from incidents.engine.outbox import Planned
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.calls import get_escalation
from incidents.escalation.effects import RefreshEscalationCall, RefreshEscalationCard
from incidents.escalation.tables import (
    ENDED,
    Escalation,
    EscalationCall,
    EscalationStatus,
    calls_of,
    escalations_of,
)
from incidents.incident.incident import Incident


async def refresh_card(uow: UnitOfWork, incident: Incident, escalation: Escalation) -> None:
    """Plan to bring the card up to date where no entry says that anything changed."""
    effect = RefreshEscalationCard(incident_id=incident.id, escalation_id=escalation.id)
    planned = Planned(
        id=new_id(),
        effect=effect,
        lane=f"{incident.id}:escalations",
        after_effect_id=incident.channel_effect_id,
        coalesce_key=f"{effect.kind}:{escalation.id}",
    )
    await uow.add_effects([planned])


async def refresh_calls(uow: UnitOfWork, incident: Incident, escalation: Escalation) -> None:
    """Plan to bring every message that called somebody up to date."""
    await uow.flush()
    planned: list[Planned] = []
    for call in await calls_of(uow.session, escalation.id):
        effect = RefreshEscalationCall(
            incident_id=incident.id,
            escalation_id=escalation.id,
            call_id=call.id,
            person_id=call.person_id,
        )
        planned.append(
            Planned(
                id=new_id(),
                effect=effect,
                lane=f"{incident.id}:dm:{call.person_id}",
                coalesce_key=f"{effect.kind}:{call.id}",
            )
        )
    await uow.add_effects(planned)


async def refresh_taken(uow: UnitOfWork, incident: Incident) -> None:
    """Plan to show those that somebody is on as the incident's end, or its return, leaves them."""
    for escalation in await escalations_of(uow.session, incident.id):
        if escalation.status == EscalationStatus.TAKEN:
            await refresh_card(uow, incident, escalation)
            await refresh_calls(uow, incident, escalation)


async def refresh_ladders(uow: UnitOfWork, incident: Incident) -> None:
    """Plan to show who is called next, now that a step may reach somebody else, or nobody."""
    for escalation in await escalations_of(uow.session, incident.id, unanswered_only=True):
        await refresh_card(uow, incident, escalation)
        await refresh_calls(uow, incident, escalation)


class Medium(StrEnum):
    """By what somebody was called; the card names each but the first."""

    DIRECT_MESSAGE = "direct_message"
    CHANNEL = "channel"


async def note_medium(
    uow: UnitOfWork, escalation_id: uuid.UUID, call_id: uuid.UUID, *, medium: Medium
) -> Outcome:
    """Note how somebody was called after all, so that the card says how much it is worth."""
    incident, escalation = await get_escalation(uow, escalation_id)
    call = await uow.session.get(EscalationCall, call_id, populate_existing=True)
    if call is None or call.escalation_id != escalation.id or call.medium == medium:
        return Outcome("known", incident.id)
    call.medium = medium
    await uow.flush()
    await refresh_card(uow, incident, escalation)
    return Outcome("noted", incident.id)


async def follow_move(uow: UnitOfWork, incident: Incident) -> None:
    """Show the escalations where the incident goes on, and no more to whom it is hidden from now."""
    for escalation in await escalations_of(uow.session, incident.id):
        if escalation.status not in ENDED:
            await refresh_card(uow, incident, escalation)
        await refresh_calls(uow, incident, escalation)
