"""What is read of Slack's requests is checked at the door; people's texts lose what can't be kept."""

import json
from typing import Any

import pytest

from bot.inbound.envelope import Unreadable, checked, parse_json

PRESS: dict[str, Any] = {
    "type": "block_actions",
    "user": {"id": "U1"},
    "actions": [{"action_id": "a"}],
}
FORM: dict[str, Any] = {
    "type": "view_submission",
    "user": {"id": "U1"},
    "view": {"id": "V1", "type": "modal"},
}
EVENT: dict[str, Any] = {
    "type": "event_callback",
    "event_id": "Ev1",
    "event": {"type": "message", "user": "U1"},
}
COMMAND = {"command": "/incident", "user_id": "U1", "text": "help"}
CHOSEN = {"type": "message_action", "user": {"id": "U1"}, "channel": {"id": "C1"}}


@pytest.mark.parametrize("body", [PRESS, FORM, EVENT, COMMAND, {"type": "brand_new"}])
def test_what_slack_sends_passes_unchanged(body: dict[str, Any]) -> None:
    # Other apps put ids of 64 bits into the metadata of their messages.
    sent = {**body, "a field of next year": [None, {"deep": [1.5, 2**64]}]}
    assert checked(sent) == sent


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ([], "not an object"),
        ({}, "without type"),
        ({**COMMAND, "user_id": 5}, "`$.user_id`"),
        ({**COMMAND, "user_id": ""}, "without user_id"),
        ({**PRESS, "response_url": {"url": "x"}}, "`$.response_url`"),
        ({**PRESS, "user": ["U1"]}, "`$.user`"),
        ({**PRESS, "actions": []}, "without actions"),
        ({**PRESS, "actions": [{}]}, "`action_id`"),
        ({**FORM, "view": {"type": "modal"}}, "without view.id"),
        ({**FORM, "view": {**FORM["view"], "state": []}}, "`$.view.state`"),
        (CHOSEN, "without message.ts"),
        ({**EVENT, "event_id": "E" * 256}, "`$.event_id`"),
        ({**EVENT, "event": {"user": "U1"}}, "without event.type"),
        ({**EVENT, "event": {"type": "user_change", "user": "U1"}}, "`$.event.user`"),
        ({**EVENT, "event": {"type": "message", "item": []}}, "`$.event.item`"),
        ({**EVENT, "padding": float("inf")}, "a number out of range"),
        ({**EVENT, "padding": json.loads("[" * 70 + "]" * 70)}, "too deep"),
    ],
)
def test_nonsense_is_refused_by_the_field_that_it_is_in(body: object, problem: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        checked(body)
    assert problem in str(refusal.value)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "NaN", '{"a": -Infinity}', "9" * 5_000])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        parse_json(text)


def test_an_emoji_cut_in_half_and_nul_are_left_out_of_the_text_that_is_kept() -> None:
    cut = parse_json('{"type": "x", "text": "it\\u0000 works \\ud83d", "event_id": "E\\udc00v"}')
    assert checked(cut) == {"type": "x", "text": "it works ", "event_id": "Ev"}


def test_an_event_that_is_null_is_left_out() -> None:
    assert checked({**COMMAND, "event": None}) == COMMAND
