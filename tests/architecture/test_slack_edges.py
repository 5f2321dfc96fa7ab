"""One place builds blocks, one calls Slack's Web API, and every button has a handler."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import Source, calls, dotted, imports, is_within, parsed, require

BLOCKS = ("bot/slack/blocks.py", "bot/slack/blocks/")
GATEWAY = ("bot/slack/gateway.py", "bot/slack/gateway/")
# The composition root makes the client.
CLIENT_HOLDERS = (*GATEWAY, "bot/app.py", "bot/inbound/bolt.py")

_LAYOUT = (
    "actions|alert|card|carousel|context|context_actions|divider|file|header|image|input|markdown"
    "|rich_text|rich_text_list|rich_text_preformatted|rich_text_quote|rich_text_section|section"
    "|table|task_card|plan|video"
)
_ELEMENTS = (
    "button|checkboxes|datepicker|datetimepicker|email_text_input|file_input|number_input"
    "|overflow|plain_text_input|radio_buttons|rich_text_input|timepicker|url_text_input"
    "|workflow_button|(multi_)?(static|external|users|conversations|channels)_select"
)
_BLOCK_TYPE = re.compile(f"{_LAYOUT}|{_ELEMENTS}|plain_text|mrkdwn|modal|home")
_WEB_API_METHOD = re.compile(
    r"(admin|api|apps|auth|bookmarks|calls|canvases|chat|conversations|dnd|emoji|files|pins"
    r"|reactions|reminders|search|team|usergroups|users|views)_[a-zA-Z_0-9]+|api_call"
)


def blocks_by_hand(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find block dictionaries, and block models of slack_sdk, outside the builders."""
    for source in sources:
        if not source.is_in("bot/", "incidents/", "config/") or source.is_in(*BLOCKS):
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Dict) and (kind := _block_type(node)):
                yield f"{source.at(node)} builds a {kind} by hand"
        for imported, name in imports(source):
            if is_within(name, ("slack_sdk.models",)) and not _is_a_type_of_blocks(name):
                yield f"{source.at(imported)} imports {name}"


def _block_type(node: ast.Dict) -> str | None:
    for key, value in zip(node.keys, node.values, strict=True):
        match key, value:
            case ast.Constant(value="type"), ast.Constant(value=str(kind)):
                return kind if _BLOCK_TYPE.fullmatch(kind) else None
    return None


def _is_a_type_of_blocks(name: str) -> bool:
    """`Block` and `View` are what builders return: annotations need them."""
    return name.rpartition(".")[2] in {"Block", "View"}


