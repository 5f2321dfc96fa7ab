"""Answers to an escalation: taken, asked for more, redirected, declined, withdrawn.

If several people answer at once, the first is on it; the others learn who that is, and nothing
changes. Every answer locks the incident first.
"""

import uuid
from dataclasses import replace
from typing import TypeVar

from incidents.core.errors import AlreadySo, InvalidInput, NotPermitted, Superseded
from incidents.core.people import Person, who
from incidents.engine.acknowledgement import acknowledge
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.callees import name_newcomers
from incidents.escalation.calls import (
    Because,
    author_of,
    end_pages_for,
    find_call,
    get_escalation,
    outcome_of,
)
from incidents.escalation.entries import (
    Answer,
    EscalationDeclined,
    EscalationQuestioned,
    EscalationRedirected,
    EscalationTaken,
)
from incidents.escalation.escalate import add_steps, wanted_target
from incidents.escalation.ladder import call_next_step, close_escalation, somebody_may_answer
from incidents.escalation.packet import FIELDS
from incidents.escalation.tables import (
    CallStatus,
    Escalation,
    EscalationStatus,
    StepStatus,
    steps_of,
)
from incidents.escalation.targets import (
    LadderInputs,
    PlannedStep,
    ServiceTarget,
    Target,
    build_service_ladder,
    pick_service,
    template_of,
)
from incidents.incident.incident import Incident
from incidents.paging.pages import settle_pages
from incidents.people.assignable import call_in, get_acting_person, get_person
from incidents.policy.policy import Action
from incidents.storage.database import trimmed

MAX_REASON = 500

AnswerT = TypeVar("AnswerT", bound=Answer)


async def take(uow: UnitOfWork, escalation_id: uuid.UUID) -> Outcome:
    """Say "I'm on it": the calling stops.

    Raises: IncidentNotFound; NotPermitted; Superseded with who is on it, or because it is over;
        AlreadySo when the actor is on it; InvalidInput for the author.
    """
    incident, escalation = await get_escalation(uow, escalation_id)
    actor = await get_acting_person(uow, Action.ANSWER_ESCALATION)
    if escalation.taken_by_id == actor.id:
        raise AlreadySo("escalation", actor.name)
    await _refuse_if_settled(uow, incident, escalation)
    if actor.id == escalation.author_id:
        raise InvalidInput("answer", "for_you" if escalation.is_automatic else "author")
    call = await find_call(uow, escalation, actor)
    if call is None:
        await uow.permit(Action.ANSWER_ESCALATION, incident)
    else:
        call.status, call.answered_at = CallStatus.TAKEN, uow.now
    escalation.status = EscalationStatus.TAKEN
    escalation.taken_by_id, escalation.taken_at = actor.id, uow.now
    escalation.acknowledged_at = escalation.acknowledged_at or uow.now
    escalation.due_at = escalation.exhausted_at = None
    await settle_pages(uow, incident, escalation.id, of=actor.id)
    await call_in(uow, incident, actor)
    acknowledge(uow, incident)
    since = escalation.first_called_at or escalation.created_at
    taken = await _answered(uow, escalation, actor, EscalationTaken)
    waited_seconds = int((uow.now - since).total_seconds())
    uow.record(incident, replace(taken, waited_seconds=waited_seconds))
    return outcome_of("escalation_taken", incident, escalation)


async def ask_for_more(uow: UnitOfWork, escalation_id: uuid.UUID, *, field: str) -> Outcome:
    """Ask the author for one field of the packet, or one of the template's questions.

    The ladder continues meanwhile: asking for more doesn't mean being on it.

    Raises: as `take`; InvalidInput for a field that a packet of this kind doesn't have.
    """
    incident, escalation = await get_escalation(uow, escalation_id)
    actor = await get_acting_person(uow, Action.ANSWER_ESCALATION)
    await _refuse_if_settled(uow, incident, escalation, unless_by=actor.id)
    await _check_answerer(uow, incident, escalation, actor)
    asked = {
        question.key: question.text for question in template_of(uow.policy, escalation).questions
    }
    if field not in {*FIELDS, *asked}:
        known = ", ".join([*FIELDS, *asked])
        raise InvalidInput("field", "unknown", known)
    escalation.asked_field, escalation.asked_by_id = field, actor.id
    questioned = await _answered(uow, escalation, actor, EscalationQuestioned)
    uow.record(incident, replace(questioned, field=field, question=asked.get(field, "")))
    return outcome_of("escalation_questioned", incident, escalation, field=field)


