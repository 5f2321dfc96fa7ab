"""Check-ins: a time-boxed task for a named person, and how it went at the end of the box.

The question's text lives only in timeline entries, so a redaction leaves no copy here.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, mapped_column

from incidents.checkins.entries import (
    CheckinAnswer,
    CheckinAnswered,
    CheckinAsked,
    CheckinDue,
    CheckinEntry,
    CheckinUnderstood,
)
from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted, Superseded
from incidents.core.ids import new_id
from incidents.core.people import Person, PersonFacts, who
from incidents.engine.reminders import Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.timeline import TimelineEntry
from incidents.people.assignable import call_in, get_reachable
from incidents.policy.policy import Action
from incidents.storage.database import Base, kept_text

SHORTEST_BOX = timedelta(minutes=1)
LONGEST_BOX = timedelta(hours=24)
MAX_TEXT = 2000

CheckinEntryT = TypeVar("CheckinEntryT", bound=CheckinEntry)


class CheckinStatus(StrEnum):
    """The state of a check-in; `stuck` and `done` are answers; the incident's end cancels it."""

    ASKED = "asked"
    UNDERSTOOD = "understood"
    DONE = "done"
    STUCK = "stuck"
    CANCELLED = "cancelled"


OPEN_CHECKINS = (CheckinStatus.ASKED, CheckinStatus.UNDERSTOOD)


