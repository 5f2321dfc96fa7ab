"""What the bot and people do with channels: state, events and notices in one place."""

import re

from tests.slack_server.delivery.wire import channel_json
from tests.slack_server.interaction.message_actions import notice
from tests.slack_server.state import ChangeKind, Channel, Kind, SlackError, User
from tests.slack_server.workspace import Workspace

LONGEST_NAME = 80
LONGEST_TOPIC = 250


def create(ws: Workspace, name: str, creator: User, *, private: bool) -> Channel:
    """Create a channel with its creator in it.

    Raises: SlackError `name_taken` or one of `invalid_name…`.
    """
    _check_name(ws, name)
    kind = Kind.PRIVATE if private else Kind.PUBLIC
    channel = ws.add_channel(name, kind=kind, creator=creator.id)
    ws.notify(ChangeKind.CREATED, who=creator.id, text=f"#{name}", channel=channel)
    if not private:
        content = channel_json(channel, viewer=ws.bot.id, team_id=ws.team_id)
        ws.emit({"type": "channel_created", "channel": content}, channel, always=True)
    join(ws, channel, creator)
    return channel


def join(ws: Workspace, channel: Channel, user: User, *, inviter: User | None = None) -> None:
    """Add someone to a channel, unless they are in it."""
    if user.id in channel.members:
        return
    channel.members.append(user.id)
    ws.notify(ChangeKind.JOINED, who=user.id, text="joined", channel=channel)
    event = {
        "type": "member_joined_channel",
        "user": user.id,
        "channel": channel.id,
        "channel_type": "C" if channel.kind is Kind.PUBLIC else "G",
        "team": user.team_id,
    }
    invited = {"inviter": inviter.id} if inviter else {}
    ws.emit({**event, **invited}, channel)
    notice(ws, channel, user, "channel_join", f"{user.mention} has joined the channel", **invited)


def leave(ws: Workspace, channel: Channel, user: User, *, actor: User | None = None) -> None:
    """Remove someone from a channel: they leave, or `actor` removes them."""
    concerns_bot = user.id == ws.bot.id
    notice(ws, channel, user, "channel_leave", f"{user.mention} has left the channel")
    channel.members.remove(user.id)
    ws.notify(ChangeKind.LEFT, who=user.id, text="left", channel=channel)
    event = {
        "type": "member_left_channel",
        "user": user.id,
        "channel": channel.id,
        "channel_type": "C" if channel.kind is Kind.PUBLIC else "G",
        "team": user.team_id,
    }
    ws.emit(event, channel, always=concerns_bot)
    if concerns_bot:
        kind = "channel_left" if channel.kind is Kind.PUBLIC else "group_left"
        by = actor.id if actor else user.id
        ws.emit({"type": kind, "channel": channel.id, "actor_id": by}, channel, always=True)


def set_topic(ws: Workspace, channel: Channel, user: User, topic: str) -> None:
    """Set a channel's topic.

    Raises: SlackError `too_long`.
    """
    if len(topic) > LONGEST_TOPIC:
        raise SlackError("too_long")
    channel.topic = topic
    channel.topic_by = user.id
    ws.notify(ChangeKind.TOPIC, who=user.id, text=topic, channel=channel)
    said = f"{user.mention} set the channel topic: {topic}"
    notice(ws, channel, user, "channel_topic", said, topic=topic)


def set_purpose(ws: Workspace, channel: Channel, user: User, purpose: str) -> None:
    """Set a channel's description.

    Raises: SlackError `too_long`.
    """
    if len(purpose) > LONGEST_TOPIC:
        raise SlackError("too_long")
    channel.purpose = purpose
    said = f"{user.mention} set the channel description: {purpose}"
    notice(ws, channel, user, "channel_purpose", said, purpose=purpose)


