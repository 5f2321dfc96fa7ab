"""conversations.*: members, and how they join and leave."""

from tests.slack_server.delivery.wire import channel_json
from tests.slack_server.interaction import channel_actions
from tests.slack_server.render import Json
from tests.slack_server.state import Channel, Kind, SlackError, User
from tests.slack_server.web_api.conversations import MANAGE, READ
from tests.slack_server.web_api.method import Access, Call, method, page

MOST_INVITED = 100
INVITE = (*MANAGE, "channels:write.invites", "groups:write.invites")


@method("conversations.members", tier=4, scopes=READ, access=Access.SEEN, required=("channel",))
def members(call: Call) -> Json:
    """List who is in a conversation."""
    found, more = page(list(call.channel.members), call, default=100, most=1000)
    return {"members": found, **more}


@method("conversations.invite", tier=3, scopes=INVITE, access=Access.WRITABLE)
def invite(call: Call) -> Json:
    """Invite people; one refusal fails the whole call, unless `force` skips it."""
    wanted = call.words("users")
    if not wanted:
        raise SlackError("no_user")
    if len(wanted) > MOST_INVITED:
        raise SlackError("too_many_users")
    refused = [
        {"user": user_id, "ok": False, "error": error}
        for user_id in wanted
        if (error := _refusal(call, user_id))
    ]
    if refused and not (call.flag("force") and len(refused) < len(wanted)):
        raise SlackError(str(refused[0]["error"]), errors=refused)
    bad = {entry["user"] for entry in refused}
    for user_id in wanted:
        if user_id not in bad:
            channel_actions.join(call.ws, call.channel, call.user_of(user_id), inviter=call.bot)
    skipped = {"errors": refused} if refused else {}
    return {"channel": _shown(call, call.channel), **skipped}


@method("conversations.join", tier=3, scopes=("channels:join",))
def join(call: Call) -> Json:
    """Join a public channel."""
    channel = call.seen_channel(call.text("channel"))
    if channel.kind is not Kind.PUBLIC:
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    was_in = call.bot.id in channel.members
    channel_actions.join(call.ws, channel, call.bot)
    return {
        "channel": _shown(call, channel),
        **({"warning": "already_in_channel"} if was_in else {}),
    }


@method("conversations.leave", tier=3, scopes=MANAGE, access=Access.SEEN)
def leave(call: Call) -> Json:
    """Leave a channel."""
    if call.bot.id not in call.channel.members:
        return {"not_in_channel": True}
    channel_actions.leave(call.ws, call.channel, call.bot)
    return {}


@method("conversations.kick", tier=3, scopes=MANAGE, access=Access.WRITABLE, required=("user",))
def kick(call: Call) -> Json:
    """Remove someone from a channel."""
    person = call.user()
    if person.id == call.bot.id:
        raise SlackError("cant_kick_self")
    if person.id not in call.channel.members:
        raise SlackError("not_in_channel")
    channel_actions.leave(call.ws, call.channel, person, actor=call.bot)
    return {}


@method("conversations.open", tier=3, scopes=("im:write", "mpim:write"))
def open_direct(call: Call) -> Json:
    """Open the direct conversation with one person, or one with a group of up to eight."""
    people = [_reachable(call.user_of(user_id)) for user_id in call.words("users")]
    if not people:
        raise SlackError("users_list_not_supplied")
    if len(people) > 8:
        raise SlackError("too_many_users")
    if len(people) == 1:
        channel = call.ws.open_dm(people[0].id)
    else:
        call.need_scope("mpim:write")
        channel = call.ws.open_group_dm([person.id for person in people])
    return {"channel": {"id": channel.id}}


def _shown(call: Call, channel: Channel) -> Json:
    return channel_json(channel, viewer=call.bot.id, team_id=call.ws.team_id)


def _reachable(person: User) -> User:
    if person.deleted:
        raise SlackError("user_disabled")
    return person


def _refusal(call: Call, user_id: str) -> str:
    person = call.ws.users.get(user_id)
    if person is None:
        return "user_not_found"
    if person.id == call.bot.id:
        return "cant_invite_self"
    if person.id in call.channel.members:
        return "already_in_channel"
    if person.deleted or (person.team_id != call.ws.team_id and not call.channel.is_external):
        return "cant_invite"
    return {"multi": "user_is_restricted", "single": "ura_max_channels"}.get(person.guest, "")
