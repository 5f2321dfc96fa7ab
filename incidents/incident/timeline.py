"""The timeline: append-only entries, chained (`hash_chain.py`) to prove that they are unchanged.

The chain follows `sequence`; display follows (`occurred_at`, `sequence`).
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.hash_chain import (
    ChainHead,
    Content,
    Flaw,
    Unreadable,
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


class TimelineEntry(Base):
    """One dated line of the record; only a later entry with this `target_id` corrects it."""

    __tablename__ = "timeline_entries"
    __table_args__ = (
        UniqueConstraint("incident_id", "sequence"),
        Index(
            "ix_timeline_entries_target_id",
            "target_id",
            sqlite_where=text("target_id IS NOT NULL"),
            postgresql_where=text("target_id IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
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


# The kind of the entries that say that another one's content was erased.
REDACTED: Final = "redacted"
# The kind of the entries that say that hidden content is back.
REVEALED: Final = "revealed"


def verify(entries: Iterable[TimelineEntry | Unreadable], *, head: ChainHead) -> tuple[Flaw, ...]:
    """Return every flaw of a whole timeline, in order of sequence; none means it is proven."""
    given = tuple(entries)
    redacted: dict[uuid.UUID | None, int] = {}
    for one in given:
        if isinstance(one, TimelineEntry) and one.content is not None:
            if one.kind == REDACTED:
                redacted[one.target_id] = one.sequence
            elif one.kind == REVEALED:
                redacted.pop(one.target_id, None)
    return verify_chain(
        given,
        head=head,
        hash_of=hash_entry,
        is_redacted=lambda entry: redacted.get(entry.id, 0) > entry.sequence,
    )
