"""People's text in Markdown documents: it reads as typed and does nothing else."""

import re
from html import unescape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from incidents.core.markdown_text import escape, escape_block, table

JOINER = "\u2060"


def html_of(markdown: str) -> str:
    """Return the text as HTML, rendered with tables and bare links switched on."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    rendered: str = parser.render(markdown)
    return rendered


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html)).replace(JOINER, "")


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![](https://evil.example/pixel.png)",
    "<https://evil.example>",
    "a | b | c",
    "trailing backslash \\",
    "`code` ``` fence",
    "# heading",
    "- - nested",
    "1. one",
    "1) one",
    "> quote",
    "---",
    "===",
    "*bold* _it_ ~~no~~",
    "&amp; &lt;script&gt;",
    "<!channel> <@U123>",
    "    indented code",
    "\t tab",
    "$x$ \u202eright to left",
    "=cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_one_plain_paragraph(text: str) -> None:
    html = html_of(escape(text))
    assert re.findall(r"<(\w+)", html) == ["p"]
    assert text_of(html).split() == text.replace("\u202e", "").split()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_in_its_cell(text: str) -> None:
    html = html_of(table(("A", "B"), [(escape(text), "end")]))
    assert html.count("<td>") == 2
    assert "<td>end</td>" in html
    assert set(re.findall(r"<(\w+)", html)) == {"table", "thead", "tr", "th", "tbody", "td"}


def test_addresses_and_names_become_neither_links_nor_pings() -> None:
    assert "https://" not in escape("see https://example.com")
    assert "www." not in escape("see www.example.com")
    assert f"@{JOINER}alice" in escape("ask @alice")


def test_paragraphs_lines_and_bullets_stay() -> None:
    html = html_of(escape_block("First line\nsecond *line*\n\nNext\n- one\n* two"))
    assert html.split("\n") == [
        "<p>First line<br />",
        "second *line*</p>",
        "<p>Next</p>",
        "<ul>",
        "<li>one</li>",
        "<li>two</li>",
        "</ul>",
        "",
    ]


@given(st.text(max_size=200))
@example("\\|")
@example("a\\")
@example("[^1]: note")
def test_no_text_makes_markup_or_leaves_its_cell(text: str) -> None:
    html = html_of(table(("A", "B"), [(escape(text), "end")]))
    assert html.count("<td>") == 2
    assert set(re.findall(r"<(\w+)", html)) <= {"table", "thead", "tr", "th", "tbody", "td"}


@given(st.text(alphabet="ab\\`*_[]()<>|#-+.!~=&\n 1:@/", max_size=60))
def test_no_block_of_text_makes_more_than_paragraphs_and_lists(text: str) -> None:
    html = html_of(escape_block(text))
    assert set(re.findall(r"<(\w+)", html)) <= {"p", "br", "ul", "li"}
