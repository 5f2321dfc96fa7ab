"""Commands, presses, submissions and shortcuts: their payloads, and what their acks do."""

from dataclasses import dataclass
from typing import Any

from tests.slack_server.backend import Backend
from tests.slack_server.delivery.delivery import Ack, Deliveries, DeliveryKind
from tests.slack_server.delivery.responses import Responses
from tests.slack_server.delivery.wire import message_json, view_json
from tests.slack_server.interaction import forms
from tests.slack_server.interaction.forms import CannotDoError, Placed
from tests.slack_server.interaction.outcome import Outcome
from tests.slack_server.render import Json
from tests.slack_server.state import ChangeKind, Channel, Kind, Message, SlackError, User, View
from tests.slack_server.validation import check_options

_SENT_AS = {Kind.PRIVATE: "privategroup", Kind.DIRECT: "directmessage"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One suggestion of an external select."""

    text: str
    value: str


@dataclass(slots=True)
class Stage:
    """What people act on: Slack's state, and the ways to the app and back."""

    backend: Backend
    deliveries: Deliveries
    responses: Responses

    # commands and shortcuts

    async def command(self, user: User, name: str, text: str, channel: Channel) -> Outcome:
        """Send a slash command; its ack may hold an answer."""
        ws = self.backend.ws
        trigger = self.backend.triggers.issue(user)
        ws.notify(ChangeKind.COMMAND, who=user.id, text=f"{name} {text}".strip(), channel=channel)
        payload = {
            "token": "verification-token",
            "team_id": ws.team_id,
            "team_domain": ws.domain,
            "channel_id": channel.id,
            "channel_name": _SENT_AS.get(channel.kind, channel.name),
            "user_id": user.id,
            "user_name": user.name,
            "command": name,
            "text": text,
            "api_app_id": ws.app_id,
            "is_enterprise_install": "false",
            "response_url": self._response_url(user, channel, None),
            "trigger_id": trigger.id,
        }
        ack = await self.deliveries.interact(DeliveryKind.COMMAND, payload)
        outcome = Outcome(ack, ws, trigger)
        if ack.ok and ack.body and (ack.body.get("text") or ack.body.get("blocks")):
            try:
                self.responses.show(ack.body, person=user, channel=channel)
            except SlackError as error:
                outcome.error = error.code
        return outcome

    async def shortcut(self, user: User, callback_id: str, message: Message | None) -> Outcome:
        """Run a global shortcut, or one on a message."""
        ws = self.backend.ws
        trigger = self.backend.triggers.issue(user)
        payload = {
            **self._base(user),
            "type": "message_action" if message else "shortcut",
            "callback_id": callback_id,
            "trigger_id": trigger.id,
            "action_ts": ws.timestamps.next(),
        }
        if message:
            payload |= {
                "channel": _channel_json(message.channel),
                "message_ts": message.ts,
                "message": self._message(message),
                "response_url": self._response_url(user, message.channel, None),
            }
        ack = await self.deliveries.interact(DeliveryKind.INTERACTIVE, payload)
        return Outcome(ack, ws, trigger)

    # presses

    async def press(self, user: User, where: Message | View, placed: Placed, value: Any) -> Outcome:
        """Press a button, or choose in a select, of a message or view."""
        ws = self.backend.ws
        view = where if isinstance(where, View) else None
        loaded = view.choices.get(placed.action_id, []) if view else []
        action = forms.action_of(ws, placed, value, loaded=loaded)
        state = self._state(where, placed, action)
        trigger = self.backend.triggers.issue(user, self._current(view) if view else None)
        ws.notify(
            ChangeKind.CLICK,
            who=user.id,
            text=placed.label,
            channel=None if isinstance(where, View) else where.channel,
            where=f"{where.type} @{user.name}" if isinstance(where, View) else "",
        )
        payload = {
            **self._base(user),
            **self._place(user, where),
            "type": "block_actions",
            "trigger_id": trigger.id,
            "state": {"values": state},
            "actions": [action],
        }
        ack = await self.deliveries.interact(DeliveryKind.INTERACTIVE, payload)
        return Outcome(ack, ws, trigger)

    async def suggestions(
        self, user: User, where: Message | View, placed: Placed, text: str
    ) -> list[Choice]:
        """Ask the app for the options of an external select."""
        if "external_select" not in placed.element["type"]:
            raise CannotDoError(f"{placed.label!r} asks nobody for options")
        place = self._place(user, where)
        place.pop("response_url", None)
        payload = {
            **self._base(user),
            **place,
            "type": "block_suggestion",
            "action_id": placed.action_id,
            "block_id": placed.block.get("block_id"),
            "value": text,
        }
        ack = await self.deliveries.interact(DeliveryKind.INTERACTIVE, payload)
        body = ack.body or {}
        problems = list(check_options(body)) if ack.ok else []
        self.backend.ws.violations.extend(f"options: {p.message} {p.pointer}" for p in problems)
        groups = body.get("option_groups") or []
        options = body.get("options") or [option for g in groups for option in g["options"]]
        if isinstance(where, View):
            known = where.choices.setdefault(placed.action_id, [])
            known.extend(option for option in options if option not in known)
        return [Choice(option["text"]["text"], option["value"]) for option in options]

    # forms

    async def fill(self, user: User, view: View, values: dict[str, Any]) -> None:
        """Fill in fields of a form that stays open."""
        view.values = await self._filled(user, view, values)

    async def submit(self, user: User, view: View, values: dict[str, Any]) -> Outcome:
        """Fill in and submit a form; the ack closes, changes or refuses it."""
        filled = await self._filled(user, view, values)
        forms.check_complete(view.blocks, filled)
        view.values = filled
        trigger = self.backend.triggers.issue(user, self._current(view))
        ws = self.backend.ws
        ws.notify(
            ChangeKind.SUBMIT, who=user.id, text=view.title, where=f"modal @{user.name}", view=view
        )
        payload = {
            **self._base(user),
            "type": "view_submission",
            "trigger_id": trigger.id,
            "view": self._view(view),
            "response_urls": [],
        }
        ack = await self.deliveries.interact(DeliveryKind.INTERACTIVE, payload)
        outcome = Outcome(ack, ws, trigger)
        if ack.ok:
            self._apply(user, self._current(view), ack, outcome)
        return outcome

    async def close(self, user: User, view: View) -> Outcome:
        """Close a form with its X; the app hears of it if it asked to."""
        self.backend.modals.close(self._current(view))
        ws = self.backend.ws
        if not view.payload.get("notify_on_close"):
            return Outcome(Ack(ok=True), ws)
        payload = {
            **self._base(user),
            "type": "view_closed",
            "view": self._view(view),
            "is_cleared": False,
        }
        ack = await self.deliveries.interact(DeliveryKind.INTERACTIVE, payload)
        return Outcome(ack, ws)

    def _apply(self, user: User, view: View, ack: Ack, outcome: Outcome) -> None:
        body = ack.body or {}
        outcome.action = str(body.get("response_action") or "close")
        modals, ws = self.backend.modals, self.backend.ws
        try:
            match outcome.action:
                case "close":
                    if body:
                        ws.violations.append(f"view_submission answered with {body}")
                    modals.close(view)
                case "errors":
                    outcome.errors = self._errors(view, body)
                    view.errors = dict(outcome.errors)
                case "update":
                    outcome.shown = modals.update(view, body["view"])
                case "push":
                    outcome.shown = modals.push(user, view, body["view"])
                case "clear":
                    modals.clear(view)
                case other:
                    ws.violations.append(f"unknown response_action {other}")
        except SlackError as error:
            outcome.error = error.code
        ws.pulse()

    def _errors(self, view: View, body: Json) -> dict[str, str]:
        errors: dict[str, str] = body.get("errors") or {}
        inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
        for block_id in errors:
            if block_id not in inputs:
                self.backend.ws.violations.append(f"error for {block_id!r}, which is no input")
        if not errors:
            self.backend.ws.violations.append("response_action errors without errors")
        return errors

    async def _filled(self, user: User, view: View, values: dict[str, Any]) -> Json:
        state = self._values(view)
        for name, value in values.items():
            placed = forms.get_field(view.blocks, name)
            if "external_select" in placed.element["type"] and value is not None:
                await self._load(user, view, placed, value)
            loaded = view.choices.get(placed.action_id, [])
            entry = forms.held(self.backend.ws, placed, value, loaded=loaded)
            state[placed.block["block_id"]][placed.action_id] = entry
        return state

    async def _load(self, user: User, view: View, placed: Placed, value: Any) -> None:
        """Type each wanted option into the select until the app offers it."""
        for wanted in value if isinstance(value, list | tuple | set) else [value]:
            known = view.choices.get(placed.action_id, [])
            if isinstance(wanted, dict) or any(
                str(wanted) in (option["value"], option["text"]["text"]) for option in known
            ):
                continue
            if placed.element.get("min_query_length", 3) == 0:
                await self.suggestions(user, view, placed, "")
            await self.suggestions(user, view, placed, str(wanted))

    # payload parts

    def _base(self, user: User) -> Json:
        ws = self.backend.ws
        person = {
            "id": user.id,
            "username": user.name,
            "name": user.name,
            "team_id": user.home_team or user.team_id,
        }
        return {
            "user": person,
            "api_app_id": ws.app_id,
            "token": "verification-token",
            "team": {"id": ws.team_id, "domain": ws.domain},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _place(self, user: User, where: Message | View) -> Json:
        if isinstance(where, View):
            return {
                "container": {"type": "view", "view_id": where.id},
                "view": self._view(where),
            }
        container: Json = {
            "type": "message",
            "message_ts": where.ts,
            "channel_id": where.channel.id,
            "is_ephemeral": bool(where.ephemeral_to),
        }
        if where.thread_ts:
            container["thread_ts"] = where.thread_ts
        current = where.channel.find_message(where.ts)
        shown = {} if where.ephemeral_to else {"message": self._message(where)}
        source = where if where.ephemeral_to else current
        return {
            "container": container,
            "channel": _channel_json(where.channel),
            "response_url": self._response_url(user, where.channel, source),
            **shown,
        }

    def _state(self, where: Message | View, placed: Placed, action: Json) -> Json:
        values = self._values(where) if isinstance(where, View) else {}
        values = values or forms.initial_values(where.blocks)
        holding = forms.HOLDINGS.get(placed.element["type"])
        if holding:
            entry = {"type": placed.element["type"], holding.field: action[holding.field]}
            values[placed.block["block_id"]][placed.action_id] = entry
        if isinstance(where, View):
            where.values = values
        return values

    def _values(self, view: View) -> Json:
        values = forms.initial_values(view.blocks)
        for block_id, entries in view.values.items():
            for action_id, entry in entries.items():
                if action_id in values.get(block_id, {}):
                    values[block_id][action_id] = entry
        return values

    def _current(self, view: View) -> View:
        return self.backend.ws.views.get(view.id, view)

    def _view(self, view: View) -> Json:
        ws = self.backend.ws
        shown = view_json(view, team_id=ws.team_id, app_id=ws.app_id, bot_id=ws.bot_id)
        return {**shown, "state": {"values": self._values(view)}}

    def _message(self, message: Message) -> Json:
        return message_json(message, app_id=self.backend.ws.app_id, with_metadata=True)

    def _response_url(self, user: User, channel: Channel, source: Message | None) -> str:
        issued = self.backend.response_urls.issue(user, channel, source)
        return f"{self.backend.base_url}/response/{issued.token}"


def _channel_json(channel: Channel) -> Json:
    return {"id": channel.id, "name": _SENT_AS.get(channel.kind, channel.name)}
