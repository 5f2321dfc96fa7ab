"""Several names after a command, however they are joined."""

import pytest

from bot.slack.mentions import begins_with_a_person, next_name


@pytest.mark.parametrize("text", ["<@U2>", "and <@U2> it", ", <@U2|b>", "&amp; <@U2>", "+<@U2>"])
def test_a_second_name_is_seen(text: str) -> None:
    assert begins_with_a_person(text)


@pytest.mark.parametrize("text", ["", "and then <@U2>", "ask <@U2>", "android", "it is, <@U2>"])
def test_a_name_further_on_is_text(text: str) -> None:
    assert not begins_with_a_person(text)


def test_only_what_joins_is_skipped() -> None:
    assert next_name("<@U1>, <@U2>") == "<@U1>,"
