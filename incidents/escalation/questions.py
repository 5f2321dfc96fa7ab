"""Questions about a packet: ask for what is missing, add answers, and ask if it was enough.

The author of an urgent escalation is asked for what is missing, bit by bit.

Each question is a prompt of the author's own, so it outlives restarts and nobody else sees it. An
answer becomes a new version of the packet. The same question is never asked twice.

    missing ──▶ asked ──▶ answered ──▶ the next one is asked, until nothing is missing
                  ├─────▶ skipped  ──▶ the same
                  └─────▶ withdrawn: somebody else supplied it, or the calling has stopped
"""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select

from incidents.core.errors import AlreadySo, NotPermitted, Superseded
from incidents.core.ids import new_id
from incidents.core.people import who
from incidents.engine.prompts import (
    Prompt,
    PromptKind,
    PromptStatus,
    ask,
    get_open_prompt,
    open_prompts,
    prompts_of,
    settle_answer,
    withdraw,
)
from incidents.engine.reminders import Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.calls import find_call, get_escalation, outcome_of
from incidents.escalation.entries import EscalationCompleted, packet_in
from incidents.escalation.packet import Packet, changed, changed_fields, rate
from incidents.escalation.tables import (
    ENDED,
    Escalation,
    EscalationRating,
    EscalationStatus,
    PacketRating,
)
from incidents.escalation.targets import template_of
from incidents.incident.incident import Incident
from incidents.incident.timeline import TimelineEntry
from incidents.people.assignable import get_acting_person, get_person
from incidents.policy.packet_fields import PacketField
from incidents.policy.policy import Action
from incidents.rights.acting_stage import is_supervised_in
from incidents.rights.stages import mentors_of

ANSWERED: Final = "answered"
SKIPPED: Final = "skipped"

# The fields that matter least to the people called.
_LAST: Final = (PacketField.ANSWER_BY, PacketField.CONFIDENCE)


async def ask_for_missing(uow: UnitOfWork, incident: Incident, escalation: Escalation) -> None:
    """Ask the author for the first missing thing that wasn't asked for yet, one at a time.

    Withdraws questions about what is no longer missing. Call it after each change.
    """
    if escalation.author_id is None or not escalation.is_urgent:
        return
    is_over = escalation.status in ENDED or not incident.is_open
    wanted = () if is_over else await _missing(uow, escalation)
    waiting = await _open_of(uow, incident, escalation)
    await withdraw(uow, [prompt for prompt in waiting if missing_of(prompt) not in wanted])
    if any(missing_of(prompt) in wanted for prompt in waiting):
        return
    before = await prompts_of(
        uow.session,
        incident.id,
        person_id=escalation.author_id,
        kind=PromptKind.PACKET_FIELD,
    )
    asked = {prompt.key for prompt in before}
    following = next((name for name in wanted if _key(escalation, name) not in asked), None)
    if following is None:
        return
    await ask(
        uow,
        incident=incident,
        person_id=escalation.author_id,
        kind=PromptKind.PACKET_FIELD,
        key=_key(escalation, following),
        data={
            "escalation_id": str(escalation.id),
            "number": escalation.number,
            "template_key": escalation.template_key,
            "missing": following,
        },
    )


async def ask_who_is_on_it(uow: UnitOfWork, incident: Incident, reminder: Reminder) -> None:
    """Ask the person on it, once, whether the packet was enough to start: one tap, in private.

    Asked some time after taking, not while they start, nor when the incident ends. Not asked about
    a packet that the bot made, which measures nobody.
    """
    escalation = await uow.session.get(Escalation, reminder.subject_id, populate_existing=True)
    if escalation is None or escalation.status != EscalationStatus.TAKEN:
        return
    if escalation.is_automatic or escalation.author_id is None or escalation.taken_by_id is None:
        return
    await ask(
        uow,
        incident=incident,
        person_id=escalation.taken_by_id,
        kind=PromptKind.PACKET_RATING,
        key=str(escalation.id),
        data={"escalation_id": str(escalation.id), "number": escalation.number},
    )


