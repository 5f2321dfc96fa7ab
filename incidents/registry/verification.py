"""Verify the record: one timeline, or everything of a workspace.

Chains are checked link by link, rows against what their entries say, and numbers against the
counter. What a database can't know about itself is in docs/proof.md.
"""

import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import NullType

from incidents.channel.replay import compare_channel
from incidents.checkins.checkins import Checkin
from incidents.core.errors import IncidentNotFound
from incidents.core.hash_chain import ChainHead, Flaw, Unreadable
from incidents.core.ids import Reference
from incidents.core.people import Actor
from incidents.engine.outbox import EffectRow
from incidents.escalation.tables import Escalation
from incidents.incident import timeline
from incidents.incident.cadence import StakeholderUpdate
from incidents.incident.incident import ByReference, Incident, find_incident
from incidents.incident.numbers import Counter
from incidents.incident.roles import RoleAssignment
from incidents.incident.timeline import TimelineEntry
from incidents.postmortem.action_items import ActionItem
from incidents.postmortem.postmortem import Postmortem, PostmortemSection
from incidents.postmortem.replay import compare_action_items, compare_postmortems
from incidents.proposals.tables import Proposal
from incidents.record.audit_log import AuditEntry, audit_head, verify_audit
from incidents.record.captured_messages import CapturedMessage
from incidents.record.replay import compare_with_rows
from incidents.record.restoring import lost_numbers
from incidents.registry.proposal_proof import compare_proposals
from incidents.roles.handoffs import Handoff
from incidents.roles.replay import compare_handoffs
from incidents.storage.checked_rows import UnreadableRow, read_rows
from incidents.supervision.stage_proof import verify_stages

AUDIT_LOG = "Audit log"
NUMBERS = "Numbers"

# Where else an entry's id is kept: if the entry isn't there, somebody deleted it.
_POINTERS: Final[tuple[tuple[Any, Any], ...]] = (
    (StakeholderUpdate.entry_id, StakeholderUpdate.incident_id),
    (EffectRow.entry_id, EffectRow.incident_id),
    (CapturedMessage.entry_id, CapturedMessage.incident_id),
    (Checkin.asked_entry_id, Checkin.incident_id),
    (Escalation.packet_entry_id, Escalation.incident_id),
    (Proposal.entry_id, Proposal.incident_id),
    (Handoff.entry_id, Handoff.incident_id),
)


@dataclass(frozen=True, slots=True)
class Proof:
    """The result of verifying one chain; no flaws means that it is as recorded."""

    name: str
    entries: int
    flaws: tuple[Flaw, ...]
    head: ChainHead | None = None
    # The hashes by sequence, to compare with an anchor kept elsewhere.
    hashes: tuple[str, ...] = ()
    # How many numbers a restore lost, as the audit log has them.
    lost: int = 0

    def agrees_with(self, anchor: ChainHead) -> bool:
        """Tell whether the chain held this entry; an anchor may hold only the hash's beginning."""
        there = self.hashes[anchor.sequence - 1 : anchor.sequence] if anchor.sequence > 0 else ()
        return bool(there) and there[0].startswith(anchor.entry_hash.casefold())


async def prove_incident(
    session: AsyncSession, ref: ByReference, *, workspace_id: uuid.UUID, viewer: Actor
) -> Proof:
    """Verify one timeline. Raises: IncidentNotFound."""
    rows = await read_rows(
        session,
        Incident,
        Incident.workspace_id == workspace_id,
        Incident.number == ref.reference.number,
        Incident.is_drill == ref.reference.is_drill,
        order_by=Incident.number,
    )
    if not rows:
        raise IncidentNotFound(str(ref.reference))
    row = rows[0]
    if isinstance(row, UnreadableRow):
        return _unreadable(str(ref.reference), row)
    if await find_incident(session, ref, workspace_id=workspace_id, viewer=viewer) is None:
        raise IncidentNotFound(str(ref.reference))
    return await _timeline(session, row)


