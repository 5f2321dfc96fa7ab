"""Block Kit builders: the only place that makes blocks and knows their limits.

Display text that is too long is cut with a mark; identifiers and values, which can't be cut, raise
`ValueError`. An input's `block_id` is its field name, and so is its `action_id` unless given.
Mrkdwn places (`section`, `fields`, `context`, `confirm`, a message's `text`) expect people's text
already escaped; plain places (`header`, buttons, labels, options) take it as it is.
"""

from slack_sdk.models.blocks import Block, ButtonElement, Option, OptionGroup, OverflowMenuElement
from slack_sdk.models.views import View

from bot.slack.blocks.elements import (
    actions,
    button,
    confirm,
    context,
    divider,
    fields,
    header,
    overflow,
    paragraphs,
    section,
)
from bot.slack.blocks.inputs import (
    MAX_INPUT,
    checkboxes,
    conversation_select,
    datetime_input,
    external_select,
    multi_external_select,
    multi_user_select,
    radio,
    select,
    text_input,
    user_select,
)
from bot.slack.blocks.parts import option, option_groups, options_within
from bot.slack.blocks.surfaces import Message, answered, home, modal, shown_again
from bot.slack.form_state import FormState, state_of

__all__ = [
    "MAX_INPUT",
    "Block",
    "ButtonElement",
    "FormState",
    "Message",
    "Option",
    "OptionGroup",
    "OverflowMenuElement",
    "View",
    "actions",
    "answered",
    "button",
    "checkboxes",
    "confirm",
    "context",
    "conversation_select",
    "datetime_input",
    "divider",
    "external_select",
    "fields",
    "header",
    "home",
    "modal",
    "multi_external_select",
    "multi_user_select",
    "option",
    "option_groups",
    "options_within",
    "overflow",
    "paragraphs",
    "radio",
    "section",
    "select",
    "shown_again",
    "state_of",
    "text_input",
    "user_select",
]
