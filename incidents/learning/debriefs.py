"""Debriefing: writing what one takes from an incident, sharing it with the mentor, the reminder."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import InvalidInput, Superseded
from incidents.core.people import Person
from incidents.engine.prompts import PromptKind, PromptStatus, PromptView, prompt_view, prompts_of
from incidents.engine.reminders import CancelReminder, Reminder, ReminderKind, apply_changes
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import Incident
from incidents.incident.views import PersonView, people_views
from incidents.learning.effects import ShareDebrief, ShowDebrief
from incidents.learning.observing import planned_for
from incidents.learning.tables import Debrief, Observation
from incidents.policy.policy import Policy
from incidents.rights.stages import mentors_of
from incidents.storage.database import storable

MAX_ANSWER = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class DebriefView:
    """A debrief as its owner and those it is shared with read it; `decisions` were asked meanwhile."""

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
    """Keep the owner's answers (question, answer) and share them; writing again replaces them.

    Raises: Superseded when it isn't the actor's; InvalidInput when nothing is written.
    """
    debrief = await _own_debrief(uow, debrief_id)
    given = [(storable(q).strip(), storable(a).strip()[:MAX_ANSWER]) for q, a in answers]
    if not any(answer for _, answer in given):
        raise InvalidInput("answer_0", "empty", "")
    debrief.answers = [{"question": question, "answer": answer} for question, answer in given]
    debrief.written_at = uow.now
    earlier = [uuid.UUID(one) for one in debrief.shared_with]
    mentors = await _mentors(uow, debrief)
    debrief.shared_with = [str(one) for one in mentors]
    await uow.flush()
    await _show(uow, debrief)
    # Who had it keeps it current; who is new to it gets it.
    for person_id in dict.fromkeys((*mentors, *earlier)):
        effect = ShareDebrief(
            incident_id=debrief.incident_id, debrief_id=debrief.id, person_id=person_id
        )
        once = f"{debrief.id}:{person_id}"
        await uow.add_effects([planned_for(person_id, effect, once=once)])
    cancel = CancelReminder(
        kind=ReminderKind.DEBRIEF_UNWRITTEN, subject_type="debrief", subject_id=debrief.id
    )
    await apply_changes(uow.session, [cancel], workspace_id=uow.workspace_id, now=uow.now)
    people = await people_views(uow.session, mentors)
    names = [people[one].name for one in mentors if one in people]
    # No incident is named: that somebody learns is no sign on the record that somebody works.
    return Outcome("debrief_written", None, {"shared_with": names})


async def remind_of_debrief(uow: UnitOfWork, _incident: Incident, reminder: Reminder) -> None:
    """Remind the owner, once, of a debrief that isn't written."""
    debrief = await uow.session.get(Debrief, reminder.subject_id, with_for_update=True)
    if debrief is None or debrief.is_written or debrief.reminded_at is not None:
        return
    debrief.reminded_at = uow.now
    effect = ShowDebrief(incident_id=debrief.incident_id, debrief_id=debrief.id, is_reminder=True)
    await uow.add_effects([planned_for(debrief.owner_id, effect)])


async def get_debrief_view(session: AsyncSession, debrief_id: uuid.UUID) -> DebriefView:
    """Return the debrief with what its owner answered at decisions. Raises: NoResultFound."""
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
    """Return a debrief to its owner. Raises: Superseded for everybody else, whether it is there."""
    row = await session.get(Debrief, debrief_id)
    if row is None or row.owner_id != person_id:
        raise Superseded("debrief")
    view = await get_debrief_view(session, debrief_id)
    if view.is_private_now:
        raise Superseded("debrief")
    return view


def questions_for(view: DebriefView, policy: Policy) -> tuple[str, ...]:
    """Return what is asked: what was asked before, once it is written, else the policy's."""
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
    """Return with whom it is shared: whom the owner followed, or else their mentors on record."""
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


async def _show(uow: UnitOfWork, debrief: Debrief) -> None:
    effect = ShowDebrief(incident_id=debrief.incident_id, debrief_id=debrief.id)
    planned = [planned_for(debrief.owner_id, effect, once=str(debrief.id))]
    if debrief.reminded_at is not None:
        reminder = replace(effect, is_reminder=True)
        planned.append(planned_for(debrief.owner_id, reminder, once=f"{debrief.id}:reminder"))
    await uow.add_effects(planned)