async def prove_everything(
    session: AsyncSession,
    *,
    workspace_id: uuid.UUID,
    begin_with: Reference | None = None,
    expect: Callable[[int], None] | None = None,
) -> AsyncIterator[Proof]:
    """Verify every timeline of the workspace, one after the other, then numbers and audit log.

    Incidents come by number, then drills; `begin_with` leaves out those before it, and `expect` is
    called first, with how many proofs there will be. Only one timeline is held at a time.
    """
    places = await _places(session, workspace_id=workspace_id)
    wanted = [place for place in places if begin_with is None or not place.is_before(begin_with)]
    if expect is not None:
        expect(len(wanted) + 2)
    for start in range(0, len(wanted), _AT_A_TIME):
        async for proof in _prove_part(session, wanted[start : start + _AT_A_TIME]):
            yield proof
    log = await read_rows(
        session,
        AuditEntry,
        AuditEntry.workspace_id == workspace_id,
        order_by=AuditEntry.sequence,
    )
    entries = [one for one in log if isinstance(one, AuditEntry)]
    numbers = tuple(await _number_flaws(session, places, entries, workspace_id=workspace_id))
    lost = [*lost_numbers(entries, counter="incident"), *lost_numbers(entries, counter="drill")]
    yield Proof(NUMBERS, len(places), numbers, lost=sum(map(len, lost)))
    head = await audit_head(session, workspace_id=workspace_id)
    stages = await verify_stages(session, entries, workspace_id=workspace_id)
    flaws = (*verify_audit(_as_links(log), head=head), *stages)
    yield Proof(AUDIT_LOG, len(log), flaws, head, tuple(one.entry_hash for one in entries))


# Incidents whose rows are read at once.
_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an incident stands in the order, with what its row holds there: on SQLite, anything."""

    position: int
    stored_id: Any
    number: Any
    is_drill: Any

    def is_before(self, other: Reference) -> bool:
        if not isinstance(self.number, int):
            return False
        return (bool(self.is_drill), self.number) < (other.is_drill, other.number)


async def _places(session: AsyncSession, *, workspace_id: uuid.UUID) -> list[_Place]:
    columns = (Incident.id, Incident.number, Incident.is_drill)
    query = (
        select(*(type_coerce(column, NullType()) for column in columns))
        .where(Incident.workspace_id == workspace_id)
        .order_by(Incident.is_drill, Incident.number)
    )
    rows = (await session.execute(query)).all()
    return [
        _Place(position, stored_id=row[0], number=row[1], is_drill=row[2])
        for position, row in enumerate(rows, start=1)
    ]


async def _prove_part(session: AsyncSession, places: list[_Place]) -> AsyncIterator[Proof]:
    stored_id = type_coerce(Incident.id, NullType())
    rows = await read_rows(
        session,
        Incident,
        stored_id.in_([place.stored_id for place in places]),
        order_by=(Incident.is_drill, Incident.number),
    )
    for row in rows:
        if isinstance(row, UnreadableRow):
            there = replace(row, position=places[row.position - 1].position)
            yield _unreadable(f"Incident in row {there.position}", there)
        else:
            yield await _timeline(session, row)


async def _timeline(session: AsyncSession, incident: Incident) -> Proof:
    rows = await read_rows(
        session,
        TimelineEntry,
        TimelineEntry.incident_id == incident.id,
        order_by=TimelineEntry.sequence,
    )
    entries = [one for one in rows if isinstance(one, TimelineEntry)]
    flaws = [*timeline.verify(_as_links(rows), head=incident.chain_head)]
    flaws += await _state_flaws(session, incident, entries)
    if len(entries) == len(rows):
        flaws += await _pointer_flaws(session, incident, entries)
    hashes = tuple(one.entry_hash for one in entries)
    return Proof(str(incident.reference), len(rows), tuple(flaws), incident.chain_head, hashes)


def _as_links(rows: Iterable[Any]) -> Iterator[Any]:
    for row in rows:
        yield Unreadable(row.position) if isinstance(row, UnreadableRow) else row


async def _state_flaws(
    session: AsyncSession, incident: Incident, entries: list[TimelineEntry]
) -> list[Flaw]:
    roles = await read_rows(
        session,
        RoleAssignment,
        RoleAssignment.incident_id == incident.id,
        order_by=RoleAssignment.started_at,
    )
    readable = [role for role in roles if isinstance(role, RoleAssignment)]
    flaws = list(
        compare_with_rows(
            incident, readable, entries, duplicate_of=await _original_of(session, incident)
        )
    )
    if len(readable) < len(roles):
        flaws.append(Flaw(incident.last_sequence, "roles_differ"))
    return [
        *flaws,
        *compare_channel(incident, entries),
        *await _follow_up_flaws(session, incident, entries),
        *await _proposal_flaws(session, incident, entries),
    ]


async def _proposal_flaws(
    session: AsyncSession, incident: Incident, entries: list[TimelineEntry]
) -> list[Flaw]:
    """Return what proposals and handoffs say otherwise than the entries."""
    at = incident.last_sequence
    proposals = await read_rows(
        session, Proposal, Proposal.incident_id == incident.id, order_by=Proposal.created_at
    )
    handoffs = await read_rows(
        session, Handoff, Handoff.incident_id == incident.id, order_by=Handoff.created_at
    )
    proposed = [row for row in proposals if isinstance(row, Proposal)]
    handed = [row for row in handoffs if isinstance(row, Handoff)]
    flaws = [*compare_proposals(proposed, entries), *compare_handoffs(handed, entries)]
    if len(proposed) < len(proposals):
        flaws.append(Flaw(at, "proposals_differ"))
    if len(handed) < len(handoffs):
        flaws.append(Flaw(at, "handoffs_differ"))
    return list(dict.fromkeys(flaws))


async def _original_of(session: AsyncSession, incident: Incident) -> str | None:
    """Return the reference of the incident that this one duplicates, if the row names one."""
    if incident.duplicate_of_id is None:
        return None
    query = select(Incident.number, Incident.is_drill).where(
        Incident.id == incident.duplicate_of_id
    )
    row = (await session.execute(query)).one_or_none()
    return str(Reference(row.number, row.is_drill)) if row is not None else "?"


async def _follow_up_flaws(
    session: AsyncSession, incident: Incident, entries: list[TimelineEntry]
) -> list[Flaw]:
    """Return what action items and the postmortem's rows say otherwise than the entries."""
    at = incident.last_sequence
    items = await read_rows(
        session, ActionItem, ActionItem.incident_id == incident.id, order_by=ActionItem.number
    )
    versions = await read_rows(
        session, Postmortem, Postmortem.incident_id == incident.id, order_by=Postmortem.version
    )
    theirs = select(Postmortem.id).where(Postmortem.incident_id == incident.id)
    sections = await read_rows(
        session,
        PostmortemSection,
        PostmortemSection.postmortem_id.in_(theirs),
        order_by=PostmortemSection.key,
    )
    readable = [row for row in items if isinstance(row, ActionItem)]
    flaws = list(compare_action_items(readable, entries))
    if len(readable) < len(items):
        flaws.append(Flaw(at, "action_items_differ"))
    known = [row for row in versions if isinstance(row, Postmortem)]
    written = [row for row in sections if isinstance(row, PostmortemSection)]
    flaws += compare_postmortems(known, written, entries)
    if len(known) < len(versions) or len(written) < len(sections):
        flaws.append(Flaw(at, "postmortem_differs"))
    return list(dict.fromkeys(flaws))


