"""Captures marked and pinned messages, files, and joins and leaves for the timeline."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from bot.features.record.marked_messages import (
    content_of,
    fetch_marked,
    is_own,
    sent_at_of,
    sign_message,
)
from bot.features.record.references import plain_text
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.slack import mentions
from bot.slack.errors import SlackFailure
from bot.slack.gateway.messages import message_of
from bot.slack.ids import permalink
from bot.slack.message_content import SharedFile, files_of, text_of
from incidents.channel.membership import join_channel, leave_channel
from incidents.core.errors import IncidentNotFound
from incidents.engine.effects import FetchMarkedMessage, SignMessage
from incidents.engine.unit_of_work import Outcome
from incidents.record.captured_messages import MarkSource, MessageKey, find_captured
from incidents.record.linked_files import LinkedFile, link_files
from incidents.record.marks import (
    follow_deletion,
    follow_edit,
    is_incident_channel,
    mark_message,
    unmark_message,
)

log = structlog.get_logger(__name__)


# -- reactions and pins -----------------------------------------------------------------------


async def on_reaction_added(request: Request) -> Reply:
    """Mark a message when somebody adds the policy's emoji."""
    return await _follow(request, mark_message, _reacted_message(request), MarkSource.REACTION)


async def on_reaction_removed(request: Request) -> Reply:
    """Remove the mark when the emoji is removed."""
    return await _follow(request, unmark_message, _reacted_message(request), MarkSource.REACTION)


async def on_pin_added(request: Request) -> Reply:
    """Mark a message when somebody pins it."""
    if not request.policy.timeline.capture_pins:
        return None
    return await _follow(request, mark_message, _pinned_message(request), MarkSource.PIN)


async def on_pin_removed(request: Request) -> Reply:
    """Remove the mark when the message is unpinned."""
    return await _follow(request, unmark_message, _pinned_message(request), MarkSource.PIN)


async def _follow(
    request: Request,
    use_case: Callable[..., Awaitable[Outcome]],
    message: MessageKey | None,
    source: MarkSource,
) -> Reply:
    if message is not None and await _is_ours_to_follow(request, message.channel_id):
        at = _event_at(request)
        await request.transact(partial(use_case, message=message, source=source, at=at))
    return None


def _event_at(request: Request) -> datetime:
    """Return when it happened by Slack's clock, as events can arrive out of order."""
    return sent_at_of(str(request.event.get("event_ts")), fallback=request.now)


def _reacted_message(request: Request) -> MessageKey | None:
    event = request.event
    item = event.get("item") or {}
    # A reaction may carry a skin tone: `+1::skin-tone-3`.
    emoji = str(event.get("reaction") or "").split("::")[0]
    if item.get("type") != "message" or emoji != request.policy.timeline.marker_emoji:
        return None
    if event.get("item_user") == request.services.workspace.bot_external_id:
        return None  # our own messages come from the timeline
    return MessageKey(str(item.get("channel")), str(item.get("ts")))


def _pinned_message(request: Request) -> MessageKey | None:
    message = (request.event.get("item") or {}).get("message") or {}
    if not message.get("ts") or is_own(message, request.services):
        return None
    return MessageKey(str(request.event.get("channel_id")), str(message["ts"]))


# -- messages ---------------------------------------------------------------------------------


async def on_message(request: Request) -> Reply:
    """Follow edits and deletions of captured messages, and record shared files."""
    event = request.event
    match event.get("subtype"):
        case "message_changed":
            await _follow_change(request, event.get("message") or {})
        case "message_deleted":
            await _follow_deletion(request, str(event.get("deleted_ts")))
        case None | "file_share" | "thread_broadcast" | "bot_message":
            await _note_files(request)
    return None


async def _follow_change(request: Request, message: Mapping[str, Any]) -> None:
    if message.get("subtype") == "tombstone":  # the deleted first message of a thread
        await _follow_deletion(request, str(message.get("ts")))
        return
    said = text_of(message)
    if said == text_of(request.event.get("previous_message") or {}):  # a link preview was added
        return
    key = await _captured_key(request, str(message.get("ts")))
    if key is None:
        return
    text = await plain_text(request.services, said, within=request.ask_seconds)
    await request.transact(partial(follow_edit, message=key, text=text))


async def _follow_deletion(request: Request, ts: str) -> None:
    key = await _captured_key(request, ts)
    if key is not None:
        await request.transact(partial(follow_deletion, message=key))


