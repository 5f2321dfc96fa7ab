"""Slack's limits on messages and views, and the plain-text renderer."""

from typing import Any

import pytest
from slack_sdk.models import blocks as sdk

from tests.slack_server import render
from tests.slack_server.validation import check_message, check_metadata, check_options, check_view

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def button(**extra: Any) -> Json:
    return {"type": "button", "action_id": "a", "text": plain("Go"), **extra}


def options(count: int) -> list[Json]:
    return [{"text": plain(f"o{n}"), "value": f"{n}"} for n in range(count)]


def select(**extra: Any) -> Json:
    return {"type": "static_select", "action_id": "s", **extra}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def section(text: str) -> Json:
    return {"type": "section", "text": mrkdwn(text)}


def blocks_problems(*blocks: Json) -> list[str]:
    return [problem.pointer for problem in check_message("text", list(blocks), [])]


GOOD: list[Json] = [
    section("x" * 3000),
    {"type": "section", "fields": [mrkdwn("f")] * 10},
    {"type": "header", "text": plain("x" * 150)},
    {"type": "divider"},
    {"type": "context", "elements": [mrkdwn("c")] * 10},
    actions(button(value="v" * 2000, style="danger"), select(options=options(100))),
    {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"},
    {
        "type": "section",
        "text": mrkdwn("x"),
        "accessory": {"type": "overflow", "action_id": "o", "options": options(5)},
    },
]


@pytest.mark.parametrize("block", GOOD, ids=lambda block: str(block["type"]))
def test_blocks_at_their_limits_pass(block: Json) -> None:
    assert blocks_problems(block) == []


BAD: dict[str, Json] = {
    "empty text": section(""),
    "text too long": section("x" * 3001),
    "no text": {"type": "section"},
    "11 fields": {"type": "section", "fields": [mrkdwn("f")] * 11},
    "header in mrkdwn": {"type": "header", "text": mrkdwn("x")},
    "26 buttons": actions(*[button(action_id=f"a{n}") for n in range(26)]),
    "no buttons": actions(),
    "same action ids": actions(button(), button()),
    "long label": actions({**button(), "text": plain("x" * 76)}),
    "unknown style": actions(button(style="blue")),
    "unknown field": {**section("x"), "color": "red"},
    "unknown block": {"type": "blink"},
    "101 options": actions(select(options=options(101))),
    "no options": actions(select(options=[])),
    "options and groups": actions(
        select(options=options(1), option_groups=[{"label": plain("g"), "options": options(1)}])
    ),
    "initial not offered": actions(
        select(options=options(1), initial_option={"text": plain("z"), "value": "z"})
    ),
    "same option values": actions(select(options=[*options(1), *options(1)])),
    "text input outside input": actions({"type": "plain_text_input", "action_id": "t"}),
    "6 overflow options": actions({"type": "overflow", "action_id": "o", "options": options(6)}),
    "confirm without deny": actions(
        button(confirm={"title": plain("t"), "text": plain("x"), "confirm": plain("y")})
    ),
    "alert outside a modal": {"type": "alert", "text": plain("x")},
}


@pytest.mark.parametrize("block", BAD.values(), ids=BAD.keys())
def test_blocks_over_their_limits_are_found(block: Json) -> None:
    assert blocks_problems(block) != []


def test_messages_are_limited_as_a_whole() -> None:
    assert blocks_problems(*[{"type": "divider"}] * 50) == []
    assert blocks_problems(*[{"type": "divider"}] * 51) == ["/blocks"]
    assert blocks_problems(*[{"type": "divider", "block_id": "b"}] * 2) == ["/blocks"]
    too_much = list(check_message("text", [section("x" * 2700)] * 5, []))
    assert [problem.code for problem in too_much] == ["msg_blocks_too_long"]
    assert [p.code for p in check_message("x" * 4001, [], [])] == ["msg_too_long"]


def modal(**extra: Any) -> Json:
    return {"type": "modal", "title": plain("Title"), "blocks": [section("x")], **extra}


FIELD = {
    "type": "input",
    "label": plain("l"),
    "element": {"type": "plain_text_input", "action_id": "t"},
}


@pytest.mark.parametrize(
    "view",
    [
        modal(title=plain("x" * 25)),
        modal(submit=plain("x" * 25)),
        modal(private_metadata="x" * 3001),
        modal(blocks=[{"type": "divider"}] * 101),
        modal(blocks=[FIELD]),
        modal(blocks=[{"type": "markdown", "text": "x"}]),
        {"type": "modal", "blocks": []},
        {"type": "home", "blocks": [section("x")], "title": plain("x")},
        {"type": "workflow_step", "blocks": [section("x")]},
        "no view",
    ],
)
def test_views_over_their_limits_are_found(view: Any) -> None:
    assert {problem.code for problem in check_view(view)} == {"invalid_arguments"}


def test_views_at_their_limits_pass() -> None:
    full = modal(
        title=plain("x" * 24),
        submit=plain("x" * 24),
        close=plain("x" * 24),
        callback_id="x" * 255,
        private_metadata="x" * 3000,
        notify_on_close=True,
        blocks=[FIELD, *[{"type": "divider"}] * 99],
    )
    assert list(check_view(full)) == []
    assert list(check_view({"type": "home", "blocks": [{"type": "divider"}] * 100})) == []


def test_metadata_and_options_are_checked() -> None:
    assert list(check_metadata({"event_type": "e", "event_payload": {}})) == []
    assert list(check_metadata({})) == []
    assert [p.code for p in check_metadata({"event_type": "e"})] == ["invalid_metadata_format"]
    assert list(check_options({"options": []})) == []
    assert list(check_options({"options": options(100)})) == []
    assert list(check_options({"options": options(101)})) != []
    assert list(check_options({})) != []


def test_blocks_made_by_the_sdk_pass() -> None:
    made = [
        sdk.HeaderBlock(text="Head"),
        sdk.SectionBlock(text="*bold*", accessory=sdk.ButtonElement(text="Go", action_id="g")),
        sdk.ActionsBlock(
            elements=[
                sdk.StaticSelectElement(
                    action_id="s", placeholder="Pick", options=[sdk.Option(value="a", label="A")]
                ),
                sdk.DateTimePickerElement(action_id="d", initial_date_time=1772323200),
            ]
        ),
        sdk.ContextBlock(elements=[sdk.MarkdownTextObject(text="small")]),
    ]
    assert blocks_problems(*[block.to_dict() for block in made]) == []


def test_rendering_shows_what_people_read() -> None:
    names = {"U1": "@alice", "C1": "#room", "S1": "@sre"}
    message = {
        "text": "fallback",
        "blocks": [
            {"type": "header", "text": plain("SEV2 <b>")},
            section("<@U1> in <#C1> &amp; <!subteam^S1>, <https://example.com|runbook> <!here>"),
            {"type": "context", "elements": [mrkdwn("since <!date^1^{time}|12:00>")]},
            actions(button(), select(placeholder=plain("Pick"), options=options(1))),
        ],
    }
    assert render(message, names) == (
        "SEV2 <b>\n@alice in #room & @sre, runbook @here\nsince 12:00\n[Go] [Pick▾]"
    )
    assert render({"text": "just <@U1>"}, names) == "just @alice"


def test_rendering_a_form_shows_its_frame() -> None:
    view = modal(submit=plain("Send"), close=plain("Cancel"), blocks=[FIELD])
    assert render(view) == "[ Title ]\nl: [▾]\n[Cancel] [Send]"
