"""What a message says and shares is found wherever Slack keeps it."""

from typing import Any

import pytest

from bot.slack import mentions
from bot.slack.message_content import author_of, files_of, text_of

NAMES = {"U1": "Ann", "S1": "oncall", "C1": "checkout"}


def rich(*elements: dict[str, Any]) -> dict[str, Any]:
    section = {"type": "rich_text_section", "elements": list(elements)}
    return {"blocks": [{"type": "rich_text", "elements": [section]}]}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"text": "Hello", "attachments": [{"text": "A preview"}]}, "Hello"),
        (
            {
                "text": "",
                "attachments": [
                    {
                        "fallback": "DiskFull: critical",
                        "title": "DiskFull",
                        "title_link": "https://alerts.example/1?a=1&amp;b=2",
                        "text": "db-3 is at 97&#37; &lt;now&gt;",
                        "fields": [{"title": "Since", "value": "9:12"}, {"value": "eu-1"}],
                    }
                ],
            },
            "DiskFull (https://alerts.example/1?a=1&b=2)\ndb-3 is at 97&#37; <now>\nSince: 9:12\neu-1",
        ),
        ({"attachments": [{"fallback": "DiskFull: critical"}]}, "DiskFull: critical"),
        # What Slack never sends says nothing.
        ({"blocks": [{"type": "table", "rows": 5}]}, ""),
        ({"attachments": [{"message_blocks": [{"message": {"blocks": 7}}]}]}, ""),
        (
            {
                "attachments": [
                    {
                        "fallback": "[no preview available]",
                        "blocks": [
                            {"type": "header", "text": {"type": "plain_text", "text": "DiskFull"}},
                            {"type": "divider"},
                            {
                                "type": "section",
                                "text": {"type": "mrkdwn", "text": "On <https://a.example|db-3>"},
                                "fields": [{"type": "mrkdwn", "text": "Since 9:12"}],
                            },
                            {
                                "type": "context",
                                "elements": [
                                    {"type": "image", "alt_text": "red"},
                                    {"type": "mrkdwn", "text": "eu-1"},
                                ],
                            },
                        ],
                    }
                ]
            },
            "DiskFull\nOn db-3 (https://a.example)\nSince 9:12\nred eu-1",
        ),
        (
            rich(
                {"type": "user", "user_id": "U1"},
                {"type": "text", "text": " <rolls> back with "},
                {"type": "usergroup", "usergroup_id": "S1"},
                {"type": "text", "text": " in "},
                {"type": "channel", "channel_id": "C1"},
                {"type": "text", "text": ", "},
                {"type": "broadcast", "range": "here"},
                {"type": "text", "text": " "},
                {"type": "emoji", "name": "fire"},
                {"type": "date", "timestamp": 1772442000, "fallback": "at 9"},
                {"type": "link", "url": "https://a.example", "text": "graph"},
            ),
            "@Ann <rolls> back with @oncall in #checkout, @here :fire:at 9graph (https://a.example)",
        ),
        (
            {
                "blocks": [
                    {
                        "type": "rich_text",
                        "elements": [
                            {
                                "type": "rich_text_list",
                                "elements": [
                                    {"type": "rich_text_section", "elements": [
                                        {"type": "text", "text": "one"}]},
                                    {"type": "rich_text_section", "elements": [
                                        {"type": "text", "text": "two"}]},
                                ],
                            }
                        ],
                    },
                    {"type": "image", "alt_text": "A graph"},
                    {"type": "markdown", "text": "**bold**"},
                ]
            },
            "• one\n• two\nA graph\n**bold**",
        ),
        ({"text": None, "blocks": "nonsense", "attachments": [3, {"fields": [None]}]}, ""),
        ({"text": "Wave :wave::skin-tone-3: at 10::skin"}, "Wave :wave: at 10::skin"),
        ({"text": "<!date^1772442000^{date}^https://a.example|2 March>"}, "2 March"),
    ],
)  # fmt: skip
def test_a_message_says_its_text_or_else_what_it_shows(raw: dict[str, Any], said: str) -> None:
    assert mentions.plain(text_of(raw), name_of=NAMES.get) == said


@pytest.mark.parametrize(
    ("raw", "author"),
    [
        ({"username": "Alertmanager", "bot_profile": {"name": "alerts"}}, "Alertmanager"),
        ({"bot_profile": {"name": "alerts"}}, "alerts"),
        ({"user": "U1"}, ""),
    ],
)
def test_an_integration_has_the_name_under_which_it_posted(
    raw: dict[str, Any], author: str
) -> None:
    assert author_of(raw) == author


@pytest.mark.parametrize(
    ("raw", "name", "link"),
    [
        ({"name": "a.png", "permalink": "https://x/1"}, "a.png", "https://x/1"),
        ({"title": "Graph", "name": "a.png"}, "Graph", ""),
        (
            {"mode": "external", "title": "Plan", "external_url": "https://docs.example/1"},
            "Plan",
            "https://docs.example/1",
        ),
        ({"mode": "tombstone"}, "a deleted file", ""),
        ({"mode": "hidden_by_limit"}, "a file that Slack hides", ""),
        ({"filetype": "quip", "permalink": "https://x/docs/1"}, "a canvas", "https://x/docs/1"),
        ({"mode": "list", "title": "Tasks"}, "Tasks", ""),
        ({"mode": "snippet"}, "a snippet", ""),
        ({"file_access": "check_file_info"}, "a file", ""),
    ],
)
def test_a_file_of_any_sort_keeps_name_and_link(raw: dict[str, Any], name: str, link: str) -> None:
    for message in (
        {"files": [{"id": "F1", **raw}]},
        {"attachments": [{"files": [{"id": "F1", **raw}]}]},
    ):
        (file,) = files_of(message)
        assert (file.id, file.name, file.permalink) == ("F1", name, link)
        assert file.is_whole is ("file_access" not in raw)


@pytest.mark.parametrize(
    ("text", "identifier", "name"),
    [
        ("<https://x.slack.com/files/U1/F1/graph.png>", "F1", "graph.png"),
        ("<https://x.slack.com/files/U1/F1/graph.png|the graph>", "F1", "the graph"),
        ("<https://x.enterprise.slack.com/docs/T1/F2>", "F2", "a canvas"),
        ("<https://x.slack.com/lists/T1/F3?record_id=1|Tasks>", "F3", "Tasks"),
        ("<https://x.slack.com/canvas/C1>", "https://x.slack.com/canvas/C1", "a canvas"),
    ],
)
def test_a_file_that_a_text_links_to_is_found(text: str, identifier: str, name: str) -> None:
    (file,) = files_of({"text": f"See {text}."})
    assert (file.id, file.name) == (identifier, name)
    assert not files_of({"text": "<https://x.slack.com/archives/C1/p1>"})
