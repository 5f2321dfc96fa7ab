"""Sentences in Slack: our mentions and date tokens work, people's text does nothing."""

import uuid
from datetime import UTC, datetime

from bot.slack.sentences import SlackText, slack_lines
from incidents.core.sentences import (
    ChannelName,
    Link,
    When,
    Who,
    Words,
    detail,
    render,
    said,
    telling,
)

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def test_an_entry_is_one_sentence_and_a_line_for_each_detail() -> None:
    told = telling(
        "made ", Who("Ben", uuid.UUID(int=7), "U0BEN"), " scribe", details=(said("He asked"),)
    )
    assert slack_lines(told, actor_kind="person", actor_name="Ada") == [
        "*Ada* made <@U0BEN> scribe.",
        "He asked",
    ]


def test_the_bot_says_i() -> None:
    told = telling("recorded no stakeholder update, due ", When(NINE))
    (line,) = slack_lines(told, actor_kind="system", actor_name="Sitrep")
    assert line.startswith("I recorded no stakeholder update, due <!date^")


def test_peoples_text_and_names_can_neither_ping_nor_link_nor_format() -> None:
    parts = (
        Words("<!channel> <@U0BEN>"),
        Who("<!here>"),
        ChannelName("<#C1>"),
        Link("javascript:x", "<b>"),
    )
    shown = render(parts, SlackText())
    assert "<!channel" not in shown
    assert "<@U0BEN>" not in shown
    assert "<!here" not in shown
    assert "<#C1" not in shown
    assert "javascript:" not in shown


def test_a_channel_and_an_address_become_links_and_a_label_is_bold() -> None:
    parts = (ChannelName("inc-1", "C1"), " ", Link("https://example.com", "the graph"))
    assert render(parts, SlackText()) == "<#C1> <https://example.com|the graph>"
    told = telling("posted it", details=(detail("Next update due", When(NINE)),))
    assert slack_lines(told, actor_kind="person", actor_name="Ada")[1].startswith(
        "*Next update due* <!date^"
    )
