"""The ladder: call step after step until somebody is on it, or raise the alarm that nobody is.

One timer per escalation calls the next step. It is a reminder, so it outlives restarts; after an
absence of the bot it calls only the next step, not all that were missed. If a step has nobody to
call, the next one is called at once. Unresolved names don't block: the next step is called
meanwhile, and they are called once they are known, if still needed.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incidents.core.people import Person, who
from incidents.core.sentences import Who
from incidents.engine.reminders import Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.calls import (
    Because,
    author_of,
    call_people,
    get_escalation,
    is_reached_by,
    step_wait,
)
from incidents.escalation.entries import (
    EscalationExhausted,
    EscalationWithdrawn,
    OnCallUnknown,
    Standing,
)
from incidents.escalation.events import CallNoted, NextStepTimed
from incidents.escalation.questions import ask_for_missing
from incidents.escalation.tables import (
    CallStatus,
    Escalation,
    EscalationCall,
    EscalationStatus,
    EscalationStep,
    Medium,
    StepStatus,
    Wanted,
    calls_of,
    escalations_of,
    steps_of,
    wanted_of,
)
from incidents.escalation.targets import FALLBACK, wanted_by
from incidents.incident.incident import Incident
from incidents.paging.pages import Page, PageStatus, end_pages_of, pages_of, send_again

# How long the end of a ladder waits for names that are being looked up.
LOOK_UP_WAIT: Final = timedelta(minutes=1)
# How long a step waits for a pager that is asked who is on call, before the next is called.
ASK_WAIT: Final = timedelta(seconds=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerTold:
    """Who a pager named as on call at an address, by e-mail; `error` says why nobody."""

    address: str
    emails: tuple[str, ...] = ()
    error: str = ""


async def call_next_step(
    uow: UnitOfWork,
    incident: Incident,
    escalation: Escalation,
    *,
    because: Because,
    step: EscalationStep | None = None,
) -> tuple[Person, ...]:
    """Call the given step, else the next one with somebody to call; return those called.

    Exhausts the ladder only after all open calls time out.
    """
    following = step or await next_step(uow, escalation)
    while following is not None:
        called = await call_people(uow, incident, escalation, following, because)
        if called:
            return called
        if asks_pager(following):
            escalation.status = EscalationStatus.CALLING
            _call_next_at(uow, incident, escalation, uow.now + ASK_WAIT)
            return ()
        following = await next_step(uow, escalation)
    if await _waits_for_names(uow, escalation):
        escalation.status = EscalationStatus.CALLING
        _call_next_at(uow, incident, escalation, uow.now + LOOK_UP_WAIT)
        return ()
    until = await _waits_until(uow, incident, escalation, because)
    if until is not None:
        escalation.status = EscalationStatus.CALLING
        _call_next_at(uow, incident, escalation, until)
        return ()
    await _exhaust(uow, incident, escalation)
    return ()


async def next_step(uow: UnitOfWork, escalation: Escalation) -> EscalationStep | None:
    """Return the step that is next; steps that were passed over come last."""
    steps = await steps_of(uow.session, escalation.id)
    waiting = [step for step in steps if step.status == StepStatus.WAITING]
    later = [step for step in waiting if step.position > escalation.position]
    return next(iter([*later, *waiting]), None)


async def call_unanswered(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> None:
    """Call the next step because nobody answered in time, unless the escalation has ended."""
    escalation = await uow.session.get(Escalation, reminder.subject_id, populate_existing=True)
    if escalation is None or escalation.status != EscalationStatus.CALLING:
        return
    if not incident.is_open:
        await end_escalations(uow, incident)
        return
    if await _call_found(uow, incident, escalation):
        return
    is_silent = await _page_the_silent(uow, incident, escalation)
    because = Because.NO_SIGN if is_silent else Because.NO_ANSWER
    await call_next_step(uow, incident, escalation, because=because)


async def _page_the_silent(uow: UnitOfWork, incident: Incident, escalation: Escalation) -> bool:
    """Page again who acknowledged and gave no sign of work; tell whether there is anybody."""
    calls = await calls_of(uow.session, escalation.id)
    there = [one for one in calls if one.arrived_at or one.status != CallStatus.OPEN]
    come = {one.person_id for one in there}

    def has_come(page: Page) -> bool:
        person_id = page.acknowledged_by_id or page.person_id
        if person_id is not None:
            return person_id in come
        # A pager that doesn't say who it was: anybody whom the page was to wake.
        return any(is_reached_by(uow.policy, page, one) for one in there)

    silent = [
        page
        for page in await pages_of(uow.session, escalation.id)
        if page.status == PageStatus.ACKNOWLEDGED and not has_come(page)
    ]
    for page in silent:
        await send_again(uow, incident, page)
    for call in calls:
        if call.person_id not in come:
            call.acknowledged_at = None
    return bool(silent)


async def resume_step(
    uow: UnitOfWork,
    escalation_id: uuid.UUID,
    *,
    step_id: uuid.UUID,
    not_found: Sequence[str] = (),
    told: Sequence[PagerTold] = (),
) -> Outcome:
    """Call the people of a step whose names were looked up; `not_found` matched nobody.

    `told`: what pagers said of who is on call; where one can't tell, the fallback is called.

    Outcomes: called, unknown (still), over (nobody needs to be called any more).
    """
    incident, escalation = await get_escalation(uow, escalation_id)
    step = await uow.session.get(EscalationStep, step_id, populate_existing=True)
    if step is None or step.status != StepStatus.LOOKING_UP or not escalation.is_unanswered:
        return Outcome("over", incident.id)
    step.not_found = [*step.not_found, *not_found]
    for one in told:
        _keep_told(uow, incident, escalation, step, one)
    called = await call_people(uow, incident, escalation, step, Because.FOUND)
    return Outcome("called" if called else "unknown", incident.id)


def _keep_told(
    uow: UnitOfWork,
    incident: Incident,
    escalation: Escalation,
    step: EscalationStep,
    told: PagerTold,
) -> None:
    """Keep the people a pager named, else the fallback, and say so."""
    asked = next((one for one in wanted_of(step) if one.value == told.address), None)
    why, service = (asked.why, asked.service) if asked is not None else (FALLBACK, "")
    answers = [Wanted("named", one, one, why, service=service) for one in told.emails]
    if not told.emails:
        ref = uow.policy.on_call.fallback
        # An address can't be its own fallback.
        fallback = None if str(ref) == told.address else wanted_by(ref, FALLBACK)
        answers = [fallback] if fallback is not None else []
        uow.record(
            incident,
            OnCallUnknown(
                escalation_id=escalation.id,
                number=escalation.number,
                address=told.address,
                problem=told.error,
                then=fallback.name if fallback is not None else "",
            ),
        )
    step.answers = {**step.answers, told.address: [one.to_json() for one in answers]}


async def note_unavailable(
    uow: UnitOfWork, escalation_id: uuid.UUID, call_id: uuid.UUID, *, how: str
) -> Outcome:
    """Note why somebody may not notice their call, and call the next step as well.

    They stay called, and can answer. Without a next step, the wait just continues.
    """
    incident, escalation = await get_escalation(uow, escalation_id)
    call = await uow.session.get(EscalationCall, call_id, populate_existing=True)
    if call is None or call.escalation_id != escalation.id or call.away is not None:
        return Outcome("known", incident.id)
    call.away = how.strip()[:200] or "away"
    await uow.flush()
    uow.emit(CallNoted(escalation_id=escalation.id), incident)
    is_calling = escalation.status == EscalationStatus.CALLING and call.status == CallStatus.OPEN
    if not is_calling or await somebody_may_answer(uow, escalation):
        return Outcome("noted", incident.id)
    following = await next_step(uow, escalation)
    if following is None:
        return Outcome("noted", incident.id)
    await call_next_step(uow, incident, escalation, because=Because.UNAVAILABLE, step=following)
    return Outcome("next_called", incident.id)


async def note_medium(
    uow: UnitOfWork, escalation_id: uuid.UUID, call_id: uuid.UUID, *, medium: Medium
) -> Outcome:
    """Note by which medium somebody was called, so that the card can say how reliable it is."""
    incident, escalation = await get_escalation(uow, escalation_id)
    call = await uow.session.get(EscalationCall, call_id, populate_existing=True)
    if call is None or call.escalation_id != escalation.id or call.medium == medium:
        return Outcome("known", incident.id)
    call.medium = medium
    uow.emit(CallNoted(escalation_id=escalation.id), incident)
    return Outcome("noted", incident.id)


async def somebody_may_answer(uow: UnitOfWork, escalation: Escalation) -> bool:
    """Tell whether somebody of the last step called can still answer, and isn't away."""
    calls = await calls_of(uow.session, escalation.id)
    if not calls:
        return False
    newest = calls[-1].called_at
    last_steps = {call.step_id for call in calls if call.called_at == newest}
    return any(
        call.step_id in last_steps and call.status == CallStatus.OPEN and call.away is None
        for call in calls
    )


