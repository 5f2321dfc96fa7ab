"""Escalate: send a packet to people who can help, at once, however little is known yet."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select

from incidents.core.errors import AlreadySo, InvalidInput
from incidents.core.ids import new_id
from incidents.core.people import Person, system_actor
from incidents.engine.acknowledgement import acknowledge
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.callees import name_newcomers, takes_part
from incidents.escalation.calls import Because, author_of
from incidents.escalation.entries import Escalated
from incidents.escalation.ladder import call_next_step
from incidents.escalation.packet import Completeness, Packet, cleaned, rate
from incidents.escalation.questions import ask_for_missing
from incidents.escalation.tables import (
    Escalation,
    EscalationStatus,
    EscalationStep,
    StepStatus,
    Wanted,
    steps_of,
)
from incidents.escalation.targets import (
    GroupTarget,
    LadderInputs,
    PersonTarget,
    PlannedStep,
    RoleTarget,
    ServiceTarget,
    Target,
    build_ladder,
    get_template,
    group_wanted,
    pick_service,
    role_wanted,
)
from incidents.incident.incident import Incident, IncidentRef
from incidents.people.assignable import get_person, get_reachable, why_not_reachable
from incidents.policy.escalation import Service
from incidents.policy.policy import Action
from incidents.scenarios.runs import find_stand_in


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationDraft:
    """What to escalate, and to which target; without one, template and service decide.

    `is_urgent`: sent incomplete, to be completed later. `on_behalf_of_id`: the author, when the bot
    sends it by its rules.
    """

    target: Target | None = None
    template_key: str = ""
    service_key: str = ""
    packet: Packet = field(default_factory=Packet)
    is_urgent: bool = False
    on_behalf_of_id: uuid.UUID | None = None


async def escalate(uow: UnitOfWork, ref: IncidentRef, draft: EscalationDraft) -> Outcome:
    """Send the packet and call the first step; missing information never stops it.

    The outcome's `missing` and `score` are only for the author and their mentors.

    Raises: IncidentNotFound; NotPermitted; AlreadySo when the incident is over; InvalidInput for a
        target, template or service that is unknown or can't be called.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.ESCALATE, incident)
    if not incident.is_open:
        raise AlreadySo("the incident", incident.status)
    author_id = draft.on_behalf_of_id or uow.actor.person_id
    target = await wanted_target(uow, incident, draft.target, author_id=author_id)
    escalation = await open_escalation(
        uow, incident, draft, author_id=author_id, is_automatic=not uow.actor.is_person
    )
    ladder = build_ladder(ladder_inputs(uow, incident, draft), target)
    added = await add_steps(uow, escalation, (*ladder, *await _stand_in_step(uow, incident)))
    await name_newcomers(uow, incident, escalation, added)
    acknowledge(uow, incident)
    called = await begin_calling(uow, incident, escalation, draft, to=target)
    await ask_for_missing(uow, incident, escalation)
    rated = rate(cleaned(draft.packet), get_template(uow.policy, draft.template_key))
    return _outcome(incident, escalation, called=called, rated=rated)


def ladder_inputs(uow: UnitOfWork, incident: Incident, draft: EscalationDraft) -> LadderInputs:
    """Return what a draft's ladder is built from. Raises: InvalidInput."""
    return LadderInputs(
        policy=uow.policy,
        severity_key=incident.severity_key,
        template=get_template(uow.policy, draft.template_key),
        service=pick_service(uow.policy, service_key_of(draft), affected=incident.services),
    )


async def open_escalation(
    uow: UnitOfWork,
    incident: Incident,
    draft: EscalationDraft,
    *,
    author_id: uuid.UUID | None,
    is_automatic: bool,
) -> Escalation:
    """Add the row of an escalation that has no steps yet. Raises: InvalidInput."""
    inputs = ladder_inputs(uow, incident, draft)
    score = rate(cleaned(draft.packet), inputs.template).score
    escalation = Escalation(
        id=new_id(),
        workspace_id=uow.workspace_id,
        incident_id=incident.id,
        number=await _next_number(uow, incident),
        status=EscalationStatus.CALLING,
        author_id=author_id,
        is_automatic=is_automatic,
        is_urgent=draft.is_urgent,
        template_key=inputs.template.key,
        template_name=inputs.template.name,
        service_key=inputs.service.key if inputs.service else "",
        packet_version=1,
        score_at_send=score,
        score=score,
        position=0,
        redirects=0,
        created_at=uow.now,
    )
    uow.session.add(escalation)
    await uow.flush()
    return escalation


