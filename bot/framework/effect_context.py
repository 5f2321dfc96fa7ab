"""An effect handler's input and result: the effect, its earlier attempts, and how it ended."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from bot.framework.requests import Services
from bot.slack.blocks import Message
from bot.slack.errors import SlackPermanent
from bot.slack.ids import is_user_id
from bot.slack.rate_limits import Priority
from incidents.engine.effects import Effect
from incidents.engine.unit_of_work import UnitOfWork

Record = Callable[[UnitOfWork], Awaitable[None]]

EffectType = TypeVar("EffectType", bound=Effect)


@dataclass(frozen=True, slots=True)
class Done:
    """The effect is carried out; `record` stores Slack's answer in the same transaction."""

    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """The effect is no longer true; the reason is stored and counted.

    `record` stores the cause, if the handler has only now found it.
    """

    reason: str
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The effect can't succeed as it is: a dead letter. `record` may add that to the timeline."""

    error: str
    record: Record | None = None


Settlement = Done | Dropped | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectContext:
    """One attempt at one effect."""

    services: Services
    effect: Effect
    effect_id: uuid.UUID
    entry_id: uuid.UUID | None
    attempt: int
    # An earlier attempt may have taken effect: look before repeating.
    is_uncertain: bool
    created_at: datetime
    # False if the incident was public when the effect was claimed, an instant ago.
    is_private: bool = True
    progress: dict[str, Any] = field(default_factory=dict)
    # Messages that this attempt posted or found, as (channel id, ts): see `Dispatcher._settle`.
    posted: list[tuple[str, str]] = field(default_factory=list)
    # Takes the progress, and a record to make with it, if any.
    save_progress: Callable[..., Awaitable[None]]

    def get(self, effect_type: type[EffectType]) -> EffectType:
        """Return the effect, typed. Raises: TypeError if the handler table is wired wrongly."""
        if not isinstance(self.effect, effect_type):
            raise TypeError(f"{type(self.effect).__name__} is not {effect_type.__name__}")
        return self.effect


async def post_once(
    context: EffectContext, *, channel_id: str, message: Message
) -> tuple[str, str]:
    """Post the message unless an earlier attempt did; return its channel id and ts."""
    found = await find_earlier(context, channel_id=channel_id)
    if found is not None:
        return found
    return await post(context, channel_id=channel_id, message=message)


# Slack takes no reply to this message: it is gone, or the channel has no threads.
NO_REPLIES = frozenset(
    {
        "thread_not_found",
        "message_not_found",
        "invalid_thread_ts",
        "cannot_reply_to_message",
        "restricted_action_thread_locked",
        "restricted_action_non_threadable_channel",
    }
)


async def find_earlier(
    context: EffectContext, *, channel_id: str, thread_ts: str | None = None
) -> tuple[str, str] | None:
    """Return the channel id and ts of an earlier uncertain attempt's message, or None."""
    if not context.is_uncertain:
        return None
    gateway = context.services.gateway
    if is_user_id(channel_id):
        # A message is found and edited by its conversation's id, not by the person's.
        channel_id = await gateway.open_direct(channel_id)
    found = await gateway.find_posted(
        channel_id,
        effect_id=str(context.effect_id),
        oldest=context.created_at - timedelta(minutes=1),
        thread_ts=thread_ts,
    )
    if found is None:
        return None
    context.posted.append((channel_id, found))
    return channel_id, found


async def find_reply(
    context: EffectContext, *, channel_id: str, threads: Sequence[str]
) -> tuple[str, str] | None:
    """Return where an earlier uncertain attempt replied: in these threads, or else in the channel."""
    for thread_ts in threads:
        found = await find_earlier(context, channel_id=channel_id, thread_ts=thread_ts)
        if found is not None:
            return found
    return await find_earlier(context, channel_id=channel_id)


async def post(
    context: EffectContext,
    *,
    channel_id: str,
    message: Message,
    thread_ts: str | None = None,
    is_broadcast: bool = False,
    priority: Priority = Priority.WORK,
) -> tuple[str, str]:
    """Post the message, marked with the effect's id; return its channel id and ts."""
    posted = await context.services.gateway.post(
        channel_id,
        message,
        effect_id=str(context.effect_id),
        thread_ts=thread_ts,
        is_broadcast=is_broadcast,
        priority=priority,
    )
    context.posted.append((posted.channel, posted.ts))
    return posted.channel, posted.ts


async def upload_once(
    context: EffectContext,
    *,
    channel_id: str,
    filename: str,
    content: bytes,
    comment: str | None = None,
    oldest: datetime | None = None,
    reply_to: str | None = None,
) -> None:
    """Upload a file unless an earlier attempt did, which the file's name shows.

    `oldest` is when an earlier attempt may have begun; None: when the effect was planned.
    `reply_to` is the first message of the thread that it goes in.
    """
    gateway = context.services.gateway
    since = oldest or context.created_at
    if context.is_uncertain and await gateway.has_file(
        channel_id, filename=filename, oldest=since, thread=reply_to
    ):
        return
    upload = partial(
        gateway.upload_file, channel_id, filename=filename, content=content, comment=comment
    )
    try:
        await upload(reply_to=reply_to)
    except SlackPermanent as error:
        if reply_to is None or error.error not in NO_REPLIES:
            raise
        await upload()


async def upload_directly(
    context: EffectContext, external_id: str, *, filename: str, content: bytes, comment: str
) -> Settlement:
    """Upload a file to somebody's direct messages with the bot, unless an earlier attempt did.

    Dropped if Slack refuses: it is private to them, so nobody else learns of it, and they can ask
    again.
    """
    try:
        place = await context.services.gateway.open_direct(external_id)
        await upload_once(
            context, channel_id=place, filename=filename, content=content, comment=comment
        )
    except SlackPermanent as error:
        return Dropped(error.error)
    return Done()
