"""Cutting text to Slack's limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.truncation import MARK, shorten, shorten_mrkdwn, split_mrkdwn, width


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_a_shortened_text_is_never_over_its_limit(text: str, limit: int) -> None:
    assert width(shorten(text, limit)) <= limit
    assert width(shorten_mrkdwn(text, limit)) <= limit


@given(st.text(max_size=20))
def test_a_text_within_its_limit_stays_as_it_is(text: str) -> None:
    assert shorten(text, 40) == text
    assert shorten_mrkdwn(text, 40) == text


@pytest.mark.parametrize(
    ("text", "limit", "cut"), [("checkout is down", 9, "checkout"), ("🔥🔥🔥", 4, "🔥")]
)
def test_a_cut_shows_a_mark_and_never_halves_an_emoji(text: str, limit: int, cut: str) -> None:
    assert shorten(text, limit) == f"{cut}{MARK}"


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("ask <@U123456789> now", 10, "ask "),
        ("see <https://example.com/long|the graph> now", 10, "see "),
        ("a &amp; b is what failed", 6, "a "),
    ],
)
def test_a_cut_inside_a_token_or_entity_leaves_it_out(text: str, limit: int, cut: str) -> None:
    assert shorten_mrkdwn(text, limit) == f"{cut}{MARK}"


@given(st.text(alphabet="ab \n`<>&;", max_size=400))
def test_pieces_are_within_the_limit(text: str) -> None:
    assert all(width(piece) <= 50 for piece in split_mrkdwn(text, 50))


def test_pieces_together_hold_every_word() -> None:
    words = [f"word{number}" for number in range(200)]
    pieces = split_mrkdwn(" ".join(words), 100)
    assert " ".join(pieces).split() == words


def test_a_code_block_that_spans_pieces_is_closed_and_opened_again() -> None:
    lines = "\n".join(f"line {number}" for number in range(30))
    pieces = split_mrkdwn(f"```\n{lines}\n```", 100)
    assert len(pieces) > 2
    assert all(piece.count("```") == 2 for piece in pieces)