def set_archived(ws: Workspace, channel: Channel, user: User, *, archived: bool) -> None:
    """Archive or unarchive a channel.

    Raises: SlackError `already_archived`, `not_archived`, `cant_archive_general`.
    """
    if archived and channel.is_general:
        raise SlackError("cant_archive_general")
    if channel.is_archived == archived:
        raise SlackError("already_archived" if archived else "not_archived")
    verb = "archive" if archived else "unarchive"
    if archived:
        notice(ws, channel, user, f"channel_{verb}", f"{user.mention} archived the channel")
    channel.is_archived = archived
    if not archived:
        notice(ws, channel, user, f"channel_{verb}", f"{user.mention} unarchived the channel")
    kind = ChangeKind.ARCHIVED if archived else ChangeKind.UNARCHIVED
    ws.notify(kind, who=user.id, text=f"{verb}d", channel=channel)
    family = "channel" if channel.kind is Kind.PUBLIC else "group"
    event = {"type": f"{family}_{verb}", "channel": channel.id, "user": user.id}
    ws.emit({**event, "is_moved": 0}, channel, always=not channel.is_private)


def rename(ws: Workspace, channel: Channel, user: User, name: str) -> None:
    """Rename a channel.

    Raises: SlackError `name_taken` or one of `invalid_name…`.
    """
    _check_name(ws, name)
    old = channel.name
    channel.previous_names.insert(0, old)
    channel.name = name
    ws.names[channel.id] = f"#{name}"
    ws.notify(ChangeKind.RENAMED, who=user.id, text=f"#{old} → #{name}", channel=channel)
    said = f'{user.mention} has renamed the channel from "{old}" to "{name}"'
    notice(ws, channel, user, "channel_name", said, old_name=old, name=name)
    family = "channel" if channel.kind is Kind.PUBLIC else "group"
    content = {"id": channel.id, "name": name, "created": channel.created, "is_channel": True}
    ws.emit(
        {"type": f"{family}_rename", "channel": content}, channel, always=not channel.is_private
    )


def convert(ws: Workspace, channel: Channel, user: User, *, private: bool, tells: bool) -> None:
    """Make a channel private or public; Slack says so in the channel alone, and not everywhere."""
    channel.kind = Kind.PRIVATE if private else Kind.PUBLIC
    if tells:
        kind = "private" if private else "public"
        said = f"{user.mention} made this channel {kind}"
        notice(ws, channel, user, f"channel_convert_to_{kind}", said)


def share(ws: Workspace, channel: Channel, *, team_id: str, tells: bool) -> None:
    """Share a channel with another organisation (Slack Connect)."""
    channel.is_external = True
    event = {"type": "channel_shared", "connected_team_id": team_id, "channel": channel.id}
    if tells:
        ws.emit(event, channel)


def unshare(ws: Workspace, channel: Channel, *, team_id: str, tells: bool) -> None:
    """End the sharing."""
    channel.is_external = False
    event = {"type": "channel_unshared", "channel": channel.id, "is_ext_shared": False}
    if tells:
        ws.emit({**event, "previously_connected_team_id": team_id}, channel)


def delete(ws: Workspace, channel: Channel, user: User) -> None:
    """Delete a channel with everything in it."""
    family = "channel" if channel.kind is Kind.PUBLIC else "group"
    del ws.channels[channel.id]
    event = {"type": f"{family}_deleted", "channel": channel.id, "actor_id": user.id}
    ws.emit(event, channel, always=not channel.is_private)


def change_id(ws: Workspace, channel: Channel) -> None:
    """Give a channel another id, as when workspaces merge or a channel is shared."""
    old = channel.id
    channel.id = ws.ids.mint("C")
    ws.channels[channel.id] = ws.channels.pop(old)
    ws.names[channel.id] = f"#{channel.name}"
    event = {"type": "channel_id_changed", "old_channel_id": old, "new_channel_id": channel.id}
    ws.emit(event, channel)


def merge(ws: Workspace, channel: Channel, into: Channel) -> None:
    """Merge a channel into another one, whose id it has from then on."""
    del ws.channels[channel.id]
    event = {"type": "channel_id_changed", "old_channel_id": channel.id}
    ws.emit({**event, "new_channel_id": into.id}, into)


def _check_name(ws: Workspace, name: str) -> None:
    if not name:
        raise SlackError("invalid_name_required")
    if len(name) > LONGEST_NAME:
        raise SlackError("invalid_name_maxlength")
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise SlackError("invalid_name_specials")
    if re.fullmatch(r"[_-]+", name):
        raise SlackError("invalid_name_punctuation")
    if any(channel.name == name for channel in ws.channels.values()):
        raise SlackError("name_taken")
