"""conversations.*: the life of a channel, and reading it."""

from tests.slack_server.delivery.wire import channel_json, message_json
from tests.slack_server.interaction import channel_actions
from tests.slack_server.render import Json
from tests.slack_server.state import Channel, Kind, Message, SlackError
from tests.slack_server.web_api.method import Access, Call, method, page

MANAGE = ("channels:manage", "groups:write", "im:write", "mpim:write")
READ = ("channels:read", "groups:read", "im:read", "mpim:read")
HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
TOPIC = (*MANAGE, "channels:write.topic", "groups:write.topic")
_TYPES = {
    "public_channel": Kind.PUBLIC,
    "private_channel": Kind.PRIVATE,
    "im": Kind.DIRECT,
    "mpim": Kind.GROUP_DIRECT,
}
_READ_OF = dict(zip((Kind.PUBLIC, Kind.PRIVATE, Kind.DIRECT, Kind.GROUP_DIRECT), READ, strict=True))


@method("conversations.create", tier=2)
def create(call: Call) -> Json:
    """Create a channel; the bot is its creator and in it."""
    private = call.flag("is_private")
    call.need_scope("groups:write" if private else "channels:manage")
    made = channel_actions.create(call.ws, call.text("name"), call.bot, private=private)
    return {"channel": _shown(call, made)}


@method("conversations.info", tier=3, scopes=READ, access=Access.SEEN, required=("channel",))
def info(call: Call) -> Json:
    """Describe a conversation."""
    shown = _shown(call, call.channel)
    if not call.flag("include_num_members"):
        shown.pop("num_members", None)
    return {"channel": shown}


@method("conversations.list", tier=2, scopes=READ)
def list_all(call: Call) -> Json:
    """List the conversations that the bot can see."""
    found, more = page(_visible(call), call, default=100, most=1000)
    return {"channels": [_shown(call, channel) for channel in found], **more}


@method("users.conversations", tier=3, scopes=READ)
def list_joined(call: Call) -> Json:
    """List the conversations that someone (the bot by default) is in."""
    member = call.text("user") or call.bot.id
    joined = [channel for channel in _visible(call) if member in channel.members]
    found, more = page(joined, call, default=100, most=999)
    return {"channels": [_shown(call, channel) for channel in found], **more}


@method("conversations.archive", tier=2, scopes=MANAGE, access=Access.MEMBER)
def archive(call: Call) -> Json:
    """Archive a channel."""
    channel_actions.set_archived(call.ws, call.channel, call.bot, archived=True)
    return {}


@method("conversations.unarchive", tier=2, scopes=MANAGE, access=Access.SEEN)
def unarchive(call: Call) -> Json:
    """Unarchive a channel."""
    channel_actions.set_archived(call.ws, call.channel, call.bot, archived=False)
    return {}


@method("conversations.rename", tier=2, scopes=MANAGE, access=Access.WRITABLE)
def rename(call: Call) -> Json:
    """Rename a channel that the bot created."""
    if call.channel.creator != call.bot.id:
        raise SlackError("not_authorized")
    channel_actions.rename(call.ws, call.channel, call.bot, call.text("name"))
    return {"channel": _shown(call, call.channel)}


@method("conversations.setTopic", tier=2, scopes=TOPIC, access=Access.WRITABLE)
def set_topic(call: Call) -> Json:
    """Set the topic."""
    channel_actions.set_topic(call.ws, call.channel, call.bot, call.text("topic"))
    return {"channel": _shown(call, call.channel), "topic": call.channel.topic}


@method("conversations.setPurpose", tier=2, scopes=TOPIC, access=Access.WRITABLE)
def set_purpose(call: Call) -> Json:
    """Set the description."""
    channel_actions.set_purpose(call.ws, call.channel, call.bot, call.text("purpose"))
    return {"channel": _shown(call, call.channel), "purpose": call.channel.purpose}


@method("conversations.history", tier=3, scopes=HISTORY, access=Access.MEMBER)
def history(call: Call) -> Json:
    """Read a channel, newest first; replies only where broadcast."""
    shown = [m for m in call.channel.history if m.is_visible and m.in_channel]
    found = list(reversed([m for m in shown if _in_range(call, m)]))
    messages, more = page(found, call, default=100, most=999)
    cut = bool(more["response_metadata"]["next_cursor"])
    return {"messages": [_message(call, m) for m in messages], "has_more": cut, **more}


@method("conversations.replies", tier=3, scopes=HISTORY, access=Access.MEMBER, required=("ts",))
def replies(call: Call) -> Json:
    """Read a thread, its parent first; of a deleted parent with replies, a tombstone is left."""
    ts = call.text("ts")
    asked = call.channel.find_message(ts)
    if asked is None:
        gone = next((m for m in call.channel.history if m.ts == ts and m.replies), None)
        if gone is None:
            raise SlackError("thread_not_found")
        tombstone = {"type": "message", "subtype": "tombstone", "ts": ts, "thread_ts": ts}
        left = [_message(call, m) for m in gone.replies if _in_range(call, m)]
        messages, more = page([tombstone, *left], call, default=1000, most=1000)
        return {"messages": messages, "has_more": False, **more}
    parent = call.channel.find_message(asked.thread_ts) if asked.thread_ts else asked
    thread = [*([parent] if parent else []), *(parent or asked).replies]
    kept = [m for m in thread if m is parent or _in_range(call, m)]
    messages, more = page(kept, call, default=1000, most=1000)
    cut = bool(more["response_metadata"]["next_cursor"])
    return {"messages": [_message(call, m) for m in messages], "has_more": cut, **more}


def _shown(call: Call, channel: Channel) -> Json:
    return channel_json(channel, viewer=call.bot.id, team_id=call.ws.team_id)


def _message(call: Call, message: Message) -> Json:
    with_metadata = call.flag("include_all_metadata")
    return message_json(message, app_id=call.ws.app_id, with_metadata=with_metadata)


def _visible(call: Call) -> list[Channel]:
    kinds = set()
    for name in call.words("types") or ["public_channel"]:
        if name not in _TYPES:
            raise SlackError("invalid_types")
        kinds.add(_TYPES[name])
        call.need_scope(_READ_OF[_TYPES[name]])
    return [
        channel
        for channel in call.ws.channels.values()
        if channel.kind in kinds
        and (not channel.is_private or call.bot.id in channel.members)
        and not (channel.is_archived and call.flag("exclude_archived"))
    ]


def _in_range(call: Call, message: Message) -> bool:
    oldest, latest = call.text("oldest"), call.text("latest")
    ts = _micros(message.ts)
    if call.flag("inclusive"):
        return _micros(oldest or "0") <= ts and (not latest or ts <= _micros(latest))
    return _micros(oldest or "0") < ts and (not latest or ts < _micros(latest))


def _micros(ts: str) -> int:
    seconds, _, fraction = ts.partition(".")
    if not (seconds + fraction).isdigit():
        raise SlackError("invalid_ts_oldest")
    return int(seconds) * 1_000_000 + int(f"{fraction:0<6}"[:6])
