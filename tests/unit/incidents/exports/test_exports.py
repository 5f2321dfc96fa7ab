"""Exports: any text stays parsable and inert; JSON verifies, and any changed byte is noticed."""

import csv
import io
import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidents.core.hash_chain import GENESIS_HASH, ChainHead
from incidents.core.people import Actor, ActorKind, cli_actor, system_actor
from incidents.core.signing import SigningKey
from incidents.exports.csv_format import HEADER, inert
from incidents.exports.export import ExportFormat, find_format, render
from incidents.exports.markdown import cell
from incidents.exports.offline import prove_file, verify_export
from incidents.exports.records import RoleTime, TimelineRecord
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.timeline import TimelineEntry, append
from incidents.incident.views import IncidentView
from incidents.record.corrections import keep_text
from incidents.record.timeline_view import items_of
from incidents.registry.entries import ENTRY_TYPES
from tests.views import incident_view

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
INCIDENT_ID = uuid.UUID(int=12)
CSV, JSON, MARKDOWN = ExportFormat.CSV, ExportFormat.JSON, ExportFormat.MARKDOWN

# What people paste: markup of all kinds, formulas, other scripts, control characters.
NASTY = st.text(
    st.one_of(
        st.sampled_from("|`*_~[]<>&\\\n\r\t\"',;=+-@#!$()\u2028\u0085\u202e\u2067שلا…😀"),
        st.characters(codec="utf-8"),
    ),
    max_size=60,
)


@dataclass
class Draft:
    """Builds a timeline to export."""

    entries: list[TimelineEntry] = field(default_factory=list)

    @property
    def head(self) -> ChainHead:
        if not self.entries:
            return ChainHead(0, GENESIS_HASH)
        return ChainHead(self.entries[-1].sequence, self.entries[-1].entry_hash)

    def add(
        self,
        kind: str,
        content: dict[str, Any] | None = None,
        *,
        actor: Actor | None = None,
        at: datetime = NINE,
        late: timedelta = timedelta(0),
        target: TimelineEntry | None = None,
    ) -> TimelineEntry:
        entry = append(
            self.head,
            kind,
            content or {},
            workspace_id=uuid.UUID(int=1),
            incident_id=INCIDENT_ID,
            actor=actor or system_actor(),
            occurred_at=at,
            recorded_at=at + late,
            target_id=target.id if target else None,
        )
        self.entries.append(entry)
        return entry

    def note(self, text: str, **more: Any) -> TimelineEntry:
        return self.add("note", {"text": text}, **more)

    def export(
        self, fmt: ExportFormat, *, signer: SigningKey | None = None, **incident: Any
    ) -> bytes:
        roles = (RoleTime("Incident commander", "alice | <b>", NINE, None),)
        record = TimelineRecord(
            incident=view(**incident),
            roles=roles,
            items=items_of(self.entries, entry_types=ENTRY_TYPES),
            entries=tuple(self.entries),
            head=self.head,
        )
        return render(record, fmt=fmt, signer=signer).content


def view(**changes: Any) -> IncidentView:
    resolved = incident_view(
        id=INCIDENT_ID, status=IncidentStatus.RESOLVED, detected_at=NINE, declared_at=NINE
    )
    return replace(resolved, **changes)


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def table_lines(markdown: str, head: str) -> list[str]:
    """Return all lines of the table that begins with this head."""
    lines = markdown.split("\n")
    start = lines.index(head)
    end = next(n for n in range(start, len(lines)) if not lines[n])
    return lines[start:end]


def cells(line: str) -> list[str]:
    """Split a table's line where GitHub does: at pipes without a backslash before them."""
    return re.split(r"(?<!\\)(?:\\\\)*\|", line)


# -- Markdown ---------------------------------------------------------------------------------


@given(NASTY, NASTY)
def test_no_text_breaks_a_markdown_table_or_brings_html_into_it(text: str, name: str) -> None:
    draft = Draft()
    draft.note(text, actor=cli_actor(name))
    markdown = draft.export(MARKDOWN, title=text or "x", impact=text).decode()
    assert not re.search(r"[\r\x00\x0b\x0c\x85\u2028\u2029\u202e]", markdown)
    timeline = table_lines(markdown, "| Time | Who | What | Recorded |")
    assert len(timeline) == 3
    assert all(len(cells(line)) == 6 for line in timeline)
    assert "<" not in markdown.replace("<br>", "")


def test_markdown_keeps_the_lines_of_a_note_and_its_markup_as_text() -> None:
    assert cell("one | two\n*three*\n<!channel>") == (
        "one \\| two<br>\\*three\\*<br>&lt;!channel&gt;"
    )


def test_right_to_left_text_cannot_turn_the_table_around() -> None:
    assert cell("שלום\nhello \u202eevil") == "\u2068שלום\u2069<br>hello evil"


