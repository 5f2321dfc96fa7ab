"""Debriefs: a shadow writes down what they learned, shares it with their mentor, is reminded."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import InvalidInput, Superseded
from incidents.core.people import Person
from incidents.engine.prompts import PromptKind, PromptStatus, PromptView, prompt_view, prompts_of
from incidents.engine.reminders import Again, Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident
from incidents.incident.views import PersonView, people_views
from incidents.learning.events import DebriefUnwritten, DebriefWritten
from incidents.learning.tables import Debrief, Observation
from incidents.policy.policy import Policy
from incidents.rights.stages import mentors_of
from incidents.storage.database import trimmed

MAX_ANSWER = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class DebriefView:
    """A debrief as its owner and its readers see it; `decisions` are the prompts they answered."""

    id: uuid.UUID
    owner: PersonView
    reference: str
    title: str
    answers: tuple[tuple[str, str], ...]
    decisions: tuple[PromptView, ...]
    shared_with: tuple[PersonView, ...]
    is_private_now: bool
    written_at: datetime | None


async def write_debrief(
    uow: UnitOfWork, debrief_id: uuid.UUID, *, answers: Sequence[tuple[str, str]]
) -> Outcome:
    """Store and share the owner's answers (question, answer); a second version replaces the first.

    Raises: Superseded if it isn't the actor's; InvalidInput if every answer is empty.
    """
    debrief = await _own_debrief(uow, debrief_id)
    given = [(trimmed(q), trimmed(a)[:MAX_ANSWER]) for q, a in answers]
    if not any(answer for _, answer in given):
        raise InvalidInput("answer_0", "empty", "")
    debrief.answers = [{"question": question, "answer": answer} for question, answer in given]
    debrief.written_at = uow.now
    earlier = [uuid.UUID(one) for one in debrief.shared_with]
    mentors = await _mentors(uow, debrief)
    debrief.shared_with = [str(one) for one in mentors]
    uow.emit(
        DebriefWritten(
            incident_id=debrief.incident_id,
            debrief_id=debrief.id,
            owner_id=debrief.owner_id,
            # Earlier readers get the update, new mentors get the debrief.
            readers=tuple(dict.fromkeys((*mentors, *earlier))),
            was_reminded=debrief.reminded_at is not None,
        )
    )
    people = await people_views(uow.session, mentors)
    names = [people[one].name for one in mentors if one in people]
    # Names no incident: learning must not show as activity on the record.
    return Outcome("debrief_written", None, {"shared_with": names})


async def remind_of_debrief(
    uow: UnitOfWork, _incident: Incident, reminder: Reminder
) -> Again | None:
    """Remind the owner once of an unwritten debrief, outside their quiet hours."""
    debrief = await uow.session.get(Debrief, reminder.subject_id, with_for_update=True)
    if debrief is None or debrief.is_written or debrief.reminded_at is not None:
        return None
    owner = await uow.session.get_one(Person, debrief.owner_id)
    quiet_until = uow.policy.reminders.quiet_hours.end(uow.now, zone=owner.zone)
    if quiet_until is not None:
        return Again(due_at=quiet_until)
    debrief.reminded_at = uow.now
    uow.emit(
        DebriefUnwritten(
            incident_id=debrief.incident_id, debrief_id=debrief.id, owner_id=debrief.owner_id
        )
    )
    return None


async def get_debrief_view(session: AsyncSession, debrief_id: uuid.UUID) -> DebriefView:
    """Return the debrief with its owner's answers at decisions. Raises: NoResultFound."""
    row = await session.get_one(Debrief, debrief_id)
    incident = await session.get_one(Incident, row.incident_id)
    shared = [uuid.UUID(one) for one in row.shared_with]
    people = await people_views(session, {row.owner_id, *shared})
    asked = await prompts_of(
        session, row.incident_id, person_id=row.owner_id, kind=PromptKind.DECISION
    )
    return DebriefView(
        id=row.id,
        owner=people[row.owner_id],
        reference=str(incident.reference),
        title=incident.title,
        answers=tuple((str(one["question"]), str(one["answer"])) for one in row.answers),
        decisions=tuple(prompt_view(one) for one in asked if one.status == PromptStatus.ANSWERED),
        shared_with=tuple(people[one] for one in shared if one in people),
        is_private_now=incident.is_private,
        written_at=row.written_at,
    )


async def find_own_debrief(
    session: AsyncSession, debrief_id: uuid.UUID, *, person_id: uuid.UUID | None
) -> DebriefView:
    """Return a debrief to its owner. Raises: Superseded for everybody else."""
    row = await session.get(Debrief, debrief_id)
    if row is None or row.owner_id != person_id:
        raise Superseded("debrief")
    view = await get_debrief_view(session, debrief_id)
    if view.is_private_now:
        raise Superseded("debrief")
    return view


def questions_for(view: DebriefView, policy: Policy) -> tuple[str, ...]:
    """Return the questions of a debrief: those answered before, else the policy's."""
    if view.answers:
        return tuple(question for question, _ in view.answers)
    return policy.shadowing.questions


async def _own_debrief(uow: UnitOfWork, debrief_id: uuid.UUID) -> Debrief:
    debrief = await uow.session.get(Debrief, debrief_id, with_for_update=True)
    if debrief is None or debrief.owner_id != uow.actor.person_id:
        raise Superseded("debrief")
    incident = await uow.session.get_one(Incident, debrief.incident_id)
    if incident.is_private:
        raise Superseded("debrief")
    return debrief


async def _mentors(uow: UnitOfWork, debrief: Debrief) -> list[uuid.UUID]:
    """Return who may read a debrief: the mentor that the owner followed, else their mentors."""
    observation = await uow.session.get_one(Observation, debrief.observation_id)
    if observation.mentor_id is not None:
        mentor = await uow.session.get(Person, observation.mentor_id)
        if mentor is not None and mentor.is_active:
            return [mentor.id]
    found = await mentors_of(
        uow.session,
        workspace_id=uow.workspace_id,
        person_id=debrief.owner_id,
        policy=uow.policy,
    )
    return list(found)
