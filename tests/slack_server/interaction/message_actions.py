"""What the bot and people do with messages: state, events and notices in one place."""

from dataclasses import dataclass, field
from typing import Any

from tests.slack_server.delivery.wire import message_json
from tests.slack_server.render import Json, plain
from tests.slack_server.state import (
    ChangeKind,
    Channel,
    Kind,
    Message,
    SlackError,
    UploadedFile,
    User,
)
from tests.slack_server.workspace import Workspace

# Slack cuts longer texts silently.
LONGEST_TEXT = 40_000


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be posted."""

    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    thread_ts: str = ""
    broadcast: bool = False
    files: tuple[UploadedFile, ...] = ()
    extra: Json = field(default_factory=dict)


def post(ws: Workspace, channel: Channel, author: User, draft: Draft) -> Message:
    """Post a message and emit the event for it, with `app_mention` if it mentions the bot."""
    message = Message(
        channel=channel,
        ts=ws.timestamps.next(),
        user_id=author.id,
        text=draft.text[:LONGEST_TEXT],
        blocks=with_block_ids(ws, draft.blocks),
        attachments=draft.attachments,
        thread_ts=draft.thread_ts,
        subtype=_subtype(draft),
        metadata=draft.metadata or None,
        is_bot=author.is_bot,
        files=list(draft.files),
        extra=dict(draft.extra),
    )
    channel.history.append(message)
    ws.notify(
        ChangeKind.MESSAGE,
        who=author.id,
        text=message.rendered,
        channel=channel,
        message=message,
        thread_ts=draft.thread_ts,
    )
    _emit_message(ws, message)
    is_direct = channel.kind is Kind.DIRECT  # no app_mention there
    if ws.bot.mention in message.text and not author.is_bot and not is_direct:
        mention = message_json(message, app_id=ws.app_id, with_metadata=False)
        mention |= {"type": "app_mention", "channel": channel.id, "event_ts": message.ts}
        ws.emit(mention, channel)
    return message


def notice(
    ws: Workspace, channel: Channel, author: User, subtype: str, text: str, **extra: Any
) -> None:
    """Post one of the channel's own notices (`channel_join`, `channel_topic` …)."""
    message = Message(channel, ws.timestamps.next(), author.id, text, subtype=subtype, extra=extra)
    channel.history.append(message)
    _emit_message(ws, message)


def show_ephemeral(ws: Workspace, channel: Channel, person: User, draft: Draft) -> Message:
    """Show a message to one person only."""
    message = Message(
        channel=channel,
        ts=ws.timestamps.next(),
        user_id=ws.bot.id,
        text=draft.text[:LONGEST_TEXT],
        blocks=with_block_ids(ws, draft.blocks),
        thread_ts=draft.thread_ts,
        is_bot=True,
        ephemeral_to=person.id,
    )
    ws.ephemerals.append(message)
    ws.notify(
        ChangeKind.EPHEMERAL,
        who=ws.bot.id,
        text=message.rendered,
        channel=channel,
        message=message,
        where=f"{ws.place(channel)} → {ws.names[person.id]}",
        thread_ts=draft.thread_ts,
    )
    return message


def edit(ws: Workspace, message: Message, changes: Json, *, mark: bool = True) -> None:
    """Change a message's text, blocks or metadata and emit `message_changed`."""
    previous = message_json(message, app_id=ws.app_id, with_metadata=False)
    for key, value in changes.items():
        setattr(message, key, with_block_ids(ws, value) if key == "blocks" else value)
    if mark:
        message.edited = ws.timestamps.next()
    ws.notify(
        ChangeKind.EDITED,
        who=message.user_id,
        text=message.rendered,
        channel=message.channel,
        message=message,
    )
    if not message.ephemeral_to:
        current = message_json(message, app_id=ws.app_id, with_metadata=False)
        channel = message.channel
        _emit_hidden(ws, channel, "message_changed", message=current, previous_message=previous)


def delete(ws: Workspace, message: Message) -> None:
    """Delete a message and emit `message_deleted`."""
    previous = message_json(message, app_id=ws.app_id, with_metadata=False)
    message.deleted = True
    if message in message.channel.pins:
        message.channel.pins.remove(message)
    ws.notify(
        ChangeKind.DELETED,
        who=message.user_id,
        text=plain(message.text, ws.names),
        channel=message.channel,
        message=message,
    )
    if not message.ephemeral_to:
        _emit_hidden(
            ws, message.channel, "message_deleted", deleted_ts=message.ts, previous_message=previous
        )


