"""How a repeated request is recognised: always by the person, too, so that no key is another's."""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.framework.slash_commands import Command, CommandWords, Repeat
from incidents.engine.transactions import RequestKey
from incidents.storage.processed_requests import TYPED_AGAIN_WITHIN

PRESS_WINDOW = timedelta(seconds=60)


def command_key(
    command: Command, words: CommandWords, body: Mapping[str, Any]
) -> RequestKey | None:
    """Return the key of a command, as its verb declares; None if it may run again."""
    if command.repeat is Repeat.HARMLESS:
        return None
    if command.repeat is Repeat.REQUEST or not (words.text or words.flags):
        return trigger_key(body)
    said = (body.get("user_id"), body.get("channel_id"), body.get("text"))
    return _key("command", *said, window=TYPED_AGAIN_WITHIN)


def trigger_key(body: Mapping[str, Any]) -> RequestKey | None:
    """Return the key of a command or shortcut: its trigger is only given out once.

    What was asked is part of it, so that a made-up trigger gets no other request's answer.
    """
    trigger_id = body.get("trigger_id")
    if not trigger_id:
        return None
    person = body.get("user_id") or (body.get("user") or {}).get("id")
    asked = (body.get("command"), body.get("text"), body.get("callback_id"))
    return _key("trigger", person, trigger_id, *asked)


def press_key(body: Mapping[str, Any]) -> RequestKey:
    """Return the key of a press: person, message or view, action, and value with its version."""
    container = body.get("container") or {}
    action = (body.get("actions") or [{}])[0]
    chosen = action.get("selected_option") or {}
    place = container.get("message_ts") or container.get("view_id")
    return _key(
        "press",
        body["user"]["id"],
        container.get("channel_id"),
        place,
        action.get("action_id"),
        action.get("value") or chosen.get("value"),
        window=PRESS_WINDOW,
    )


def form_key(body: Mapping[str, Any]) -> RequestKey:
    """Return the key of a submitted form: person, form, and the view with its version."""
    view = body["view"]
    return _key("view", body["user"]["id"], view.get("callback_id"), view["id"], view.get("hash"))


def event_key(body: Mapping[str, Any], external_id: str | None, *, handler: str) -> RequestKey:
    """Return the key of an event for one of its handlers: event and person."""
    return _key("event", external_id, body.get("event_id"), handler)


def _key(kind: str, *parts: object, window: timedelta | None = None) -> RequestKey:
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return RequestKey(f"{kind}:{digest}", window=window)
