"""People's text as it is stored."""

import pytest

from incidents.storage.database import trimmed


@pytest.mark.parametrize("text", ["", " \n", "\u200b\u200d", "\u3164", "\u00a0\u2003", "\u2800"])
def test_a_text_that_shows_nothing_is_no_text(text: str) -> None:
    assert trimmed(text) == ""


@pytest.mark.parametrize("text", ["x", ".", "👩\u200d🔧", "मी", "\u200bok"])
def test_a_text_that_shows_something_stays_whole(text: str) -> None:
    assert trimmed(f" {text} ") == text
