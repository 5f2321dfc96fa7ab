"""Sends an incident's news to those who follow it, one after the other and behind everything else."""

import uuid
from functools import partial

import structlog

from bot.features.channel.feature import get_incident_row
from bot.features.updates.news import news
from bot.features.updates.subscribe import Following, subject_name
from bot.framework.arguments import to_value
from bot.framework.effect_context import (
    Done,
    Dropped,
    EffectContext,
    Settlement,
    find_earlier,
    post,
)
from bot.framework.feature import Feature
from bot.framework.phrases import about
from bot.framework.reading import incident_id_of
from bot.slack import blocks
from bot.slack.errors import SlackPermanent
from bot.slack.rate_limits import Priority
from incidents.core.people import Person
from incidents.incident.views import EntryView, IncidentView, get_entry_view, view_of
from incidents.policy.policy import Policy
from incidents.updates.announcing import erase_if_redacted
from incidents.updates.effects import TellFollowers
from incidents.updates.followers import find_followers, find_reason
from incidents.updates.subscriptions import Follows, Subject

log = structlog.get_logger(__name__)


async def tell_followers(context: EffectContext) -> Settlement:
    """Send an entry to each follower; after each, the progress says who has it and who is left.

    Those left are fixed before the first message, so only the first of them can be in doubt.
    """
    effect, progress = context.get(TellFollowers), context.progress
    if "to" not in progress:
        async with context.services.database.reading() as session:
            incident = await get_incident_row(context, session)
            found = await find_followers(session, incident, policy=context.services.policy)
        if not found:
            return Dropped("nobody follows it")
        progress = {"to": [str(one) for one in found], "sent": []}
        await context.save_progress(progress)
    is_doubtful = context.is_uncertain
    while progress["to"]:
        first, *rest = progress["to"]
        place = await _tell(context, effect, uuid.UUID(first), is_doubtful=is_doubtful)
        is_doubtful = False
        sent = [*progress["sent"], *([[first, *place]] if place else [])]
        progress = {"to": rest, "sent": sent}
        await context.save_progress(progress)
    return Done(
        partial(erase_if_redacted, incident_id=incident_id_of(effect), entry_id=effect.entry_id)
    )


async def _tell(
    context: EffectContext, effect: TellFollowers, person_id: uuid.UUID, *, is_doubtful: bool
) -> tuple[str, str] | None:
    """Return where one follower has the message now; None if they get none."""
    services = context.services
    async with services.database.reading() as session:
        person = await session.get_one(Person, person_id)
        entry = await get_entry_view(session, effect.entry_id)
        incident = await get_incident_row(context, session)
        reason = await find_reason(session, incident, person, policy=services.policy)
        view = await view_of(session, incident)
    try:
        if is_doubtful:
            found = await find_earlier(context, channel_id=person.external_id)
            if found is not None:
                return found
        if reason is None or entry.is_redacted or entry.actor_id == person_id:
            return None
        message = followed(entry, view, reason, policy=services.policy)
        return await post(
            context, channel_id=person.external_id, message=message, priority=Priority.SPARE
        )
    except SlackPermanent as error:
        log.warning("follower_not_told", error=error.error)
        return None


def followed(
    entry: EntryView, incident: IncidentView, reason: Subject, *, policy: Policy
) -> blocks.Message:
    """Return an entry for a follower: which incident, what is new, why they get it, how to stop it."""
    what = news(entry, incident)
    this = Following(Follows.INCIDENT, str(incident.id))
    if reason.follows is Follows.INCIDENT:
        why, buttons = f"You follow {incident.reference}.", [_stop("Stop", this)]
    else:
        name = subject_name(reason, policy=policy)
        why = (
            "The policy names you for news like this."
            if reason.follows is Follows.POLICY
            else f"You follow {name}."
        )
        whole = Following(reason.follows, reason.key)
        buttons = [_stop(f"Stop for {incident.reference}", this), _stop(f"Stop {name}", whole)]
    return blocks.Message(
        text=f"{about(incident)}: {what.text.removeprefix(f'{incident.reference}: ')} {why}",
        blocks=(
            blocks.section(about(incident)),
            *what.blocks,
            blocks.context(why),
            blocks.actions(*buttons),
        ),
    )


def _stop(label: str, given: Following) -> blocks.ButtonElement:
    action = "follow_stop" if given.follows is Follows.INCIDENT else "follow_stop_all"
    return blocks.button(label, action_id=action, value=to_value(given))


FEATURE = Feature(name="followers", effects={TellFollowers: tell_followers})