def react(ws: Workspace, message: Message, user: User, emoji: str, *, remove: bool = False) -> None:
    """Add or remove a reaction.

    Raises: SlackError `already_reacted`, `no_reaction`.
    """
    who = message.reactions.setdefault(emoji, [])
    if (user.id in who) is not remove:
        if not who:
            del message.reactions[emoji]
        raise SlackError("no_reaction" if remove else "already_reacted")
    (who.remove if remove else who.append)(user.id)
    if not who:
        del message.reactions[emoji]
    ws.notify(
        ChangeKind.REACTION,
        who=user.id,
        text=f"{'−' if remove else '+'}:{emoji}:",
        channel=message.channel,
        message=message,
    )
    event = {
        "type": "reaction_removed" if remove else "reaction_added",
        "user": user.id,
        "reaction": emoji,
        "item": {"type": "message", "channel": message.channel.id, "ts": message.ts},
        "item_user": message.user_id,
    }
    ws.emit(event, message.channel)


def pin(ws: Workspace, message: Message, user: User, *, remove: bool = False) -> None:
    """Pin or unpin a message.

    Raises: SlackError `already_pinned`, `too_many_pins`, `no_pin`.
    """
    pins = message.channel.pins
    if remove and message not in pins:
        raise SlackError("no_pin")
    if not remove and message in pins:
        raise SlackError("already_pinned")
    if not remove and len(pins) >= 100:
        raise SlackError("too_many_pins")
    (pins.remove if remove else pins.append)(message)
    message.channel.pinned_by[message.ts] = user.id
    ws.notify(
        ChangeKind.UNPINNED if remove else ChangeKind.PINNED,
        who=user.id,
        text=plain(message.text, ws.names),
        channel=message.channel,
        message=message,
    )
    item = {
        "type": "message",
        "channel": message.channel.id,
        "created": ws.epoch,
        "created_by": user.id,
        "message": message_json(message, app_id=ws.app_id, with_metadata=False),
    }
    event = {
        "type": "pin_removed" if remove else "pin_added",
        "user": user.id,
        "channel_id": message.channel.id,
        "item": item,
    }
    ws.emit({**event, "has_pins": bool(pins)} if remove else event, message.channel)


def share_files(
    ws: Workspace, channel: Channel, author: User, files: list[UploadedFile], draft: Draft
) -> Message:
    """Share files in a channel as one message, and emit `file_shared` for each."""
    message = post(
        ws, channel, author, Draft(draft.text, thread_ts=draft.thread_ts, files=tuple(files))
    )
    for file in files:
        file.channels.append(channel.id)
        file.shares.append((channel.id, message.ts))
        ws.notify(ChangeKind.FILE, who=author.id, text=file.name, channel=channel, message=message)
        event = {
            "type": "file_shared",
            "channel_id": channel.id,
            "file_id": file.id,
            "user_id": author.id,
            "file": {"id": file.id},
        }
        ws.emit(event, channel)
    return message


def with_block_ids(ws: Workspace, blocks: list[Json]) -> list[Json]:
    """Return the blocks with Slack's own ids where the app gave none."""
    return [
        block if block.get("block_id") else {**block, "block_id": ws.ids.mint("b")}
        for block in blocks
    ]


def _subtype(draft: Draft) -> str:
    if draft.files:
        return "file_share"
    return "thread_broadcast" if draft.thread_ts and draft.broadcast else ""


def _emit_message(ws: Workspace, message: Message) -> None:
    channel = message.channel
    event = message_json(message, app_id=ws.app_id, with_metadata=False)
    place = {"channel": channel.id, "channel_type": channel.kind.value}
    ws.emit({**event, **place, "event_ts": message.ts}, channel)


def _emit_hidden(ws: Workspace, channel: Channel, subtype: str, **content: Any) -> None:
    event = {
        "type": "message",
        "subtype": subtype,
        "hidden": True,
        "channel": channel.id,
        "channel_type": channel.kind.value,
        "ts": ws.timestamps.next(),
    }
    ws.emit({**event, **content}, channel)
