"""Limits of blocks and of what they sit on: messages, modals, home tabs, option lists."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.slack_server.validation.checks import (
    Check,
    Problem,
    anything,
    boolean,
    integer,
    many,
    one_of,
    repeated,
    shape,
    string,
    typed,
)
from tests.slack_server.validation.elements import (
    AS_ACCESSORY,
    ID,
    IMAGE_ELEMENT,
    IN_ACTIONS,
    IN_INPUT,
    OPTION_GROUPS,
    OPTIONS,
    SLACK_FILE,
    URL,
    plain,
    text,
)

Json = dict[str, Any]

# Slack recommends at most 4,000, and cuts or splits longer messages.
MESSAGE_TEXT = 4000
MARKDOWN_TEXT = 12_000
# Undocumented: the size at which Slack was seen to answer `msg_blocks_too_long`.
ALL_BLOCK_TEXT = 13_200
VIEW_BYTES = 250_000
# Undocumented: a cautious guess; ids never come near it.
METADATA_BYTES = 8_000


def _has_text_or_fields(value: Any, at: str) -> Iterator[Problem]:
    if value.get("text") is None and not value.get("fields"):
        yield Problem(at, "a section needs text or fields")


def _one_image(value: Any, at: str) -> Iterator[Problem]:
    if (value.get("image_url") is None) == (value.get("slack_file") is None):
        yield Problem(at, "needs exactly one of image_url, slack_file")


def _block(
    required: Mapping[str, Check],
    optional: Mapping[str, Check] | None = None,
    *,
    also: Check | None = None,
) -> Check:
    return shape(required, {"block_id": ID, **(optional or {})}, also=also)


_IN_CONTEXT = typed(
    {"image": IMAGE_ELEMENT, "plain_text": text(3000), "mrkdwn": text(3000)},
    what="element of context",
)
_EVERYWHERE: Mapping[str, Check] = {
    "section": _block(
        {},
        {
            "text": text(3000),
            "fields": many(text(2000), 10),
            "accessory": AS_ACCESSORY,
            "expand": boolean,
        },
        also=_has_text_or_fields,
    ),
    "divider": _block({}),
    "header": _block({"text": plain(150)}, {"level": integer(1, 4)}),
    "context": _block({"elements": many(_IN_CONTEXT, 10)}),
    "actions": _block({"elements": many(IN_ACTIONS, 25)}),
    "input": _block(
        {"label": plain(2000), "element": IN_INPUT},
        {"hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "image": _block(
        {"alt_text": string(2000)},
        {"image_url": URL, "slack_file": SLACK_FILE, "title": plain(2000)},
        also=_one_image,
    ),
    "rich_text": _block({"elements": many(anything, 1000)}),
    "video": anything,
    "card": anything,
    "carousel": anything,
    "container": anything,
    "data_table": anything,
    "data_visualization": anything,
}
_TABLE = _block(
    {"rows": many(many(anything, 20), 100)}, {"column_settings": many(anything, 20, least=0)}
)
_MESSAGE_BLOCKS = typed(
    {
        **_EVERYWHERE,
        "markdown": _block({"text": string(MARKDOWN_TEXT)}),
        "table": _TABLE,
        "file": anything,
        "context_actions": _block({"elements": many(anything, 5)}),
        "task_card": anything,
        "plan": anything,
    },
    what="block in a message",
)
_MODAL_BLOCKS = typed(
    {
        **_EVERYWHERE,
        "alert": _block(
            {"text": text(200)},
            {"level": one_of("default", "info", "warning", "error", "success")},
        ),
    },
    what="block in a modal",
)
_HOME_BLOCKS = typed({**_EVERYWHERE}, what="block in a home tab")

_STORED: Mapping[str, Check] = {
    "private_metadata": string(3000, shortest=0),
    "callback_id": string(255, shortest=0),
    "external_id": string(255, shortest=0),
}
_MODAL = shape(
    {"type": one_of("modal"), "title": plain(24), "blocks": many(_MODAL_BLOCKS, 100)},
    {
        **_STORED,
        "submit": plain(24),
        "close": plain(24),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    },
)
_HOME = shape({"type": one_of("home"), "blocks": many(_HOME_BLOCKS, 100)}, _STORED)


def check_message(
    message_text: str, blocks: list[Json], attachments: list[Json]
) -> Iterator[Problem]:
    """Check a message to post, including what Slack would silently cut."""
    if len(message_text) > MESSAGE_TEXT:
        yield Problem("/text", f"text over {MESSAGE_TEXT} characters is cut", "msg_too_long")
    if len(attachments) > 100:
        yield Problem("/attachments", "at most 100 attachments", "too_many_attachments")
    for index, attachment in enumerate(attachments):
        inner = attachment.get("blocks") or []
        yield from _check_blocks(inner, f"/attachments/{index}/blocks")
    yield from _check_blocks(blocks, "/blocks")


def check_view(view: Any) -> Iterator[Problem]:
    """Check a modal or home tab; its problems answer `invalid_arguments`."""
    if len(json.dumps(view)) > VIEW_BYTES:
        yield Problem("/view", f"at most {VIEW_BYTES} bytes", "view_too_large")
    table = typed({"modal": _MODAL, "home": _HOME}, what="view")
    found = list(table(view, "/view"))
    if not found:
        found = [*_ids_differ(view["blocks"], "/view/blocks"), *_needs_submit(view)]
    for problem in found:
        yield Problem(problem.pointer, problem.message, "invalid_arguments")


def check_metadata(metadata: Any) -> Iterator[Problem]:
    """Check message metadata: an event type and a payload."""
    if metadata == {}:
        return
    good = (
        isinstance(metadata, dict)
        and isinstance(metadata.get("event_type"), str)
        and isinstance(metadata.get("event_payload"), dict)
    )
    if not good:
        yield Problem("/metadata", "needs event_type and event_payload", "invalid_metadata_format")
    if len(json.dumps(metadata)) > METADATA_BYTES:
        yield Problem("/metadata", f"over {METADATA_BYTES} bytes", "metadata_too_large")


def check_options(body: Json) -> Iterator[Problem]:
    """Check the answer to a `block_suggestion`; an empty list is fine."""
    if body.get("options") == [] or body.get("option_groups") == []:
        return
    checks: Mapping[str, Check] = {"options": OPTIONS, "option_groups": OPTION_GROUPS}
    present = [key for key in checks if key in body]
    if len(present) != 1:
        yield Problem("", "needs options or option_groups", "invalid_options")
    for key in present:
        yield from checks[key](body[key], f"/{key}")


def _check_blocks(blocks: Any, at: str) -> Iterator[Problem]:
    found = list(many(_MESSAGE_BLOCKS, 50, least=0)(blocks, at))
    yield from found
    if found:
        return
    yield from _ids_differ(blocks, at)
    kinds = [block["type"] for block in blocks]
    if kinds.count("table") > 1:
        yield Problem(at, "only one table in a message", "only_one_table_allowed")
    if sum(len(b["text"]) for b in blocks if b["type"] == "markdown") > MARKDOWN_TEXT:
        yield Problem(at, f"markdown over {MARKDOWN_TEXT} characters", "msg_blocks_too_long")
    elif sum(len(part) for part in _texts(blocks)) > ALL_BLOCK_TEXT:
        yield Problem(at, f"text over {ALL_BLOCK_TEXT} characters", "msg_blocks_too_long")


def _ids_differ(blocks: list[Json], at: str) -> Iterator[Problem]:
    for block_id in repeated(b["block_id"] for b in blocks if b.get("block_id")):
        yield Problem(at, f"block_id occurs twice: {block_id}")
    for index, block in enumerate(blocks):
        elements = block.get("elements") or []
        actions = [e["action_id"] for e in elements if isinstance(e, dict) and e.get("action_id")]
        for action_id in repeated(actions):
            yield Problem(f"{at}/{index}", f"action_id occurs twice: {action_id}")


def _needs_submit(view: Json) -> Iterator[Problem]:
    has_input = any(block["type"] == "input" for block in view["blocks"])
    if view["type"] == "modal" and has_input and not view.get("submit"):
        yield Problem("/view/submit", "a modal with inputs needs a submit button")
    focused = [1 for b in view["blocks"] if (b.get("element") or {}).get("focus_on_load")]
    if len(focused) > 1:
        yield Problem("/view/blocks", "only one element may have focus_on_load")


def _texts(thing: Any) -> Iterable[str]:
    match thing:
        case dict():
            for key, value in thing.items():
                if key == "text" and isinstance(value, str):
                    yield value
                else:
                    yield from _texts(value)
        case list():
            for item in thing:
                yield from _texts(item)
