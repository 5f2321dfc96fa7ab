"""Limits of block elements and composition objects, as Slack's reference documents them."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.slack_server.validation.checks import (
    Check,
    Problem,
    anything,
    boolean,
    both,
    either,
    integer,
    many,
    one_of,
    shape,
    string,
    typed,
)

ID = string(255)
URL = string(3000, pattern=r"(https?|mailto|slack):.+")


def plain(longest: int) -> Check:
    """A `plain_text` object."""
    return shape({"type": one_of("plain_text"), "text": string(longest)}, {"emoji": boolean})


def text(longest: int) -> Check:
    """A text object, plain or mrkdwn."""
    return typed(
        {
            "plain_text": plain(longest),
            "mrkdwn": shape({"text": string(longest)}, {"verbatim": boolean}),
        },
        what="text object",
    )


CONFIRM = shape(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)
_OPTION_EXTRAS: Mapping[str, Check] = {"description": text(75), "url": URL}
OPTION = shape({"text": plain(75), "value": string(150)}, _OPTION_EXTRAS)
TICK_OPTION = shape({"text": text(75), "value": string(150)}, _OPTION_EXTRAS)
OPTIONS = many(OPTION, 100)
OPTION_GROUPS = many(shape({"label": plain(75), "options": OPTIONS}), 100)
SLACK_FILE = shape({}, {"id": string(255), "url": URL}, also=either("id", "url"))
_DISPATCH = shape(
    {"trigger_actions_on": many(one_of("on_enter_pressed", "on_character_entered"), 2)}
)
_FILTER = shape(
    {},
    {
        "include": many(one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)


def _initial_is_offered(value: Any, at: str) -> Iterator[Problem]:
    groups = value.get("option_groups") or []
    offered = [*(value.get("options") or []), *(o for g in groups for o in g.get("options") or [])]
    chosen = value.get("initial_options") or [value.get("initial_option")]
    for option in chosen:
        if option is not None and option not in offered:
            yield Problem(f"{at}/initial_option", "must be one of the options, letter by letter")


def _values_differ(value: Any, at: str) -> Iterator[Problem]:
    values = [option.get("value") for option in value.get("options") or []]
    if len(set(values)) != len(values):
        yield Problem(f"{at}/options", "option values must differ")


def _min_at_most_max(value: Any, at: str) -> Iterator[Problem]:
    low, high = value.get("min_length") or 0, value.get("max_length") or 3000
    if low > high:
        yield Problem(f"{at}/min_length", "must not exceed max_length")
    if len(value.get("initial_value") or "") > high:
        yield Problem(f"{at}/initial_value", "must not exceed max_length")


def _says_whether_decimal(value: Any, at: str) -> Iterator[Problem]:
    if value.get("is_decimal_allowed") is None:
        yield Problem(f"{at}/is_decimal_allowed", "missing required field")


def _element(
    required: Mapping[str, Check] | None = None,
    optional: Mapping[str, Check] | None = None,
    *,
    also: Check | None = None,
) -> Check:
    extras = {"action_id": ID, "confirm": CONFIRM, **(optional or {})}
    return shape(required or {}, extras, also=also)


def _menu(optional: Mapping[str, Check] | None = None, *, also: Check | None = None) -> Check:
    extras = {"placeholder": plain(150), "focus_on_load": boolean, **(optional or {})}
    return _element({}, extras, also=also)


_OFFERED = {"options": OPTIONS, "option_groups": OPTION_GROUPS}
_ONE_SOURCE = both(either("options", "option_groups"), _initial_is_offered, _values_differ)
_MULTI = {"max_selected_items": integer(1, 1000)}
_IDS = many(string(30), 1000)
_CONVERSATION = {"filter": _FILTER, "default_to_current_conversation": boolean}
_TEXT_INPUT = {
    "initial_value": string(3000, shortest=0),
    "min_length": integer(0, 3000),
    "max_length": integer(1, 3000),
    "dispatch_action_config": _DISPATCH,
}
_NUMBER = r"-?\d+(\.\d+)?"

BUTTON = _element(
    {"text": plain(75)},
    {
        "value": string(2000, shortest=0),
        "url": URL,
        "style": one_of("primary", "danger"),
        "accessibility_label": string(75),
    },
)
IMAGE_ELEMENT = shape(
    {"alt_text": string(2000)},
    {"image_url": URL, "slack_file": SLACK_FILE},
    also=either("image_url", "slack_file"),
)
OVERFLOW = _element({"options": many(OPTION, 5)}, also=_values_differ)

SINGLE_SELECTS: Mapping[str, Check] = {
    "static_select": _menu({**_OFFERED, "initial_option": OPTION}, also=_ONE_SOURCE),
    "external_select": _menu({"min_query_length": integer(0, 300), "initial_option": OPTION}),
    "users_select": _menu({"initial_user": string(30)}),
    "conversations_select": _menu(
        {**_CONVERSATION, "initial_conversation": string(30), "response_url_enabled": boolean}
    ),
    "channels_select": _menu({"initial_channel": string(30), "response_url_enabled": boolean}),
}
MULTI_SELECTS: Mapping[str, Check] = {
    "multi_static_select": _menu(
        {**_OFFERED, **_MULTI, "initial_options": OPTIONS}, also=_ONE_SOURCE
    ),
    "multi_external_select": _menu(
        {"min_query_length": integer(0, 300), **_MULTI, "initial_options": OPTIONS}
    ),
    "multi_users_select": _menu({**_MULTI, "initial_users": _IDS}),
    "multi_conversations_select": _menu({**_CONVERSATION, **_MULTI, "initial_conversations": _IDS}),
    "multi_channels_select": _menu({**_MULTI, "initial_channels": _IDS}),
}
PICKERS: Mapping[str, Check] = {
    "datepicker": _menu({"initial_date": string(10, pattern=r"\d{4}-\d\d-\d\d")}),
    "timepicker": _menu({"initial_time": string(5, pattern=r"\d\d:\d\d"), "timezone": ID}),
    "datetimepicker": _element(
        {},
        {"initial_date_time": integer(1_000_000_000, 9_999_999_999), "focus_on_load": boolean},
    ),
    "checkboxes": _menu(
        {"options": many(TICK_OPTION, 10), "initial_options": many(TICK_OPTION, 10)},
        also=both(_initial_is_offered, _values_differ),
    ),
    "radio_buttons": _menu(
        {"options": many(TICK_OPTION, 10), "initial_option": TICK_OPTION},
        also=both(_initial_is_offered, _values_differ),
    ),
}
TEXT_INPUTS: Mapping[str, Check] = {
    "plain_text_input": _menu({**_TEXT_INPUT, "multiline": boolean}, also=_min_at_most_max),
    "email_text_input": _menu(_TEXT_INPUT),
    "url_text_input": _menu({**_TEXT_INPUT, "initial_value": URL}),
    "number_input": _menu(
        {
            "is_decimal_allowed": boolean,
            "initial_value": string(40, pattern=_NUMBER),
            "min_value": string(40, pattern=_NUMBER),
            "max_value": string(40, pattern=_NUMBER),
            "dispatch_action_config": _DISPATCH,
        },
        also=_says_whether_decimal,
    ),
    "rich_text_input": _menu({"initial_value": anything, "dispatch_action_config": _DISPATCH}),
    "file_input": _menu({"filetypes": many(string(20), 50), "max_files": integer(1, 10)}),
}

_PRESSED: Mapping[str, Check] = {
    "button": BUTTON,
    "overflow": OVERFLOW,
    "workflow_button": anything,
}
IN_ACTIONS = typed({**_PRESSED, **SINGLE_SELECTS, **PICKERS}, what="element of actions")
AS_ACCESSORY = typed(
    {**_PRESSED, **SINGLE_SELECTS, **MULTI_SELECTS, **PICKERS, "image": IMAGE_ELEMENT},
    what="accessory of section",
)
IN_INPUT = typed(
    {**SINGLE_SELECTS, **MULTI_SELECTS, **PICKERS, **TEXT_INPUTS}, what="element of input"
)
