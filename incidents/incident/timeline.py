"""The timeline: append-only entries, chained (`hash_chain.py`) to prove that they are unchanged.

The chain follows `sequence`; display follows (`occurred_at`, `sequence`).
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.hash_chain import (
    ChainHead,
    Content,
    Flaw,
    clean_content,
    hash_content,
    hash_fields,
    instant_text,
    new_salt,
    verify_chain,
)
from incidents.core.ids import new_id
from incidents.core.people import Actor
from incidents.storage.database import Base, storable


class EntryKind(StrEnum):
    """What an entry says; stored as text, and an unknown kind is shown generically."""

    DECLARED = "declared"
    STATUS_CHANGED = "status_changed"
    DUPLICATE_FOUND = "duplicate_found"
    SEVERITY_CHANGED = "severity_changed"
    EDITED = "edited"
    MILESTONE_SET = "milestone_set"
    ACKNOWLEDGED = "acknowledged"
    ROLE_ASSIGNED = "role_assigned"
    ROLE_ENDED = "role_ended"
    HANDOFF_OFFERED = "handoff_offered"
    HANDOFF_REQUESTED = "handoff_requested"
    HANDOFF_DECLINED = "handoff_declined"
    HANDOFF_WITHDRAWN = "handoff_withdrawn"
    COMMANDER_CHANGED = "commander_changed"
    SUCCESSOR_WANTED = "successor_wanted"
    COMMANDER_MISSING = "commander_missing"
    UPDATE_POSTED = "update_posted"
    UPDATE_REMINDED = "update_reminded"
    UPDATE_MISSED = "update_missed"
    UPDATE_SNOOZED = "update_snoozed"
    STALE_ASKED = "stale_asked"
    STALE_ANSWERED = "stale_answered"
    NOTE = "note"
    MARKED = "marked"
    PINNED = "pinned"
    FILE_LINKED = "file_linked"
    PERSON_JOINED = "person_joined"
    PERSON_LEFT = "person_left"
    CHECKIN_ASKED = "checkin_asked"
    CHECKIN_UNDERSTOOD = "checkin_understood"
    CHECKIN_DUE = "checkin_due"
    CHECKIN_ANSWERED = "checkin_answered"
    AMENDED = "amended"
    WITHDRAWN = "withdrawn"
    REDACTED = "redacted"
    CHANNEL_OPENED = "channel_opened"
    CHANNEL_REFUSED = "channel_refused"
    CHANNEL_LINKED = "channel_linked"
    CHANNEL_RENAMED = "channel_renamed"
    CHANNEL_ARCHIVED = "channel_archived"
    CHANNEL_UNARCHIVED = "channel_unarchived"
    CHANNEL_DELETED = "channel_deleted"
    CHANNEL_ID_CHANGED = "channel_id_changed"
    MOVED_TO_PRIVATE = "moved_to_private"
    BOT_REMOVED = "bot_removed"
    BOT_RETURNED = "bot_returned"
    INVITE_REFUSED = "invite_refused"
    EFFECT_FAILED = "effect_failed"
    EFFECT_RETRIED = "effect_retried"
    EXPORTED = "exported"
    POSTMORTEM_DRAFTED = "postmortem_drafted"
    POSTMORTEM_OWNER_SET = "postmortem_owner_set"
    POSTMORTEM_EDITED = "postmortem_edited"
    POSTMORTEM_PUBLISHED = "postmortem_published"
    POSTMORTEM_REMINDED = "postmortem_reminded"
    ACTION_PROPOSED = "action_proposed"
    PROPOSAL_REVISED = "proposal_revised"
    PROPOSAL_APPROVED = "proposal_approved"
    PROPOSAL_DECLINED = "proposal_declined"
    APPROVAL_LAPSED = "approval_lapsed"
    PROPOSAL_UNANSWERED = "proposal_unanswered"
    PROPOSAL_EXPIRED = "proposal_expired"
    BREAK_GLASS = "break_glass"
    RESULT_ASKED = "result_asked"
    PROPOSAL_CARRIED_OUT = "proposal_carried_out"
    PROPOSAL_ABANDONED = "proposal_abandoned"
    OBJECTIONS_ASKED = "objections_asked"
    OBJECTION_RAISED = "objection_raised"
    OBJECTIONS_ENDED = "objections_ended"
    ACTION_ITEM_ADDED = "action_item_added"
    ACTION_ITEM_ASSIGNED = "action_item_assigned"
    ACTION_ITEM_DONE = "action_item_done"
    DRILL_STARTED = "drill_started"
    DRILL_SIGNAL = "drill_signal"
    DRILL_CHECKED = "drill_checked"
    DRILL_ACTED = "drill_acted"
    DRILL_ENDED = "drill_ended"
    ESCALATED = "escalated"
    ESCALATION_CALLED = "escalation_called"
    ESCALATION_TAKEN = "escalation_taken"
    ESCALATION_DECLINED = "escalation_declined"
    ESCALATION_REDIRECTED = "escalation_redirected"
    ESCALATION_QUESTIONED = "escalation_questioned"
    ESCALATION_COMPLETED = "escalation_completed"
    ESCALATION_EXHAUSTED = "escalation_exhausted"
    ESCALATION_WITHDRAWN = "escalation_withdrawn"


class TimelineEntry(Base):
    """One dated line of the record; only a later entry with this `target_id` corrects it."""

    __tablename__ = "timeline_entries"
    __table_args__ = (UniqueConstraint("incident_id", "sequence"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"), index=True)
    sequence: Mapped[int]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    kind: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[uuid.UUID | None]
    actor_name: Mapped[str]
    target_id: Mapped[uuid.UUID | None]
    content: Mapped[Content | None] = mapped_column(JSON(none_as_null=True))
    salt: Mapped[str | None]
    content_hash: Mapped[str]
    previous_hash: Mapped[str]
    entry_hash: Mapped[str]


def hash_entry(entry: TimelineEntry) -> str:
    """Return the entry's hash in hex, over all but content, salt, workspace and incident number."""
    return hash_fields(hashed_fields(entry))


