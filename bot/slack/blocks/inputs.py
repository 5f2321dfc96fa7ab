"""Form inputs: each is an input block whose `block_id` is the field's name."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from slack_sdk.models.blocks import (
    Block,
    CheckboxesElement,
    ConversationFilter,
    ConversationSelectElement,
    DateTimePickerElement,
    ExternalDataMultiSelectElement,
    ExternalDataSelectElement,
    InputBlock,
    InputInteractiveElement,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    RadioButtonsElement,
    StaticSelectElement,
    UserMultiSelectElement,
    UserSelectElement,
)

from bot.slack.blocks.parts import MAX_OPTIONS, identifier, option_groups, options_within, plain
from bot.slack.truncation import shorten

MAX_INPUT = 3_000


def text_input(
    block_id: str,
    *,
    label: str,
    initial: str | None = None,
    multiline: bool = False,
    optional: bool = False,
    placeholder: str | None = None,
    hint: str | None = None,
    max_length: int = MAX_INPUT,
    action_id: str | None = None,
) -> Block:
    """Return a text field; `max_length` is in characters."""
    longest = min(max_length, MAX_INPUT)
    element = PlainTextInputElement(
        action_id=identifier(action_id or block_id),
        initial_value=shorten(initial, longest) if initial else None,
        multiline=multiline,
        max_length=longest,
        placeholder=_placeholder(placeholder),
    )
    return _input(block_id, element, label=label, hint=hint, optional=optional)


def select(
    block_id: str,
    *,
    label: str,
    options: Sequence[Option] = (),
    groups: Mapping[str, Sequence[Option]] | None = None,
    initial: str | None = None,
    placeholder: str | None = None,
    hint: str | None = None,
    optional: bool = False,
    dispatch: bool = False,
    action_id: str | None = None,
) -> Block:
    """Return a menu of up to 100 options; `initial` is a value, `dispatch` reports each choice."""
    grouped = option_groups(groups) if groups else []
    listed = [] if grouped else options_within(options, MAX_OPTIONS)
    offered = listed or [entry for group in grouped for entry in group.options or ()]
    element = StaticSelectElement(
        action_id=identifier(action_id or block_id),
        options=listed or None,
        option_groups=grouped or None,
        initial_option=_with_value(offered, initial),
        placeholder=_placeholder(placeholder),
    )
    return _input(block_id, element, label=label, hint=hint, optional=optional, dispatch=dispatch)


def radio(
    block_id: str,
    *,
    label: str,
    options: Sequence[Option],
    initial: str | None = None,
    optional: bool = False,
) -> Block:
    """Return a radio group of up to ten choices; `initial` is a value."""
    offered = options_within(options, 10)
    element = RadioButtonsElement(
        action_id=identifier(block_id),
        options=offered,
        initial_option=_with_value(offered, initial),
    )
    return _input(block_id, element, label=label, optional=optional)


def checkboxes(
    block_id: str,
    *,
    label: str,
    options: Sequence[Option],
    initial: Iterable[str] = (),
) -> Block:
    """Return up to ten checkboxes; `initial` holds the ticked values."""
    offered = options_within(options, 10)
    ticked = frozenset(initial)
    element = CheckboxesElement(
        action_id=identifier(block_id),
        options=offered,
        initial_options=[entry for entry in offered if entry.value in ticked] or None,
    )
    return _input(block_id, element, label=label, optional=True)


def external_select(
    block_id: str,
    *,
    label: str,
    initial: Option | None = None,
    hint: str | None = None,
    optional: bool = False,
    action_id: str | None = None,
) -> Block:
    """Return a menu whose options Slack requests while the person types."""
    element = ExternalDataSelectElement(
        action_id=identifier(action_id or block_id),
        initial_option=initial,
        min_query_length=0,
    )
    return _input(block_id, element, label=label, hint=hint, optional=optional)


def multi_external_select(
    block_id: str,
    *,
    label: str,
    initial: Sequence[Option] = (),
    placeholder: str | None = None,
    optional: bool = False,
    dispatch: bool = False,
    action_id: str | None = None,
) -> Block:
    """Return a multi-select menu whose options Slack requests while the person types."""
    element = ExternalDataMultiSelectElement(
        action_id=identifier(action_id or block_id),
        initial_options=list(initial[:MAX_OPTIONS]) or None,
        placeholder=_placeholder(placeholder),
        min_query_length=0,
    )
    return _input(block_id, element, label=label, optional=optional, dispatch=dispatch)


def user_select(
    block_id: str,
    *,
    label: str,
    initial: str | None = None,
    hint: str | None = None,
    optional: bool = False,
) -> Block:
    """Return a menu of people; `initial` is a user id."""
    element = UserSelectElement(
        action_id=identifier(block_id),
        initial_user=initial,
    )
    return _input(block_id, element, label=label, hint=hint, optional=optional)


def multi_user_select(
    block_id: str,
    *,
    label: str,
    initial: Sequence[str] = (),
    hint: str | None = None,
    optional: bool = False,
) -> Block:
    """Return a multi-select menu of people; `initial` holds user ids."""
    element = UserMultiSelectElement(
        action_id=identifier(block_id), initial_users=list(initial) or None
    )
    return _input(block_id, element, label=label, hint=hint, optional=optional)


def conversation_select(
    block_id: str,
    *,
    label: str,
    include: Sequence[str] = ("public", "private"),
    hint: str | None = None,
) -> Block:
    """Return a menu of channels; `include` takes public, private, im and mpim."""
    element = ConversationSelectElement(
        action_id=identifier(block_id),
        filter=ConversationFilter(include=list(include), exclude_bot_users=True),
    )
    return _input(block_id, element, label=label, hint=hint)


def datetime_input(
    block_id: str,
    *,
    label: str,
    initial: datetime | None = None,
    hint: str | None = None,
    optional: bool = False,
) -> Block:
    """Return a date and time field, shown in the reader's zone.

    Raises:
        ValueError: `initial` has no zone.
    """
    if initial is not None and initial.tzinfo is None:
        raise ValueError("naive datetime in a form")
    element = DateTimePickerElement(
        action_id=identifier(block_id),
        initial_date_time=None if initial is None else int(initial.timestamp()),
    )
    return _input(block_id, element, label=label, hint=hint, optional=optional)


def _input(
    block_id: str,
    element: InputInteractiveElement,
    *,
    label: str,
    hint: str | None = None,
    optional: bool = False,
    dispatch: bool = False,
) -> Block:
    return InputBlock(
        block_id=identifier(block_id),
        element=element,
        label=plain(label, 2_000),
        hint=None if not hint else plain(hint, 2_000),
        optional=optional,
        dispatch_action=dispatch or None,
    )


def _placeholder(text: str | None) -> PlainTextObject | None:
    return plain(text, 150) if text else None


def _with_value(options: Sequence[Option], value: str | None) -> Option | None:
    return next((entry for entry in options if entry.value == value), None)
