"""Live messages: posted once, then edited in place. A feature declares how to load, render, place.

    load ──▶ state ──▶ place ──▶ a channel, people, a Home tab
               └─────▶ render ─▶ the message or view as things are now

`show` carries out the effect of any of them: everything is read in one session, Slack is called
outside of it, and where the message stands is recorded with the settling.
"""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

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
from incidents.core.ids import derived_id
from incidents.core.people import Person
from incidents.engine.effects import Effect
from incidents.engine.posted_messages import PostedMessage, find_posted, save_posted
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.views import IncidentView
from incidents.policy.policy import Policy

# What chat.update answers when a message can't be edited any more: a new one is posted then.
LOST = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"}
)
# A place that can't be written to any more: the record stays right, the message as it is.
CLOSED = frozenset({"is_inactive", "is_archived", "not_in_channel"})

EffectType = TypeVar("EffectType", bound=Effect)
State = TypeVar("State")
Shown_contra = TypeVar("Shown_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class InChannel:
    """A channel's message; one that stands elsewhere is posted anew here, unless it `stays` there.

    `unless` says why it isn't posted if it doesn't stand here yet, or was lost.
    """

    channel_id: str | None
    unless: str = ""
    stays: bool = False


@dataclass(frozen=True, slots=True)
class ToPeople:
    """A direct message to one person, or to several in a conversation of their own.

    `unless` says why it isn't posted if it doesn't stand there yet, or was lost.
    """

    people: tuple[str, ...] = ()
    unless: str = ""


@dataclass(frozen=True, slots=True)
class OnHome:
    """Somebody's Home tab, which is always there."""

    person: str


Place = InChannel | ToPeople | OnHome


def in_channel_of(incident: IncidentView, *, unless: str = "") -> InChannel:
    """Return the incident's channel as the place, while something can be said there."""
    if incident.channel_id is None or incident.is_channel_archived:
        return InChannel(None, "no channel to show it in")
    return InChannel(incident.channel_id, unless)


def to_person(person: Person | None, *, unless: str = "") -> ToPeople:
    """Return the person's direct messages as the place; who has left gets nothing new."""
    is_there = person is not None and person.is_active
    return ToPeople((person.external_id,) if person is not None and is_there else (), unless)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMessage(Generic[EffectType, State]):
    """A kind of message that is kept current: which effect shows it, and how.

    `subject` is which one it is among all with its purpose. `load` may drop the effect instead;
    `look_up` asks Slack for what else the message says. `reach` finds and joins the channel that
    isn't known, or that we were taken out of. `on_shown` is recorded besides when it was posted
    (in this channel), `on_dropped` when it wasn't shown.
    """

    effect: type[EffectType]
    purpose: str
    subject: Callable[[EffectType], uuid.UUID]
    load: Callable[[AsyncSession, EffectType, Services], Awaitable[State | Dropped]]
    render: Callable[[State, Policy], Message | View]
    place: Callable[[State], Place]
    look_up: Callable[[Services, State], Awaitable[State]] | None = None
    reach: Callable[[Services], Awaitable[str | None]] | None = None
    on_shown: Callable[[State, str], Record] | None = None
    on_dropped: Callable[[State, str], Record | None] | None = None

    def remember(self, effect: EffectType, channel_id: str, ts: str) -> Record:
        """Return what writes down where the message stands now."""

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


# -- what the incident channel and some people are shown alike ----------------------------------


class CopyRenderer(Protocol[Shown_contra]):
    """How a copy reads, in the channel or directly."""

    def __call__(
        self, shown: Shown_contra, incident: IncidentView, /, *, is_direct: bool
    ) -> Message:
        """Return the message as things are now."""


@dataclass(frozen=True, slots=True)
class Copy(Generic[State]):
    """One copy: what it shows, of which incident, to whom if not to the channel.

    It is hidden from whoever the incident has become too private for.
    """

    shown: State
    incident: IncidentView
    person: Person | None
    is_hidden: bool


def live_copies(
    *,
    effect: type[EffectType],
    purpose: str,
    about: Callable[[EffectType], tuple[uuid.UUID, uuid.UUID | None]],
    load: Callable[[AsyncSession, uuid.UUID], Awaitable[State]],
    render: CopyRenderer[State],
    is_over: Callable[[State], bool],
) -> LiveMessage[EffectType, Copy[State]]:
    """Return the live message of what the channel has one copy of, and each of some people one.

    `about` is what is shown, and to whom (None: the channel). Once over it isn't posted any more.
    """

    def subject(wanted: EffectType) -> uuid.UUID:
        subject_id, person_id = about(wanted)
        return derived_id(subject_id, str(person_id or "channel"))

    async def read(session: AsyncSession, wanted: EffectType, services: Services) -> Copy[State]:
        subject_id, person_id = about(wanted)
        incident = await read_incident(session, wanted, services)
        shown = await load(session, subject_id)
        if person_id is None:
            return Copy(shown, incident, None, is_hidden=False)
        person = await session.get_one(Person, person_id)
        is_hidden = await is_hidden_from(session, incident, person)
        return Copy(shown, incident, person, is_hidden=is_hidden)

    def rendered(copy: Copy[State], _policy: Policy) -> Message:
        if copy.is_hidden:
            return hidden_message(copy.incident)
        return render(copy.shown, copy.incident, is_direct=copy.person is not None)

    def place(copy: Copy[State]) -> Place:
        unless = "over before it was shown" if is_over(copy.shown) else ""
        if copy.person is None:
            return in_channel_of(copy.incident, unless=unless)
        return to_person(
            copy.person, unless="no longer theirs to see" if copy.is_hidden else unless
        )

    return LiveMessage(
        effect=effect, purpose=purpose, subject=subject, load=read, render=rendered, place=place
    )


# -- carrying the effect out --------------------------------------------------------------------


async def show(context: EffectContext, *, live: LiveMessage[EffectType, State]) -> Settlement:
    """Edit the message where it stands, or post it; a lost one is posted anew.

    What is one person's own is dropped if Slack refuses it: what it says can be looked up.

    Raises: SlackFailure.
    """
    effect = context.get(live.effect)
    async with context.services.database.reading() as session:
        state = await live.load(session, effect, context.services)
        if isinstance(state, Dropped):
            return state
        subject_id = live.subject(effect)
        posted = await find_posted(session, purpose=live.purpose, subject_id=subject_id)
    if live.look_up is not None:
        state = await live.look_up(context.services, state)
    try:
        settled = await _show(context, live, state, posted)
    except SlackPermanent as error:
        if not effect.one_persons_own:
            raise
        settled = Dropped(error.error)
    if isinstance(settled, Dropped) and live.on_dropped is not None:
        return Dropped(settled.reason, live.on_dropped(state, settled.reason))
    return settled


async def _show(
    context: EffectContext,
    live: LiveMessage[EffectType, State],
    state: State,
    posted: PostedMessage | None,
) -> Settlement:
    match live.place(state), live.render(state, context.services.policy):
        case OnHome(person), View() as view:
            await context.services.gateway.publish_home(person, view)
            return Done()
        case (InChannel() | ToPeople()) as place, Message() as message:
            if posted is not None and _holds(place, posted):
                settled = await _edit(context, live, posted, message)
                if settled is not None:
                    return settled
            stands_at = await _find_or_post(context, live, place, message)
            if stands_at is None:
                return Dropped(place.unless or "nowhere to show it")
            return Done(_recording(context, live, state, stands_at))
    raise TypeError(f"{live.purpose}: a Home tab takes a view, other places a message")


def _holds(place: InChannel | ToPeople, posted: PostedMessage) -> bool:
    return isinstance(place, ToPeople) or place.stays or posted.channel_id == place.channel_id


async def _edit(
    context: EffectContext,
    live: LiveMessage[EffectType, State],
    posted: PostedMessage,
    message: Message,
) -> Settlement | None:
    """Edit the message where it stands; None if it was lost."""
    gateway, place = context.services.gateway, (posted.channel_id, posted.message_ts)
    try:
        try:
            await gateway.update(*place, message)
        except SlackPermanent as error:
            if live.reach is None or error.error != "not_in_channel":
                raise
            await gateway.join(posted.channel_id)
            await gateway.update(*place, message)
    except SlackPermanent as error:
        if error.error in LOST:
            return None
        # What becomes of the incident's own channel is found out, and written down, elsewhere.
        if error.error in CLOSED and not context.effect.needs_channel:
            return Dropped(error.error)
        raise
    return Done()


async def _find_or_post(
    context: EffectContext,
    live: LiveMessage[EffectType, State],
    place: InChannel | ToPeople,
    message: Message,
) -> tuple[str, str] | None:
    """Return where the message stands now: an earlier attempt's, or a new one; None if neither."""
    if place.unless and not context.is_uncertain:
        return None
    target = await _target(context, place)
    if target is not None:
        found = await find_earlier(context, channel_id=target)
        if found is not None:
            # It shows how things were at that attempt.
            await context.services.gateway.update(*found, message)
            return found
    if place.unless:
        return None
    if target is not None:
        try:
            return await post(context, channel_id=target, message=message)
        except SlackPermanent as error:
            if live.reach is None or error.error not in LOST | CLOSED:
                raise
    target = await live.reach(context.services) if live.reach is not None else None
    return None if target is None else await post_once(context, channel_id=target, message=message)


async def _target(context: EffectContext, place: InChannel | ToPeople) -> str | None:
    if isinstance(place, InChannel):
        return place.channel_id
    if len(place.people) > 1:
        return await context.services.gateway.open_group(place.people)
    return next(iter(place.people), None)


def _recording(
    context: EffectContext,
    live: LiveMessage[EffectType, State],
    state: State,
    stands_at: tuple[str, str],
) -> Record:
    remember = live.remember(context.get(live.effect), *stands_at)
    besides = live.on_shown(state, stands_at[0]) if live.on_shown is not None else None

    async def record(uow: UnitOfWork) -> None:
        await remember(uow)
        if besides is not None:
            await besides(uow)

    return record
