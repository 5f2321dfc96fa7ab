"""Action items: follow-up work of an incident, each with an owner, and a date if known."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from incidents.core.errors import AlreadySo, InvalidInput
from incidents.core.ids import new_id
from incidents.core.people import Person, who
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.views import PersonView, people_views
from incidents.people.assignable import Named, call_in, get_assignable
from incidents.policy.policy import Action
from incidents.postmortem.entries import (
    ActionItemAdded,
    ActionItemAssigned,
    ActionItemDone,
    ActionItemEntry,
)
from incidents.storage.database import Base, storable

MAX_TEXT = 1000


class ActionItemStatus(StrEnum):
    """Whether an action item still has to be done."""

    OPEN = "open"
    DONE = "done"


class ActionItem(Base):
    """One piece of follow-up work; `number` counts within its incident."""

    __tablename__ = "action_items"
    __table_args__ = (UniqueConstraint("incident_id", "number"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
    number: Mapped[int]
    text: Mapped[str]
    owner_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"), index=True)
    due_on: Mapped[date | None]
    status: Mapped[str] = mapped_column(default=ActionItemStatus.OPEN)
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None] = mapped_column(default=None)
    done_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionItemView:
    """An action item, as messages and documents show it."""

    id: uuid.UUID
    number: int
    text: str
    owner: PersonView | None
    due_on: date | None
    is_done: bool
    done_at: datetime | None


async def add_action_item(
    uow: UnitOfWork,
    ref: IncidentRef,
    *,
    text: str,
    owner: Named | None = None,
    due_on: date | None = None,
) -> Outcome:
    """Add an action item: `action_item_added` with its number.

    Raises: IncidentNotFound; NotPermitted; InvalidInput for an empty or overlong text, a date in
        the past, or an owner who can't take on work.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.MANAGE_ACTION_ITEMS, incident)
    wording = check_text(text)
    check_due_on(due_on, today=uow.now.date())
    person = await _call_in_owner(uow, incident, owner) if owner else None
    item = ActionItem(
        id=new_id(),
        workspace_id=uow.workspace_id,
        incident_id=incident.id,
        number=await _next_number(uow.session, incident.id),
        text=wording,
        owner_id=person.id if person else None,
        due_on=due_on,
        status=ActionItemStatus.OPEN,
        created_at=uow.now,
    )
    uow.session.add(item)
    uow.record(incident, _entry(ActionItemAdded, item, person))
    return _outcome("action_item_added", incident, item, person)


async def assign_action_item(
    uow: UnitOfWork, ref: IncidentRef, *, number: int, owner: Named
) -> Outcome:
    """Assign an action item to somebody: `action_item_assigned`.

    Raises: IncidentNotFound; NotPermitted; InvalidInput; AlreadySo if they own it, or it is done.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.MANAGE_ACTION_ITEMS, incident)
    item = await _get_item(uow.session, incident, number)
    if item.status == ActionItemStatus.DONE:
        raise AlreadySo(f"action item {number}", "done")
    person = await _call_in_owner(uow, incident, owner)
    if item.owner_id == person.id:
        raise AlreadySo("the owner", person.name)
    item.owner_id = person.id
    uow.record(incident, _entry(ActionItemAssigned, item, person))
    return _outcome("action_item_assigned", incident, item, person)


async def complete_action_item(uow: UnitOfWork, ref: IncidentRef, *, number: int) -> Outcome:
    """Mark an action item as done: `action_item_done`.

    Raises: IncidentNotFound; NotPermitted; InvalidInput; AlreadySo if it is done.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.MANAGE_ACTION_ITEMS, incident)
    item = await _get_item(uow.session, incident, number)
    if item.status == ActionItemStatus.DONE:
        raise AlreadySo(f"action item {number}", "done")
    item.status = ActionItemStatus.DONE
    item.done_at = uow.now
    item.done_by_id = uow.actor.person_id
    owner = await uow.session.get(Person, item.owner_id) if item.owner_id else None
    uow.record(incident, _entry(ActionItemDone, item, owner))
    return _outcome("action_item_done", incident, item, owner)


async def action_items_of(
    session: AsyncSession, incident_id: uuid.UUID
) -> tuple[ActionItemView, ...]:
    """Return the action items of an incident, by number; the caller may see the incident."""
    query = (
        select(ActionItem).where(ActionItem.incident_id == incident_id).order_by(ActionItem.number)
    )
    items = (await session.execute(query)).scalars().all()
    owners = await people_views(session, {item.owner_id for item in items if item.owner_id})
    return tuple(
        ActionItemView(
            id=item.id,
            number=item.number,
            text=item.text,
            owner=owners.get(item.owner_id) if item.owner_id else None,
            due_on=item.due_on,
            is_done=item.status == ActionItemStatus.DONE,
            done_at=item.done_at,
        )
        for item in items
    )


def check_text(text: str) -> str:
    """Return the text on one line. Raises: InvalidInput if empty or over 1,000 characters."""
    wording = " ".join(storable(text).split())
    if not wording:
        raise InvalidInput("text", "empty", "Alert when the queue is older than 5 minutes")
    if len(wording) > MAX_TEXT:
        raise InvalidInput("text", "too_long")
    return wording


def check_due_on(due_on: date | None, *, today: date) -> None:
    """Check that the date isn't over. Raises: InvalidInput if it is.

    Allows one extra day: today in UTC may still be yesterday for the person who sets it.
    """
    if due_on is not None and (today - due_on).days > 1:
        raise InvalidInput("due_on", "past", f"{today.isoformat()}, or 5d")


async def _next_number(session: AsyncSession, incident_id: uuid.UUID) -> int:
    # The incident's row is locked, so two items can't take the same number.
    query = select(func.max(ActionItem.number)).where(ActionItem.incident_id == incident_id)
    return ((await session.execute(query)).scalar_one() or 0) + 1


async def _get_item(session: AsyncSession, incident: Incident, number: int) -> ActionItem:
    query = select(ActionItem).where(
        ActionItem.incident_id == incident.id, ActionItem.number == number
    )
    item = (await session.execute(query)).scalar_one_or_none()
    if item is None:
        raise InvalidInput("action_item", "isn't on this incident's list", "action 1 @someone")
    return item


async def _call_in_owner(uow: UnitOfWork, incident: Incident, owner: Named) -> Person:
    # An owner has to see the incident, even a private one.
    person = await get_assignable(uow, owner)
    await call_in(uow, incident, person)
    return person


def _entry(
    entry_type: type[ActionItemEntry], item: ActionItem, owner: Person | None
) -> ActionItemEntry:
    return entry_type(
        action_item_id=item.id,
        number=item.number,
        text=item.text,
        owner=who(owner) if owner else None,
        due_on=item.due_on,
    )


def _outcome(kind: str, incident: Incident, item: ActionItem, owner: Person | None) -> Outcome:
    data = {
        "reference": str(incident.reference),
        "number": item.number,
        "text": item.text,
        "owner": owner.name if owner else None,
        "due_on": item.due_on.isoformat() if item.due_on else None,
    }
    return Outcome(kind, incident.id, data)
