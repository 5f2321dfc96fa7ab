"""Request keys: by what Slack's requests are recognised when they come again."""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.framework.requests import CommandWords
from bot.framework.slash_commands import Command, Repeat
from incidents.engine.transactions import RequestKey

COMMAND_WINDOW = timedelta(seconds=60)
PRESS_WINDOW = timedelta(seconds=60)


def command_key(
    command: Command, words: CommandWords, body: Mapping[str, Any]
) -> RequestKey | None:
    """Return the key of a command, as its verb declares; None if it may run again."""
    if command.repeat is Repeat.HARMLESS:
        return None
    if command.repeat is Repeat.REQUEST or not (words.text or words.flags):
        return trigger_key(body)
    said = json.dumps([body.get("user_id"), body.get("channel_id"), body.get("text")])
    digest = hashlib.sha256(said.encode()).hexdigest()
    return RequestKey(f"command:{digest}", window=COMMAND_WINDOW)


def trigger_key(body: Mapping[str, Any]) -> RequestKey | None:
    """Return the key of a command or shortcut: its trigger is only given out once."""
    trigger_id = body.get("trigger_id")
    return RequestKey(f"trigger:{trigger_id}") if trigger_id else None


def press_key(body: Mapping[str, Any]) -> RequestKey:
    """Return the key of a press: person, message or view, action, and value with its version."""
    container = body.get("container") or {}
    action = (body.get("actions") or [{}])[0]
    chosen = action.get("selected_option") or {}
    said = json.dumps(
        [
            body["user"]["id"],
            container.get("channel_id"),
            container.get("message_ts") or container.get("view_id"),
            action.get("action_id"),
            action.get("value") or chosen.get("value"),
        ]
    )
    return RequestKey(f"press:{hashlib.sha256(said.encode()).hexdigest()}", window=PRESS_WINDOW)
