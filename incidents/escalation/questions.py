"""Complete after: the author of an urgent escalation is asked for what is missing, bit by bit.

Each question is a prompt of the author's own, so that it outlives restarts and nobody else sees
it; an answer becomes a new version of the packet. What was asked once isn't asked again.

    missing ──▶ asked ──▶ answered ──▶ the next one is asked, until nothing is missing
                  ├─────▶ skipped  ──▶ the same
                  └─────▶ withdrawn: somebody else has said it, or nobody is called any more
"""

import uuid
from typing import Final

from incidents.engine.prompts import (
    Prompt,
    PromptKind,
    ask,
    get_open_prompt,
    open_prompts,
    prompts_of,
    settle_answer,
    withdraw,
)
from incidents.engine.reminders import Reminder
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.completeness import rate
from incidents.escalation.packet import packet_from
from incidents.escalation.tables import ENDED, Escalation, EscalationStatus
from incidents.escalation.targets import get_template
from incidents.incident.incident import Incident
from incidents.incident.timeline import TimelineEntry
from incidents.policy.packet_fields import PacketField

ANSWERED: Final = "answered"
SKIPPED: Final = "skipped"

# What helps somebody who is called less than all the rest.
_LAST: Final = (PacketField.ANSWER_BY, PacketField.CONFIDENCE)


async def ask_for_missing(uow: UnitOfWork, incident: Incident, escalation: Escalation) -> None:
    """Ask the author for the first thing that is missing and wasn't asked for, one at a time.

    Questions about what is no longer missing are withdrawn. Call it after each change.
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
    """Ask about the packet some time after it was taken, if somebody is on it still."""
    escalation = await uow.session.get(Escalation, reminder.subject_id, populate_existing=True)
    if escalation is not None:
        await ask_for_rating(uow, incident, escalation)


async def ask_for_rating(uow: UnitOfWork, incident: Incident, escalation: Escalation) -> None:
    """Ask whoever is on it, once, whether the packet was enough to start: one tap, in private.

    Not while they begin to work: some time after, or when the incident is over. Not about a packet
    that the bot made: nobody is measured by it.
    """
    is_asked = escalation.status == EscalationStatus.TAKEN and not escalation.is_automatic
    if not is_asked or escalation.author_id is None or escalation.taken_by_id is None:
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
    """Return an open question of the actor's, with its incident and escalation, all locked.

    Raises: IncidentNotFound; Superseded; AlreadySo, as `prompts.get_open_prompt`.
    """
    prompt, incident = await get_open_prompt(uow, prompt_id)
    escalation_id = uuid.UUID(str(prompt.data["escalation_id"]))
    escalation = await uow.session.get_one(Escalation, escalation_id, populate_existing=True)
    return prompt, incident, escalation


async def skip_question(uow: UnitOfWork, prompt_id: uuid.UUID) -> Outcome:
    """Leave a question unanswered and go on to the next; it stays missing, and that is all right.

    Raises: as `get_question`.
    """
    prompt, incident, escalation = await get_question(uow, prompt_id)
    await settle_answer(uow, prompt, SKIPPED)
    await ask_for_missing(uow, incident, escalation)
    return Outcome("question_skipped", None, {"prompt_id": str(prompt.id)})


async def _missing(uow: UnitOfWork, escalation: Escalation) -> tuple[str, ...]:
    """Return what the packet lacks as it stands, in the order in which it is asked for."""
    entry = await uow.session.get(TimelineEntry, escalation.packet_entry_id)
    content = (entry.content if entry else None) or {}
    template = uow.policy.escalation.find_template(escalation.template_key)
    packet = packet_from(content.get("packet") or {})
    missing = rate(packet, template or get_template(uow.policy, "")).missing
    return tuple(sorted(missing, key=lambda name: name in _LAST))


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
