"""How a call reached somebody: by direct message, in the channel, one day by a pager."""

import uuid
from enum import StrEnum

from incidents.escalation_calls import get_escalation
from incidents.escalation_refresh import refresh_calls, refresh_card
from incidents.escalations import ENDED, EscalationCall, escalations_of
from incidents.incident import Incident
from incidents.unit_of_work import Outcome, UnitOfWork


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
