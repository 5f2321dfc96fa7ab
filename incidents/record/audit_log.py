"""The workspace's audit log: changes outside any incident, chained like the timeline.

It records stages, sign-offs, supervision, and the policy (with it, the rights). As `hash_chain.py`
explains, content can be erased without breaking the chain. Nothing else can change: triggers on
both databases refuse it. What people wrote to each other (notes) is in the log only as a hash.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ForeignKey, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.hash_chain import (
    GENESIS_HASH,
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
from incidents.storage.database import Base, storable

if TYPE_CHECKING:
    from incidents.engine.unit_of_work import UnitOfWork


class AuditKind(StrEnum):
    """What an audit entry says; stored as text."""

    STAGE_SET = "stage_set"
    SIGNED_OFF = "signed_off"
    MENTOR_PROPOSED = "mentor_proposed"
    MENTOR_NAMED = "mentor_named"
    MENTOR_DECLINED = "mentor_declined"
    MENTOR_UNANSWERED = "mentor_unanswered"
    MENTOR_UNASKED = "mentor_unasked"
    MENTOR_ENDED = "mentor_ended"
    POLICY_CHANGED = "policy_changed"
    # Running processes shall read their policy again; one's file is invalid: `problems`.
    POLICY_ASKED = "policy_asked"
    POLICY_REFUSED = "policy_refused"
    HANDOVER_OFFERED = "handover_offered"
    HANDOVER_ACCEPTED = "handover_accepted"
    ON_CALL_OVERRIDDEN = "on_call_overridden"
    ON_CALL_OVERRIDE_STOPPED = "on_call_override_stopped"
    MAINTENANCE_PLANNED = "maintenance_planned"
    MAINTENANCE_CHANGED = "maintenance_changed"
    # An older entry's content was erased: `entry_id`, `sequence` and the reason.
    REDACTED = "redacted"
    DESTROYED_ALONE = "destroyed_alone"
    # Somebody who has left: name, address and private texts were erased.
    PERSON_ERASED = "person_erased"
    # Somebody saw phone numbers, to call by hand: `reference`, `names`.
    PHONES_SHOWN = "phones_shown"
    # Test pages were sent to `name`, by `addresses`.
    PAGER_TESTED = "pager_tested"
    # Somebody saw what being on call cost others: `scope`, "" for everybody.
    LOAD_SHOWN = "load_shown"
    # A backup was restored: the numbers that were given out after it was made are lost.
    RESTORED = "restored"
    # Effects that Slack refused for good were dropped: what they were, and the reason.
    DEAD_LETTERS_DROPPED = "dead_letters_dropped"
    SIGHT_OPENED = "sight_opened"
    SIGHT_ENDED = "sight_ended"
    SIGHT_TAKEN_BACK = "sight_taken_back"
    SIGHT_RECOVERED = "sight_recovered"
    # What became of who can read a private incident's channel: `what`, `reference`.
    CHANNEL_CHANGED = "channel_changed"
    # Our messages were taken out of a channel that others can read; what remains there.
    MESSAGES_REMOVED = "messages_removed"


class AuditEntry(Base):
    """One dated line of the audit log; `subject_id` is the person it is about."""

    __tablename__ = "audit_entries"
    __table_args__ = (UniqueConstraint("workspace_id", "sequence"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    sequence: Mapped[int]
    recorded_at: Mapped[datetime]
    kind: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[uuid.UUID | None]
    actor_name: Mapped[str]
    subject_id: Mapped[uuid.UUID | None]
    content: Mapped[Content | None] = mapped_column(JSON(none_as_null=True))
    salt: Mapped[str | None]
    content_hash: Mapped[str]
    previous_hash: Mapped[str]
    entry_hash: Mapped[str]


class AuditHead(Base):
    """The newest link of a workspace's chain; an appender locks it."""

    __tablename__ = "audit_heads"

    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    sequence: Mapped[int]
    entry_hash: Mapped[str]

    @property
    def link(self) -> ChainHead:
        """Return the newest link as a value."""
        return ChainHead(self.sequence, self.entry_hash)


