"""Views to render messages and exports from: a test gives only the fields it is about."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.features import all_features
from bot.framework.entry_messages import render_entry
from bot.slack.blocks import Message
from incidents.core.hash_chain import clean_content
from incidents.incident.cadence import UpdateView
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.payload import Payload
from incidents.incident.views import EntryView, IncidentView

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

_INCIDENT = IncidentView(
    id=uuid.UUID(int=50),
    workspace_id=uuid.UUID(int=51),
    reference="INC-12",
    number=12,
    is_drill=False,
    is_private=False,
    title="Checkout errors",
    summary="",
    impact="",
    resolution="",
    services=(),
    has_customer_impact=True,
    severity_key="sev2",
    severity_name="SEV2",
    severity_rank=2,
    status=IncidentStatus.INVESTIGATING,
    declared_by=None,
    duplicate_of_id=None,
    impact_started_at=None,
    impact_ended_at=None,
    detected_at=NOW,
    declared_at=NOW,
    acknowledged_at=None,
    mitigated_at=None,
    resolved_at=None,
    closed_at=None,
    cancelled_at=None,
    last_update_at=None,
    next_update_due_at=None,
    channel_id="C1",
    channel_name="inc-12",
    is_channel_archived=False,
    is_channel_exposed=False,
    version=3,
)

_ENTRY = EntryView(
    id=uuid.UUID(int=60),
    sequence=7,
    kind="note",
    occurred_at=NOW,
    recorded_at=NOW,
    actor_kind="person",
    actor_id=None,
    actor_name="Alice",
    target_id=None,
    is_redacted=False,
)


def incident_view(**changes: Any) -> IncidentView:
    """Return an open SEV2 incident, INC-12, with these changes."""
    return replace(_INCIDENT, **changes)


def entry_view(what: Payload | str = "note", **changes: Any) -> EntryView:
    """Return an entry that Alice made at `NOW`, with a new id and these changes.

    It holds the payload as stored; given only a kind, its content is empty unless `content` is set.
    """
    kind = what.kind if isinstance(what, Payload) else what
    content = clean_content(what.content()) if isinstance(what, Payload) else {}
    return replace(_ENTRY, kind=kind, **{"id": uuid.uuid4(), "content": content, **changes})


def said_in_channel(entry: EntryView, incident: IncidentView) -> Message:
    """Return the entry as the incident channel shows it."""
    found = dict(pair for feature in all_features() for pair in feature.entries)
    return render_entry(entry, incident, found)


def said_directly(entry: EntryView, incident: IncidentView) -> Message:
    """Return the entry as a direct message shows it."""
    features = all_features()
    found = dict(pair for feature in features for pair in feature.entries)
    found |= dict(pair for feature in features for pair in feature.direct_entries)
    return render_entry(entry, incident, found)


def update_view(text: str, *, author_name: str) -> UpdateView:
    """Return a stakeholder update that says only this."""
    return UpdateView(
        number=1,
        entry_id=uuid.uuid4(),
        posted_at=NOW,
        author_name=author_name,
        next_due_at=None,
        status="investigating",
        text=text,
        impact="",
        actions="",
        next_steps="",
    )