async def decline(uow: UnitOfWork, escalation_id: uuid.UUID, *, reason: str) -> Outcome:
    """Say "can't": the next step is called now, unless others of the last one can still answer.

    Raises: as `take`; NotPermitted if the actor isn't called; AlreadySo; InvalidInput if empty.
    """
    incident, escalation = await get_escalation(uow, escalation_id)
    actor = await get_acting_person(uow, Action.ANSWER_ESCALATION)
    was_on_it = escalation.taken_by_id == actor.id
    await _refuse_if_settled(uow, incident, escalation, unless_by=actor.id)
    call = await find_call(uow, escalation, actor)
    if call is None and not was_on_it:
        raise NotPermitted(Action.ANSWER_ESCALATION, needs="somebody who is called")
    if call is not None and call.status == CallStatus.DECLINED:
        raise AlreadySo("escalation", "declined")
    given = _text(reason)
    if not given:
        raise InvalidInput("reason", "empty", "I'm on a plane until six")
    declined = await _answered(uow, escalation, actor, EscalationDeclined)
    entry = uow.record(incident, replace(declined, reason=given))
    await uow.flush()
    if call is not None:
        call.status, call.answered_at = CallStatus.DECLINED, uow.now
        call.answer_entry_id = entry.id
    _leave(escalation, was_on_it=was_on_it)
    await end_pages_for(uow, incident, escalation, actor)
    await uow.flush()
    is_calling = escalation.status == EscalationStatus.CALLING
    if was_on_it or (is_calling and not await somebody_may_answer(uow, escalation)):
        await call_next_step(uow, incident, escalation, because=Because.DECLINED)
    return outcome_of("escalation_declined", incident, escalation)


async def redirect(
    uow: UnitOfWork, escalation_id: uuid.UUID, *, target: Target, reason: str = ""
) -> Outcome:
    """Redirect the escalation to somebody else, who is called at once with the same packet.

    Raises: as `take`; InvalidInput for a target that can't be called.
    """
    incident, escalation = await get_escalation(uow, escalation_id)
    actor = await get_acting_person(uow, Action.ANSWER_ESCALATION)
    was_on_it = escalation.taken_by_id == actor.id
    await _refuse_if_settled(uow, incident, escalation, unless_by=actor.id)
    await _check_answerer(uow, incident, escalation, actor)
    planned = await _redirected_steps(uow, incident, escalation, target, by=actor.name)
    if any(one.identity == ("person", str(actor.id)) for one in planned[0].wanted):
        raise InvalidInput("target", "yourself")
    call = await find_call(uow, escalation, actor)
    if call is not None:
        call.status, call.answered_at = CallStatus.REDIRECTED, uow.now
    _leave(escalation, was_on_it=was_on_it)
    await end_pages_for(uow, incident, escalation, actor)
    escalation.redirects += 1
    redirected = await _answered(uow, escalation, actor, EscalationRedirected)
    to = tuple(one.name for one in planned[0].wanted)
    uow.record(incident, replace(redirected, to=to, reason=_text(reason)))
    steps = await add_steps(uow, escalation, planned, is_redirect=True)
    await name_newcomers(uow, incident, escalation, steps)
    called = await call_next_step(
        uow, incident, escalation, because=Because.REDIRECTED, step=steps[0]
    )
    names = [person.name for person in called]
    return outcome_of("escalation_redirected", incident, escalation, called=names)


