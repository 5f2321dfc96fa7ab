"""auth.*, team.*, users.*, dnd.*, usergroups.*, apps.*: who is who."""

from tests.slack_server.delivery.wire import group_json, user_json
from tests.slack_server.render import Json
from tests.slack_server.state import SlackError
from tests.slack_server.web_api.method import Call, method, page

_EMAIL = "users:read.email"


@method("api.test", tier=5)
def api_test(call: Call) -> Json:
    """Answer."""
    return {"args": call.args}


@method("auth.test", tier=5)
def auth_test(call: Call) -> Json:
    """Say whose token it is."""
    ws = call.ws
    return {
        "url": f"https://{ws.domain}.slack.com/",
        "team": "Embedded",
        "user": ws.bot.name,
        "team_id": ws.enterprise_id if ws.is_org_wide else ws.team_id,
        "user_id": ws.bot.id,
        "bot_id": ws.bot_id,
        "is_enterprise_install": ws.is_org_wide,
        **({"enterprise_id": ws.enterprise_id} if ws.enterprise_id else {}),
    }


@method("apps.connections.open", tier=3, for_app_token=True)
def open_connection(call: Call) -> Json:
    """Return a Socket Mode URL for one handshake."""
    return {"url": call.backend.new_socket_url()}


@method("bots.info", tier=3, scopes=("users:read",))
def bot_info(call: Call) -> Json:
    """Describe the app's bot."""
    if call.text("bot") != call.ws.bot_id:
        raise SlackError("bot_not_found")
    bot = {"id": call.ws.bot_id, "user_id": call.bot.id, "app_id": call.ws.app_id}
    return {"bot": {**bot, "name": call.bot.name, "deleted": False}}


@method("team.info", tier=3, scopes=("team:read",))
def team_info(call: Call) -> Json:
    """Describe the workspace."""
    return {"team": {"id": call.ws.team_id, "name": "Embedded", "domain": call.ws.domain}}


@method("users.info", tier=4, scopes=("users:read",), required=("user",))
def user_info(call: Call) -> Json:
    """Describe a person; the email only with its own scope."""
    return {"user": user_json(call.user(), with_email=_EMAIL in call.backend.scopes)}


@method("users.list", tier=2, scopes=("users:read",))
def list_users(call: Call) -> Json:
    """List everybody."""
    found, more = page(list(call.ws.users.values()), call, default=1000, most=1000)
    with_email = _EMAIL in call.backend.scopes
    return {"members": [user_json(user, with_email=with_email) for user in found], **more}


@method("users.lookupByEmail", tier=3, scopes=(_EMAIL,), required=("email",))
def look_up(call: Call) -> Json:
    """Find a person by email; not somebody deactivated."""
    wanted = call.text("email").casefold()
    for user in call.ws.users.values():
        if user.email.casefold() == wanted and not user.deleted:
            return {"user": user_json(user)}
    raise SlackError("users_not_found")


@method("dnd.info", tier=3, scopes=("dnd:read",))
def do_not_disturb(call: Call) -> Json:
    """Say when a person's next do-not-disturb, or the one under way, begins and ends."""
    start, end = call.user().quiet or (1, 1)
    return {"dnd_enabled": end > 1, "next_dnd_start_ts": start, "next_dnd_end_ts": end}


@method("usergroups.list", tier=2, scopes=("usergroups:read",))
def list_groups(call: Call) -> Json:
    """List the user groups."""
    include = call.flag("include_users")
    groups = call.ws.groups.values()
    return {"usergroups": [group_json(g, call.ws.team_id, include_users=include) for g in groups]}


@method("usergroups.users.list", tier=2, scopes=("usergroups:read",), required=("usergroup",))
def list_group_users(call: Call) -> Json:
    """List who is in a user group."""
    group = call.ws.groups.get(call.text("usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": [user for user in group.users if not call.ws.users[user].deleted]}