class Checkin(Base):
    """One task for one person; `round` counts its time boxes, to recognise old buttons."""

    __tablename__ = "checkins"
    __table_args__ = (Index("ix_checkins_incident_id_status", "incident_id", "status"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    asked_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    asked_entry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("timeline_entries.id"))
    status: Mapped[str] = mapped_column(default=CheckinStatus.ASKED)
    round: Mapped[int] = mapped_column(default=1)
    box_seconds: Mapped[int]
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    understood_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckinRequest:
    """Who should do what, within which time; no box means the policy's."""

    person: PersonFacts
    question: str
    box: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckinReply:
    """How it went; `round` is the time box that the answer is for, None for the current one."""

    answer: CheckinAnswer
    text: str = ""
    round: int | None = None


async def ask_checkin(uow: UnitOfWork, ref: IncidentRef, *, request: CheckinRequest) -> Outcome:
    """Give a named person a task with a time box.

    Raises: NotPermitted; NotKnownYet; AlreadySo when the incident is over; InvalidInput for a bot,
        somebody deactivated or of another workspace, somebody outside a drill, an empty question, or a box under a minute or over a day.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.CHECK_IN, incident)
    if not incident.is_open:
        raise AlreadySo("the incident", incident.status)
    question = kept_text(request.question, most=MAX_TEXT)
    if not question:
        raise InvalidInput("question", "empty", "checkin @alice 10m Is the web tier healthy?")
    # The policy's own box isn't checked: the asker didn't type it and couldn't correct it.
    if request.box is not None and not SHORTEST_BOX <= request.box <= LONGEST_BOX:
        raise InvalidInput("minutes", "out_of_range", "10m; from 1m to 24h")
    box = request.box or uow.policy.reminders.checkin
    person = await get_reachable(uow, request.person.external_id, field="person")
    await call_in(uow, incident, person)
    checkin = Checkin(
        id=new_id(),
        workspace_id=uow.workspace_id,
        incident_id=incident.id,
        person_id=person.id,
        asked_by_id=uow.actor.person_id,
        round=1,
        box_seconds=int(box.total_seconds()),
        asked_at=uow.now,
        due_at=uow.now + box,
    )
    entry = uow.record(incident, replace(_about(CheckinAsked, checkin, person), question=question))
    await uow.flush()  # the row refers to the entry
    checkin.asked_entry_id = entry.id
    uow.session.add(checkin)
    data = {"checkin_id": str(checkin.id), "name": person.name, "external_id": person.external_id}
    return Outcome("checkin_asked", incident.id, {**data, "box_seconds": checkin.box_seconds})


async def understand_checkin(
    uow: UnitOfWork, ref: IncidentRef, *, checkin_id: uuid.UUID
) -> Outcome:
    """Record that the person understood the task; only they can say so.

    Raises: NotPermitted; AlreadySo; Superseded when the check-in is over.
    """
    incident = await uow.get_incident(ref)
    checkin, person = await _get_checkin(uow, incident, checkin_id)
    if uow.actor.person_id != checkin.person_id:
        raise NotPermitted(action=Action.CHECK_IN, needs=person.name)
    if checkin.status == CheckinStatus.UNDERSTOOD:
        raise AlreadySo("the check-in", "understood")
    if checkin.status != CheckinStatus.ASKED:
        raise Superseded("checkin", checkin.answered_by or "")
    checkin.status = CheckinStatus.UNDERSTOOD
    checkin.understood_at = uow.now
    understood = _about(CheckinUnderstood, checkin, person)
    uow.record(incident, understood, target_id=checkin.asked_entry_id)
    return Outcome("checkin_understood", incident.id, {"name": person.name})


async def answer_checkin(
    uow: UnitOfWork, ref: IncidentRef, *, checkin_id: uuid.UUID, reply: CheckinReply
) -> Outcome:
    """Record how it went; more time opens another box of the same length.

    Raises: NotPermitted unless the actor is the person or may check in; Superseded when it is
        already answered, or the buttons belong to an earlier box.
    """
    incident = await uow.get_incident(ref)
    checkin, person = await _get_checkin(uow, incident, checkin_id)
    if uow.actor.person_id != checkin.person_id:
        await uow.permit(Action.CHECK_IN, incident)
    if checkin.status not in OPEN_CHECKINS or reply.round not in {None, checkin.round}:
        raise Superseded("checkin", checkin.answered_by or "")
    box = timedelta(seconds=checkin.box_seconds)
    match reply.answer:
        case CheckinAnswer.DONE:
            checkin.status = CheckinStatus.DONE
        case CheckinAnswer.STUCK:
            checkin.status = CheckinStatus.STUCK
        case CheckinAnswer.MORE_TIME:
            checkin.round += 1
            checkin.due_at = uow.now + box
    checkin.answered_at, checkin.answered_by = uow.now, uow.actor.name
    answered = replace(
        _about(CheckinAnswered, checkin, person),
        asked_by_id=checkin.asked_by_id,
        answer=reply.answer,
        text=kept_text(reply.text, most=MAX_TEXT),
    )
    uow.record(incident, answered, target_id=checkin.asked_entry_id)
    data = {"answer": reply.answer.value, "name": person.name, "box_seconds": checkin.box_seconds}
    return Outcome("checkin_answered", incident.id, data)


async def end_checkin_box(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> None:
    """Ask the person and the commander how it went, at the end of the box."""
    checkin = await uow.session.get(Checkin, reminder.subject_id, with_for_update=True)
    if checkin is None or checkin.status not in OPEN_CHECKINS:
        return
    if not incident.is_open:
        checkin.status = CheckinStatus.CANCELLED
        return
    person = await uow.session.get_one(Person, checkin.person_id)
    asked = await uow.session.get_one(TimelineEntry, checkin.asked_entry_id)
    task = CheckinAsked.read(asked.content)
    due = replace(
        _about(CheckinDue, checkin, person),
        question=task.question if task is not None else "",
        is_understood=checkin.understood_at is not None,
    )
    uow.record(incident, due, target_id=checkin.asked_entry_id)


async def _get_checkin(
    uow: UnitOfWork, incident: Incident, checkin_id: uuid.UUID
) -> tuple[Checkin, Person]:
    query = (
        select(Checkin)
        .where(Checkin.id == checkin_id, Checkin.incident_id == incident.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    checkin = (await uow.session.execute(query)).scalar_one_or_none()
    if checkin is None:
        raise Superseded("checkin")
    return checkin, await uow.session.get_one(Person, checkin.person_id)


def _about(entry_type: type[CheckinEntryT], checkin: Checkin, person: Person) -> CheckinEntryT:
    return entry_type(
        checkin_id=checkin.id,
        round=checkin.round,
        person=who(person),
        box_seconds=checkin.box_seconds,
        due_at=checkin.due_at,
    )
