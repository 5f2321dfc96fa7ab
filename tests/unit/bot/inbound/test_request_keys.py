"""A repeat is recognised; somebody else's request never is one."""

from typing import Any

import pytest

from bot.framework.slash_commands import Command, CommandWords, Repeat
from bot.inbound.request_keys import command_key, event_key, form_key, press_key, trigger_key

NOTE = Command(usage="note text", repeat=Repeat.WORDS)
SAID = {"command": "/incident", "user_id": "U1", "channel_id": "C1", "text": "note Down"}
UNDO = {"command": "/incident", "user_id": "U1", "channel_id": "C1", "trigger_id": "1.2"}
SHORTCUT = {"user": {"id": "U1"}, "trigger_id": "1.2"}
PRESS = {
    "user": {"id": "U1"},
    "container": {"channel_id": "C1", "message_ts": "1.1"},
    "actions": [{"action_id": "take", "value": "5|1"}],
}
FORM = {"user": {"id": "U1"}, "view": {"id": "V1", "hash": "h", "callback_id": "declare"}}


def _note_key(body: dict[str, Any]) -> object:
    return command_key(NOTE, CommandWords("note", "Down"), body)


@pytest.mark.parametrize(
    ("key_of", "body", "by_another"),
    [
        (_note_key, SAID, {**SAID, "user_id": "U2"}),
        (trigger_key, UNDO, {**UNDO, "user_id": "U2"}),
        (trigger_key, UNDO, {**UNDO, "text": "resolve"}),
        (trigger_key, SHORTCUT, {**SHORTCUT, "user": {"id": "U2"}}),
        (press_key, PRESS, {**PRESS, "user": {"id": "U2"}}),
        (form_key, FORM, {**FORM, "user": {"id": "U2"}}),
        (form_key, FORM, {**FORM, "view": {**FORM["view"], "callback_id": "resolve"}}),
    ],
)
def test_the_key_is_the_same_only_for_the_same_person_and_request(
    key_of: Any, body: dict[str, Any], by_another: dict[str, Any]
) -> None:
    assert key_of(body) == key_of(dict(body))
    assert key_of(body) != key_of(by_another)


def test_the_key_of_an_event_holds_its_person_and_the_handler() -> None:
    body = {"event_id": "Ev1"}
    keys = {
        event_key(body, person, handler=handler).key
        for person in ("U1", "U2", None)
        for handler in ("capture", "watch")
    }
    assert len(keys) == 6
