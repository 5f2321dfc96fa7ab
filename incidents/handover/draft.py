"""The draft of a handover note: what the next person has to know, from the record.

Two people read the note, so it holds only what both may see, including private incidents and
shadowings. Its author edits the draft.
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.people import Actor, Person
from incidents.escalation.tables import UNANSWERED, Escalation
from incidents.handover.tables import Handover, HandoverStatus
from incidents.incident.incident import Incident, visible_to
from incidents.incident.lifecycle import OPEN_STATUSES, IncidentStatus
from incidents.incident.roles import RoleAssignment
from incidents.incident.timeline import TimelineEntry
from incidents.incident.views import people_views
from incidents.learning.shadowing import ShadowingView, view_of_shadowing
from incidents.learning.tables import shadowings_of
from incidents.policy.policy import COMMANDER, Policy
from incidents.postmortem.action_items import ActionItem, ActionItemStatus
from incidents.proposals.entries import ActionProposed
from incidents.proposals.tables import Proposal, ProposalStatus
from incidents.rights.stages import mentors_of
from incidents.updates.post import snoozed_among

# The assumed length of a shift if no accepted handover tells when it began; and the longest.
SHIFT: Final = timedelta(hours=12)
LONGEST_SHIFT: Final = timedelta(days=7)
# The most entries of each kind; the rest is only counted.
MOST: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """An open incident; `is_snoozed`: its next update was snoozed."""

    reference: str
    title: str
    severity_name: str
    status: str
    commander: str
    next_update_due_at: datetime | None
    is_snoozed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedIncident:
    """An incident that was resolved in this shift, `after` so long."""

    reference: str
    title: str
    severity_name: str
    at: datetime
    after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskyChange:
    """A proposal that is pending or approved, or was carried out or forced in this shift."""

    reference: str
    number: int
    text: str
    class_name: str
    status: ProposalStatus
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingAction:
    """An open action item that the author owns, or that is due soon or overdue."""

    reference: str
    number: int
    text: str
    owner: str
    due_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenEscalation:
    """An escalation that nobody has taken yet."""

    reference: str
    number: int
    template_name: str
    since: datetime
    is_exhausted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverDraft:
    """The facts that a new note starts with."""

    incidents: tuple[OpenIncident, ...]
    resolved: tuple[ResolvedIncident, ...]
    changes: tuple[RiskyChange, ...]
    escalations: tuple[OpenEscalation, ...]
    actions: tuple[PendingAction, ...]
    shadowings: tuple[ShadowingView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """The two people who read a note, in one workspace."""

    workspace_id: uuid.UUID
    author: Actor
    successor: Actor


async def draft_handover(
    session: AsyncSession, readers: Readers, *, policy: Policy, now: datetime
) -> HandoverDraft:
    """Return what is open, risky or pending now, or was resolved in the shift, for both readers."""
    since = await _shift_began(session, readers, now=now)
    return HandoverDraft(
        incidents=await _open_incidents(session, readers),
        resolved=await _resolved(session, readers, since=since),
        changes=await _changes(session, readers, since=since),
        escalations=await _escalations(session, readers),
        actions=await _actions(session, readers, by=(now + policy.handover.due_within).date()),
        shadowings=await _shadowings(session, readers, policy=policy, now=now),
    )


def _seen_by(readers: Readers) -> ColumnElement[bool]:
    """Return the condition that both may see an incident and it isn't a drill."""
    return and_(
        Incident.workspace_id == readers.workspace_id,
        Incident.is_drill.is_(False),
        visible_to(readers.author),
        visible_to(readers.successor),
    )


async def _shift_began(session: AsyncSession, readers: Readers, *, now: datetime) -> datetime:
    """Return when the author took over, or last handed over if they weren't handed anything since."""
    author_id = readers.author.person_id
    query = (
        select(Handover.settled_at)
        .where(
            Handover.workspace_id == readers.workspace_id,
            or_(Handover.to_person_id == author_id, Handover.from_person_id == author_id),
            Handover.status == HandoverStatus.ACCEPTED,
        )
        .order_by(Handover.settled_at.desc())
        .limit(1)
    )
    accepted_at = (await session.execute(query)).scalar_one_or_none()
    return now - SHIFT if accepted_at is None else max(accepted_at, now - LONGEST_SHIFT)


async def _open_incidents(session: AsyncSession, readers: Readers) -> tuple[OpenIncident, ...]:
    """Return the open incidents, worst first."""
    query = (
        select(Incident, Person.name)
        .outerjoin(
            RoleAssignment,
            and_(
                RoleAssignment.incident_id == Incident.id,
                RoleAssignment.role_key == COMMANDER,
                RoleAssignment.ended_at.is_(None),
            ),
        )
        .outerjoin(Person, Person.id == RoleAssignment.person_id)
        .where(_seen_by(readers), Incident.status.in_(OPEN_STATUSES))
        .order_by(Incident.severity_rank, Incident.declared_at)
    )
    rows = (await session.execute(query)).all()
    snoozed = await snoozed_among(session, [incident for incident, _ in rows])
    return tuple(
        OpenIncident(
            reference=str(incident.reference),
            title=incident.title,
            severity_name=incident.severity_name,
            status=incident.status,
            commander=commander or "",
            next_update_due_at=incident.next_update_due_at,
            is_snoozed=incident.id in snoozed,
        )
        for incident, commander in rows
    )