async def get_question(
    uow: UnitOfWork, prompt_id: uuid.UUID
) -> tuple[Prompt, Incident, Escalation]:
    """Return an open question to the actor, with its incident and escalation, all locked.

    Raises: IncidentNotFound; Superseded; AlreadySo, as `prompts.get_open_prompt`.
    """
    prompt, incident = await get_open_prompt(uow, prompt_id)
    escalation_id = uuid.UUID(str(prompt.data["escalation_id"]))
    escalation = await uow.session.get_one(Escalation, escalation_id, populate_existing=True)
    return prompt, incident, escalation


async def skip_question(uow: UnitOfWork, prompt_id: uuid.UUID) -> Outcome:
    """Skip a question and go on to the next; the field stays missing, which is fine.

    Raises: as `get_question`.
    """
    prompt, incident, escalation = await get_question(uow, prompt_id)
    await settle_answer(uow, prompt, SKIPPED)
    await ask_for_missing(uow, incident, escalation)
    return Outcome("question_skipped", None, {"prompt_id": str(prompt.id)})


async def complete(
    uow: UnitOfWork, escalation_id: uuid.UUID, *, changes: Mapping[str, Any]
) -> Outcome:
    """Store a new version of the packet; `changes` are by the packet's attributes.

    Raises: IncidentNotFound; NotPermitted; Superseded once withdrawn or over; AlreadySo if nothing
        would change; InvalidInput for a field that a packet doesn't have.
    """
    incident, escalation = await get_escalation(uow, escalation_id)
    if escalation.status in ENDED:
        raise Superseded(f"escalation_{escalation.status}")
    if not incident.is_open:
        raise Superseded(f"escalation_{EscalationStatus.OVER}")
    if uow.actor.person_id != escalation.author_id:
        await uow.permit(Action.ESCALATE, incident)
    old = await _packet_of(uow, escalation)
    new = changed(old, changes)
    differing = changed_fields(old, new)
    if not differing:
        raise AlreadySo("packet", "as it was")
    rated = rate(new, template_of(uow.policy, escalation))
    escalation.packet_version += 1
    escalation.score = rated.score
    asked_by = None
    if new.has(escalation.asked_field) and escalation.asked_field in differing:
        if escalation.asked_by_id is not None:
            asked_by = who(await get_person(uow, escalation.asked_by_id))
        escalation.asked_field, escalation.asked_by_id = "", None
    entry = uow.record(
        incident,
        EscalationCompleted(
            escalation_id=escalation.id,
            number=escalation.number,
            version=escalation.packet_version,
            changed=differing,
            asked_by=asked_by,
            packet=new,
        ),
    )
    await uow.flush()
    escalation.packet_entry_id = entry.id
    await ask_for_missing(uow, incident, escalation)
    return outcome_of(
        "escalation_completed",
        incident,
        escalation,
        version=escalation.packet_version,
        missing=list(rated.missing),
        score=rated.score,
    )


async def answer_question(
    uow: UnitOfWork, prompt_id: uuid.UUID, *, changes: Mapping[str, Any]
) -> Outcome:
    """Put the author's answer into the packet; the next question follows, if there is one.

    Raises: IncidentNotFound; Superseded and AlreadySo for a question that is no longer open; as
        `complete`.
    """
    prompt, _, escalation = await get_question(uow, prompt_id)
    # Settle first: completing withdraws open questions, and this one was answered.
    await settle_answer(uow, prompt, ANSWERED)
    return await complete(uow, escalation.id, changes=changes)


