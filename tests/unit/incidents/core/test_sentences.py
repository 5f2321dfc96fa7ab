"""Sentences of typed parts: each medium renders them safely, and says the same."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.core.sentences import (
    ChannelName,
    HowLong,
    Html,
    IncidentName,
    Link,
    Markdown,
    PlainText,
    Telling,
    When,
    Who,
    Words,
    as_line,
    detail,
    listed,
    people_in,
    render,
    said,
    telling,
    when,
    with_names,
)

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
BEN = uuid.UUID(int=7)
HOSTILE = "<script>alert(1)</script> | `x` @channel *bold* [a](javascript:b)"


def test_an_entry_is_the_phrase_as_a_sentence_and_then_each_detail() -> None:
    told = telling(
        "put off the next update by ",
        HowLong(timedelta(minutes=15)),
        ", to ",
        When(NINE),
        details=(said("We wait for the vendor"), detail("Asked by", Who("Ben"))),
    )
    assert as_line(told, PlainText()) == (
        "Put off the next update by 15 min, to 2026-11-21 09:00 UTC. "
        "We wait for the vendor. Asked by: Ben"
    )


def test_empty_details_are_left_out() -> None:
    told = telling("resolved it", details=(said(""), said(None), detail("Due", when(None))))
    assert told == Telling(("resolved it",))


def test_plain_text_shows_times_in_the_zone_it_is_given() -> None:
    lisbon_winter = timezone(timedelta(hours=1), "CET")
    assert render((When(NINE),), PlainText(zone=lisbon_winter)) == "2026-11-21 10:00 CET"


def test_people_known_only_by_id_get_their_names() -> None:
    told = telling("called ", Who(id=BEN), details=(detail("Asked by", Who("Ada", BEN)),))
    assert people_in(told) == {BEN}
    assert as_line(with_names(told, {BEN: "Ben"}), PlainText()) == "Called Ben. Asked by: Ada"


def test_a_person_without_a_name_is_somebody() -> None:
    assert render((Who(),), PlainText()) == "somebody"


def test_a_list_has_commas() -> None:
    assert render(listed((Who("Ada"), Who("Ben"))), PlainText()) == "Ada, Ben"


def test_html_escapes_everything_and_links_only_to_the_web() -> None:
    parts = (
        Words(HOSTILE),
        Who(HOSTILE),
        ChannelName(HOSTILE),
        Link("javascript:alert(1)", "press me"),
        Link('https://example.com/"x', "<b>"),
        IncidentName("INC-1"),
    )
    shown = render(parts, Html())
    assert "<script" not in shown
    assert "javascript:alert" not in shown
    assert '<a href="https://example.com/&quot;x" rel="noreferrer">&lt;b&gt;</a>' in shown
    assert '<time datetime="2026-11-21T09:00:00+00:00">' in render((When(NINE),), Html())


def test_markdown_ignores_markup_in_peoples_text_and_keeps_the_spaces_between_parts() -> None:
    shown = render(
        ("asked ", Who("Ben *B*"), " in ", ChannelName("inc_1"), ": ", Words("a|b")), Markdown()
    )
    assert shown == r"asked Ben \*B\* in #inc\_1: a\|b"


@pytest.mark.parametrize("medium", [PlainText(), Markdown(), Html()])
@given(text=st.text(max_size=60))
def test_any_text_renders_in_every_medium(medium: PlainText, text: str) -> None:
    told = telling("noted ", Words(text), details=(said(text, "Words"), detail("By", Who(text))))
    assert as_line(told, medium)
