"""Blocks that show something, and the buttons and menus in them."""

from collections.abc import Sequence
from typing import Literal

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    InteractiveElement,
    Option,
    OverflowMenuElement,
    SectionBlock,
)

from bot.slack.blocks.parts import (
    identifier,
    mrkdwn,
    optional_identifier,
    options_within,
    plain,
)
from bot.slack.mentions import is_web_address
from bot.slack.truncation import split_mrkdwn

MAX_ACTIONS = 25


def header(text: str) -> Block:
    """Return a large title."""
    return HeaderBlock(text=plain(text, 150))


def section(
    text: str, *, accessory: InteractiveElement | None = None, block_id: str | None = None
) -> Block:
    """Return a paragraph of mrkdwn, with a button or menu beside it if given."""
    shown = mrkdwn(text, 3_000)
    return SectionBlock(text=shown, accessory=accessory, block_id=optional_identifier(block_id))


def paragraphs(text: str) -> tuple[Block, ...]:
    """Return a long mrkdwn text as one or more sections."""
    return tuple(section(piece) for piece in split_mrkdwn(text, 3_000)) or (section(text),)


def fields(texts: Sequence[str]) -> Block:
    """Return up to ten short mrkdwn texts in two columns."""
    return SectionBlock(fields=[mrkdwn(text, 2_000) for text in texts[:10]] or [mrkdwn("", 1)])


def context(*texts: str) -> Block:
    """Return up to ten small mrkdwn texts in one row."""
    return ContextBlock(elements=[mrkdwn(text, 2_000) for text in texts[:10] or ("",)])


def divider() -> Block:
    """Return a line between parts."""
    return DividerBlock()


def actions(*elements: InteractiveElement, block_id: str | None = None) -> Block:
    """Return a row of 1 to 25 buttons and menus.

    Raises:
        ValueError: there are none or more than 25, which Slack wouldn't show.
    """
    if not 1 <= len(elements) <= MAX_ACTIONS:
        raise ValueError(f"an actions block takes 1 to {MAX_ACTIONS} elements, not {len(elements)}")
    return ActionsBlock(elements=list(elements), block_id=optional_identifier(block_id))


def button(
    text: str,
    *,
    action_id: str,
    value: str | None = None,
    style: Literal["primary", "danger"] | None = None,
    confirm: ConfirmObject | None = None,
    url: str | None = None,
) -> ButtonElement:
    """Return a button; a `url` that isn't http(s) is left out."""
    return ButtonElement(
        text=plain(text, 75),
        action_id=identifier(action_id),
        value=None if value is None else identifier(value, 2_000),
        style=style,
        confirm=confirm,
        url=url if url is not None and is_web_address(url) else None,
    )


def overflow(*, action_id: str, options: Sequence[Option]) -> OverflowMenuElement:
    """Return a "…" menu of one to five options."""
    return OverflowMenuElement(action_id=identifier(action_id), options=options_within(options, 5))


def confirm(
    title: str, *, text: str, yes: str, no: str = "Cancel", danger: bool = False
) -> ConfirmObject:
    """Return a confirmation dialog for a button; `text` is mrkdwn."""
    return ConfirmObject(
        title=plain(title, 100),
        text=mrkdwn(text, 300),
        confirm=plain(yes, 30),
        deny=plain(no, 30),
        style="danger" if danger else None,
    )