async def answer_rating(uow: UnitOfWork, prompt_id: uuid.UUID, *, rating: PacketRating) -> Outcome:
    """Store whether the packet was enough to start, and tell its author and their mentors.

    The outcome names no incident: a rating is no sign on the record that somebody works.

    Raises: IncidentNotFound; Superseded and AlreadySo, as `get_question`; as `rate_packet`.
    """
    prompt, incident, escalation = await get_question(uow, prompt_id)
    await settle_answer(uow, prompt, rating)
    await rate_packet(uow, escalation.id, rating=rating)
    for reader_id in await _readers(uow, incident, escalation):
        if reader_id == uow.actor.person_id:
            continue
        await ask(
            uow,
            incident=incident,
            person_id=reader_id,
            kind=PromptKind.PACKET_RATED,
            key=f"{escalation.id}:{uow.actor.person_id}",
            data={
                "number": escalation.number,
                "rating": rating.value,
                "by": uow.actor.name,
                "is_author": reader_id == escalation.author_id,
            },
            status=PromptStatus.TOLD,
        )
    return Outcome("packet_rated", None, {"rating": rating.value})


async def rate_packet(
    uow: UnitOfWork, escalation_id: uuid.UUID, *, rating: PacketRating
) -> Outcome:
    """Store what a receiver thought of the packet; it is on no timeline, and can be changed.

    Raises: IncidentNotFound; NotPermitted unless the actor was called or is on it.
    """
    incident, escalation = await get_escalation(uow, escalation_id)
    actor = await get_acting_person(uow, Action.ANSWER_ESCALATION)
    is_receiver = escalation.taken_by_id == actor.id
    if not is_receiver and await find_call(uow, escalation, actor) is None:
        raise NotPermitted("rate_packet", needs="somebody who was called")
    query = select(EscalationRating).where(
        EscalationRating.escalation_id == escalation.id, EscalationRating.person_id == actor.id
    )
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is None:
        row = EscalationRating(id=new_id(), escalation_id=escalation.id, person_id=actor.id)
        uow.session.add(row)
    row.rating, row.rated_at = rating, uow.now
    await uow.flush()
    return Outcome("packet_rated", incident.id, {"escalation_id": str(escalation.id)})


async def _missing(uow: UnitOfWork, escalation: Escalation) -> tuple[str, ...]:
    """Return what the packet lacks now, in the order to ask for it."""
    packet = await _packet_of(uow, escalation)
    missing = rate(packet, template_of(uow.policy, escalation)).missing
    return tuple(sorted(missing, key=lambda name: name in _LAST))


async def _packet_of(uow: UnitOfWork, escalation: Escalation) -> Packet:
    entry = await uow.session.get(TimelineEntry, escalation.packet_entry_id)
    return packet_in(entry.content if entry else None)


async def _open_of(uow: UnitOfWork, incident: Incident, escalation: Escalation) -> list[Prompt]:
    waiting = await open_prompts(
        uow.session,
        incident.id,
        person_id=escalation.author_id,
        kinds=(PromptKind.PACKET_FIELD,),
    )
    return [prompt for prompt in waiting if prompt.key.startswith(f"{escalation.id}:")]


def missing_of(prompt: Prompt) -> str:
    """Return what a question asks for, as `completeness.rate` names it."""
    return str(prompt.data.get("missing", ""))


def _key(escalation: Escalation, missing: str) -> str:
    return f"{escalation.id}:{missing}"


async def _readers(
    uow: UnitOfWork, incident: Incident, escalation: Escalation
) -> tuple[uuid.UUID, ...]:
    """Return who may see a rating: the author, and their mentors while they are supervised."""
    author_id = escalation.author_id
    if author_id is None:
        return ()
    is_learning = await is_supervised_in(
        uow.session, incident, person_id=author_id, policy=uow.policy
    )
    if not is_learning:
        return (author_id,)
    mentors = await mentors_of(
        uow.session, workspace_id=uow.workspace_id, person_id=author_id, policy=uow.policy
    )
    return tuple(dict.fromkeys((author_id, *mentors)))
