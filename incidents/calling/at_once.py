"""Calling at once: when an incident is declared, or becomes worse, by the rules of `call`.

It is an escalation that the bot sends for the declarer: the rules' people are its first step, and
its ladder goes on as any other. People who are there already, or were called before, aren't called.
"""

from dataclasses import replace
from typing import Final

from sqlalchemy import select

from incidents.core.ids import new_id
from incidents.core.people import Person
from incidents.engine.unit_of_work import UnitOfWork
from incidents.escalation.callees import find_callees, name_newcomers
from incidents.escalation.calls import does_page, is_reached_by, reached_by
from incidents.escalation.escalate import (
    EscalationDraft,
    add_steps,
    begin_calling,
    ladder_inputs,
    open_escalation,
)
from incidents.escalation.packet import Packet
from incidents.escalation.tables import (
    CallStatus,
    Escalation,
    EscalationStatus,
    EscalationStep,
    Wanted,
    calls_of,
    escalations_of,
    steps_of,
)
from incidents.escalation.targets import PlannedStep, build_ladder, called_at_once
from incidents.incident.incident import Incident, Participant
from incidents.paging.pages import pages_of, send_pages
from incidents.people.directory import find_people_named

# Why the declarer isn't called.
_AT_WORK: Final = "at_work"


async def call_at_once(uow: UnitOfWork, incident: Incident) -> dict[str, object]:
    """Call the people the rules name; return the answer's facts, or {} if nobody is called.

    A drill calls nobody. `called` are names; `looking_up`: some of them aren't known yet.
    """
    if incident.is_drill or not incident.is_open:
        return {}
    await _page_who_is_called(uow, incident)
    wanted = await _new_names(uow, incident)
    if not wanted or await _are_there(uow, incident, wanted):
        return {}
    rules = uow.policy.rules_for(incident.severity_key, incident.services)
    enough = max((one.acknowledgements for one in rules if one.call), default=1)
    first = PlannedStep(wanted=wanted, acknowledgements=enough)
    packet = Packet(
        ask="Please come",
        symptoms=incident.title,
        impact=incident.impact or "",
    )
    draft = EscalationDraft(packet=packet)
    escalation = await open_escalation(
        uow, incident, draft, author_id=incident.declared_by_id, is_automatic=True
    )
    ladder = build_ladder(ladder_inputs(uow, incident, draft), None)
    steps = await add_steps(uow, escalation, (first, *_after(first, ladder)))
    await name_newcomers(uow, incident, escalation, steps)
    called = await begin_calling(uow, incident, escalation, draft, to=await _named(uow, wanted))
    return {
        "escalation_id": str(escalation.id),
        "called": [person.name for person in called],
        "looking_up": not called,
    }


async def _page_who_is_called(uow: UnitOfWork, incident: Incident) -> None:
    """Page those who were called in Slack alone, if the rules now say that it wakes people.

    These are whom the rules name, and the step that was called last: not the whole ladder.
    """
    rules = called_at_once(
        uow.policy, severity_key=incident.severity_key, services=incident.services
    )
    named = {one.identity for one in rules}
    for escalation in await escalations_of(uow.session, incident.id, unanswered_only=True):
        if escalation.status != EscalationStatus.CALLING or not does_page(
            uow.policy, incident, escalation
        ):
            continue
        pages = await pages_of(uow.session, escalation.id)
        calls = await calls_of(uow.session, escalation.id)
        for call in calls:
            is_meant = (
                call.step_id == calls[-1].step_id
                or Wanted.read(call.through or {}).identity in named
            )
            is_paged = any(is_reached_by(uow.policy, one, call) for one in pages)
            if not is_meant or is_paged or call.arrived_at or call.status != CallStatus.OPEN:
                continue
            person = await uow.session.get_one(Person, call.person_id)
            await send_pages(
                uow,
                incident,
                escalation_id=escalation.id,
                step_id=call.step_id,
                reached=reached_by(uow.policy, [person], [call]),
            )


async def _named(uow: UnitOfWork, wanted: tuple[Wanted, ...]) -> Wanted | None:
    """Return the only one, by the name that people know; None for several."""
    if len(wanted) != 1:
        return None
    (one,) = wanted
    known = await find_people_named(uow.session, [one.name], workspace_id=uow.workspace_id)
    return replace(one, name=known[one.name].name) if one.name in known else one


def _after(first: PlannedStep, ladder: tuple[PlannedStep, ...]) -> list[PlannedStep]:
    """Return the later steps without the names of the first."""
    taken = {one.identity for one in first.wanted}
    steps: list[PlannedStep] = []
    for step in ladder:
        left = tuple(one for one in step.wanted if one.identity not in taken)
        if left:
            steps.append(replace(step, wanted=left))
    return steps


async def _new_names(uow: UnitOfWork, incident: Incident) -> tuple[Wanted, ...]:
    """Return the names that no earlier escalation of the incident has called."""
    wanted = called_at_once(
        uow.policy, severity_key=incident.severity_key, services=incident.services
    )
    called: set[tuple[str, str]] = set()
    for escalation in await escalations_of(uow.session, incident.id):
        for step in await steps_of(uow.session, escalation.id):
            if step.called_at is not None:
                called |= {Wanted.read(one).identity for one in step.wanted}
    return tuple(one for one in wanted if one.identity not in called)


async def _are_there(uow: UnitOfWork, incident: Incident, wanted: tuple[Wanted, ...]) -> bool:
    """Tell whether everybody these names mean is in the channel, or declared it."""
    escalation = Escalation(
        id=new_id(),
        workspace_id=uow.workspace_id,
        author_id=incident.declared_by_id,
        is_automatic=True,
        opens_to=[],
    )
    step = EscalationStep(id=new_id(), wanted=[one.to_json() for one in wanted], not_found=[])
    found = await find_callees(uow, incident, escalation, step)
    if found.unknown:
        return False
    for person in found.people:
        if not await _is_in_channel(uow, incident, person):
            return False
    # Nobody at all, or only people who are away: the ladder has to go on.
    return bool(found.people) or any(why == _AT_WORK for _, why in found.skipped)


async def _is_in_channel(uow: UnitOfWork, incident: Incident, person: Person) -> bool:
    query = select(Participant.is_in_channel).where(
        Participant.incident_id == incident.id, Participant.person_id == person.id
    )
    return bool((await uow.session.execute(query)).scalar_one_or_none())