async def _resolved(
    session: AsyncSession, readers: Readers, *, since: datetime
) -> tuple[ResolvedIncident, ...]:
    """Return the incidents that were resolved since then and still are, the newest first."""
    query = (
        select(Incident)
        .where(
            _seen_by(readers),
            Incident.status.in_((IncidentStatus.RESOLVED, IncidentStatus.CLOSED)),
            Incident.resolved_at >= since,
        )
        .order_by(Incident.resolved_at.desc())
    )
    return tuple(
        ResolvedIncident(
            reference=str(one.reference),
            title=one.title,
            severity_name=one.severity_name,
            at=one.resolved_at,
            after=one.resolved_at - one.declared_at,
        )
        for one in (await session.execute(query)).scalars()
        if one.resolved_at is not None
    )


async def _changes(
    session: AsyncSession, readers: Readers, *, since: datetime
) -> tuple[RiskyChange, ...]:
    """Return proposals that are pending or approved, and those carried out or forced since then."""
    waiting = (ProposalStatus.PENDING, ProposalStatus.APPROVED)
    was_done = (Proposal.status == ProposalStatus.CARRIED_OUT) & (Proposal.settled_at >= since)
    was_forced = (Proposal.status == ProposalStatus.BREAK_GLASS) & (Proposal.answered_at >= since)
    query = (
        select(Proposal, TimelineEntry, Incident)
        .join(TimelineEntry, TimelineEntry.id == Proposal.entry_id)
        .join(Incident, Incident.id == Proposal.incident_id)
        .where(_seen_by(readers), or_(Proposal.status.in_(waiting), was_done, was_forced))
        .order_by(Proposal.created_at, Proposal.number)
    )
    return tuple(
        RiskyChange(
            reference=str(incident.reference),
            number=row.number or 0,
            text=_proposed_text(entry),
            class_name=row.class_name,
            status=row.state,
            at=row.settled_at or row.answered_at or row.asked_at or row.created_at,
        )
        for row, entry, incident in (await session.execute(query)).all()
    )


def _proposed_text(entry: TimelineEntry) -> str:
    """Return what is proposed, in its first words or as it was revised; nothing once redacted."""
    proposed = ActionProposed.read(entry.content)
    return proposed.text if proposed is not None else ""


async def _escalations(session: AsyncSession, readers: Readers) -> tuple[OpenEscalation, ...]:
    query = (
        select(Escalation, Incident)
        .join(Incident, Incident.id == Escalation.incident_id)
        .where(_seen_by(readers), Escalation.status.in_(UNANSWERED))
        .order_by(Escalation.created_at)
    )
    return tuple(
        OpenEscalation(
            reference=str(incident.reference),
            number=row.number,
            template_name=row.template_name,
            since=row.created_at,
            is_exhausted=row.exhausted_at is not None,
        )
        for row, incident in (await session.execute(query)).all()
    )


async def _actions(
    session: AsyncSession, readers: Readers, *, by: date
) -> tuple[PendingAction, ...]:
    query = (
        select(ActionItem, Incident)
        .join(Incident, Incident.id == ActionItem.incident_id)
        .where(
            _seen_by(readers),
            ActionItem.status == ActionItemStatus.OPEN,
            or_(ActionItem.owner_id == readers.author.person_id, ActionItem.due_on <= by),
        )
        .order_by(ActionItem.due_on.is_(None), ActionItem.due_on, ActionItem.created_at)
    )
    rows = (await session.execute(query)).all()
    owners = await people_views(session, {row.owner_id for row, _ in rows if row.owner_id})
    return tuple(
        PendingAction(
            reference=str(incident.reference),
            number=row.number,
            text=row.text,
            owner=owners[row.owner_id].name if row.owner_id else "",
            due_on=row.due_on,
        )
        for row, incident in rows
    )


async def _shadowings(
    session: AsyncSession, readers: Readers, *, policy: Policy, now: datetime
) -> tuple[ShadowingView, ...]:
    """Return the shadowings that both know of, as shadow, mentor, or supervisor of the shadow."""
    author_id, successor_id = readers.author.person_id, readers.successor.person_id
    if author_id is None or successor_id is None:
        return ()
    rows = {
        row.id: row
        for person_id in (author_id, successor_id)
        for row in await shadowings_of(session, person_id, now=now)
    }
    found: list[ShadowingView] = []
    for row in rows.values():
        mentors = await mentors_of(
            session, workspace_id=readers.workspace_id, person_id=row.person_id, policy=policy
        )
        if {author_id, successor_id} <= {row.person_id, row.mentor_id, *mentors}:
            found.append(await view_of_shadowing(session, row, policy=policy))
    return tuple(found)
