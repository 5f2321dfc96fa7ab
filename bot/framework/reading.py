"""Finds what a request or effect is about: the incident, a person, a day."""

import re
import uuid
from calendar import monthrange
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.acquaintance import facts_of
from bot.framework.effect_context import EffectContext
from bot.framework.requests import Request, Services
from bot.slack import mentions
from bot.slack.errors import SlackPermanent
from bot.slack.gateway.people import SlackUser
from incidents.core.errors import InvalidInput, Superseded
from incidents.core.people import Person, PersonKind, actor_of, system_actor
from incidents.core.times import COUNT, find_duration, zone_of
from incidents.core.typed_dates import UnclearDayError, split_day
from incidents.engine.effects import Effect
from incidents.engine.prompts import Prompt
from incidents.incident.incident import ById, Incident, find_incident
from incidents.incident.views import IncidentView, get_incident_view
from incidents.people.assignable import Named
from incidents.people.directory import shared_addresses

DAY_EXAMPLE: Final = "Friday, 2026-12-01 or 5d"
_AFTER_DAYS: Final = re.compile(
    rf"(?:in\s+)?((?:\d{{1,3}}|{COUNT})\s*(?:d|days?|w|weeks?)(?: and a half)?)(?=[\s,;:]|$)",
    re.IGNORECASE,
)
_END_OF: Final = re.compile(
    r"(?:(?:the )?end of (?:the |this )?(?P<what>day|week|month)|(?P<eo>eod|eow|eom)|(?P<cob>cob|eob|tonight))\b[\s,;:]*",
    re.IGNORECASE,
)
_FRIDAY: Final = 4


def find_day(text: str, *, now: datetime, zone: str) -> date | None:
    """Return the day that the text is (`Friday`, `28 Nov`, `2026-12-01`, `5d`, `2w`), or None."""
    try:
        found, rest = split_due_day(text, now=now, zone=zone)
    except InvalidInput:
        return None
    return found if not rest else None


def split_due_day(text: str, *, now: datetime, zone: str) -> tuple[date | None, str]:
    """Return the day that the text begins with, if any, and the text after it.

    Raises: InvalidInput for what begins like a day and isn't clear: `3/4`, `31.02.`.
    """
    today = now.astimezone(zone_of(zone)).date()
    written = text.strip()
    after = _AFTER_DAYS.match(written)
    within = find_duration(after[1]) if after is not None else None
    if after is not None and within is not None:
        return today + within, written[after.end() :].lstrip(" ,;:")
    end = _END_OF.match(written)
    if end is not None:
        return _end_of(end, today), written[end.end() :]
    try:
        return split_day(written, today=today, is_past=False)
    except UnclearDayError:
        raise InvalidInput("due_on", "isn't a clear date", DAY_EXAMPLE) from None


def _end_of(match: re.Match[str], today: date) -> date:
    """Return today, this week's Friday (on a weekend the next one), or the month's last day."""
    last = (match["what"] or match["eo"] or "d")[-5:].casefold()
    if last in {"week", "eow"}:
        return today + timedelta(days=(_FRIDAY - today.weekday()) % 7)
    if last in {"month", "eom"}:
        return today.replace(day=monthrange(today.year, today.month)[1])
    return today


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


async def find_user(services: Services, name: str) -> SlackUser | None:
    """Return the person that the policy names by id or address, from Slack; None if nobody.

    An address names only an active member, and only if the directory knows no second one.
    Raises: SlackTemporary.
    """
    if "@" in name:
        async with services.database.reading() as session:
            shared = await shared_addresses(session, [name], workspace_id=services.workspace.id)
        if shared:
            return None
    gateway = services.gateway
    try:
        user = await (gateway.lookup_email(name) if "@" in name else gateway.user(name))
    except SlackPermanent:
        return None
    if user is None or "@" not in name:
        return user
    kind = facts_of(user).kind
    return user if user.is_active and kind is PersonKind.MEMBER else None


def person_in(token: str) -> Named | None:
    """Return the person in `<@U…|name>`, or None."""
    external_id = mentions.parse_user(token)
    if external_id is None:
        return None
    name = token.strip("<>").partition("|")[2]
    return Named(external_id, mentions.plain(name) or None)