async def begin_calling(
    uow: UnitOfWork,
    incident: Incident,
    escalation: Escalation,
    draft: EscalationDraft,
    *,
    to: Wanted | None,
) -> tuple[Person, ...]:
    """Record the escalation and call its first step; return the people called."""
    service = ladder_inputs(uow, incident, draft).service
    await _record(uow, incident, escalation, packet=cleaned(draft.packet), to=to, service=service)
    return await call_next_step(uow, incident, escalation, because=Because.FIRST)


def service_key_of(draft: EscalationDraft) -> str:
    """Return the chosen service's key: that of the target, or the draft's own."""
    match draft.target:
        case ServiceTarget(key=key):
            return key
    return draft.service_key


async def wanted_target(
    uow: UnitOfWork, incident: Incident, target: Target | None, *, author_id: uuid.UUID | None
) -> Wanted | None:
    """Return the target as a step names it; None for a service, which has its own ladder.

    Raises: InvalidInput for the author, a bot, somebody deactivated, or outside the drill.
    """
    match target:
        case PersonTarget():
            person = await _target_person(uow, target)
            if person.id == author_id:
                raise InvalidInput("target", "yourself")
            if incident.is_drill and not await takes_part(uow.session, incident, person.id):
                raise InvalidInput("target", "not_in_drill")
            # Only the bot names somebody by our own id: a mentor of the author.
            why = "" if target.person_id is None else "mentor"
            return Wanted("person", str(person.id), person.name, why)
        case RoleTarget(key=key):
            return role_wanted(uow.policy, key)
        case GroupTarget():
            return group_wanted(target)
    return None


async def add_steps(
    uow: UnitOfWork,
    escalation: Escalation,
    planned: Sequence[PlannedStep],
    *,
    is_redirect: bool = False,
) -> list[EscalationStep]:
    """Insert steps right after the one called last, before the waiting ones; return them."""
    after = escalation.position
    for step in await steps_of(uow.session, escalation.id):
        if step.position > after:
            step.position += len(planned)
    steps = [
        EscalationStep(
            id=new_id(),
            escalation_id=escalation.id,
            position=after + offset,
            wanted=[one.to_json() for one in step.wanted],
            acknowledgements=step.acknowledgements,
            wait_seconds=int(step.wait.total_seconds()) if step.wait else None,
            # Only the first step is the redirect's target; the others call people at most once.
            is_redirect=is_redirect and offset == 1,
            status=StepStatus.WAITING,
            not_found=[],
            skipped=[],
        )
        for offset, step in enumerate(planned, start=1)
    ]
    uow.session.add_all(steps)
    await uow.flush()
    return steps


async def _target_person(uow: UnitOfWork, target: PersonTarget) -> Person:
    if target.person_id is None:
        return await get_reachable(uow, target.external_id, field="target")
    person = await get_person(uow, target.person_id)
    why = why_not_reachable(person)
    if why is not None:
        raise InvalidInput("target", why)
    return person


async def _stand_in_step(uow: UnitOfWork, incident: Incident) -> tuple[PlannedStep, ...]:
    """Return a drill's last step: the mentor, who answers for people that a drill doesn't call."""
    mentor = await find_stand_in(uow.session, incident)
    if mentor is None:
        return ()
    wanted = Wanted("person", str(mentor.id), mentor.name, why="stand_in")
    return (PlannedStep(wanted=(wanted,)),)


async def _next_number(uow: UnitOfWork, incident: Incident) -> int:
    query = select(func.max(Escalation.number)).where(Escalation.incident_id == incident.id)
    return ((await uow.session.execute(query)).scalar_one() or 0) + 1


async def _record(
    uow: UnitOfWork,
    incident: Incident,
    escalation: Escalation,
    *,
    packet: Packet,
    to: Wanted | None,
    service: Service | None,
) -> None:
    entry = uow.record(
        incident,
        actor=system_actor() if escalation.is_automatic else None,
        payload=Escalated(
            escalation_id=escalation.id,
            number=escalation.number,
            template=escalation.template_name,
            template_key=escalation.template_key,
            service=service.name if service else "",
            to=to.name if to else "",
            author=await author_of(uow, escalation),
            is_urgent=escalation.is_urgent,
            severity=incident.severity_name,
            version=escalation.packet_version,
            packet=packet,
        ),
    )
    await uow.flush()
    escalation.packet_entry_id = entry.id


def _outcome(
    incident: Incident, escalation: Escalation, *, called: Sequence[Person], rated: Completeness
) -> Outcome:
    data = {
        "escalation_id": str(escalation.id),
        "number": escalation.number,
        "reference": str(incident.reference),
        "called": [person.name for person in called],
        "is_exhausted": escalation.status == EscalationStatus.EXHAUSTED,
        "missing": list(rated.missing),
        "score": rated.score,
    }
    return Outcome("escalated", incident.id, data)