async def _captured_key(request: Request, ts: str) -> MessageKey | None:
    key = MessageKey(request.channel_id or "", ts)
    workspace_id = request.services.workspace.id
    async with request.services.database.reading() as session:
        captured = await find_captured(session, key, workspace_id=workspace_id)
    return None if captured is None else key


async def _note_files(request: Request) -> None:
    event = request.event
    files = files_of(event)
    if not files or not request.policy.timeline.capture_files:
        return
    if is_own(event, request.services):
        return
    channel_id = request.channel_id or ""
    if await _is_ours_to_follow(request, channel_id):
        sent_at = sent_at_of(str(event.get("ts")), fallback=request.now)
        linked = tuple([await _described(request, file) for file in files])
        use_case = partial(link_files, channel_id=channel_id, files=linked, sent_at=sent_at)
        await request.transact(use_case)


async def _described(request: Request, file: SharedFile) -> LinkedFile:
    """Return the file with a link: its own, or else that of the message it was shared in.

    Some files of other organisations come as an id alone: Slack is asked about them, which works
    for an app with the scope `files:read`.
    """
    if not file.is_whole:
        try:
            async with asyncio.timeout(request.ask_seconds):
                file = await request.services.gateway.file(file.id)
        except (SlackFailure, TimeoutError) as error:
            log.info("file_not_described", error=getattr(error, "error", "timeout"))
    link = file.permalink or permalink(
        request.services.workspace.url,
        channel_id=request.channel_id or "",
        ts=str(request.event.get("ts")),
        thread_ts=request.event.get("thread_ts"),
    )
    return LinkedFile(id=file.id, name=file.name, permalink=link)


# -- people in the channel --------------------------------------------------------------------


async def on_member_joined(request: Request) -> Reply:
    """Record that somebody joined an incident's channel."""
    await _follow_member(request, is_joining=True)
    return None


async def on_member_left(request: Request) -> Reply:
    """Record that somebody left an incident's channel."""
    await _follow_member(request, is_joining=False)
    return None


async def _follow_member(request: Request, *, is_joining: bool) -> None:
    channel_id = request.channel_id or ""
    if request.actor.external_id == request.services.workspace.bot_external_id:
        return
    if await _is_ours_to_follow(request, channel_id):
        use_case = partial(leave_channel, channel_id=channel_id, at=_event_at(request))
        if is_joining:
            inviter = request.event.get("inviter")
            at = _event_at(request)
            use_case = partial(join_channel, channel_id=channel_id, at=at, inviter=inviter)
        await request.transact(use_case)


# -- the shortcut -----------------------------------------------------------------------------


async def add_to_timeline(request: Request) -> Reply:
    """Add a message to the timeline from its menu; also works in threads."""
    raw, channel_id = request.message, request.channel_id or ""
    if is_own(raw, request.services):
        return Say(say("That is my own message. What it says is already on the timeline."))
    message = message_of(raw, channel=channel_id)
    content = await content_of(
        request.services, message, now=request.now, within=request.ask_seconds
    )
    # Without text or the author's name, fetch the message before recording it.
    is_complete = bool(message.text) and content.author.name != message.user_id
    use_case = partial(
        mark_message,
        message=MessageKey(channel_id, message.ts),
        source=MarkSource.SHORTCUT,
        content=content if is_complete else None,
    )
    slash = request.policy.command
    try:
        outcome = await request.transact(use_case)
    except IncidentNotFound:
        text = (
            "This channel doesn't belong to an incident, so nothing was added. From here, "
            f"write it as a note: `{slash} INC-12 note What happened, with the message's link`."
        )
        return Say(say(text))
    reference = outcome.data["reference"]
    if outcome.kind == "already_recorded":
        return Say(say(f"That message is already on the timeline of *{reference}*."))
    when = mentions.date(content.sent_at)
    text = f"Added to the timeline of *{reference}*, dated {when}. To take it back: `{slash} undo`"
    return Say(say(text))


async def _is_ours_to_follow(request: Request, channel_id: str) -> bool:
    workspace_id: uuid.UUID = request.services.workspace.id
    async with request.services.database.reading() as session:
        return await is_incident_channel(session, channel_id, workspace_id=workspace_id)


FEATURE = Feature(
    name="capture",
    shortcuts={"add_to_timeline": add_to_timeline},
    events={
        "reaction_added": on_reaction_added,
        "reaction_removed": on_reaction_removed,
        "pin_added": on_pin_added,
        "pin_removed": on_pin_removed,
        "message": on_message,
        "member_joined_channel": on_member_joined,
        "member_left_channel": on_member_left,
    },
    effects={FetchMarkedMessage: fetch_marked, SignMessage: sign_message},
)
