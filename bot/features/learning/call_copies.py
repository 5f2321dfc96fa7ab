"""Copies of a mentor's calls, as their shadows get them."""

from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.escalation.reasons import why_called
from bot.framework.effect_context import Dropped
from bot.framework.live_messages import LiveMessage, Showing, to_person
from bot.framework.reading import is_hidden_from, read_incident
from bot.framework.refusals import say
from bot.framework.requests import Services
from bot.slack import blocks, mentions
from incidents.core.ids import derived_id
from incidents.core.people import Person
from incidents.escalation.views import get_escalation_view
from incidents.incident.views import IncidentView, PersonView
from incidents.learning.effects import CopyCall

# A copy that arrives later shows nothing of how the call went.
_TOO_LATE: Final = timedelta(hours=1)


def call_copy(
    incident: IncidentView, called: PersonView, *, number: int, why: str
) -> blocks.Message:
    """Return the copy of a mentor's call; without people's text, so that nothing in it is outdated."""
    name = mentions.escape_line(called.name)
    where = f" in {mentions.channel_link(incident.channel_id)}" if incident.channel_id else ""
    drill = "drill " if incident.is_drill else ""
    severity = mentions.escape_line(incident.severity_name)
    told = f' I told {name}: "{why}"' if why else ""
    return say(
        f"*A copy for learning: I'm calling {name}* for {drill}{incident.reference} ({severity})"
        f"{where}, escalation {number}.{told}\n"
        f"You aren't called, and there's nothing to answer. You get it because you shadow {name}."
    )


async def _look_at_copy(
    session: AsyncSession, effect: CopyCall, services: Services
) -> Showing | Dropped:
    policy, now = services.policy, services.clock.now()
    incident = await read_incident(session, effect, services)
    person = await session.get_one(Person, effect.person_id)
    escalation = await get_escalation_view(session, effect.escalation_id, policy=policy, now=now)
    call = next((one for one in escalation.calls if one.id == effect.call_id), None)
    if call is None or await is_hidden_from(session, incident, person):
        return Dropped("nothing to copy")
    message = call_copy(
        incident,
        call.person,
        number=escalation.number,
        why=why_called(escalation, call, incident, policy),
    )
    is_late = now - call.called_at > _TOO_LATE
    return Showing(message, to_person(person, unless="too late to learn from" if is_late else ""))


CALL_COPY = LiveMessage(
    effect=CopyCall,
    purpose="call_copy",
    subject=lambda effect: derived_id(effect.call_id, str(effect.person_id)),
    look=_look_at_copy,
)
