"""Live messages: posted once, then edited in place. Features declare them.

A declaration's `look` loads, renders and picks the place in one session, before Slack is called.
`show` carries out the effect of any live message, and records where the message is.
"""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.effect_context import (
    Done,
    Dropped,
    EffectContext,
    Record,
    Settlement,
    find_earlier,
    post,
    post_once,
)
from bot.framework.phrases import hidden_message
from bot.framework.reading import is_hidden_from, read_incident
from bot.framework.requests import Services
from bot.slack.blocks import Message, View
from bot.slack.errors import SlackPermanent
from bot.slack.rate_limits import Priority
from incidents.core.ids import derived_id
from incidents.core.people import Person
from incidents.engine.effects import Effect
from incidents.engine.posted_messages import PostedMessage, find_posted, save_posted
from incidents.engine.settling import has_dead_letter
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.views import IncidentView

# Errors of chat.update for a message that is there, but can't be edited any more.
UNEDITABLE = frozenset({"cant_update_message", "edit_window_closed"})
# Those for which a new message is posted.
LOST = UNEDITABLE | {"message_not_found", "channel_not_found"}
# Errors for a place that can't be written to any more; the message stays as it is.
CLOSED = frozenset({"is_inactive", "is_archived", "not_in_channel"})
# Slack says `channel_not_found` of a private channel that removed the bot; it may return.
UNREACHABLE = CLOSED | {"channel_not_found"}

EffectType = TypeVar("EffectType", bound=Effect)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class InChannel:
    """A message in a channel; if it is in another one, it is reposted here unless it `stays`.

    `unless`, if given, is the reason not to post a message that isn't here yet or was lost.
    """

    channel_id: str | None
    unless: str = ""
    stays: bool = False


@dataclass(frozen=True, slots=True)
class ToPeople:
    """A direct message to one person, or to several in a group conversation.

    `unless`, if given, is the reason not to post a message that isn't there yet or was lost.
    """

    people: tuple[str, ...] = ()
    unless: str = ""


@dataclass(frozen=True, slots=True)
class Unreached:
    """Why a live message's channel can't be reached."""

    reason: str


@dataclass(frozen=True, slots=True)
class OnHome:
    """A person's Home tab, which always exists."""

    person: str
    priority: Priority = Priority.WORK


Place = InChannel | ToPeople | OnHome


def in_channel_of(incident: IncidentView, *, unless: str = "") -> InChannel:
    """Return the incident's channel as the place, if anything may be posted there; else no place."""
    if incident.channel_id is None or incident.is_channel_archived or incident.is_channel_exposed:
        return InChannel(None, "no channel to show it in")
    return InChannel(incident.channel_id, unless)


def to_person(person: Person, *, unless: str = "") -> ToPeople:
    """Return the person's direct messages as the place; inactive people get nothing new."""
    return ToPeople((person.external_id,) if person.is_active else (), unless)


