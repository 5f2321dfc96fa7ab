"""pins.*, bookmarks.*, reactions.*: what people attach to channels and messages."""

import re

from tests.slack_server.delivery.wire import bookmark_json, message_json
from tests.slack_server.interaction import message_actions
from tests.slack_server.render import Json
from tests.slack_server.state import Bookmark, ChangeKind, SlackError
from tests.slack_server.web_api.method import Access, Call, method

MOST_BOOKMARKS = 100
_BOOKMARKS = {"channel_arg": "channel_id", "serial": "bookmarks"}


@method("pins.add", tier=2, scopes=("pins:write",), access=Access.WRITABLE)
def pin(call: Call) -> Json:
    """Pin a message."""
    message = call.message("timestamp")
    if not message.is_said:
        raise SlackError("not_pinnable")
    message_actions.pin(call.ws, message, call.bot)
    return {}


@method("pins.remove", tier=2, scopes=("pins:write",), access=Access.WRITABLE)
def unpin(call: Call) -> Json:
    """Unpin a message."""
    message_actions.pin(call.ws, call.message("timestamp"), call.bot, remove=True)
    return {}


@method("pins.list", tier=2, scopes=("pins:read",), access=Access.MEMBER)
def list_pins(call: Call) -> Json:
    """List pinned messages, newest first."""
    items = [
        {
            "type": "message",
            "channel": call.channel.id,
            "created": call.channel.created,
            "created_by": call.channel.pinned_by.get(m["ts"], call.bot.id),
            "message": m,
        }
        for m in (
            message_json(one, app_id=call.ws.app_id, with_metadata=False)
            for one in reversed(call.channel.pins)
        )
    ]
    return {"items": items}


@method(
    "bookmarks.add",
    tier=2,
    scopes=("bookmarks:write",),
    access=Access.WRITABLE,
    required=("channel_id", "title", "type"),
    **_BOOKMARKS,
)
def add_bookmark(call: Call) -> Json:
    """Add a link at the top of a channel."""
    if call.text("type") != "link":
        raise SlackError("invalid_bookmark_type")
    link = _link(call)
    if len(call.channel.bookmarks) >= MOST_BOOKMARKS:
        raise SlackError("too_many_bookmarks")
    made = Bookmark(
        id=call.ws.ids.mint("Bk"),
        channel_id=call.channel.id,
        title=call.text("title"),
        link=link,
        emoji=call.text("emoji"),
        created=call.ws.epoch,
    )
    call.channel.bookmarks.append(made)
    call.ws.notify(
        ChangeKind.BOOKMARK, who=call.bot.id, text=f"{made.title}: {link}", channel=call.channel
    )
    return {"bookmark": bookmark_json(made)}


@method("bookmarks.edit", tier=2, scopes=("bookmarks:write",), access=Access.WRITABLE, **_BOOKMARKS)
def edit_bookmark(call: Call) -> Json:
    """Change a bookmark."""
    found = _bookmark(call)
    if "link" in call.args:
        found.link = _link(call)
    found.title = call.text("title", found.title)
    found.emoji = call.text("emoji", found.emoji)
    return {"bookmark": bookmark_json(found)}


@method(
    "bookmarks.remove", tier=2, scopes=("bookmarks:write",), access=Access.WRITABLE, **_BOOKMARKS
)
def remove_bookmark(call: Call) -> Json:
    """Remove a bookmark."""
    call.channel.bookmarks.remove(_bookmark(call))
    return {}


@method("bookmarks.list", tier=3, scopes=("bookmarks:read",), access=Access.MEMBER, **_BOOKMARKS)
def list_bookmarks(call: Call) -> Json:
    """List a channel's bookmarks."""
    return {"bookmarks": [bookmark_json(bookmark) for bookmark in call.channel.bookmarks]}


@method("reactions.add", tier=3, scopes=("reactions:write",), access=Access.WRITABLE)
def react(call: Call) -> Json:
    """React to a message."""
    message_actions.react(call.ws, call.message("timestamp"), call.bot, _emoji(call))
    return {}


@method("reactions.remove", tier=2, scopes=("reactions:write",), access=Access.WRITABLE)
def unreact(call: Call) -> Json:
    """Remove a reaction."""
    message_actions.react(call.ws, call.message("timestamp"), call.bot, _emoji(call), remove=True)
    return {}


@method("reactions.get", tier=3, scopes=("reactions:read",), access=Access.MEMBER)
def get_reactions(call: Call) -> Json:
    """Return a message with its reactions."""
    message = call.message("timestamp")
    content = message_json(message, app_id=call.ws.app_id, with_metadata=False)
    return {"type": "message", "channel": call.channel.id, "message": content}


def _link(call: Call) -> str:
    link = call.text("link")
    if not re.fullmatch(r"https?://\S+", link):
        raise SlackError("invalid_link")
    return link


def _bookmark(call: Call) -> Bookmark:
    wanted = call.text("bookmark_id")
    found = next((b for b in call.channel.bookmarks if b.id == wanted), None)
    if found is None:
        raise SlackError("bookmark_not_found")
    return found


def _emoji(call: Call) -> str:
    name = call.text("name").strip(":")
    if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", name):
        raise SlackError("invalid_name")
    return name
