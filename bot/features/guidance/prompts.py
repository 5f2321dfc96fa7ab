"""Prompts: private questions by direct message, as live messages. `RENDERERS` has each kind.

Only its owner sees a prompt. If it can't be delivered, the prompt stores the reason and nobody is
told: even that the bot asks somebody is private.
"""

import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.escalation.prompts import question_prompt, rated_prompt, rating_prompt
from bot.features.guidance.messages import mentor_call_prompt, step_prompt, time_box_prompt
from bot.features.learning.shadow_messages import decision_prompt
from bot.framework.effect_context import Dropped, Record
from bot.framework.feature import Feature
from bot.framework.live_messages import LiveMessage, Showing, to_person
from bot.framework.phrases import hidden_message
from bot.framework.reading import is_hidden_from, read_incident
from bot.framework.requests import Services
from bot.slack import blocks
from incidents.core.people import Person
from incidents.engine.effects import SendPrompt
from incidents.engine.prompts import (
    Prompt,
    PromptKind,
    PromptView,
    mark_delivered,
    mark_undeliverable,
    prompt_view,
)
from incidents.engine.unit_of_work import UnitOfWork
from incidents.guidance.events import GuidanceAwaited
from incidents.incident.views import IncidentView
from incidents.policy.policy import Policy

# A question that arrives later doesn't help.
TOO_LATE = timedelta(hours=1)

PromptRenderer = Callable[[PromptView, IncidentView, Policy], blocks.Message]

# Renders each kind of prompt: asked, answered, withdrawn.
RENDERERS: Mapping[PromptKind, PromptRenderer] = MappingProxyType(
    {
        PromptKind.DECISION: decision_prompt,
        PromptKind.FIRST_FIFTEEN: step_prompt,
        PromptKind.TIME_BOX: time_box_prompt,
        PromptKind.MENTOR_CALLED: mentor_call_prompt,
        PromptKind.PACKET_FIELD: question_prompt,
        PromptKind.PACKET_RATING: rating_prompt,
        PromptKind.PACKET_RATED: rated_prompt,
    }
)


async def _look(session: AsyncSession, effect: SendPrompt, services: Services) -> Showing | Dropped:
    prompt = await session.get(Prompt, effect.prompt_id)
    person = await session.get(Person, prompt.person_id) if prompt is not None else None
    if prompt is None or person is None or not person.is_active:
        return Dropped("nobody to ask")
    incident = await read_incident(session, effect, services)
    if await is_hidden_from(session, incident, person):
        return Showing(hidden_message(incident), to_person(person, unless="nobody to ask"))
    is_late = services.clock.now() - prompt.asked_at > TOO_LATE
    render = RENDERERS[PromptKind(prompt.kind)]
    return Showing(
        render(prompt_view(prompt), incident, services.policy),
        to_person(person, unless=_reason_not_to_ask(prompt, is_late=is_late)),
        on_shown=lambda _: partial(_keep_delivered, prompt=prompt),
        on_dropped=partial(_keep_undelivered, prompt),
    )


def _reason_not_to_ask(prompt: Prompt, *, is_late: bool) -> str:
    if prompt.is_settled:  # even if its owner deleted the message
        return "asked before"
    if not prompt.is_wanted:
        return "asked no longer"
    return "too_late" if is_late else ""


async def _keep_delivered(uow: UnitOfWork, *, prompt: Prompt) -> None:
    for told in _told_with(prompt):
        await mark_delivered(uow, told)
    await _go_on(uow, prompt)


def _keep_undelivered(prompt: Prompt, reason: str) -> Record | None:
    if prompt.is_settled or not prompt.is_wanted:
        return None

    async def keep(uow: UnitOfWork) -> None:
        for told in _told_with(prompt):
            await mark_undeliverable(uow, told, error=reason)
        await _go_on(uow, prompt)

    return keep


def _told_with(prompt: Prompt) -> tuple[uuid.UUID, ...]:
    """Return the prompt, and the word about a mentor that its message carries, if any."""
    notice_id = prompt.data.get("notice_id")
    return (prompt.id, uuid.UUID(str(notice_id))) if notice_id else (prompt.id,)


async def _go_on(uow: UnitOfWork, prompt: Prompt) -> None:
    """Continue the guidance that waited until its owner was told, or couldn't be."""
    if prompt.kind == PromptKind.MENTOR_CALLED or "notice_id" in prompt.data:
        uow.emit(GuidanceAwaited(incident_id=prompt.incident_id, person_id=prompt.person_id))


PROMPT = LiveMessage(
    effect=SendPrompt,
    purpose="prompt",
    subject=lambda effect: effect.prompt_id,
    look=_look,
)

FEATURE = Feature(name="prompts", live_messages=(PROMPT,))