async def shorten_waits(uow: UnitOfWork, incident: Incident) -> None:
    """Bring next steps forward to what a raised severity says; never push them back."""
    for escalation in await escalations_of(uow.session, incident.id, unanswered_only=True):
        calls = await calls_of(uow.session, escalation.id)
        if escalation.status != EscalationStatus.CALLING or not calls or not escalation.due_at:
            continue
        step = await uow.session.get_one(EscalationStep, calls[-1].step_id)
        due_at = calls[-1].called_at + step_wait(uow, incident, escalation, step)
        if due_at < escalation.due_at:
            _call_next_at(uow, incident, escalation, max(due_at, uow.now))


async def end_escalations(uow: UnitOfWork, incident: Incident) -> None:
    """End unanswered escalations; for taken ones, withdraw open questions."""
    for escalation in await escalations_of(uow.session, incident.id):
        if escalation.is_unanswered:
            escalation.status = EscalationStatus.OVER
            await close_escalation(uow, incident, escalation, because=incident.status)
        elif escalation.status == EscalationStatus.TAKEN:
            await end_pages_of(uow, incident, escalation.id)
            await ask_for_missing(uow, incident, escalation)


async def close_escalation(
    uow: UnitOfWork,
    incident: Incident,
    escalation: Escalation,
    *,
    because: str,
    reason: str = "",
    author: Who | None = None,
) -> None:
    """Record that the calling stopped: no more timer or buttons.

    `author` is given if they should be told directly.
    """
    escalation.due_at, escalation.ended_at = None, uow.now
    await end_pages_of(uow, incident, escalation.id)
    uow.record(
        incident,
        EscalationWithdrawn(
            escalation_id=escalation.id,
            number=escalation.number,
            because=because,
            reason=reason,
            author=author,
        ),
    )
    await ask_for_missing(uow, incident, escalation)