async def _pointer_flaws(
    session: AsyncSession, incident: Incident, entries: list[TimelineEntry]
) -> list[Flaw]:
    """Return a flaw if other rows point at entries that aren't there: a tail was deleted."""
    # As the databases store them: SQLite as hexadecimal text.
    known = {as_stored for entry in entries for as_stored in (entry.id, entry.id.hex)}
    for pointer, of_incident in _POINTERS:
        raw = type_coerce(pointer, NullType())
        query = select(raw).where(of_incident == incident.id, pointer.is_not(None))
        if set((await session.execute(query)).scalars()) - known:
            return [Flaw(incident.last_sequence, "entry_missing")]
    return []


async def _number_flaws(
    session: AsyncSession,
    places: list[_Place],
    log: list[AuditEntry],
    *,
    workspace_id: uuid.UUID,
) -> list[Flaw]:
    query = select(Counter.name, Counter.value).where(Counter.workspace_id == workspace_id)
    counters = {row.name: row.value for row in await session.execute(query)}
    flaws: list[Flaw] = []
    for name, is_drill in (("incident", False), ("drill", True)):
        given = counters.get(name, 0)
        taken = [
            range(one.number, one.number + 1)
            for one in places
            if isinstance(one.number, int) and one.is_drill == is_drill
        ]
        if not isinstance(given, int):
            flaws.append(Flaw(0, f"{name}_counter_differs"))
            continue
        there = sorted((*taken, *lost_numbers(log, counter=name)), key=lambda one: one.start)
        flaws += [Flaw(first, f"{name}_missing") for first in _gaps(there, until=given)]
        if any(one.start > given for one in taken):
            flaws.append(Flaw(given, f"{name}_counter_differs"))
    return flaws


def _gaps(there: list[range], *, until: int) -> Iterator[int]:
    """Yield the first number of each gap from 1 to `until`."""
    expected = 1
    for numbers in there:
        if numbers.start > expected:
            yield expected
        expected = max(expected, numbers.stop)
    if expected <= until:
        yield expected


def _unreadable(name: str, row: UnreadableRow) -> Proof:
    return Proof(name, 0, (Flaw(0, f"row_unreadable: {row.column}"),))
