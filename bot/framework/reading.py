"""Finds what a request or effect is about: the incident, a person, a day."""

import uuid
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.effect_context import EffectContext
from bot.framework.requests import Request, Services
from bot.slack import mentions
from bot.slack.gateway.people import SlackUser
from incidents.core.errors import Superseded
from incidents.core.people import Person, PersonFacts, actor_of, system_actor
from incidents.core.times import find_duration, zone_of
from incidents.engine.effects import Effect
from incidents.engine.prompts import Prompt
from incidents.incident.incident import ById, Incident, find_incident
from incidents.incident.views import IncidentView, get_incident_view
from incidents.people.assignable import Named
from incidents.people.directory import kind_of


def find_day(text: str, *, now: datetime, zone: str) -> date | None:
    """Return the date in the text (`2026-12-01`, or `5d` from today in the zone), or None."""
    written = text.strip()
    duration = find_duration(written)
    if duration is not None:
        return (now.astimezone(zone_of(zone)) + duration).date()
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


async def load_incident(context: EffectContext) -> IncidentView:
    """Return an effect's incident as it is now."""
    async with context.services.database.reading() as session:
        return await read_incident(session, context.effect, context.services)


async def read_incident(session: AsyncSession, effect: Effect, services: Services) -> IncidentView:
    """Return an effect's incident as it is now, read in an open session."""
    return await get_incident_view(
        session,
        ById(incident_id_of(effect)),
        workspace_id=services.workspace.id,
        viewer=system_actor(),
    )


def incident_id_of(effect: Effect) -> uuid.UUID:
    """Return the id of the effect's incident. Raises: ValueError if it has none."""
    if effect.incident_id is None:
        raise ValueError("this effect names no incident")
    return effect.incident_id


async def is_hidden_from(
    session: AsyncSession, incident: Incident | IncidentView, person: Person
) -> bool:
    """Tell whether the incident is private and this person can't see it now."""
    if not incident.is_private:
        return False
    found = await find_incident(
        session,
        ById(incident.id),
        workspace_id=incident.workspace_id,
        viewer=actor_of(person),
    )
    return found is None


async def own_prompt(request: Request, prompt_id: uuid.UUID) -> Prompt:
    """Return the requesting person's own prompt. Raises: Superseded if there is none."""
    async with request.services.database.reading() as session:
        prompt = await session.get(Prompt, prompt_id)
    if prompt is None or prompt.person_id != request.actor.person_id:
        raise Superseded("prompt")
    return prompt


def facts_of(user: SlackUser) -> PersonFacts:
    """Return Slack's description of a user as facts for the domain."""
    return PersonFacts(
        external_id=user.id,
        name=user.name,
        zone=user.zone,
        email=user.email,
        is_active=user.is_active,
        kind=kind_of(is_bot=user.is_bot, is_guest=user.is_guest, is_external=user.is_external),
    )


def person_in(token: str) -> Named | None:
    """Return the person in `<@U…|name>`, or None."""
    external_id = mentions.parse_user(token)
    if external_id is None:
        return None
    name = token.strip("<>").partition("|")[2]
    return Named(external_id, mentions.plain(name) or None)
