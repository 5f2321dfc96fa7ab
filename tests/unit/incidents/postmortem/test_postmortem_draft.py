"""The draft: one golden document, and what must hold in every draft.

`SITREP_WRITE_GOLDEN=1 pytest …` rewrites the document: read the diff before committing.
"""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from config.template_files import read_template
from incidents.core.hash_chain import clean_content
from incidents.core.sentences import Who
from incidents.escalation.entries import Called, EscalationCalled, LeftOut
from incidents.policy.postmortem import Section, SectionKind
from incidents.postmortem.draft import PostmortemFacts, draft, render_markdown
from tests.chance import examples
from tests.unit.incidents.postmortem.facts import ALICE, BOB, CAROL, at, entries, facts, incident

GOLDEN = Path(__file__).parent / "inc-12-postmortem-v2.md"


def render(given_facts: PostmortemFacts) -> str:
    return render_markdown(given_facts, template=read_template("postmortem.md.j2"))


def section(given_facts: PostmortemFacts, key: str) -> str:
    return next(part.body for part in draft(given_facts) if part.key == key)


def test_the_document_matches_the_golden_one() -> None:
    text = render(facts())
    if os.environ.get("SITREP_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_names_appear_only_in_the_tables_of_roles_and_action_items() -> None:
    for part in draft(facts()):
        if part.key in {"roles", "action_items"}:
            continue
        for name in (ALICE.name, BOB.name, CAROL.name):
            assert name not in part.body, part.key


def test_the_timeline_names_each_actor_by_their_role_at_the_time() -> None:
    lines = section(facts(), "timeline").splitlines()

    def who(words: str) -> str:
        (line,) = [line for line in lines if words in line]
        return line.split("|")[2].strip()

    assert who("5xx") == "Scribe"  # Bob, before he took command
    assert who("all EU") == "Incident commander"
    assert who("Second deploy") == "Incident commander"  # Bob by then
    assert who("Errors are back") == "a responder"
    assert who("away when") == "Sitrep"
    assert who("look: ") == "Scribe"  # Carol marked what Bob wrote


def test_who_takes_a_role_is_called_by_the_one_they_had_until_then() -> None:
    lines = section(facts(), "timeline").splitlines()
    (took,) = [line for line in lines if "Took the role" in line]
    (changed,) = [line for line in lines if "Took command from" in line]
    assert took.split("|")[2].strip() == "a responder"
    assert changed.split("|")[2].strip() == "Scribe"
    assert "Took command from Incident commander" in changed


def test_only_updates_missed_by_people_are_counted() -> None:
    assert section(facts(), "updates").startswith("2 sent, 2 missed.")


def test_an_update_says_whether_it_came_on_time() -> None:
    lines = section(facts(), "updates").splitlines()
    assert any("| 1 | 2026-03-02 23:55 | on time |" in line for line in lines)
    assert any("| 2 | 2026-03-03 00:30 | 5 min late |" in line for line in lines)


def test_the_time_between_resolved_and_reopened_is_shown_apart() -> None:
    moments = section(facts(), "key_moments")
    assert "| Resolved, then reopened | 2026-03-03 00:40 → 2026-03-03 03:00 UTC |" in moments
    assert "| 2 h 20 min | 140 |" in moments
    assert "| Time to resolve | detected → resolved | 1 d 1 h 12 min | 1512 |" in moments


def test_drills_and_private_incidents_are_marked() -> None:
    assert "DRILL" in render(facts(incident=incident(is_drill=True)))
    assert "PRIVATE" in render(facts(incident=incident(is_private=True)))
    plain = render(facts())
    assert "DRILL" not in plain
    assert "PRIVATE" not in plain


def test_unknown_facts_are_shown_as_unknown() -> None:
    bare = facts(
        incident=incident(
            impact_started_at=None,
            impact_ended_at=None,
            mitigated_at=None,
            resolved_at=None,
            acknowledged_at=None,
            summary="",
            resolution="",
        ),
        entries=(),
        roles=(),
        action_items=(),
        postmortem=None,
        owner=None,
    )
    assert section(bare, "key_moments").count("not on the record") == 10
    assert "holds no summary" in section(bare, "summary")
    assert section(bare, "roles") == "Nobody took a role."
    assert section(bare, "updates") == "0 sent, 0 missed."
    assert "Nothing written yet" in section(bare, "customer_messages")


def test_without_customer_impact_the_section_says_so() -> None:
    none = facts(incident=incident(has_customer_impact=False))
    assert section(none, "impact").endswith("No customer impact (0 minutes).")
    assert "| Customer impact | impact started → ended | 0 s | 0 |" in section(none, "key_moments")


def test_a_duration_in_hours_is_also_given_in_minutes() -> None:
    for minutes, shown in ((11, "11 min"), (90, "1 h 30 min (90 minutes)")):
        lasted = incident(impact_started_at=at(0), impact_ended_at=at(minutes))
        assert f"| Customer impact | {shown} |" in section(facts(incident=lasted), "impact")


def test_sections_follow_the_policy_in_order_and_title() -> None:
    sections = (
        Section(key="lucky", title="Luck & <chance>", kind=SectionKind.PROMPT, prompt="What?"),
        Section(key="summary", title="In short", kind=SectionKind.AUTO),
    )
    text = render(facts(sections=sections))
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings == ["Luck &amp; &lt;chance&gt;", "In short"]


def test_redacted_entries_show_only_that_they_existed() -> None:
    redacted = tuple(
        replace(entry, is_redacted=True, content={}) if entry.kind == "note" else entry
        for entry in entries()
    )
    timeline = section(facts(entries=redacted), "timeline")
    assert "5xx" not in timeline
    assert "| 2026-03-02 23:45 | Scribe | _redacted_ |" in timeline


def test_people_called_by_an_escalation_are_named_by_role() -> None:
    called = EscalationCalled(
        number=1,
        step=1,
        to=(BOB.name, "Payments on-call"),
        people=(Called(person=Who(BOB.name, BOB.id), call_id=BOB.id),),
        skipped=(LeftOut(name=CAROL.name, why="called_before"),),
    )
    entry = replace(entries()[4], kind=called.kind, content=clean_content(called.content()))
    timeline = section(facts(entries=(entry,)), "timeline")
    assert "Called Scribe for escalation 1, step 1 (Scribe, Payments on-call)" in timeline
    assert "Left out: a responder (called before)" in timeline


def test_an_unknown_kind_of_entry_reads_generically() -> None:
    strange = replace(entries()[4], kind="door_opened", content={"text": "north | gate"})
    assert "Door opened. north \\| gate" in section(facts(entries=(strange,)), "timeline")


@settings(max_examples=examples(60))
@given(text=st.text(min_size=1, max_size=80), name=st.text(max_size=20))
def test_no_text_of_people_adds_rows_headings_links_or_html(text: str, name: str) -> None:
    typed = replace(entries()[4], content={"text": text})
    hostile = facts(
        incident=incident(title=text, summary=text, impact=text, resolution=text, services=(text,)),
        entries=(typed,),
        roles=(replace(facts().roles[0], person_name=text, role_name=text or "x"),),
        people=(replace(ALICE, name=name),),
        action_items=(replace(facts().action_items[0], text=text),),
    )
    plain = facts(
        entries=(entries()[4],),
        roles=facts().roles[:1],
        people=(),
        action_items=facts().action_items[:1],
    )
    assert _tags(render(hostile)) <= {*_tags(render(plain)), "ul", "li", "br"}
    assert render(hostile).count("\n## ") == render(plain).count("\n## ")
    assert _rows(render(hostile)) == _rows(render(plain))


def _tags(markdown: str) -> set[str]:
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    return set(re.findall(r"<(\w+)", html))


def _rows(markdown: str) -> int:
    html: str = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    return html.count("<tr>")


@pytest.mark.parametrize("name", ["", ".*", "\\", "a" * 300])
def test_odd_names_of_people_break_nothing(name: str) -> None:
    odd = facts(people=(replace(BOB, name=name),))
    assert "Scribe" in section(odd, "timeline")
    assert at(5).isoformat()[:10] in section(odd, "timeline")