async def audit(
    uow: "UnitOfWork",
    kind: AuditKind,
    content: Mapping[str, Any] | None = None,
    *,
    subject_id: uuid.UUID | None = None,
) -> AuditEntry:
    """Append an entry to the workspace's audit log, in the order in which appenders get the lock.

    Raises: IntegrityError when two start a workspace's log at once; the use case then runs again.
    """
    head = await _locked_head(uow.session, uow.workspace_id)
    cleaned, salt = clean_content(content or {}), new_salt()
    entry = AuditEntry(
        id=new_id(),
        workspace_id=uow.workspace_id,
        sequence=head.sequence + 1,
        recorded_at=uow.now,
        kind=kind.value,
        actor_kind=uow.actor.kind.value,
        actor_id=uow.actor.person_id,
        actor_name=storable(uow.actor.name),
        subject_id=subject_id,
        content=cleaned,
        salt=salt,
        content_hash=hash_content(cleaned, salt),
        previous_hash=head.entry_hash,
        entry_hash="",
    )
    entry.entry_hash = hash_audit_entry(entry)
    head.sequence, head.entry_hash = entry.sequence, entry.entry_hash
    uow.session.add(entry)
    await uow.flush()
    return entry


async def lock_log(uow: "UnitOfWork") -> None:
    """Wait until nobody else appends; what is read of the log afterwards holds until the commit."""
    await _locked_head(uow.session, uow.workspace_id)


async def _locked_head(session: AsyncSession, workspace_id: uuid.UUID) -> AuditHead:
    query = (
        select(AuditHead)
        .where(AuditHead.workspace_id == workspace_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    head = (await session.execute(query)).scalar_one_or_none()
    if head is None:
        head = AuditHead(workspace_id=workspace_id, sequence=0, entry_hash=GENESIS_HASH)
        session.add(head)
        await session.flush()
    return head


def hashed_fields(entry: AuditEntry) -> dict[str, Any]:
    """Return what the entry's hash covers, as JSON values; exports carry the same."""
    return {
        "id": str(entry.id),
        "sequence": entry.sequence,
        "recorded_at": instant_text(entry.recorded_at),
        "kind": str(entry.kind),
        "actor_kind": str(entry.actor_kind),
        "actor_id": str(entry.actor_id) if entry.actor_id else None,
        "actor_name": entry.actor_name,
        "subject_id": str(entry.subject_id) if entry.subject_id else None,
        "content_hash": entry.content_hash,
        "previous_hash": entry.previous_hash,
    }


def hash_audit_entry(entry: AuditEntry) -> str:
    """Return the entry's hash in hex, over everything but content, salt and workspace."""
    return hash_fields(hashed_fields(entry))


def verify_audit(
    entries: Iterable[AuditEntry | Unreadable], *, head: ChainHead
) -> tuple[Flaw, ...]:
    """Return every flaw of a whole log, in order of sequence; none means it is proven."""
    given = tuple(entries)
    redacted = {
        str(one.content.get("entry_id")): one.sequence
        for one in given
        if isinstance(one, AuditEntry)
        and one.kind == AuditKind.REDACTED
        and isinstance(one.content, dict)
    }
    return verify_chain(
        given,
        head=head,
        hash_of=hash_audit_entry,
        is_redacted=lambda entry: redacted.get(str(entry.id), 0) > entry.sequence,
    )


async def audit_entries(
    session: AsyncSession, *, workspace_id: uuid.UUID
) -> tuple[tuple[AuditEntry, ...], ChainHead]:
    """Return the workspace's whole log in order, and the head that it must end with."""
    query = (
        select(AuditEntry)
        .where(AuditEntry.workspace_id == workspace_id)
        .order_by(AuditEntry.sequence)
    )
    entries = tuple((await session.execute(query)).scalars())
    return entries, await audit_head(session, workspace_id=workspace_id)


async def find_audit_entries(
    session: AsyncSession, *kinds: AuditKind, workspace_id: uuid.UUID, after: int
) -> tuple[AuditEntry, ...]:
    """Return the entries of these kinds after a sequence number, in order."""
    query = (
        select(AuditEntry)
        .where(
            AuditEntry.workspace_id == workspace_id,
            AuditEntry.sequence > after,
            AuditEntry.kind.in_([kind.value for kind in kinds]),
        )
        .order_by(AuditEntry.sequence)
    )
    return tuple((await session.execute(query)).scalars())


async def audit_head(session: AsyncSession, *, workspace_id: uuid.UUID) -> ChainHead:
    """Return the newest link of the workspace's log, as it is kept beside it."""
    head = await session.get(AuditHead, workspace_id)
    return head.link if head else ChainHead(0, GENESIS_HASH)