def calls_to_slack(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find calls of the Web API outside the gateway, and Bolt's shortcuts to it."""
    for source in sources:
        if source.is_in(*GATEWAY):
            continue
        for call, name in calls(source):
            receiver, _, method = name.rpartition(".")
            if receiver.endswith("client") and _WEB_API_METHOD.fullmatch(method):
                yield f"{source.at(call)} calls {name}"
        for node in ast.walk(source.tree):
            if isinstance(node, ast.arg) and node.arg == "say":
                yield f"{source.at(node)} takes Bolt's say, which posts a message"
        if not source.is_in(*CLIENT_HOLDERS):
            for imported, name in imports(source):
                if is_within(name, ("slack_sdk.web", "slack_sdk.WebClient", "slack_sdk.webhook")):
                    yield f"{source.at(imported)} imports {name}"


_Keys = dict[str, set[str]]


def unhandled_ids(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find `action_id=` and `callback_id=` values that no feature has a handler for."""
    constants = _text_constants(sources)
    handled: _Keys = {"action_id": set(), "callback_id": set()}
    homes = {
        "choices": "action_id",
        "options": "action_id",
        "shortcuts": "callback_id",
        "buttons": "action_id",
        "opened_by": "action_id",
        "form": "callback_id",
    }
    for source in sources:
        for node, name in calls(source):
            for keyword in node.keywords if name in {"Feature", "Verb"} else ():
                for key in _named_in(keyword.value) if keyword.arg in homes else ():
                    handled[homes[str(keyword.arg)]] |= _texts(key, constants)
    for source in sources:
        for node, _ in calls(source):
            for keyword in () if _can_only_be_closed(node) else node.keywords:
                if keyword.arg in handled:
                    for text in _texts(keyword.value, constants) - handled[keyword.arg]:
                        yield f"{source.at(node)} shows {keyword.arg} {text!r}"


def _named_in(value: ast.expr) -> Iterator[ast.expr]:
    """Yield the keys of a table, the items of a tuple, or the single name."""
    match value:
        case ast.Dict(keys=keys):
            yield from filter(None, keys)
        case ast.Tuple(elts=items):
            yield from items
        case _:
            yield value


def _can_only_be_closed(call: ast.Call) -> bool:
    """A form that can only be closed is never submitted."""
    names = {keyword.arg: keyword.value for keyword in call.keywords}
    close = names.get("close")
    return isinstance(close, ast.Constant) and close.value == "Close" and "submit" not in names


def _text_constants(sources: tuple[Source, ...]) -> _Keys:
    found: _Keys = {}
    for source in sources:
        for node in source.tree.body:
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text)))
                    | ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text)))
                ):
                    found.setdefault(name, set()).add(text)
    return found


def _texts(node: ast.expr, constants: _Keys) -> set[str]:
    """Return the text of a literal or of a module's constant; of anything else, nothing."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.Name() | ast.Attribute():
            return constants.get(dotted(node).rpartition(".")[2], set())
        case _:
            return set()


def test_only_the_builders_build_blocks(program: tuple[Source, ...]) -> None:
    require(
        blocks_by_hand(program),
        rule="Only bot/slack/blocks builds blocks: it knows Slack's limits and escapes texts.",
        instead="call its builders, or add one there.",
    )


def test_only_the_gateway_calls_the_web_api(program: tuple[Source, ...]) -> None:
    require(
        calls_to_slack(program),
        rule="Only bot/slack/gateway calls Slack: limits, retries, checks before repeating.",
        instead="call the gateway, or add a method there.",
    )


def test_every_button_and_form_has_a_handler(program: tuple[Source, ...]) -> None:
    require(
        unhandled_ids(program),
        rule="Every button and form is in the table of a feature.",
        instead="add it to a Verb, or to options= or shortcuts= of a Feature.",
    )


@pytest.mark.parametrize(
    "text",
    [
        'x = {"type": "section", "text": y}',
        'x = {"text": y, "type": "multi_users_select"}',
        'x = [{"type": "mrkdwn"}]',
        "from slack_sdk.models.blocks import SectionBlock",
        "import slack_sdk.models",
    ],
)
def test_a_block_built_by_hand_is_found(text: str) -> None:
    assert list(blocks_by_hand((parsed("bot/features/roles/feature.py", text),)))
    assert not list(blocks_by_hand((parsed("bot/slack/blocks/parts.py", text),)))


@pytest.mark.parametrize(
    "text",
    [
        'x = {"type": "link"}',
        'x = {"kind": "section"}',
        'x = {**y, "type": z}',
        "from slack_sdk.models.blocks import Block",
    ],
)
def test_a_dictionary_that_is_no_block_is_left_alone(text: str) -> None:
    assert not list(blocks_by_hand((parsed("bot/features/roles/feature.py", text),)))


@pytest.mark.parametrize(
    "text",
    [
        "async def f(client): await client.chat_postMessage(channel=c)",
        "async def f(self): await self.app.client.conversations_invite()",
        "async def f(web_client): await web_client.api_call('chat.delete')",
        "async def handler(ack, say): await say('x')",
        "from slack_sdk.web.async_client import AsyncWebClient",
        "from slack_sdk import WebClient",
    ],
)
def test_a_call_to_slack_outside_the_gateway_is_found(text: str) -> None:
    assert list(calls_to_slack((parsed("bot/features/roles/feature.py", text),)))
    assert not list(calls_to_slack((parsed("bot/slack/gateway/messages.py", text),)))


def test_features_may_call_the_gateway_and_the_root_may_make_the_client() -> None:
    feature = parsed(
        "bot/features/roles/feature.py", "async def f(gateway): await gateway.auth_test()"
    )
    root = parsed("bot/app.py", "from slack_sdk.web.async_client import AsyncWebClient")

    assert not list(calls_to_slack((feature, root)))


_TABLE = """
FEATURE = Feature(
    name="roles",
    verbs=(Verb(OneRole, buttons=("claim", OFFER)), Verb(OneRole, form="form", opened_by=("open",))),
    options={"names": f},
)
"""


def test_a_button_or_form_without_a_handler_is_found() -> None:
    table = parsed("bot/features/roles/feature.py", f"OFFER = 'offer'\n{_TABLE}")
    shown = parsed("bot/features/x.py", "b.button('Go', action_id='go')\nb.modal(callback_id='no')")

    assert list(unhandled_ids((table, shown))) == [
        "bot/features/x.py:1 shows action_id 'go'",
        "bot/features/x.py:2 shows callback_id 'no'",
    ]


def test_a_button_with_a_handler_is_left_alone() -> None:
    table = parsed("bot/features/roles/feature.py", f"OFFER = 'offer'\n{_TABLE}")
    shown = parsed(
        "bot/features/x.py",
        "b.button(action_id='claim')\nb.button(action_id=OFFER)\nb.modal(callback_id='form')\n"
        "b.button(action_id='open')\nb.select(action_id='names')\n"
        "b.modal(callback_id='told', close='Close')",
    )

    assert not list(unhandled_ids((table, shown)))
