"""Verify the record: one timeline, or every timeline and the audit log of a workspace."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import IncidentNotFound
from incidents.core.hash_chain import ChainHead, Flaw
from incidents.core.ids import Reference
from incidents.core.people import Actor
from incidents.incident import timeline
from incidents.incident.incident import ByReference, Incident, find_incident
from incidents.record.audit_log import audit_entries, verify_audit
from incidents.supervision.stage_proof import verify_stages

AUDIT_LOG = "Audit log"


@dataclass(frozen=True, slots=True)
class Proof:
    """The result of verifying one chain; no flaws means that it is as recorded."""

    name: str
    entries: int
    flaws: tuple[Flaw, ...]


async def prove_incident(
    session: AsyncSession, ref: ByReference, *, workspace_id: uuid.UUID, viewer: Actor
) -> Proof:
    """Verify one timeline. Raises: IncidentNotFound."""
    found = await find_incident(session, ref, workspace_id=workspace_id, viewer=viewer)
    if found is None:
        raise IncidentNotFound(str(ref.reference))
    return await _timeline(session, found.id, found.reference, found.chain_head)


async def prove_everything(
    session: AsyncSession, *, workspace_id: uuid.UUID
) -> AsyncIterator[Proof]:
    """Verify every timeline of the workspace, one after the other, and then its audit log."""
    query = (
        select(Incident)
        .where(Incident.workspace_id == workspace_id)
        .order_by(Incident.is_drill, Incident.number)
    )
    incidents = (await session.execute(query)).scalars().all()
    for incident_id, reference, head in [
        (incident.id, incident.reference, incident.chain_head) for incident in incidents
    ]:
        yield await _timeline(session, incident_id, reference, head)
        # Hold only one timeline at a time: a history can be long.
        session.expunge_all()
    entries, head = await audit_entries(session, workspace_id=workspace_id)
    stages = await verify_stages(session, workspace_id=workspace_id)
    yield Proof(AUDIT_LOG, len(entries), (*verify_audit(entries, head=head), *stages))


async def _timeline(
    session: AsyncSession, incident_id: uuid.UUID, reference: Reference, head: ChainHead
) -> Proof:
    query = (
        select(timeline.TimelineEntry)
        .where(timeline.TimelineEntry.incident_id == incident_id)
        .order_by(timeline.TimelineEntry.sequence)
    )
    entries = list((await session.execute(query)).scalars())
    return Proof(str(reference), len(entries), timeline.verify(entries, head=head))
