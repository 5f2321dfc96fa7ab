"""How notes and the timeline read: complete without blocks, and unable to ping."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.features.record.timeline_messages import line_of, page
from bot.slack.blocks import Message
from incidents.incident.payload import Decoded
from incidents.record.corrections import CorrectedEntry
from incidents.record.entries import Note
from incidents.record.timeline_view import TimelineItem, TimelineView, tell
from tests.views import entry_view, incident_view, said_in_channel

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NASTY = "<!channel> <@U1> @here ```x ~y~ \u202e" + "x" * 9_000


def item(text: str, *, sequence: int = 1, late: int = 0, **more: Any) -> TimelineItem:
    entry = CorrectedEntry(
        id=uuid.UUID(int=sequence),
        sequence=sequence,
        kind=Note.kind,
        occurred_at=NINE,
        recorded_at=NINE + timedelta(minutes=late),
        actor_kind="person",
        actor_id=None,
        actor_name="alice",
        said=Decoded(Note(text=text)),
        **more,
    )
    return TimelineItem(entry, tell(entry))


def note(text: str, *, late: int = 0) -> Message:
    recorded_at = NINE + timedelta(minutes=late)
    said = Note(text=text)
    entry = entry_view(said, occurred_at=NINE, recorded_at=recorded_at, actor_name="alice")
    return said_in_channel(entry, incident_view())


@pytest.mark.parametrize("count", [1, 50])
def test_a_page_of_hostile_notes_fits_shows_the_newest_and_pings_nobody(count: int) -> None:
    items = tuple(item(f"{n} {NASTY}", sequence=n) for n in range(1, count + 1))
    message = page(TimelineView(incident_view(), items), count=50, skip=0)
    shown = str(message.payload())
    assert len(shown) < 50_000
    assert "cut here" not in shown
    assert f"*alice*  {count} &lt;!channel&gt;" in shown
    for harm in ("<!channel>", "<@U1>", "@here", "\u202e"):
        assert harm not in shown


def test_a_note_in_the_channel_has_its_whole_text_as_fallback_and_its_time_if_late() -> None:
    assert note("Rolled back").text == "*Note* by alice: Rolled back"
    assert "for <!date^" in note("Rolled back", late=10).text
    assert "<!channel>" not in str(note(NASTY).payload())


def test_a_withdrawn_note_is_struck_out_as_a_whole() -> None:
    line = line_of(item("a ~b~ c", withdrawn_at=NINE, withdrawn_by="bob"), limit=100)
    assert "~a ∼b∼ c~ (withdrawn)" in line


def test_a_page_has_buttons_only_towards_more_pages() -> None:
    timeline = TimelineView(incident_view(), tuple(item(str(n), sequence=n) for n in range(1, 6)))
    first, middle, last = (str(page(timeline, count=2, skip=skip).payload()) for skip in (0, 2, 4))
    assert ("timeline_earlier" in first, "timeline_later" in first) == (True, False)
    assert ("timeline_earlier" in middle, "timeline_later" in middle) == (True, True)
    assert ("timeline_earlier" in last, "timeline_later" in last) == (False, True)
