"""Says that the result of a request can't be posted in the incident's channel, and what to do."""

import uuid
from dataclasses import replace

from bot.framework.requests import Request, Say
from bot.slack.blocks import Message, section
from incidents.channel.life import is_bot_removed
from incidents.core.errors import IncidentNotFound
from incidents.incident.incident import ById
from incidents.incident.views import IncidentView, get_incident_view


async def with_silence(request: Request, answer: Say, incident_id: uuid.UUID | None) -> Say:
    """Return the answer; if nothing can be posted in the incident's channel, it says so."""
    why = await _why_silent(request, incident_id) if incident_id is not None else ""
    if not why:
        return answer
    message = answer.message
    told = Message(f"{message.text}\n{why}", (*message.blocks, section(why)))
    return replace(answer, message=told, is_needed=True)


async def _why_silent(request: Request, incident_id: uuid.UUID) -> str:
    try:
        view = await request.read(get_incident_view, ById(incident_id))
    except IncidentNotFound:
        return ""
    # Nobody waits for messages about an incident that is over: its channel may well be archived.
    return await _cause(request, view) if view.is_open else ""


async def _cause(request: Request, view: IncidentView) -> str:
    other = f"`{request.policy.command} {view.reference} channel #name` uses another one."
    if view.channel_id is None:
        return "I post it once the incident has a channel."
    if view.is_channel_archived:
        return f"I can't post it in the channel, which is archived. Unarchive it, or {other}"
    if view.is_channel_exposed:
        return f"I don't post it in the channel, which people outside can read. {other}"
    async with request.services.database.reading() as session:
        if await is_bot_removed(session, view.id):
            return (
                "I can't post it in the channel: I was removed from there. Type `/invite @Sitrep` "
                f"in it, or {other}"
            )
    return ""
