"""chat.*: posting, updating, deleting."""

from typing import Any

from tests.slack_server.delivery.wire import message_json
from tests.slack_server.interaction import message_actions
from tests.slack_server.interaction.message_actions import Draft
from tests.slack_server.render import Json
from tests.slack_server.state import Channel, Kind, Message, SlackError
from tests.slack_server.validation import Problem, check_message, check_metadata
from tests.slack_server.web_api.method import Access, Call, method

UPDATE_TEXT = 4000


@method("chat.postMessage", tier=0, scopes=("chat:write",), required=("channel",))
def post_message(call: Call) -> Json:
    """Post to a channel, or to a person by `U…` id."""
    channel = _destination(call)
    draft = _draft(call, channel)
    message = message_actions.post(call.ws, channel, call.bot, draft)
    content = message_json(message, app_id=call.ws.app_id)
    return {"channel": channel.id, "ts": message.ts, "message": content}


@method(
    "chat.postEphemeral",
    tier=4,
    scopes=("chat:write",),
    access=Access.WRITABLE,
    required=("channel", "user"),
)
def post_ephemeral(call: Call) -> Json:
    """Show something to one member of a channel."""
    person = call.user()
    if person.id not in call.channel.members:
        raise SlackError("user_not_in_channel")
    draft = _draft(call, call.channel)
    message = message_actions.show_ephemeral(call.ws, call.channel, person, draft)
    return {"message_ts": message.ts}


@method(
    "chat.update",
    tier=3,
    scopes=("chat:write",),
    access=Access.WRITABLE,
    archived="is_inactive",
    required=("channel", "ts"),
)
def update(call: Call) -> Json:
    """Change one of the bot's own messages; text alone removes the blocks."""
    message = _own_message(call, "cant_update_message")
    text = call.text("text")
    blocks, attachments, metadata = _content(call)
    if len(text) > UPDATE_TEXT:
        problem = Problem("/text", f"over {UPDATE_TEXT} characters", "msg_too_long")
        call.ws.reject([problem], about="chat.update")
    if not text and not blocks and not attachments and metadata is None:
        raise SlackError("no_text")
    _validate(call, text, blocks, attachments, metadata)
    changes: Json = {"text": text, "blocks": blocks, "attachments": attachments}
    if not text and not blocks and not attachments:
        changes = {}
    if metadata is not None:
        changes["metadata"] = metadata or None
    message_actions.edit(call.ws, message, changes)
    content = message_json(message, app_id=call.ws.app_id)
    return {"channel": call.channel.id, "ts": message.ts, "text": text, "message": content}


@method(
    "chat.delete",
    tier=3,
    scopes=("chat:write",),
    access=Access.SEEN,
    required=("channel", "ts"),
)
def delete(call: Call) -> Json:
    """Delete one of the bot's own messages."""
    message = _own_message(call, "cant_delete_message")
    message_actions.delete(call.ws, message)
    return {"channel": call.channel.id, "ts": message.ts}


@method("chat.getPermalink", tier=5, access=Access.SEEN, required=("channel", "message_ts"))
def get_permalink(call: Call) -> Json:
    """Return a message's permalink."""
    message = call.message("message_ts")
    link = f"https://{call.ws.domain}.slack.com/archives/{call.channel.id}"
    link += f"/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={call.channel.id}"
    return {"channel": call.channel.id, "permalink": link}


def _destination(call: Call) -> Channel:
    target = call.text("channel")
    channel = _direct(call, target) if target in call.ws.users else call.seen_channel(target)
    call.use_channel(channel)
    is_member = call.bot.id in channel.members
    if not is_member and "chat:write.public" not in call.backend.scopes:
        raise SlackError("not_in_channel")
    if channel.is_archived:
        raise SlackError("is_archived")
    if channel.read_only:
        raise SlackError("restricted_action_read_only_channel")
    return channel


def _direct(call: Call, user_id: str) -> Channel:
    user = call.ws.get_user(user_id)
    if user.deleted:
        raise SlackError("channel_not_found")
    if user.is_bot:
        raise SlackError("cannot_dm_bot")
    return call.ws.open_dm(user_id)


def _own_message(call: Call, otherwise: str) -> Message:
    message = call.message("ts")
    if message.user_id != call.bot.id or not message.is_said:
        raise SlackError(otherwise)
    return message


def _content(call: Call) -> tuple[list[Json], list[Json], Any]:
    blocks = call.struct("blocks", default=[], code="invalid_blocks_format")
    attachments = call.struct("attachments", default=[], code="invalid_attachments")
    metadata = call.struct("metadata", default=None, code="invalid_metadata_format")
    return blocks, attachments, metadata


def _draft(call: Call, channel: Channel) -> Draft:
    blocks, attachments, metadata = _content(call)
    text = call.text("text")
    if call.text("markdown_text"):
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        text = call.text("markdown_text")
    if not text and not blocks and not attachments:
        raise SlackError("no_text")
    _validate(call, text, blocks, attachments, metadata)
    thread_ts = call.text("thread_ts")
    if thread_ts:
        _check_thread(call, channel, thread_ts)
    return Draft(
        text=text,
        blocks=blocks,
        attachments=attachments,
        metadata=metadata,
        thread_ts=thread_ts,
        broadcast=call.flag("reply_broadcast"),
    )


def _validate(
    call: Call, text: str, blocks: list[Json], attachments: list[Json], metadata: Any
) -> None:
    about = f"message {text[:40]!r}"
    problems = list(check_message(text, blocks, attachments))
    if metadata is not None:
        problems.extend(check_metadata(metadata))
    # Slack silently cuts long texts; only this check tells the sender.
    cut = [p for p in problems if p.code == "msg_too_long"]
    call.ws.violations.extend(f"{about}: {p.message}" for p in cut)
    if (blocks or attachments) and not text:
        call.ws.violations.append(f"message of {len(blocks)} blocks has no fallback text")
    call.ws.reject([p for p in problems if p not in cut], about=about)


def _check_thread(call: Call, channel: Channel, thread_ts: str) -> None:
    parent = next((m for m in channel.history if m.ts == thread_ts), None)
    if parent is None:
        raise SlackError("thread_not_found")
    if parent.thread_ts and parent.thread_ts != parent.ts:
        call.ws.violations.append(f"thread_ts {thread_ts} is a reply, not a parent")


def find_channel_id(call: Call) -> str:
    """The id of the conversation that a message goes to, for its rate limit."""
    target = call.text("channel")
    if target not in call.ws.users:
        return target
    dm = call.ws.find_dm(target)
    return dm.id if dm else f"{Kind.DIRECT}:{target}"
