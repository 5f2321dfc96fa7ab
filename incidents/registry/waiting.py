"""What waits for one person, of every feature: for their Home tab.

Each query starts at what is open or theirs, by an index, and reads a few rows however much has
happened before.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Select, and_, exists, func, literal, select, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from incidents.browse.home import LATELY, HomeTab
from incidents.browse.lists import ListedIncident, listed
from incidents.checkins.checkins import OPEN_CHECKINS, Checkin
from incidents.checkins.entries import CheckinAnswered, CheckinAsked, CheckinUnderstood
from incidents.core.people import Actor
from incidents.escalation.entries import (
    EscalationCalled,
    EscalationDeclined,
    EscalationExhausted,
    EscalationRedirected,
    EscalationTaken,
    EscalationWithdrawn,
)
from incidents.escalation.tables import UNANSWERED, CallStatus, Escalation, EscalationCall
from incidents.handover.tables import Handover, HandoverStatus
from incidents.incident.entries import StatusChanged
from incidents.incident.facts import Facts
from incidents.incident.incident import Incident, visible_to
from incidents.incident.lifecycle import OPEN_STATUSES, IncidentStatus
from incidents.incident.payload import Payload
from incidents.incident.role_entries import CommanderChanged
from incidents.incident.views import PersonView, people_views
from incidents.postmortem.action_items import ActionItem, ActionItemStatus
from incidents.postmortem.entries import (
    ActionItemAdded,
    ActionItemAssigned,
    ActionItemDone,
    PostmortemDrafted,
    PostmortemOwnerSet,
    PostmortemPublished,
)
from incidents.postmortem.postmortem import Postmortem, PostmortemStatus
from incidents.proposals.entries import (
    ActionProposed,
    ApprovalLapsed,
    BreakGlass,
    ProposalAbandoned,
    ProposalApproved,
    ProposalCarriedOut,
    ProposalDeclined,
    ProposalExpired,
    ProposalUnanswered,
)
from incidents.proposals.tables import RUNNABLE, Proposal, ProposalNotice, ProposalStatus
from incidents.roles.entries import (
    HandoffAgreed,
    HandoffDeclined,
    HandoffOffered,
    HandoffRequested,
    HandoffWithdrawn,
)
from incidents.roles.handoffs import Handoff, HandoffKind, HandoffStatus

MOST_OF_A_KIND = 5
# After these, something else may wait for somebody.
CHANGE_WAITING: Final[tuple[type[Payload], ...]] = (
    *(StatusChanged, CommanderChanged, ApprovalLapsed, BreakGlass),
    *(CheckinAsked, CheckinUnderstood, CheckinAnswered),
    *(HandoffOffered, HandoffRequested, HandoffDeclined, HandoffAgreed, HandoffWithdrawn),
    *(PostmortemDrafted, PostmortemOwnerSet, PostmortemPublished),
    *(ActionItemAdded, ActionItemAssigned, ActionItemDone),
    *(ActionProposed, ProposalApproved, ProposalDeclined, ProposalUnanswered, ProposalExpired),
    *(ProposalCarriedOut, ProposalAbandoned),
    *(EscalationCalled, EscalationTaken, EscalationDeclined, EscalationRedirected),
    *(EscalationExhausted, EscalationWithdrawn),
)


class WaitsFor(StrEnum):
    """What somebody is asked for, the most urgent first."""

    CALL = "call"
    HANDOFF = "handoff"
    HANDOFF_REQUEST = "handoff_request"
    SHIFT = "shift"
    CHECKIN = "checkin"
    PROPOSAL = "proposal"
    CARRYING_OUT = "carrying_out"
    POSTMORTEM = "postmortem"
    ACTION_ITEM = "action_item"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One thing that waits for a person, in an incident unless it is a shift.

    `number` is that of a proposal, an action item or a time box; `call_id` is the person's call
    in an escalation.
    """

    what: WaitsFor
    subject_id: uuid.UUID
    incident: ListedIncident | None = None
    version: int = 0
    number: int = 0
    by: PersonView | None = None
    text: str = ""
    due_on: date | None = None
    call_id: uuid.UUID | None = None


async def waiting_for(
    session: AsyncSession, *, workspace_id: uuid.UUID, viewer: Actor
) -> tuple[Waiting, ...]:
    """Return what waits for the viewer in incidents that they see, and shifts; urgent kinds first."""
    sees = (Incident.workspace_id == workspace_id) & visible_to(viewer)
    rows: list[tuple[WaitsFor, Any]] = []
    for what, query in _queries(viewer.person_id):
        answer = await session.execute(query.where(sees).limit(MOST_OF_A_KIND))
        rows += [(what, row) for row in answer]
    shifts = (await session.execute(_shifts(workspace_id, viewer.person_id))).all()
    asking = {row.by_id for _, row in rows if row.by_id} | {row.by_id for row in shifts}
    people = await people_views(session, asking)
    found = [
        *(_waiting(what, row, people) for what, row in rows),
        *(Waiting(what=WaitsFor.SHIFT, subject_id=row.id, by=people[row.by_id]) for row in shifts),
    ]
    order = list(WaitsFor)
    return tuple(sorted(found, key=lambda one: order.index(one.what)))


