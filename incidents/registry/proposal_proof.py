"""Replays what the entries say about proposals, and compares it with the rows."""

import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from incidents.core.hash_chain import Flaw
from incidents.incident.timeline import TimelineEntry
from incidents.policy.proposals import Need
from incidents.proposals.entries import (
    PROPOSAL_TYPES,
    ApprovalLapsed,
    BreakGlass,
    ProposalAbandoned,
    ProposalAnswer,
    ProposalApproved,
    ProposalCarriedOut,
    ProposalDeclined,
    ProposalEntry,
    ProposalExpired,
    Proposed,
)
from incidents.proposals.tables import Proposal, ProposalStatus
from incidents.record.replay import with_contents

_LEADS_TO: dict[type[ProposalEntry], ProposalStatus] = {
    ProposalApproved: ProposalStatus.APPROVED,
    ProposalDeclined: ProposalStatus.DECLINED,
    BreakGlass: ProposalStatus.BREAK_GLASS,
    ApprovalLapsed: ProposalStatus.PENDING,
    ProposalCarriedOut: ProposalStatus.CARRIED_OUT,
    ProposalAbandoned: ProposalStatus.ABANDONED,
    ProposalExpired: ProposalStatus.EXPIRED,
}


@dataclass(slots=True)
class _Said:
    number: int
    requested_by_id: uuid.UUID | None
    class_key: str
    needs: str
    command: str | None
    status: str
    answered_by_id: uuid.UUID | None = None


def compare_proposals(
    rows: Collection[Proposal], entries: Iterable[TimelineEntry]
) -> Iterator[Flaw]:
    """Yield a flaw if the proposals aren't what the entries say, which are in order."""
    said: dict[uuid.UUID, _Said] = {}
    last = 0
    for entry, content in with_contents(entries):
        last = entry.sequence
        if entry.kind not in PROPOSAL_TYPES:
            continue
        step = PROPOSAL_TYPES[entry.kind].read(content)
        if not isinstance(step, ProposalEntry) or step.proposal_id is None:
            return  # it can't be read, which is a finding of its own
        _apply(said, step.proposal_id, step, entry)
    stored = {row.id: row for row in rows if row.status != ProposalStatus.DRAFT}
    names = tuple(_Said.__slots__)
    if said.keys() != stored.keys() or not all(
        getattr(stored[key], name) == getattr(one, name)
        for key, one in said.items()
        for name in names
    ):
        yield Flaw(last, "proposals_differ")


def _apply(
    said: dict[uuid.UUID, _Said], key: uuid.UUID, step: ProposalEntry, entry: TimelineEntry
) -> None:
    if isinstance(step, Proposed):
        is_free = step.needs == Need.NOBODY
        said[key] = _Said(
            step.number,
            step.requester.id,
            step.class_key,
            step.needs,
            step.command.kind if step.command is not None else None,
            ProposalStatus.CLEARED if is_free else ProposalStatus.PENDING,
        )
        return
    one, leads_to = said.get(key), _LEADS_TO.get(type(step))
    if one is None or leads_to is None:
        return
    one.status = leads_to
    if isinstance(step, ProposalAnswer):
        one.answered_by_id = entry.actor_id
    if isinstance(step, ApprovalLapsed):
        one.answered_by_id = None