@dataclass(frozen=True, slots=True)
class Showing:
    """What a live message shows now, and where it belongs.

    `on_shown` makes an extra record when it is shown, from the id of its channel, or of the person
    for a Home tab; `on_dropped` makes one when it isn't shown, from the reason.
    """

    shown: Message | View
    place: Place
    on_shown: Callable[[str], Record] | None = None
    on_dropped: Callable[[str], Record | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMessage(Generic[EffectType]):
    """A kind of live message: which effect shows it, and how.

    `subject` identifies the message among all with its purpose. `look` may drop the effect.
    `reach` finds and joins the channel, if it isn't known or the bot was removed from it.
    `on_replaced` makes an extra record when a new message takes the place of a lost one.
    """

    effect: type[EffectType]
    purpose: str
    subject: Callable[[EffectType], uuid.UUID]
    look: Callable[[AsyncSession, EffectType, Services], Awaitable[Showing | Dropped]]
    reach: Callable[[Services], Awaitable[str | Unreached]] | None = None
    on_replaced: Callable[[EffectType], Record] | None = None

    def remember(self, effect: EffectType, channel_id: str, ts: str) -> Record:
        """Return the record of where the message is now."""

        async def record(uow: UnitOfWork) -> None:
            await save_posted(
                uow.session,
                incident_id=effect.incident_id,
                purpose=self.purpose,
                subject_id=self.subject(effect),
                channel_id=channel_id,
                message_ts=ts,
                now=uow.now,
            )

        return record


async def show(context: EffectContext, *, live: LiveMessage[EffectType]) -> Settlement:
    """Edit the message in place, or post it if it is new or lost.

    If Slack refuses one person's own message, it is dropped: they can look up what it says. Of any
    other, only the first refusal becomes a dead letter; its *Retry* shows the state by then. Outside
    an incident, who is told by `on_dropped` hears of each.

    Raises: SlackFailure.
    """
    effect = context.get(live.effect)
    async with context.services.database.reading() as session:
        showing = await live.look(session, effect, context.services)
        if isinstance(showing, Dropped):
            return showing
        subject_id = live.subject(effect)
        posted = await find_posted(session, purpose=live.purpose, subject_id=subject_id)
    try:
        settled = await _show(context, live, showing, posted)
    except SlackPermanent as error:
        if effect.one_persons_own:
            log.warning("own_message_refused", purpose=live.purpose, error=error.error)
            settled = Dropped(error.error)
        elif effect.incident_id is None and showing.on_dropped is not None:
            settled = Dropped(error.error)  # no channel shows a dead letter, but somebody is told
        elif error.error not in UNREACHABLE and await _failed_before(context):
            return Dropped(f"{error.cause} (said already)")
        else:
            raise
    if isinstance(settled, Dropped) and showing.on_dropped is not None:
        return Dropped(settled.reason, showing.on_dropped(settled.reason))
    return settled


async def _show(
    context: EffectContext,
    live: LiveMessage[EffectType],
    showing: Showing,
    posted: PostedMessage | None,
) -> Settlement:
    match showing.place, showing.shown:
        case OnHome(person, priority), View() as view:
            await context.services.gateway.publish_home(person, view, priority=priority)
            return Done(showing.on_shown(person) if showing.on_shown is not None else None)
        case (InChannel() | ToPeople()) as place, Message() as message:
            if posted is not None and _holds(place, posted):
                settled = await _edit(context, live, posted, message)
                if settled is not None:
                    return settled
            elif posted is not None and isinstance(place, InChannel) and place.channel_id:
                await _unpin(context, posted)  # first, so that a crash in between repeats it
            location = await _find_or_post(context, live, place, message)
            if isinstance(location, str):
                return Dropped(location)
            is_new = posted is not None and posted.message_ts != location[1]
            return Done(_recording(context, live, showing, location, is_replaced=is_new))
    raise TypeError(f"{live.purpose}: a Home tab takes a view, other places a message")


def _holds(place: InChannel | ToPeople, posted: PostedMessage) -> bool:
    return isinstance(place, ToPeople) or place.stays or posted.channel_id == place.channel_id


async def _edit(
    context: EffectContext,
    live: LiveMessage[EffectType],
    posted: PostedMessage,
    message: Message,
) -> Settlement | None:
    """Edit the message in place; return None if it was lost, and has to be posted again."""
    gateway, location = context.services.gateway, (posted.channel_id, posted.message_ts)
    try:
        try:
            await gateway.update(*location, message)
        except SlackPermanent as error:
            if live.reach is None or error.error != "not_in_channel":
                raise
            await gateway.join(posted.channel_id)
            await gateway.update(*location, message)
    except SlackPermanent as error:
        if error.error in LOST:
            await _take_away(context, posted, error)
            return None
        # For the incident's own channel, `while_channel_lasts` finds and records what happened.
        if error.error in CLOSED and not context.effect.needs_channel:
            log.warning("message_not_refreshed", channel_id=location[0], error=error.error)
            return Dropped(error.error)
        raise
    return Done()


async def _take_away(
    context: EffectContext, posted: PostedMessage, refusal: SlackPermanent
) -> None:
    """Delete a message that can't be edited, so that it doesn't lie beside a new one.

    Raises: the refusal, if the message is ours and stays: a new one could be edited as little, so
    each change would add another.
    """
    gateway, location = context.services.gateway, (posted.channel_id, posted.message_ts)
    if refusal.error == "channel_not_found":
        return
    try:
        await gateway.delete(*location)
    except SlackPermanent as error:
        log.warning("old_message_not_deleted", channel_id=location[0], error=error.error)
        if refusal.error != "message_not_found" and await _is_ours(context, posted):
            raise refusal from None
        await _unpin(context, posted)


async def _is_ours(context: EffectContext, posted: PostedMessage) -> bool:
    """Tell whether the message is there, and from the bot that we are now."""
    services = context.services
    try:
        found = await services.gateway.fetch_message(posted.channel_id, posted.message_ts)
    except SlackPermanent:
        return True
    return found is not None and found.user_id == services.workspace.bot_external_id


async def _unpin(context: EffectContext, posted: PostedMessage) -> None:
    try:
        await context.services.gateway.unpin(posted.channel_id, posted.message_ts)
    except SlackPermanent as error:
        log.warning("old_message_not_unpinned", channel_id=posted.channel_id, error=error.error)


async def _failed_before(context: EffectContext) -> bool:
    async with context.services.database.reading() as session:
        return await has_dead_letter(session, context.effect)


async def _find_or_post(
    context: EffectContext,
    live: LiveMessage[EffectType],
    place: InChannel | ToPeople,
    message: Message,
) -> tuple[str, str] | str:
    """Return where an earlier attempt's or a new message is, or why there is neither."""
    if place.unless and not context.is_uncertain:
        return place.unless
    target = await _target(context, place)
    if target is not None:
        found = await find_earlier(context, channel_id=target)
        if found is not None:
            # It still shows the state at that attempt.
            try:
                await context.services.gateway.update(*found, message)
            except SlackPermanent as error:
                if error.error not in LOST:
                    raise
            return found
    if place.unless:
        return place.unless
    if target is not None:
        try:
            return await post(context, channel_id=target, message=message)
        except SlackPermanent as error:
            if live.reach is None or error.error not in LOST | CLOSED:
                raise
    if live.reach is None:
        return "nowhere to show it"
    reached = await live.reach(context.services)
    if isinstance(reached, Unreached):
        return reached.reason
    return await post_once(context, channel_id=reached, message=message)


async def _target(context: EffectContext, place: InChannel | ToPeople) -> str | None:
    if isinstance(place, InChannel):
        return place.channel_id
    if len(place.people) > 1:
        return await context.services.gateway.open_group(place.people)
    return next(iter(place.people), None)


def _recording(
    context: EffectContext,
    live: LiveMessage[EffectType],
    showing: Showing,
    location: tuple[str, str],
    *,
    is_replaced: bool,
) -> Record:
    effect = context.get(live.effect)
    records = [live.remember(effect, *location)]
    if showing.on_shown is not None:
        records.append(showing.on_shown(location[0]))
    if is_replaced and live.on_replaced is not None:
        records.append(live.on_replaced(effect))

    async def record(uow: UnitOfWork) -> None:
        for one in records:
            await one(uow)

    return record


# -- copies for the incident channel and for people ---------------------------------------------

Card = TypeVar("Card")
Card_contra = TypeVar("Card_contra", contravariant=True)


class CopyRenderer(Protocol[Card_contra]):
    """Renders a copy for the channel or for a direct message."""

    def __call__(self, card: Card_contra, incident: IncidentView, /, *, is_direct: bool) -> Message:
        """Return the message as things are now."""


def live_copies(
    *,
    effect: type[EffectType],
    purpose: str,
    about: Callable[[EffectType], tuple[uuid.UUID, uuid.UUID | None]],
    load: Callable[[AsyncSession, uuid.UUID], Awaitable[Card]],
    render: CopyRenderer[Card],
    is_over: Callable[[Card], bool],
) -> LiveMessage[EffectType]:
    """Return a live message with one copy in the channel, and one for each of some people.

    `about` returns the subject's id and the reader's (None: the channel). Nothing is posted once
    it is over. A copy is hidden once its reader may no longer see the incident.
    """

    def subject(wanted: EffectType) -> uuid.UUID:
        subject_id, person_id = about(wanted)
        return derived_id(subject_id, str(person_id or "channel"))

    async def look(session: AsyncSession, wanted: EffectType, services: Services) -> Showing:
        subject_id, person_id = about(wanted)
        incident = await read_incident(session, wanted, services)
        card = await load(session, subject_id)
        unless = "over before it was shown" if is_over(card) else ""
        if person_id is None:
            message = render(card, incident, is_direct=False)
            return Showing(message, in_channel_of(incident, unless=unless))
        person = await session.get_one(Person, person_id)
        if await is_hidden_from(session, incident, person):
            hidden = to_person(person, unless="no longer theirs to see")
            return Showing(hidden_message(incident), hidden)
        message = render(card, incident, is_direct=True)
        return Showing(message, to_person(person, unless=unless))

    return LiveMessage(effect=effect, purpose=purpose, subject=subject, look=look)
