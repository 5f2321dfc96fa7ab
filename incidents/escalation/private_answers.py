"""Answers to what is asked in private: what a packet lacks, and whether it was enough to start."""

import uuid
from collections.abc import Mapping
from typing import Any

from incidents.engine.prompts import PromptKind, PromptStatus, ask, settle_answer
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.answers import complete, rate_packet
from incidents.escalation.questions import ANSWERED, get_question
from incidents.escalation.tables import Escalation, PacketRating
from incidents.incident.incident import Incident
from incidents.rights.acting_stage import is_supervised_in
from incidents.rights.stages import mentors_of


async def answer_question(
    uow: UnitOfWork, prompt_id: uuid.UUID, *, changes: Mapping[str, Any]
) -> Outcome:
    """Put the author's answer into the packet; the next question follows, if there is one.

    Raises: IncidentNotFound; Superseded and AlreadySo for a question that is asked no longer; as
        `complete`.
    """
    prompt, _, escalation = await get_question(uow, prompt_id)
    # Settled first: what is complete then is asked no longer, and this one was answered.
    await settle_answer(uow, prompt, ANSWERED)
    return await complete(uow, escalation.id, changes=changes)


async def answer_rating(uow: UnitOfWork, prompt_id: uuid.UUID, *, rating: PacketRating) -> Outcome:
    """Keep whether the packet was enough to start; its author hears of it, and their mentors do.

    The outcome names no incident: an opinion is no sign on the record that somebody works.

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


async def _readers(
    uow: UnitOfWork, incident: Incident, escalation: Escalation
) -> tuple[uuid.UUID, ...]:
    """Return who may know: the author, and their mentors while they are supervised."""
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