async def add_home_readers(session: AsyncSession, facts: Facts, workspace_id: uuid.UUID) -> Facts:
    """Add to the facts who opened Home lately and is or was asked for something in the incident."""
    here = facts.incident_id
    call, notice = EscalationCall, ProposalNotice
    asked: Any = union(
        select(call.person_id).join(Escalation).where(Escalation.incident_id == here),
        select(Handoff.to_person_id).where(Handoff.incident_id == here),
        select(Handoff.from_person_id).where(Handoff.incident_id == here),
        select(Checkin.person_id).where(Checkin.incident_id == here),
        select(notice.person_id).join(Proposal).where(Proposal.incident_id == here),
        select(Proposal.requested_by_id).where(Proposal.incident_id == here),
        select(Postmortem.owner_id).where(Postmortem.incident_id == here),
        select(ActionItem.owner_id).where(ActionItem.incident_id == here),
    )
    query = select(HomeTab.person_id).where(
        HomeTab.workspace_id == workspace_id,
        HomeTab.opened_at >= facts.now - LATELY,
        HomeTab.person_id.in_(asked),
    )
    found = (await session.execute(query.order_by(HomeTab.person_id))).scalars()
    return replace(facts, home_readers=tuple(found))


def _shifts(workspace_id: uuid.UUID, person_id: uuid.UUID | None) -> Select[uuid.UUID, uuid.UUID]:
    query = select(Handover.id, Handover.from_person_id.label("by_id")).where(
        Handover.workspace_id == workspace_id,
        Handover.to_person_id == person_id,
        Handover.status == HandoverStatus.PENDING,
    )
    return query.order_by(Handover.created_at).limit(MOST_OF_A_KIND)


def _waiting(what: WaitsFor, row: Any, people: dict[uuid.UUID, PersonView]) -> Waiting:
    return Waiting(
        what=what,
        incident=listed(row.Incident),
        version=row.Incident.version,
        subject_id=row.subject_id,
        number=row.number,
        by=people.get(row.by_id),
        text=row.said,
        due_on=row.due_on,
        call_id=row.call_id,
    )


def _row(kind: type[Any], **columns: Any) -> Select[Any]:
    """Return the query for rows of a kind in their incidents, all with the same columns."""
    none = literal(None)
    given = {
        "number": literal(0),
        "by_id": none,
        "said": literal(""),
        "due_on": none,
        "call_id": none,
        **columns,
    }
    labelled = (column.label(name) for name, column in given.items())
    query = select(Incident, kind.id.label("subject_id"), *labelled)
    return query.join(kind, kind.incident_id == Incident.id)


def _queries(person_id: uuid.UUID | None) -> list[tuple[WaitsFor, Select[Any]]]:
    is_open = Incident.status.in_(list(OPEN_STATUSES))
    own = Postmortem.owner_id == person_id
    newer = aliased(Postmortem)
    is_old = exists().where(
        newer.incident_id == Postmortem.incident_id, newer.version > Postmortem.version
    )
    return [
        (WaitsFor.CALL, _calls(person_id).where(is_open)),
        *((what, query.where(is_open)) for what, query in _handoffs(person_id)),
        (
            WaitsFor.CHECKIN,
            _row(Checkin, number=Checkin.round, by_id=Checkin.asked_by_id)
            .where(is_open, Checkin.status.in_(OPEN_CHECKINS), Checkin.person_id == person_id)
            .order_by(Checkin.due_at),
        ),
        *((what, query.where(is_open)) for what, query in _proposals(person_id)),
        (
            WaitsFor.POSTMORTEM,
            _row(Postmortem, due_on=Postmortem.due_on)
            .where(own, Postmortem.status == PostmortemStatus.DRAFT, ~is_old)
            .where(Incident.status.in_([IncidentStatus.RESOLVED, IncidentStatus.CLOSED]))
            .order_by(Postmortem.due_on),
        ),
        (
            WaitsFor.ACTION_ITEM,
            _row(
                ActionItem, number=ActionItem.number, said=ActionItem.text, due_on=ActionItem.due_on
            )
            .where(ActionItem.owner_id == person_id, ActionItem.status == ActionItemStatus.OPEN)
            .order_by(func.coalesce(ActionItem.due_on, date.max), ActionItem.created_at),
        ),
    ]


def _calls(person_id: uuid.UUID | None) -> Select[Any]:
    return (
        _row(Escalation, by_id=Escalation.author_id, call_id=EscalationCall.id)
        .join(EscalationCall, EscalationCall.escalation_id == Escalation.id)
        .where(Escalation.status.in_(UNANSWERED), EscalationCall.status == CallStatus.OPEN)
        .where(EscalationCall.person_id == person_id)
        .order_by(Escalation.created_at)
    )


def _handoffs(person_id: uuid.UUID | None) -> list[tuple[WaitsFor, Select[Any]]]:
    pending = _row(Handoff, by_id=Handoff.proposed_by_id).where(
        Handoff.status == HandoffStatus.PENDING
    )
    is_offered = and_(Handoff.kind == HandoffKind.OFFER, Handoff.to_person_id == person_id)
    is_asked = and_(Handoff.kind == HandoffKind.REQUEST, Handoff.from_person_id == person_id)
    return [
        (WaitsFor.HANDOFF, pending.where(is_offered)),
        (WaitsFor.HANDOFF_REQUEST, pending.where(is_asked)),
    ]


def _proposals(person_id: uuid.UUID | None) -> list[tuple[WaitsFor, Select[Any]]]:
    query = _row(Proposal, number=Proposal.number, by_id=Proposal.requested_by_id)
    is_own = Proposal.requested_by_id == person_id
    is_told = exists().where(
        ProposalNotice.proposal_id == Proposal.id, ProposalNotice.person_id == person_id
    )
    return [
        (
            WaitsFor.PROPOSAL,
            query.where(Proposal.status == ProposalStatus.PENDING, is_told, ~is_own),
        ),
        (WaitsFor.CARRYING_OUT, query.where(Proposal.status.in_(RUNNABLE), is_own)),
    ]