def hashed_fields(entry: TimelineEntry) -> dict[str, Any]:
    """Return the fields that the entry's hash covers, as JSON values; exports carry the same."""
    return {
        "id": str(entry.id),
        "incident_id": str(entry.incident_id),
        "sequence": entry.sequence,
        "occurred_at": instant_text(entry.occurred_at),
        "recorded_at": instant_text(entry.recorded_at),
        "kind": str(entry.kind),
        "actor_kind": str(entry.actor_kind),
        "actor_id": str(entry.actor_id) if entry.actor_id else None,
        "actor_name": entry.actor_name,
        "target_id": str(entry.target_id) if entry.target_id else None,
        "content_hash": entry.content_hash,
        "previous_hash": entry.previous_hash,
    }


def append(
    head: ChainHead,
    kind: str,
    content: Mapping[str, Any],
    *,
    workspace_id: uuid.UUID,
    incident_id: uuid.UUID,
    actor: Actor,
    occurred_at: datetime,
    recorded_at: datetime,
    target_id: uuid.UUID | None = None,
) -> TimelineEntry:
    """Return the next entry of the chain, hashed; the caller stores it and moves the head."""
    salt = new_salt()
    cleaned = clean_content(content)
    entry = TimelineEntry(
        id=new_id(),
        workspace_id=workspace_id,
        incident_id=incident_id,
        sequence=head.sequence + 1,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        kind=str(kind),
        actor_kind=actor.kind.value,
        actor_id=actor.person_id,
        actor_name=storable(actor.name),
        target_id=target_id,
        content=cleaned,
        salt=salt,
        content_hash=hash_content(cleaned, salt),
        previous_hash=head.entry_hash,
        entry_hash="",
    )
    entry.entry_hash = hash_entry(entry)
    return entry


def row_of(entry: TimelineEntry) -> dict[str, Any]:
    """Return the entry as a row to insert."""
    return {column.key: getattr(entry, column.key) for column in TimelineEntry.__table__.columns}


def verify(entries: Iterable[TimelineEntry], *, head: ChainHead) -> tuple[Flaw, ...]:
    """Return every flaw of a whole timeline, in order of sequence; none means it is proven."""
    return verify_chain(entries, head=head, hash_of=hash_entry)
