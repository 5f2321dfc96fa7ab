"""Replays what the entries say about handoffs, and compares it with the rows."""

import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from incidents.core.hash_chain import Flaw
from incidents.core.sentences import Who
from incidents.incident.payload import Payload
from incidents.incident.role_entries import CommanderChanged
from incidents.incident.timeline import TimelineEntry
from incidents.record.replay import with_contents
from incidents.roles.entries import (
    HandoffAgreed,
    HandoffDeclined,
    HandoffOffered,
    HandoffProposal,
    HandoffRequested,
    HandoffWithdrawn,
)
from incidents.roles.handoffs import Handoff, HandoffStatus

_KINDS: dict[str, type[Payload]] = {
    one.kind: one
    for one in (
        *(HandoffOffered, HandoffRequested, HandoffAgreed, HandoffDeclined, HandoffWithdrawn),
        CommanderChanged,
    )
}


@dataclass(slots=True)
class _Said:
    to_person_id: uuid.UUID | None
    from_person_id: uuid.UUID | None
    proposed_by_id: uuid.UUID | None
    statuses: frozenset[str] = field(default=frozenset({HandoffStatus.PENDING}))


def compare_handoffs(rows: Collection[Handoff], entries: Iterable[TimelineEntry]) -> Iterator[Flaw]:
    """Yield a flaw if the handoffs aren't what the entries say, which are in order."""
    said: dict[uuid.UUID, _Said] = {}
    last = 0
    for entry, content in with_contents(entries):
        last = entry.sequence
        if entry.kind not in _KINDS:
            continue
        step = _KINDS[entry.kind].read(content)
        if step is None:
            return  # it can't be read, which is a finding of its own
        _apply(said, step)
    stored = {row.id: row for row in rows}
    if said.keys() != stored.keys() or not all(_is_same(stored[key], said[key]) for key in said):
        yield Flaw(last, "handoffs_differ")


def _apply(said: dict[uuid.UUID, _Said], step: Payload) -> None:
    match step:
        case HandoffProposal(handoff_id=uuid.UUID() as key):
            said[key] = _Said(_id(step.incoming), _id(step.outgoing), _id(step.proposed_by))
        case HandoffAgreed(handoff_id=uuid.UUID() as key):
            _end(said, key, HandoffStatus.AGREED, HandoffStatus.ACCEPTED)
        case HandoffDeclined(handoff_id=uuid.UUID() as key):
            _end(said, key, HandoffStatus.DECLINED)
        case HandoffWithdrawn(handoff_id=uuid.UUID() as key):
            _end(said, key, HandoffStatus.WITHDRAWN)
        case CommanderChanged(handoff_id=uuid.UUID() as key):
            _end(said, key, HandoffStatus.ACCEPTED)


def _end(said: dict[uuid.UUID, _Said], key: uuid.UUID, *statuses: HandoffStatus) -> None:
    if key in said:
        said[key].statuses = frozenset(statuses)


def _id(who: Who | None) -> uuid.UUID | None:
    return who.id if who is not None else None


def _is_same(row: Handoff, said: _Said) -> bool:
    names = ("to_person_id", "from_person_id", "proposed_by_id")
    return row.status in said.statuses and all(
        getattr(row, name) == getattr(said, name) for name in names
    )