def test_a_note_keeps_its_lines_and_its_direction_in_the_table() -> None:
    draft = Draft()
    draft.note("one | two\nשלום")
    assert "| one \\| two<br>\u2068שלום\u2069 |" in draft.export(MARKDOWN).decode()


def test_markdown_has_a_heading_for_each_day_of_a_long_incident() -> None:
    draft = Draft()
    draft.note("first")
    draft.note("next day", at=NINE + timedelta(days=1))
    markdown = draft.export(MARKDOWN).decode()
    assert "### Monday 2 March 2026\n" in markdown
    assert "### Tuesday 3 March 2026\n" in markdown


@pytest.mark.parametrize(
    ("late", "recorded"),
    [
        (timedelta(seconds=60), ""),
        (timedelta(seconds=61), "09:01:01"),
        (timedelta(days=1), "2026-03-03 09:00:00"),
    ],
)
def test_markdown_says_when_an_entry_was_recorded_if_that_was_late(
    late: timedelta, recorded: str
) -> None:
    draft = Draft()
    draft.note("first", late=late)
    line = table_lines(draft.export(MARKDOWN).decode(), "| Time | Who | What | Recorded |")[2]
    assert cells(line)[4].strip() == recorded


def test_a_drill_and_a_private_incident_say_so_in_every_format() -> None:
    draft = Draft()
    draft.note("first")
    marks: dict[str, Any] = {"is_drill": True, "is_private": True}
    markdown = draft.export(MARKDOWN, **marks).decode()
    assert "**DRILL**" in markdown
    assert "**PRIVATE**" in markdown
    assert rows(draft.export(CSV, **marks))[1][1] == "drill+private"
    assert json.loads(draft.export(JSON, **marks))["markings"] == ["drill", "private"]


def test_corrections_show_on_the_line_that_they_correct() -> None:
    draft = Draft()
    taken_back, changed, secret = draft.note("one"), draft.note("two"), draft.note("hunter2")
    alice = Actor(kind=ActorKind.PERSON, name="alice")
    draft.add("withdrawn", target=taken_back, actor=alice)
    draft.add("amended", {"text": "2"}, target=changed, actor=alice)
    draft.add("redacted", {"reason": "password"}, target=secret, actor=alice)
    secret.content = secret.salt = None

    markdown = draft.export(MARKDOWN).decode()
    assert "~~one~~ (withdrawn by alice)" in markdown
    assert "| 2 (amended by alice) |" in markdown
    assert "\\[redacted by alice\\]" in markdown
    standing = [(row[6], row[7], row[8]) for row in rows(draft.export(CSV))[1:-1]]
    assert standing == [
        ("one", "withdrawn", "alice"),
        ("2", "amended", "alice"),
        ("[redacted by alice]", "redacted", "alice"),
    ]
    assert all(b"hunter2" not in draft.export(fmt) for fmt in ExportFormat)


def test_the_chain_still_verifies_after_a_redaction() -> None:
    draft = Draft()
    secret = draft.note("hunter2")
    draft.add("redacted", target=secret)
    secret.content = secret.salt = None
    assert verify_export(draft.export(JSON)) == ()


def test_a_link_leads_to_the_marked_message_and_nowhere_else() -> None:
    draft = Draft()
    message = {"text": "look", "author": {"name": "carol"}, "permalink": "https://x/p1)|(y"}
    draft.add("marked", message)
    assert (
        "look (kept by Sitrep) ([message](https://x/p1%29%7C%28y))"
        in draft.export(MARKDOWN).decode()
    )
    draft = Draft()
    draft.add("marked", {**message, "permalink": "javascript:alert(1)"})
    assert "javascript" not in draft.export(MARKDOWN).decode()


# -- CSV --------------------------------------------------------------------------------------


@given(NASTY, NASTY)
def test_any_text_stays_in_its_csv_cell_and_is_no_formula(text: str, name: str) -> None:
    draft = Draft()
    kept = keep_text(text).text
    draft.note(kept, actor=cli_actor(name))
    head, row, _ = rows(draft.export(CSV))
    assert tuple(head) == HEADER
    assert row[6].removeprefix("'") == kept.removeprefix("'")
    assert not any(value.lstrip()[:1] in set("=+-@\t\r") and value.strip() for value in row)


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", " =1", "＝1"]
)
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert inert(text) == f"'{text}"
    assert inert("plain") == "plain"


def test_csv_starts_with_a_byte_order_mark_and_ends_its_lines_as_rfc_4180_says() -> None:
    content = Draft().export(CSV)
    assert content.startswith(b"\xef\xbb\xbfincident,")
    assert content.endswith(b"entry_id\r\n")


# -- JSON -------------------------------------------------------------------------------------

