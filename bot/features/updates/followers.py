"""Sends an incident's news to those who follow it, one after the other and behind everything else."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

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
from incidents.engine.posted_messages import list_deliveries, next_delivery, settle_delivery
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.views import EntryView, IncidentView, get_entry_view, view_of
from incidents.policy.policy import Policy
from incidents.updates.announcing import erase_if_redacted
from incidents.updates.effects import TellFollowers
from incidents.updates.followers import find_followers, find_reason, incident_topic
from incidents.updates.subscriptions import Follows, Subject

log = structlog.get_logger(__name__)


Find = Callable[[AsyncSession], Awaitable[Sequence[uuid.UUID]]]
MessageFor = Callable[[Person], Awaitable[blocks.Message | None]]


async def tell_followers(context: EffectContext) -> Settlement:
    """Send an entry to each follower of its incident."""
    effect, services = context.get(TellFollowers), context.services
    policy = services.policy

    async def find(session: AsyncSession) -> Sequence[uuid.UUID]:
        incident = await get_incident_row(context, session)
        return await find_followers(session, incident_topic(incident), policy=policy)

    async def message_for(person: Person) -> blocks.Message | None:
        async with services.database.reading() as session:
            entry = await get_entry_view(session, effect.entry_id)
            incident = await get_incident_row(context, session)
            reason = await find_reason(session, incident_topic(incident), person, policy=policy)
            if reason is None or entry.is_redacted or entry.actor_id == person.id:
                return None
            return followed(entry, await view_of(session, incident), reason, policy=policy)

    if not await deliver(context, find, message_for):
        return Dropped("nobody follows it")
    return Done(
        partial(erase_if_redacted, incident_id=incident_id_of(effect), entry_id=effect.entry_id)
    )


async def deliver(context: EffectContext, find: Find, message_for: MessageFor) -> bool:
    """Send each person found their message, if they still get one; False if nobody was found.

    A row for each person is stored before the first message and settled after theirs. So each
    save is as small for the last of 500 as for the first, and only the first who is left can be in
    doubt.
    """
    database, effect_id = context.services.database, context.effect_id
    progress = context.progress
    if not progress:
        async with database.reading() as session:
            people = await find(session)
        if not people:
            return False

        async def listed(uow: UnitOfWork) -> None:
            await list_deliveries(uow.session, effect_id=effect_id, people=people)

        progress = {"listed": len(people)}
        await context.save_progress(progress, listed)
    is_doubtful, last = context.is_uncertain, None
    while True:
        async with database.reading() as session:
            person = await next_delivery(session, effect_id, after=last)
        if person is None:
            return True
        place = await _send(context, person, message_for, is_doubtful=is_doubtful)
        await context.save_progress(progress, partial(_settle, effect_id, person.id, place))
        is_doubtful, last = False, person.id


async def _settle(
    effect_id: uuid.UUID, person_id: uuid.UUID, place: tuple[str, str] | None, uow: UnitOfWork
) -> None:
    await settle_delivery(uow.session, effect_id=effect_id, person_id=person_id, place=place)


async def _send(
    context: EffectContext, person: Person, message_for: MessageFor, *, is_doubtful: bool
) -> tuple[str, str] | None:
    """Return where the person has the message now; None if they get none."""
    try:
        if is_doubtful:
            found = await find_earlier(context, channel_id=person.external_id)
            if found is not None:
                return found
        message = await message_for(person)
        if message is None:
            return None
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
