"""Unknown and redacted entries stay readable wherever the timeline is shown."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bot.features.record.timeline_messages import page
from bot.framework.entry_messages import told_message
from incidents.core.hash_chain import GENESIS_HASH, ChainHead
from incidents.core.people import Actor, ActorKind
from incidents.exports import ExportFormat, verify_export
from incidents.exports.export import render
from incidents.exports.records import TimelineRecord
from incidents.incident.timeline import TimelineEntry, append
from incidents.incident.views import entry_view
from incidents.postmortem.file import standing_entries
from incidents.postmortem.narrative import Narrator
from incidents.record.timeline_view import TimelineView, items_of
from incidents.registry.entries import ENTRY_TYPES
from tests.views import NOW, incident_view

ALICE = Actor(kind=ActorKind.PERSON, name="alice", person_id=uuid.UUID(int=1))
INCIDENT = incident_view()


def record() -> TimelineRecord:
    """Return a timeline with parts unknown to this version and one redacted entry."""
    entries: list[TimelineEntry] = []

    def add(kind: str, content: Mapping[str, Any], *, target: uuid.UUID | None = None) -> uuid.UUID:
        last = entries[-1] if entries else None
        head = ChainHead(last.sequence, last.entry_hash) if last else ChainHead(0, GENESIS_HASH)
        made = append(
            head,
            kind,
            content,
            workspace_id=INCIDENT.workspace_id,
            incident_id=INCIDENT.id,
            actor=ALICE,
            occurred_at=NOW,
            recorded_at=NOW,
            target_id=target,
        )
        entries.append(made)
        return made.id

    add(
        "door_opened", {"gate": "north", "opened_by": {"name": "bob", "id": None}, "at_night": True}
    )
    add("note", {"text": "Rolled back", "weather": "rainy_day"})
    add("update_posted", {"number": {"of": "three"}, "text": "Still failing"})
    secret = add("note", {"text": "hunter2", "keeper": "hunter2"})
    add("redacted", {"reason": "A password", "target_kind": "note"}, target=secret)
    entries[3].content = entries[3].salt = None
    return TimelineRecord(
        incident=INCIDENT,
        roles=(),
        items=items_of(entries, entry_types=ENTRY_TYPES),
        entries=tuple(entries),
        head=ChainHead(entries[-1].sequence, entries[-1].entry_hash),
    )


def postmortem(made: TimelineRecord) -> str:
    narrator = Narrator(roles=(), people=(), entry_types=ENTRY_TYPES)
    return "\n".join(narrator.sentence(entry) for entry in standing_entries(made.entries))


MEDIA: dict[str, Callable[[TimelineRecord], str]] = {
    "Markdown": lambda made: render(made, fmt=ExportFormat.MARKDOWN).content.decode(),
    "CSV": lambda made: render(made, fmt=ExportFormat.CSV).content.decode(),
    "Slack": lambda made: page(TimelineView(INCIDENT, made.items), count=20, skip=0).text,
    "postmortem": postmortem,
}


@pytest.mark.parametrize("medium", MEDIA)
def test_unknown_kinds_forms_and_keys_and_redacted_entries_stay_readable(medium: str) -> None:
    said = re.sub(r"[*_\\]", "", MEDIA[medium](record()))
    opened_by = "a responder" if medium == "postmortem" else "bob"
    colon = "" if medium == "Slack" else ":"
    assert f"Door opened. gate{colon} north. opened by{colon} {opened_by}. at night" in said
    assert f"Rolled back. weather{colon} rainy day" in said
    assert f"Update posted. number{colon} of: three. Still failing" in said
    assert "redacted" in said
    for hidden in ("hunter2", "None", "{'"):
        assert hidden not in said


def test_json_keeps_unknown_content_and_verifies() -> None:
    content = render(record(), fmt=ExportFormat.JSON).content
    assert verify_export(content) == ()
    kept = [entry["content"] for entry in json.loads(content)["entries"]]
    assert kept[0]["gate"] == "north"
    assert kept[1]["weather"] == "rainy_day"
    assert kept[3] is None


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (0, "*alice* door opened.\n*gate* north\n*opened by* bob\nat night"),
        (1, "*alice*: Rolled back\n*weather* rainy day"),
        (3, "_This entry was redacted._"),
    ],
)
def test_a_message_shows_unknown_and_redacted_entries_too(place: int, told: str) -> None:
    entry = entry_view(record().entries[place])
    (block,) = told_message(entry, INCIDENT).payload()["blocks"]
    assert block["text"]["text"] == told
