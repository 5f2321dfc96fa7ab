"""The read-in: what a newcomer to an incident channel needs to know, visible only to them."""

import uuid
from datetime import datetime, timedelta
from functools import partial

from bot.framework.arguments import on_incident
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.feature import Feature
from bot.framework.reading import is_hidden_from, read_incident
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request
from bot.slack import blocks, mentions
from bot.slack.errors import SlackPermanent
from bot.slack.truncation import shorten_mrkdwn
from incidents.channel.read_in import Need, most_needed, offer_read_in
from incidents.core.people import Person
from incidents.engine.effects import SendReadIn
from incidents.incident.cadence import UpdateView
from incidents.incident.views import IncidentView
from incidents.policy.policy import COMMANDER

# By then the newcomer has read the channel or left.
STALE_AFTER = timedelta(minutes=10)
_LONGEST_LINE = 300


async def newcomer(request: Request) -> Reply:
    """Plan the read-in for somebody who joined an incident channel."""
    us = request.services.workspace.bot_external_id
    if request.channel_id and request.event.get("user") != us:
        await request.transact(partial(offer_read_in, channel_id=request.channel_id))
    return None


async def send_read_in(context: EffectContext) -> Settlement:
    """Show the read-in at most once; never repeat it after an uncertain outcome."""
    effect = context.get(SendReadIn)
    services = context.services
    async with services.database.reading() as session:
        view = await read_incident(session, effect, services)
        person = await session.get(Person, effect.person_id)
        if person is not None and await is_hidden_from(session, view, person):
            return Dropped("not theirs to see")
    if person is None or view.channel_id is None or view.is_channel_archived:
        return Dropped("nobody to read in, or nowhere")
    now = services.clock.now()
    if context.is_uncertain or now - context.created_at > STALE_AFTER:
        return Dropped("may have been shown" if context.is_uncertain else "too late")
    message = read_in_message(
        view, view.latest_update, now=now, slash=services.policy.command, reader_id=person.id
    )
    try:
        await services.gateway.post_ephemeral(view.channel_id, person.external_id, message)
    except SlackPermanent as error:
        # They left, or aren't in Slack now: the status card says the same.
        return Dropped(error.error)
    return Done()


def read_in_message(
    view: IncidentView,
    update: UpdateView | None,
    *,
    now: datetime,
    slash: str,
    reader_id: uuid.UUID | None = None,
) -> blocks.Message:
    """Return the read-in: severity, status, impact, roles, last update, and what is needed now."""
    leads = any(person.id == reader_id for person in view.holders(COMMANDER))
    need = most_needed(
        view.status,
        has_commander=bool(view.holders(COMMANDER)),
        next_update_due_at=view.next_update_due_at,
        now=now,
    )
    title, severity = mentions.escape_line(view.title), mentions.escape_line(view.severity_name)
    lines = [
        f"*{view.reference}* {title}: {severity}, {view.status}.",
        *([f"*Impact* {mentions.escape_line(view.impact)}"] if view.impact.strip() else []),
        f"*Roles* {_roles_text(view)}",
        f"*Last update* {_update_text(update)}",
        f"*Needed now* {_need_text(need, view, slash=slash, leads=leads)}",
    ]
    text = "\n".join(shorten_mrkdwn(line, _LONGEST_LINE) for line in lines)
    if need is not Need.COMMANDER:
        if leads or view.is_private or view.is_drill or not view.is_open:
            return say(text)
        lead = next((person.external_id for person in view.holders(COMMANDER)), "")
        shadow = blocks.button("Here to learn? Shadow…", action_id="shadow_open", value=lead or "-")
        return say(text, shadow)
    take = blocks.button(
        "Take command", action_id="role_take_command", value=on_incident(view), style="primary"
    )
    return say(text, take)


def _roles_text(view: IncidentView) -> str:
    held = [
        f"{mentions.escape_line(role.role_name)}: {mentions.escape_line(role.person.name)}"
        for role in view.roles
    ]
    return " · ".join(held) or "none taken yet"


def _update_text(update: UpdateView | None) -> str:
    if update is None:
        return "none yet"
    return f"({mentions.date(update.posted_at, '{date_short_pretty} {time}')}) {mentions.escape_line(update.headline)}".strip()


def _need_text(need: Need, view: IncidentView, *, slash: str, leads: bool) -> str:
    match need:
        case Need.COMMANDER:
            return f"somebody to take command: `{slash} role commander me`"
        case Need.UPDATE:
            return f"a stakeholder update, which is due: `{slash} update`"
        case Need.HANDS if leads:
            return "say here that you have command, then size it up"
        case Need.HANDS:
            lead = ", ".join(
                mentions.escape_line(person.name) for person in view.holders(COMMANDER)
            )
            return f"ask {lead} what you can take on; `{slash} help` shows the rest"
        case Need.POSTMORTEM:
            return "the postmortem: add what you saw with the others"
        case Need.NOTHING:
            return "nothing; everything is here to read"


FEATURE = Feature(
    name="read_in",
    events={"member_joined_channel": newcomer},
    effects={SendReadIn: send_read_in},
)