VALUES = st.one_of(st.none(), st.booleans(), st.integers(-(2**50), 2**50), NASTY)
CONTENTS = st.dictionaries(
    st.text("abcdef_", min_size=1, max_size=8),
    st.one_of(VALUES, st.lists(VALUES, max_size=3), st.dictionaries(NASTY, VALUES, max_size=2)),
    max_size=4,
)
TIMELINES = st.lists(
    st.tuples(st.sampled_from(sorted(ENTRY_TYPES)), CONTENTS, NASTY, st.integers(-5000, 5000)),
    max_size=6,
)


def drafted(timeline: Sequence[tuple[str, dict[str, Any], str, int]]) -> Draft:
    draft = Draft()
    for kind, content, name, seconds in timeline:
        draft.add(kind, content, actor=cli_actor(name), at=NINE + timedelta(seconds=seconds))
    return draft


@given(TIMELINES)
def test_every_timeline_can_be_written_in_every_format_and_its_json_verifies(
    timeline: list[tuple[str, dict[str, Any], str, int]],
) -> None:
    draft = drafted(timeline)
    assert draft.export(MARKDOWN)
    assert rows(draft.export(CSV))
    content = draft.export(JSON)
    assert json.loads(content)["format"] == "sitrep.timeline/1"
    assert verify_export(content) == ()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(TIMELINES, st.data())
def test_any_single_byte_changed_is_noticed(
    timeline: list[tuple[str, dict[str, Any], str, int]], data: st.DataObject
) -> None:
    draft = drafted(timeline)
    draft.note("one more, so that there is an entry")
    content = draft.export(JSON)
    start = content.index(b'"entries"')
    position = data.draw(st.integers(start, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != content[position]))
    changed = content[:position] + bytes([byte]) + content[position + 1 :]
    assert verify_export(changed) != ()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda entries: entries.pop(1), "sequence_gap"),
        (lambda entries: entries.pop(), "head_differs"),
        (lambda entries: entries.insert(0, entries.pop()), "broken_link"),
        (lambda entries: entries[0].update(content=None), "content_changed"),
        (lambda entries: entries[0].update(content=None, salt=None), "content_missing"),
        (lambda entries: entries[0].update(salt=entries[0]["salt"].upper()), "content_changed"),
        (lambda entries: entries[1].update(actor_name="eve"), "entry_changed"),
        (lambda entries: entries[1].update(sequence=2.0), "sequence_gap"),
        (lambda entries: entries[1].update(comment="more"), "entry_changed"),
    ],
)
def test_each_way_of_tampering_has_its_name(change: Any, problem: str) -> None:
    draft = Draft()
    for text in ("one", "two", "three"):
        draft.note(text)
    export = json.loads(draft.export(JSON))
    # A salt of digits alone has no upper case to tamper with.
    assert any(char in "abcdef" for char in export["entries"][0]["salt"])
    change(export["entries"])
    assert problem in {flaw.problem for flaw in verify_export(export)}


# -- up to which entry, and signed ------------------------------------------------------------

DECLARED = {"title": "Checkout errors", "severity": "SEV2", "severity_key": "sev2"}


def declared(**header: Any) -> tuple[Draft, dict[str, Any]]:
    """Return a timeline with a declaration, and what its incident's row says."""
    draft = Draft()
    draft.add("declared", {**DECLARED, "status": "triage", "detected_at": NINE})
    alice = {"id": str(uuid.UUID(int=7)), "name": "alice"}
    draft.add("role_assigned", {"role": "commander", "person": alice})
    draft.note("one")
    row: dict[str, Any] = {
        "status": IncidentStatus.TRIAGE,
        "resolution": "",
        "title": "Checkout errors",
    }
    for name in ("summary", "impact"):
        row[name] = ""
    for name in ("impact_started_at", "impact_ended_at", "acknowledged_at", "mitigated_at"):
        row[name] = None
    for name in ("resolved_at", "closed_at", "cancelled_at"):
        row[name] = None
    row |= {"services": (), "severity_name": "SEV2", **header}
    return draft, row


@pytest.mark.parametrize("fmt", ExportFormat)
def test_two_exports_of_the_same_record_are_the_same_file(fmt: ExportFormat) -> None:
    draft, row = declared()
    assert draft.export(fmt, **row) == draft.export(fmt, **row)


def test_a_later_export_differs_only_by_what_was_added() -> None:
    draft, row = declared()
    before = json.loads(draft.export(JSON, **row))
    draft.note("two")
    after = json.loads(draft.export(JSON, **row))
    assert after["up_to"]["sequence"] == before["up_to"]["sequence"] + 1
    assert after["entries"][:-1] == before["entries"]
    of_head = {"up_to", "chain", "entries"}
    assert {**after, **dict.fromkeys(of_head)} == {**before, **dict.fromkeys(of_head)}


