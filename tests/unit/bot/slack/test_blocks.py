"""Block Kit builders keep within Slack's limits, whatever the input."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack import blocks
from bot.slack.blocks import Message, Option

ANY_TEXT = st.one_of(
    st.text(max_size=300),
    st.tuples(st.text(min_size=1, max_size=6), st.integers(1, 5_000)).map(lambda t: t[0] * t[1]),
)

# How long a text may be, by its place in a block.
TEXT_LIMITS = {
    ("header", "text"): 150,
    ("section", "text"): 3_000,
    ("section", "fields"): 2_000,
    ("button", "text"): 75,
    ("input", "label"): 2_000,
    ("input", "hint"): 2_000,
    ("plain_text_input", "placeholder"): 150,
    ("confirm", "title"): 100,
    ("confirm", "text"): 300,
    ("confirm", "confirm"): 30,
    ("confirm", "deny"): 30,
    ("options", "text"): 75,
    ("options", "description"): 75,
    ("modal", "title"): 24,
    ("modal", "submit"): 24,
    ("modal", "close"): 24,
}


def texts(value: Any, place: tuple[str, str] = ("", "")) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield every text object with its parent's type and its key."""
    if isinstance(value, list):
        for item in value:
            yield from texts(item, place)
    if not isinstance(value, dict):
        return
    if value.get("type") in {"plain_text", "mrkdwn"}:
        yield place, value["text"]
        return
    for key, inner in value.items():
        yield from texts(inner, (str(value.get("type", place[1])), key))


def assert_within_limits(rendered: Any) -> None:
    found = list(texts(rendered))
    assert found
    for place, text in found:
        assert text.strip(), place
        assert len(text.encode("utf-16-le")) // 2 <= TEXT_LIMITS.get(place, 3_000), place


@given(ANY_TEXT)
def test_no_text_takes_a_message_over_slacks_limits(text: str) -> None:
    message = Message(
        text=text,
        blocks=(
            blocks.header(text),
            blocks.section(text),
            *blocks.paragraphs(text),
            blocks.fields([text] * 12),
            blocks.context(*[text] * 12),
            blocks.actions(
                blocks.button(
                    text,
                    action_id="a",
                    confirm=blocks.confirm(text, text=text, yes=text),
                ),
                blocks.overflow(action_id="b", options=[blocks.option(text, value="v")] * 7),
            ),
        ),
    )
    payload = message.payload()
    assert_within_limits(payload["blocks"])
    assert 1 <= len(payload["text"]) <= 4_000
    assert len(payload["blocks"]) <= 50
    assert sum(len(shown) for _, shown in texts(payload["blocks"])) <= 12_000


@given(ANY_TEXT)
def test_no_text_takes_a_form_over_slacks_limits(text: str) -> None:
    options = [blocks.option(text, value=str(n), description=text) for n in range(3)]
    view = blocks.modal(
        text,
        blocks=[
            blocks.text_input("title", label=text, initial=text, placeholder=text, hint=text),
            blocks.select("severity", label=text, options=options, placeholder=text),
            blocks.radio("kind", label=text, options=options, hint=text),
            blocks.checkboxes("flags", label=text, options=options),
        ],
        callback_id="declare",
        submit=text,
        close=text,
    ).to_dict()
    assert_within_limits(view)
    assert len(view["blocks"][0]["element"].get("initial_value", "")) <= 3_000


def test_a_long_message_keeps_its_buttons_and_says_that_it_is_cut() -> None:
    many = tuple(blocks.section(f"entry {n}") for n in range(80))
    row = blocks.actions(blocks.button("Resolve", action_id="resolve"))
    shown = Message("all", (*many, row)).payload()["blocks"]
    assert len(shown) == 50
    assert shown[-1]["elements"][0]["action_id"] == "resolve"
    assert "cut here" in shown[-2]["elements"][0]["text"]


def test_a_message_of_usual_size_is_unchanged() -> None:
    parts = (blocks.header("INC-1"), blocks.divider(), blocks.section("*down*"))
    assert Message("INC-1 down", parts).blocks == parts


def test_a_home_tab_holds_at_most_a_hundred_blocks() -> None:
    view = blocks.home([blocks.section(str(n)) for n in range(300)]).to_dict()
    assert len(view["blocks"]) == 100


def test_an_empty_home_tab_still_shows_something() -> None:
    assert len(blocks.home([]).to_dict()["blocks"]) == 1


def test_a_select_offers_at_most_a_hundred_options() -> None:
    options = [blocks.option(str(n), value=str(n)) for n in range(200)]
    rendered = blocks.select("s", label="Service", options=options).to_dict()
    assert len(rendered["element"]["options"]) == 100


def test_a_menu_without_options_is_refused_when_built() -> None:
    with pytest.raises(ValueError, match="at least one option"):
        blocks.select("s", label="Service", options=[])


