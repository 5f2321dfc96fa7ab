"""Keeping current what shows an escalation: its card, and the messages that called somebody."""

from incidents import effects as fx
from incidents.escalations import Escalation, EscalationStatus, calls_of, escalations_of
from incidents.ids import new_id
from incidents.incident import Incident
from incidents.outbox import Planned
from incidents.unit_of_work import UnitOfWork


async def refresh_card(uow: UnitOfWork, incident: Incident, escalation: Escalation) -> None:
    """Plan to bring the card up to date where no entry says that anything changed."""
    effect = fx.RefreshEscalationCard(incident_id=incident.id, escalation_id=escalation.id)
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
        effect = fx.RefreshEscalationCall(
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