async def call_step(uow: UnitOfWork, escalation_id: uuid.UUID, *, step: uuid.UUID | int) -> Outcome:
    """Call a chosen step now, by its id or place; steps passed over come after the later ones.

    Places shift when somebody redirects, so a choice made earlier uses the id.

    Raises: IncidentNotFound; NotPermitted; Superseded; InvalidInput for an unknown step;
        AlreadySo for a step that was already called.
    """
    incident, escalation = await get_escalation(uow, escalation_id)
    await _refuse_if_settled(uow, incident, escalation)
    await uow.permit(Action.ESCALATE, incident)
    steps = await steps_of(uow.session, escalation.id)
    chosen = next((one for one in steps if step in {one.id, one.position}), None)
    if chosen is None:
        raise InvalidInput("step", "unknown", ", ".join(str(one.position) for one in steps))
    if chosen.status != StepStatus.WAITING:
        raise AlreadySo("step", "called")
    await name_newcomers(uow, incident, escalation, [chosen])
    called = await call_next_step(uow, incident, escalation, because=Because.CHOSEN, step=chosen)
    names = [person.name for person in called]
    return outcome_of("escalation_step_called", incident, escalation, called=names)


async def withdraw(uow: UnitOfWork, escalation_id: uuid.UUID, *, reason: str = "") -> Outcome:
    """Withdraw the escalation: the calling stops; the author is told if somebody else does it.

    Raises: IncidentNotFound; NotPermitted; Superseded with who is on it, or because it is over.
    """
    incident, escalation = await get_escalation(uow, escalation_id)
    await _refuse_if_settled(uow, incident, escalation)
    if uow.actor.person_id is None or uow.actor.person_id != escalation.author_id:
        await uow.permit(Action.WITHDRAW_ESCALATION, incident)
    escalation.status = EscalationStatus.WITHDRAWN
    author = await author_of(uow, escalation)
    because = EscalationStatus.WITHDRAWN
    await close_escalation(
        uow, incident, escalation, because=because, reason=_text(reason), author=author
    )
    return outcome_of("escalation_withdrawn", incident, escalation)


async def _refuse_if_settled(
    uow: UnitOfWork,
    incident: Incident,
    escalation: Escalation,
    *,
    unless_by: uuid.UUID | None = None,
) -> None:
    """Check that answers still count, or that `unless_by` is on it. Raises: Superseded."""
    if not incident.is_open:  # the incident is over: nobody is called, even if somebody was on it
        raise Superseded(f"escalation_{EscalationStatus.OVER}")
    match EscalationStatus(escalation.status):
        case EscalationStatus.CALLING | EscalationStatus.EXHAUSTED:
            return
        case EscalationStatus.TAKEN if escalation.taken_by_id is not None:
            if escalation.taken_by_id == unless_by:
                return
            person = await get_person(uow, escalation.taken_by_id)
            raise Superseded("escalation", by=person.name)
        case status:
            raise Superseded(f"escalation_{status}")


async def _check_answerer(
    uow: UnitOfWork, incident: Incident, escalation: Escalation, actor: Person
) -> None:
    is_on_it = escalation.taken_by_id == actor.id
    if not is_on_it and await find_call(uow, escalation, actor) is None:
        await uow.permit(Action.ANSWER_ESCALATION, incident)


def _leave(escalation: Escalation, *, was_on_it: bool) -> None:
    """If the actor was on it, reopen the escalation: it calls again."""
    if was_on_it:
        escalation.status = EscalationStatus.CALLING
        escalation.taken_by_id = escalation.taken_at = None


async def _redirected_steps(
    uow: UnitOfWork, incident: Incident, escalation: Escalation, target: Target, *, by: str
) -> tuple[PlannedStep, ...]:
    if not isinstance(target, ServiceTarget):
        wanted = await wanted_target(uow, incident, target, author_id=escalation.author_id)
        return (PlannedStep(wanted=(replace(wanted, by=by),)),) if wanted else ()
    service = pick_service(uow.policy, target.key, affected=())
    inputs = LadderInputs(
        policy=uow.policy,
        severity_key=incident.severity_key,
        template=template_of(uow.policy, escalation),
        service=service,
    )
    planned = build_service_ladder(inputs)
    if not planned or service is None:
        raise InvalidInput("target", "nobody_behind_it")
    escalation.service_key = service.key
    return planned


async def _answered(
    uow: UnitOfWork, escalation: Escalation, actor: Person, answer_type: type[AnswerT]
) -> AnswerT:
    """Return an answer of this kind that names the escalation, the person, and its author."""
    return answer_type(
        escalation_id=escalation.id,
        number=escalation.number,
        person=who(actor),
        author=await author_of(uow, escalation),
    )


def _text(text: str) -> str:
    return trimmed(text)[:MAX_REASON]
