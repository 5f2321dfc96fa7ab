"""How the objects of `state` look on Slack's wire."""

from tests.slack_server.render import Json
from tests.slack_server.state import (
    Bookmark,
    Channel,
    Kind,
    Message,
    UploadedFile,
    User,
    UserGroup,
    View,
)


def user_json(user: User, *, with_email: bool = True) -> Json:
    """A user object; people of other companies have thin profiles, without email."""
    emoji, _, words = user.status.partition(" ")
    profile: Json = {
        "status_emoji": emoji,
        "status_text": words,
        "status_expiration": 0,
        "real_name": user.real_name,
        "display_name": user.name,
        "real_name_normalized": user.real_name,
        "display_name_normalized": user.name,
        "team": user.team_id,
    }
    if with_email and user.email:
        profile["email"] = user.email
    if with_email and user.phone:
        profile["phone"] = user.phone
    if user.is_bot:
        profile["bot_id"] = f"B{user.id[1:]}"
    return {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "deleted": user.deleted,
        "real_name": user.real_name,
        "tz": user.tz,
        "profile": profile,
        "is_admin": False,
        "is_owner": False,
        "is_restricted": bool(user.guest),
        "is_ultra_restricted": user.guest == "single",
        "is_bot": user.is_bot,
        "is_app_user": user.app_user,
        "updated": 0,
        **user.described,
    }


def group_json(group: UserGroup, team_id: str, *, include_users: bool = False) -> Json:
    """A user group object."""
    payload: Json = {
        "id": group.id,
        "team_id": team_id,
        "is_usergroup": True,
        "name": group.name,
        "handle": group.handle,
        "user_count": len(group.users),
        "date_delete": 0,
    }
    if include_users:
        payload["users"] = list(group.users)
    return payload


def channel_json(channel: Channel, *, viewer: str, team_id: str) -> Json:
    """A conversation object as `viewer` gets it."""
    base: Json = {
        "id": channel.id,
        "created": channel.created,
        "is_archived": channel.is_archived,
        "is_im": channel.kind is Kind.DIRECT,
        "is_mpim": channel.kind is Kind.GROUP_DIRECT,
        "context_team_id": team_id,
        "updated": channel.created * 1000,
    }
    if channel.kind is Kind.DIRECT:
        other = next((m for m in channel.members if m != viewer), viewer)
        return {**base, "user": other, "is_user_deleted": False, "is_open": True}
    return {
        **base,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind is Kind.PUBLIC,
        "is_group": channel.kind is Kind.PRIVATE,
        "is_private": channel.is_private,
        "is_general": channel.is_general,
        "is_shared": channel.is_external,
        "is_ext_shared": channel.is_external,
        "is_org_shared": False,
        "creator": channel.creator,
        "is_member": viewer in channel.members,
        "topic": {"value": channel.topic, "creator": channel.topic_by, "last_set": 0},
        "purpose": {"value": channel.purpose, "creator": "", "last_set": 0},
        "previous_names": list(channel.previous_names),
        "num_members": len(channel.members),
        "properties": {},
    }


def message_json(message: Message, *, app_id: str, with_metadata: bool = True) -> Json:
    """A message object; `metadata` only if asked for, as in Slack."""
    payload: Json = {
        "type": "message",
        "user": message.user_id,
        "text": message.text,
        "ts": message.ts,
        **message.extra,
    }
    if message.subtype:
        payload["subtype"] = message.subtype
    if message.is_bot and message.is_said:
        payload |= {"bot_id": f"B{message.user_id[1:]}", "app_id": app_id}
    for key in ("blocks", "attachments"):
        if getattr(message, key):
            payload[key] = getattr(message, key)
    if message.files:
        payload["files"] = [file_json(one) for one in message.files]
    if message.metadata and with_metadata:
        payload["metadata"] = message.metadata
    if message.edited:
        payload["edited"] = {"user": message.user_id, "ts": message.edited}
    return payload | _thread_json(message) | _state_json(message)


def file_json(file: UploadedFile) -> Json:
    """A file object."""
    name, dot, suffix = file.name.rpartition(".")
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        "filetype": suffix if name and dot else "text",
        "user": file.user_id,
        "size": file.length,
        "mode": "hosted",
        "channels": list(file.channels),
        "permalink": f"https://embedded.slack.com/files/{file.user_id}/{file.id}/{file.name}",
        "url_private": f"https://files.slack.com/files-pri/{file.id}/{file.name}",
    }


def bookmark_json(bookmark: Bookmark) -> Json:
    """A bookmark object."""
    return {
        "id": bookmark.id,
        "channel_id": bookmark.channel_id,
        "title": bookmark.title,
        "link": bookmark.link,
        "emoji": bookmark.emoji,
        "type": "link",
        "date_created": bookmark.created,
    }


def view_json(view: View, *, team_id: str, app_id: str, bot_id: str) -> Json:
    """A view object as the app gets it back, with the values filled in so far."""
    sent = view.payload
    return {
        "id": view.id,
        "team_id": team_id,
        "type": view.type,
        "blocks": view.blocks,
        "private_metadata": view.private_metadata,
        "callback_id": view.callback_id,
        "state": {"values": view.values},
        "hash": view.hash,
        "title": sent.get("title"),
        "clear_on_close": bool(sent.get("clear_on_close")),
        "notify_on_close": bool(sent.get("notify_on_close")),
        "close": sent.get("close"),
        "submit": sent.get("submit"),
        "previous_view_id": view.previous_view_id,
        "root_view_id": view.root_view_id or view.id,
        "app_id": app_id,
        "external_id": sent.get("external_id") or "",
        "app_installed_team_id": team_id,
        "bot_id": bot_id,
    }


def _thread_json(message: Message) -> Json:
    replies = message.replies if message.thread_ts in ("", message.ts) else []
    if replies:
        return {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users": list(dict.fromkeys(reply.user_id for reply in replies)),
            "latest_reply": replies[-1].ts,
        }
    if message.thread_ts and message.thread_ts != message.ts:
        parent = message.channel.find_message(message.thread_ts)
        author = {"parent_user_id": parent.user_id} if parent else {}
        return {"thread_ts": message.thread_ts, **author}
    return {}


def _state_json(message: Message) -> Json:
    payload: Json = {}
    if message.reactions:
        payload["reactions"] = [
            {"name": name, "users": list(users), "count": len(users)}
            for name, users in message.reactions.items()
        ]
    if message.is_pinned:
        payload["pinned_to"] = [message.channel.id]
    return payload
