"""People's text made harmless, and Slack's tokens."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.slack import mentions

NASTY = st.text(
    alphabet=st.one_of(st.sampled_from("<>&!@#`|*_~\n\u202e\u2066\u05d0\u0000 "), st.characters())
)


@given(NASTY)
@example("<!channel> <@U1> <https://evil.example|bank>")
def test_escaped_text_holds_no_token(text: str) -> None:
    for escaped in (mentions.escape(text), mentions.escape_line(text), mentions.code(text)):
        assert "<" not in escaped
        assert ">" not in escaped
        assert re.search(r"&(?!amp;|lt;|gt;)", escaped) is None


@given(NASTY)
def test_escaped_text_closes_every_code_block_and_span(text: str) -> None:
    escaped = mentions.escape(text)
    assert len(re.findall(r"`{3,}", escaped)) % 2 == 0
    outside = re.sub(r"```[^`]*```", "", escaped)
    assert all(line.count("`") % 2 == 0 for line in outside.split("\n"))


@given(NASTY)
def test_code_is_one_span_whatever_is_in_it(text: str) -> None:
    shown = mentions.code(text)
    assert shown.count("`") == 2
    assert shown.startswith("`")
    assert shown.endswith("`")
    assert "\n" not in shown


@given(NASTY)
def test_escaped_text_isolates_its_direction(text: str) -> None:
    escaped = mentions.escape(text)
    assert re.search("[\u202a-\u202e\u2066\u2067]", escaped) is None
    for line in escaped.split("\n"):
        assert line.count("\u2068") == line.count("\u2069")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("שלום\nhello", "\u2068שלום\u2069\nhello"),
        ("mail bob@here.example", "mail bob@here.example"),
        ("run `ls` then\n```\nlogs\n```", "run `ls` then\n```\nlogs\n```"),
    ],
)
def test_right_to_left_lines_are_isolated_and_emails_and_code_are_unchanged(
    text: str, escaped: str
) -> None:
    assert mentions.escape(text) == escaped


@pytest.mark.parametrize("ping", ["@here", "@channel", "@everyone", "@sre-oncall", "(@here)"])
def test_a_typed_ping_is_broken_up_invisibly(ping: str) -> None:
    escaped = mentions.escape(f"look {ping} now")
    assert ping not in escaped
    assert escaped.replace("\u2060", "") == f"look {ping} now"


def test_quoting_everything_below_is_prevented() -> None:
    assert not mentions.escape(">>> all of this").startswith("&gt;&gt;&gt;")


@given(st.text(alphabet="abc <>&", max_size=60))
def test_plain_reverses_escaping(text: str) -> None:
    # Quoting signs at a line's start are changed on purpose.
    if not text.lstrip().startswith(">>>"):
        assert mentions.plain(mentions.escape(text)) == text


@pytest.mark.parametrize(
    ("token", "parsed"),
    [("<@U123>", "U123"), ("<@W9|bob>", "W9"), (" <@U1> ", "U1"), ("@bob", None), ("<#C1>", None)],
)
def test_a_user_token_is_read_with_or_without_a_name(token: str, parsed: str | None) -> None:
    assert mentions.parse_user(token) == parsed


def test_channel_and_group_tokens_are_read() -> None:
    assert mentions.parse_channel("<#C123|general>") == "C123"
    assert mentions.parse_channel("<#C123|>") == "C123"
    assert mentions.parse_group("<!subteam^S123|@sre>") == "S123"
    assert mentions.parse_group("<!here>") is None


def test_written_tokens_are_read_back() -> None:
    assert mentions.parse_user(mentions.mention("U1")) == "U1"
    assert mentions.parse_channel(mentions.channel_link("C1")) == "C1"


def test_a_link_label_cannot_end_the_link() -> None:
    shown = mentions.link("https://example.com/?a=1&b=2", "graph> <!here> | more")
    assert shown == "<https://example.com/?a=1&amp;b=2|graph&gt; &lt;!here&gt; │ more>"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a b", "https://x>", "ftp://x", ""])
def test_only_web_addresses_are_linked(url: str) -> None:
    assert mentions.link(url, "graph") == "graph"


def test_a_date_carries_its_moment_and_a_fallback_in_utc() -> None:
    instant = datetime(2026, 3, 2, 10, 30, tzinfo=timezone(timedelta(hours=1)))
    seconds = int(instant.timestamp())
    assert mentions.date(instant, "{time}") == f"<!date^{seconds}^{{time}}|2026-03-02 09:30 UTC>"


def test_plain_text_names_people_channels_groups_and_links() -> None:
    names = {"U1": "Ada", "S1": "sre"}
    text = (
        "<@U1> and <@U2> in <#C1|ops>: <!subteam^S1> <!here> <https://e.x|graph> a &lt; b &amp; c"
    )
    assert mentions.plain(text, name_of=names.get) == (
        "@Ada and @U2 in #ops: @sre @here graph (https://e.x) a < b & c"
    )


def test_plain_text_of_a_date_is_its_fallback() -> None:
    instant = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    assert mentions.plain(mentions.date(instant, fallback="half past nine")) == "half past nine"
    assert mentions.plain(f"<!date^{int(instant.timestamp())}^{{time}}>") == "2026-03-02 09:30 UTC"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("declare Pagos —tarjeta— caídos", "declare Pagos —tarjeta— caídos"),
        ("note down — then up", "note down — then up"),
        ("severity—worse", "severity—worse"),
        ("\u201cquoted\u201d it\u2019s", '"quoted" it\'s'),
        ("update\u00a0now\u200b", "update now"),
    ],
)
def test_odd_typing_is_read_as_meant(typed: str, meant: str) -> None:
    assert mentions.normalise_typing(typed) == meant
