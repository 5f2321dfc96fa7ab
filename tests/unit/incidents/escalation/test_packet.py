"""Escalation packets and their completeness: what is kept, and how it is rated."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.core.errors import InvalidInput
from incidents.core.hash_chain import clean_content
from incidents.escalation.entries import Escalated, packet_in
from incidents.escalation.packet import (
    FIELDS,
    MAX_TEXT,
    READING_ORDER,
    Packet,
    changed,
    changed_fields,
    cleaned,
    is_specific,
    rate,
)
from incidents.policy.escalation import EscalationTemplate, Question
from incidents.policy.packet_fields import PacketField
from tests.policies import built_in

TEMPLATES = built_in().policy.escalation.templates
BY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

_texts = st.text(max_size=40)
PACKETS = st.builds(
    Packet,
    ask=_texts,
    answer_by=st.none() | st.just(BY),
    symptoms=_texts,
    since=_texts,
    scope=_texts,
    impact=_texts,
    evidence=_texts,
    changes=_texts,
    changes_checked=st.booleans(),
    hypothesis=_texts,
    confidence=st.sampled_from(["", "low", "medium", "high"]),
    tried=_texts,
    answers=st.dictionaries(st.sampled_from(["where", "case", "options"]), _texts),
)
ANY_TEMPLATE = st.sampled_from(TEMPLATES)


def full(template: EscalationTemplate) -> Packet:
    """Return a packet in which nothing is missing."""
    return Packet(
        ask="Is it safe to fail over the database now?",
        answer_by=BY,
        symptoms="Logins fail",
        since="13:50 UTC",
        scope="12 % of logins, EU only",
        impact="Customers can't log in",
        evidence="Errors climb: https://grafana.example.com/d/auth",
        changes_checked=True,
        hypothesis="Pool exhausted",
        confidence="medium",
        tried="Restarted one worker -> no change",
        answers={question.key: "Known" for question in template.questions},
    )


@given(packet=PACKETS)
def test_a_packet_is_read_back_from_its_entry(packet: Packet) -> None:
    kept = cleaned(packet)
    assert packet_in(clean_content(Escalated(packet=kept).content())) == kept
    assert cleaned(kept) == kept


def test_every_field_has_a_name_and_a_place_in_the_order() -> None:
    assert list(FIELDS) == list(PacketField)
    assert set(READING_ORDER) == set(PacketField)


def test_a_redacted_packet_is_an_empty_one() -> None:
    assert packet_in(None) == Packet()


def test_a_long_text_is_cut_with_a_mark_and_a_wrong_confidence_is_refused() -> None:
    assert cleaned(Packet(tried="x" * 9_000)).tried == "x" * (MAX_TEXT - 1) + "…"
    with pytest.raises(InvalidInput):
        cleaned(Packet(confidence="certain"))


def test_changes_make_a_new_version_and_name_the_changed_fields() -> None:
    old = Packet(ask="Fail over?", answers={"where": "eu-1"})
    new = changed(old, {"tried": " Restart ", "changes_checked": True, "answers": {"case": "42"}})
    assert (new.ask, new.tried, dict(new.answers)) == ("Fail over?", "Restart", {"case": "42"})
    assert changed_fields(old, new) == ("changes", "tried", "case", "where")
    assert changed_fields(new, new) == ()
    with pytest.raises(InvalidInput):
        changed(old, {"horoscope": "good"})


@given(packet=PACKETS, template=ANY_TEMPLATE)
def test_the_score_is_bounded_repeatable_and_full_only_if_nothing_is_missing(
    packet: Packet, template: EscalationTemplate
) -> None:
    rated = rate(packet, template)
    assert 0 <= rated.score <= 100
    assert rate(packet, template) == rated
    assert (rated.score == 100) == (not rated.missing)
    assert len(set(rated.missing)) == len(rated.missing)


@given(packet=PACKETS, template=ANY_TEMPLATE, data=st.data())
def test_filling_in_what_is_missing_never_lowers_the_score(
    packet: Packet, template: EscalationTemplate, data: st.DataObject
) -> None:
    rated = rate(packet, template)
    name = data.draw(st.sampled_from(list(PacketField)))
    better = replace(packet, **{name.value: getattr(full(template), name)})
    if name is PacketField.CHANGES:
        better = replace(packet, changes_checked=True)
    after = rate(better, template)
    assert after.score >= rated.score
    assert len(after.missing) <= len(rated.missing)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.key)
def test_every_built_in_kind_starts_at_zero_and_can_be_completed(
    template: EscalationTemplate,
) -> None:
    assert rate(full(template), template).is_complete
    empty = rate(Packet(), template)
    assert empty.score == 0
    assert set(empty.missing) == {*template.fields, *(one.key for one in template.questions)}


def test_each_missing_quality_is_named() -> None:
    template = next(one for one in TEMPLATES if one.key == "service_owner")
    vague = replace(
        full(template), evidence="See the graphs", scope="Many customers", ask="Help", changes=""
    )
    assert rate(vague, template).missing == ("specific_ask", "scope_number", "evidence_link")
    unchecked = replace(full(template), changes_checked=False)
    assert rate(unchecked, template).missing == ("changes",)


def test_the_points_are_those_of_the_rubric() -> None:
    template = EscalationTemplate(
        key="small",
        name="Small",
        meaning="For a pencil",
        fields=(PacketField.ASK, PacketField.SYMPTOMS, PacketField.EVIDENCE),
        questions=(Question(key="where", text="Where?"),),
    )
    # ask 2 + 1, symptoms 2, evidence 2 + 1, the question 2: ten points.
    assert rate(Packet(symptoms="Slow"), template).score == 20
    assert rate(Packet(symptoms="Slow", evidence="a graph"), template).score == 40
    assert rate(Packet(symptoms="Slow", evidence="https://x.example/1"), template).score == 50
    assert rate(Packet(answers={"where": "eu"}), template).score == 20


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        ("Is it safe to fail over?", True),
        ("データベースを切り替えてよいですか？", True),
        ("Help", False),
        ("Can you look? And who decides?", False),
        ("Look at the pool\nand restart the workers", False),
        (" ".join(["word"] * 41), False),
    ],
)
def test_an_ask_is_specific_if_it_can_be_answered(ask: str, expected: bool) -> None:  # noqa: FBT001
    assert is_specific(ask) is expected