@pytest.mark.parametrize("fmt", ExportFormat)
def test_every_format_says_up_to_which_entry_it_goes(fmt: ExportFormat) -> None:
    draft, row = declared()
    text = draft.export(fmt, **row).decode("utf-8-sig")
    assert draft.head.entry_hash in text
    assert "Up to entry 3" in text or '"head_sequence": 3' in text


def test_a_header_that_says_otherwise_than_the_entries_is_noticed() -> None:
    for name, value in (("title", "Nothing much"), ("severity_name", "SEV5"), ("impact", "None")):
        draft, row = declared(**{name: value})
        assert [flaw.problem for flaw in prove_file(draft.export(JSON, **row)).flaws] == [
            f"{name}_differs"
        ]
    draft, row = declared()
    assert prove_file(draft.export(JSON, **row)).flaws == ()


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"subject": str(uuid.UUID(int=13))}, "subject_differs"),
        ({"subject": {}}, "subject_differs"),
        ({"markings": ["drill"]}, "markings_differ"),
        ({"up_to": {"sequence": 2, "recorded_at": None}}, "up_to_differs"),
        ({"roles": []}, "roles_differ"),
        ({"roles": [7]}, "roles_differ"),
        ({"incident": {"id": str(uuid.UUID(int=13))}}, "subject_differs"),
        ({"chain": {"entry_hash_covers": ["id"]}}, "chain_differs"),
        ({"chain": {"genesis_hash": "1" * 64}}, "chain_differs"),
    ],
)
def test_what_a_file_says_about_itself_has_to_be_that_of_its_entries(
    changed: dict[str, Any], problem: str
) -> None:
    draft, row = declared()
    document = json.loads(draft.export(JSON, **row))
    for name, value in changed.items():
        is_part = isinstance(value, dict) and name in {"incident", "chain"}
        document[name] = {**document[name], **value} if is_part else value
    data = (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()
    assert problem in [flaw.problem for flaw in prove_file(data).flaws]


def test_a_shortened_file_fits_no_anchor_of_the_whole_record() -> None:
    draft, row = declared()
    anchor = draft.head
    draft.entries.pop()
    proof = prove_file(draft.export(JSON, **row))
    assert proof.flaws == ()  # by itself, it can't know
    assert proof.head != anchor


def test_a_signed_export_proves_by_its_public_key_and_by_no_other() -> None:
    key, other = SigningKey(bytes(range(32))), SigningKey(bytes(32))
    draft, row = declared()
    proof = prove_file(draft.export(JSON, signer=key, **row))
    assert proof.flaws == ()
    assert proof.is_signed_by(key.public_key)
    assert not proof.is_signed_by(other.public_key)
    assert not prove_file(draft.export(JSON, **row)).is_signed_by(key.public_key)


def test_a_recomputed_chain_has_no_signature_that_fits() -> None:
    key = SigningKey(bytes(range(32)))
    draft, row = declared()
    signed = json.loads(draft.export(JSON, signer=key, **row))
    forged_draft, _ = declared()
    forged = json.loads(forged_draft.export(JSON, **row))
    forged["signature"] = signed["signature"]
    data = (json.dumps(forged, ensure_ascii=False, indent=2) + "\n").encode()
    assert [flaw.problem for flaw in prove_file(data).flaws] == ["signature_wrong"]
    signed["incident"]["reference"] = "INC-13"
    data = (json.dumps(signed, ensure_ascii=False, indent=2) + "\n").encode()
    assert [flaw.problem for flaw in prove_file(data).flaws] == ["signature_wrong"]


@pytest.mark.parametrize(
    "signature", [{}, [], "x", {"public_key": 1, "value": 2}, {"public_key": "!", "value": "!"}]
)
def test_a_malformed_signature_is_wrong_and_no_crash(signature: Any) -> None:
    draft, row = declared()
    document = {**json.loads(draft.export(JSON, **row)), "signature": signature}
    data = (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()
    assert [flaw.problem for flaw in prove_file(data).flaws] == ["signature_wrong"]


def test_self_made_entries_of_odd_types_are_reported() -> None:
    document = {"format": "sitrep.timeline/1", "entries": [7, {}, None], "chain": {}}
    data = (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()
    assert prove_file(data).flaws != ()


@pytest.mark.parametrize("junk", [b"", b"[]", b"{}", b"\xff", b'{"format": "sitrep.timeline/2"}'])
def test_a_text_that_is_no_export_is_reported(junk: bytes) -> None:
    assert verify_export(junk) != ()


@pytest.mark.parametrize(
    ("typed", "fmt"),
    [("", MARKDOWN), (" MD ", MARKDOWN), ("markdown", MARKDOWN), (".csv", CSV), ("json", JSON)],
)
def test_formats_are_found_as_people_type_them(typed: str, fmt: ExportFormat) -> None:
    assert find_format(typed) is fmt
    assert find_format("pdf") is None