def asks_pager(step: EscalationStep) -> bool:
    """Tell whether a pager is still being asked who the step means."""
    return any(
        one.kind == "pager" and one.value not in (step.answers or {}) for one in wanted_of(step)
    )


async def _call_found(uow: UnitOfWork, incident: Incident, escalation: Escalation) -> bool:
    """Call the people of earlier steps who are now known."""
    is_called = False
    for step in await steps_of(uow.session, escalation.id):
        if step.status == StepStatus.LOOKING_UP:
            found = await call_people(uow, incident, escalation, step, Because.FOUND)
            is_called = is_called or bool(found)
    return is_called


async def _waits_for_names(uow: UnitOfWork, escalation: Escalation) -> bool:
    return any(
        step.status == StepStatus.LOOKING_UP
        and step.called_at is not None
        and step.called_at + LOOK_UP_WAIT > uow.now
        for step in await steps_of(uow.session, escalation.id)
    )


async def _waits_until(
    uow: UnitOfWork, incident: Incident, escalation: Escalation, because: Because
) -> datetime | None:
    """Return until when somebody who was called can still answer in time, or None.

    People who are away don't count once somebody has declined or not answered in time.
    """
    counts_away = because in {Because.UNAVAILABLE, Because.CHOSEN}
    steps = {step.id: step for step in await steps_of(uow.session, escalation.id)}
    ends = [
        call.called_at + step_wait(uow, incident, escalation, steps[call.step_id])
        for call in await calls_of(uow.session, escalation.id)
        if call.status == CallStatus.OPEN and (counts_away or call.away is None)
    ]
    return max((end for end in ends if end > uow.now), default=None)


async def _exhaust(uow: UnitOfWork, incident: Incident, escalation: Escalation) -> None:
    escalation.status = EscalationStatus.EXHAUSTED
    escalation.exhausted_at, escalation.due_at = uow.now, None
    uow.record(
        incident,
        EscalationExhausted(
            escalation_id=escalation.id,
            number=escalation.number,
            author=await author_of(uow, escalation),
            called=await _stands_of_calls(uow, incident, escalation),
            waited_seconds=int((uow.now - escalation.created_at).total_seconds()),
        ),
    )


async def _stands_of_calls(
    uow: UnitOfWork, incident: Incident, escalation: Escalation
) -> tuple[Standing, ...]:
    """Return the people called, in order, each with a key of `STANDS`."""
    steps = {step.id: step for step in await steps_of(uow.session, escalation.id)}
    stands: dict[uuid.UUID, Standing] = {}
    for call in await calls_of(uow.session, escalation.id):
        person = await uow.session.get_one(Person, call.person_id)
        until = call.called_at + step_wait(uow, incident, escalation, steps[call.step_id])
        match CallStatus(call.status):
            case CallStatus.DECLINED:
                how = "declined"
            case CallStatus.REDIRECTED:
                how = "passed_on"
            case _ if escalation.asked_by_id == call.person_id:
                how = "asked"
            case _:
                how = "may_answer" if until > uow.now else "no_answer"
        stands[person.id] = Standing(person=who(person), how=how)
    return tuple(stands.values())


def _call_next_at(
    uow: UnitOfWork, incident: Incident, escalation: Escalation, due_at: datetime
) -> None:
    """Set when the next step is called, if no entry of a call sets it."""
    escalation.due_at = due_at
    uow.emit(NextStepTimed(escalation_id=escalation.id, due_at=due_at), incident)
