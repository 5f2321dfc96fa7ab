"""Messages, forms and the Home tab, cut to what Slack accepts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.models.blocks import Block, InteractiveElement
from slack_sdk.models.views import View

from bot.slack.blocks.elements import actions, context
from bot.slack.blocks.parts import EMPTY, optional_identifier, plain
from bot.slack.truncation import MARK, shorten_mrkdwn, width

MAX_TEXT = 4_000
MAX_MESSAGE_BLOCKS = 50
# Slack publishes no limit for a whole message, but refused about 13,200 characters in a test.
MAX_MESSAGE_CHARACTERS = 12_000
MAX_VIEW_BLOCKS = 100
# A view may have 250 kB; a character takes up to four bytes.
MAX_VIEW_CHARACTERS = 60_000
MAX_PRIVATE_METADATA = 3_000

_CUT_NOTICE = f"{MARK} _cut here: too long for Slack to show_"
# Blocks that people act on stay when the text around them is cut.
_KEPT = frozenset({"actions", "input"})


@dataclass(frozen=True, slots=True)
class Message:
    """A message within Slack's limits; `text` must be complete: screen readers read only that."""

    text: str
    blocks: tuple[Block, ...] = ()
    # Rendered once, to measure and to send: the models validate themselves on every rendering.
    _rendered: tuple[dict[str, Any], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        fallback = shorten_mrkdwn(self.text, MAX_TEXT)
        fitting = _fitting(self.blocks, most=MAX_MESSAGE_BLOCKS, characters=MAX_MESSAGE_CHARACTERS)
        object.__setattr__(self, "text", fallback if fallback.strip() else EMPTY)
        object.__setattr__(self, "blocks", tuple(block for block, _ in fitting))
        object.__setattr__(self, "_rendered", tuple(rendered for _, rendered in fitting))

    def payload(self) -> dict[str, Any]:
        """Return the message as arguments for the Web API or an ack body."""
        return {"text": self.text, "blocks": list(self._rendered)}

    @property
    def has_buttons(self) -> bool:
        """Tell whether the message has a row of buttons or menus."""
        return any(block.type == "actions" for block in self.blocks)

    def closed(self, ending: str, *buttons: InteractiveElement) -> "Message":
        """Return the message with its ending, and only the buttons that still work."""
        said = (block for block in self.blocks if block.type != "actions")
        rows = (actions(*buttons),) if buttons else ()
        return Message(f"{self.text}\n{ending}", (*said, context(ending), *rows))


def modal(
    title: str,
    *,
    blocks: Sequence[Block],
    callback_id: str | None = None,
    submit: str | None = None,
    close: str = "Cancel",
    private_metadata: str = "",
) -> View:
    """Return a form; with inputs and no `submit`, its button reads "Save".

    A verb sets the callback id and the metadata of its form itself.

    Raises:
        ValueError: the metadata is over 3,000 characters, or the id over 255.
    """
    has_inputs = any(block.type == "input" for block in blocks)
    pressed = submit or ("Save" if has_inputs else None)
    if width(private_metadata) > MAX_PRIVATE_METADATA:
        raise ValueError(f"private metadata takes up to {MAX_PRIVATE_METADATA} characters")
    return View(
        type="modal",
        title=plain(title, 24),
        submit=None if pressed is None else plain(pressed, 24),
        close=plain(close, 24),
        blocks=_within_view(blocks),
        callback_id=optional_identifier(callback_id),
        private_metadata=private_metadata or None,
    )


def answered(message: Message) -> View:
    """Return an answer as the view that takes a form's place."""
    return modal("Sitrep", blocks=message.blocks, callback_id="told", close="Close")


def shown_again(
    view: Mapping[str, Any], *, above: Sequence[Block], submit: str, private_metadata: str
) -> View:
    """Return a submitted form with blocks above; its fields keep their ids, so their values, too.

    Blocks of an earlier time with the same ids are replaced.
    """
    new_ids = {block.block_id for block in above}
    kept = [block for block in view.get("blocks") or () if block.get("block_id") not in new_ids]
    return View(
        type="modal",
        title=view.get("title"),
        submit=plain(submit, 24),
        close=view.get("close"),
        blocks=_within_view([*above, *Block.parse_all(kept)]),
        callback_id=view.get("callback_id"),
        private_metadata=private_metadata,
    )


def home(blocks: Sequence[Block], *, callback_id: str | None = None) -> View:
    """Return the Home tab."""
    return View(
        type="home",
        blocks=_within_view(blocks),
        callback_id=optional_identifier(callback_id),
    )


def _within_view(blocks: Sequence[Block]) -> list[Block]:
    fitting = _fitting(blocks, most=MAX_VIEW_BLOCKS, characters=MAX_VIEW_CHARACTERS)
    return [block for block, _ in fitting] or [context("")]


_Rendered = tuple[Block, dict[str, Any]]


def _fitting(blocks: Sequence[Block], *, most: int, characters: int) -> tuple[_Rendered, ...]:
    """Return the blocks that fit, each with its rendered form, and a notice if some were cut."""
    rendered = [(block, block.to_dict()) for block in blocks]
    weights = [sum(map(width, _texts(content))) for _, content in rendered]
    if len(blocks) <= most and sum(weights) <= characters:
        return tuple(rendered)
    kept = [index for index, block in enumerate(blocks) if block.type in _KEPT][: most - 1]
    room = most - 1 - len(kept)
    spare = characters - width(_CUT_NOTICE) - sum(weights[index] for index in kept)
    shown: list[int] = []
    for index, block in enumerate(blocks):
        if block.type in _KEPT:
            continue
        spare -= weights[index]
        if len(shown) == room or spare < 0:
            break
        shown.append(index)
    first_cut = len(shown) and shown[-1] + 1
    before = [rendered[index] for index in sorted([*shown, *kept]) if index < first_cut]
    after = [rendered[index] for index in kept if index >= first_cut]
    notice = context(_CUT_NOTICE)
    return (*before, (notice, notice.to_dict()), *after)


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)
