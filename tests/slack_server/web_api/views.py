"""views.*: modals and home tabs."""

from tests.slack_server.delivery.wire import view_json
from tests.slack_server.render import Json
from tests.slack_server.state import SlackError, View
from tests.slack_server.web_api.method import Call, method


@method("views.open", tier=4, required=("view", "trigger_id"))
def open_modal(call: Call) -> Json:
    """Open a modal."""
    trigger = call.backend.triggers.exchange(call.text("trigger_id"))
    return _answer(call, call.backend.modals.open(trigger, _view(call)))


@method("views.push", tier=4, required=("view", "trigger_id"))
def push(call: Call) -> Json:
    """Put a modal on top of the one that the trigger came from."""
    trigger = call.backend.triggers.exchange(call.text("trigger_id"))
    if trigger.view is None:
        raise SlackError("not_found")
    trigger.opened = call.backend.modals.push(trigger.user, trigger.view, _view(call))
    return _answer(call, trigger.opened)


@method("views.update", tier=4, required=("view",))
def update(call: Call) -> Json:
    """Replace what a modal shows."""
    modals = call.backend.modals
    found = modals.find(view_id=call.text("view_id"), external_id=call.text("external_id"))
    if found is None:
        raise SlackError("not_found")
    return _answer(call, modals.update(found, _view(call), if_hash=call.text("hash")))


@method("views.publish", tier=4, required=("view", "user_id"))
def publish(call: Call) -> Json:
    """Publish a person's home tab."""
    user = call.ws.users.get(call.text("user_id"))
    if user is None:
        raise SlackError("invalid_arguments")
    view = call.backend.modals.publish(user, _view(call), if_hash=call.text("hash"))
    return _answer(call, view)


def _view(call: Call) -> Json:
    view = call.struct("view", default={})
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments")
    return view


def _answer(call: Call, view: View) -> Json:
    ws = call.ws
    return {"view": view_json(view, team_id=ws.team_id, app_id=ws.app_id, bot_id=ws.bot_id)}