@pytest.mark.parametrize(("initial", "expected"), [("sev2", "sev2"), ("gone", None), (None, None)])
def test_an_initial_choice_counts_only_if_it_is_offered(
    initial: str | None, expected: str | None
) -> None:
    options = [blocks.option("SEV1", value="sev1"), blocks.option("SEV2", value="sev2")]
    for rendered in (
        blocks.select("s", label="S", options=options, initial=initial),
        blocks.select("s", label="S", groups={"All": options}, initial=initial),
        blocks.radio("s", label="S", options=options, initial=initial),
    ):
        chosen = rendered.to_dict()["element"].get("initial_option") or {}
        assert chosen.get("value") == expected


def test_an_input_is_named_only_by_its_field() -> None:
    rendered = blocks.text_input("impact", label="Impact", multiline=True).to_dict()
    assert (rendered["block_id"], rendered["element"]["action_id"]) == ("impact", "impact")


def test_an_id_that_would_be_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="255"):
        blocks.button("x", action_id="a" * 256)
    with pytest.raises(ValueError, match="2000"):
        blocks.button("x", action_id="a", value="v" * 2_001)
    with pytest.raises(ValueError, match="3000"):
        blocks.modal("x", blocks=[], callback_id="c", private_metadata="m" * 3_001)


def test_a_button_links_only_to_web_addresses() -> None:
    assert blocks.button("x", action_id="a", url="javascript:alert(1)").url is None
    assert blocks.button("x", action_id="a", url="https://example.com").url is not None


def test_only_a_form_with_inputs_can_be_submitted() -> None:
    with_input = blocks.modal("x", blocks=[blocks.text_input("t", label="T")], callback_id="c")
    without = blocks.modal("x", blocks=[blocks.section("hi")], callback_id="c")
    assert "submit" in with_input.to_dict()
    assert "submit" not in without.to_dict()


def test_a_naive_time_in_a_form_is_refused() -> None:
    naive = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).replace(tzinfo=None)
    with pytest.raises(ValueError, match="naive"):
        blocks.datetime_input("at", label="At", initial=naive)


def entered(**elements: dict[str, Any]) -> blocks.FormState:
    """Return the state of a submitted form, in the shape that Slack sends."""
    values = {name: {"some_action": element} for name, element in elements.items()}
    return blocks.state_of({"state": {"values": values}})


def test_inputs_are_read_by_field() -> None:
    state = entered(
        title={"type": "plain_text_input", "value": "  Checkout down "},
        severity={"type": "static_select", "selected_option": {"value": "sev2"}},
        flags={"type": "checkboxes", "selected_options": [{"value": "drill"}]},
        person={"type": "users_select", "selected_user": "U1"},
        people={"type": "multi_users_select", "selected_users": ["U1", "U2"]},
        place={"type": "conversations_select", "selected_conversation": "C1"},
        detected={"type": "datetimepicker", "selected_date_time": 1772442000},
    )
    assert state.text("title") == "Checkout down"
    assert state.choice("severity") == "sev2"
    assert state.choices("flags") == ("drill",)
    assert state.checked("flags")
    assert state.checked("flags", "drill")
    assert not state.checked("flags", "private")
    assert state.user("person") == "U1"
    assert state.users("people") == ("U1", "U2")
    assert state.conversation("place") == "C1"
    assert state.instant("detected") == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("element", [{}, {"value": None, "selected_option": None}])
def test_empty_inputs_read_as_empty(element: dict[str, Any]) -> None:
    state = entered(field=element)
    for name in ("field", "unknown"):
        assert not state.text(name)
        assert state.choice(name) is None
        assert state.choices(name) == ()
        assert state.user(name) is None
        assert state.users(name) == ()
        assert state.conversation(name) is None
        assert state.instant(name) is None
        assert not state.checked(name)


def test_options_for_an_external_select_are_cut_to_slacks_limit() -> None:
    offered: list[Option] = [blocks.option(str(n), value=str(n)) for n in range(150)]
    assert len(blocks.options_within(offered)) == 100


def test_a_closed_message_says_why_and_keeps_only_working_buttons() -> None:
    asked = Message(
        "Who takes it?",
        (
            blocks.section("Who takes it?"),
            blocks.actions(blocks.button("Take command", action_id="take")),
        ),
    )
    closed = asked.closed("Alice has command.")
    assert asked.has_buttons
    assert not closed.has_buttons
    assert closed.text == "Who takes it?\nAlice has command."
    assert [block["type"] for block in closed.payload()["blocks"]] == ["section", "context"]
    kept = asked.closed("Alice has command.", blocks.button("Hand off", action_id="hand_off"))
    assert [block.type for block in kept.blocks] == ["section", "context", "actions"]
