"""Prompts: private questions by direct message, kept current in place. `RENDERERS` has each kind.

A prompt goes to its owner alone. Whatever keeps it from arriving is kept with the prompt and said
nowhere: that somebody is asked at all is theirs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.escalation.prompts import question_prompt, rated_prompt, rating_prompt
from bot.features.guidance.messages import mentor_call_prompt, step_prompt, time_box_prompt
from bot.features.learning.shadow_messages import decision_prompt
from bot.framework.effect_context import Dropped, Record
from bot.framework.feature import Feature
from bot.framework.live_messages import LiveMessage, ToPeople, to_person
from bot.framework.requests import Services
from bot.slack import blocks
from incidents.core.people import Person, actor_of
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
from incidents.incident.incident import ById
from incidents.incident.views import IncidentView, find_incident_view
from incidents.policy.policy import Policy

# A question that comes later than this helps nobody any more.
TOO_LATE = timedelta(hours=1)

PromptRenderer = Callable[[PromptView, IncidentView, Policy], blocks.Message]

# How each kind of prompt reads: asked, answered, withdrawn.
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


@dataclass(frozen=True, slots=True)
class _Asked:
    """A prompt with whom it is for, what it is about, and whether it is too late to ask."""

    prompt: Prompt
    person: Person
    incident: IncidentView
    is_late: bool


async def _load(session: AsyncSession, effect: SendPrompt, services: Services) -> _Asked | Dropped:
    prompt = await session.get(Prompt, effect.prompt_id)
    person = await session.get(Person, prompt.person_id) if prompt is not None else None
    if prompt is None or person is None or not person.is_active:
        return Dropped("nobody to ask")
    # As its owner: whoever may no longer see the incident isn't asked about it.
    incident = await find_incident_view(
        session,
        ById(prompt.incident_id),
        workspace_id=services.workspace.id,
        viewer=actor_of(person),
    )
    if incident is None:
        return Dropped("nobody to ask")
    is_late = services.clock.now() - prompt.asked_at > TOO_LATE
    return _Asked(prompt, person, incident, is_late)


def _render(asked: _Asked, policy: Policy) -> blocks.Message:
    render = RENDERERS[PromptKind(asked.prompt.kind)]
    return render(prompt_view(asked.prompt), asked.incident, policy)


def _place(asked: _Asked) -> ToPeople:
    """Return where it is asked: once, and not after it was deleted, withdrawn, or for too long."""
    prompt = asked.prompt
    if prompt.is_settled:
        return to_person(asked.person, unless="asked before")
    if not prompt.is_wanted:
        return to_person(asked.person, unless="asked no longer")
    return to_person(asked.person, unless="too_late" if asked.is_late else "")


def _shown(asked: _Asked, _channel_id: str) -> Record:
    async def keep(uow: UnitOfWork) -> None:
        await mark_delivered(uow, asked.prompt.id)
        await _go_on(uow, asked.prompt)

    return keep


def _not_shown(asked: _Asked, reason: str) -> Record | None:
    if asked.prompt.is_settled or not asked.prompt.is_wanted:
        return None

    async def keep(uow: UnitOfWork) -> None:
        await mark_undeliverable(uow, asked.prompt.id, error=reason)
        await _go_on(uow, asked.prompt)

    return keep


async def _go_on(uow: UnitOfWork, prompt: Prompt) -> None:
    """Go on with what waited for the word to its owner, now that it was said or can't be."""
    if prompt.kind == PromptKind.MENTOR_CALLED:
        uow.emit(GuidanceAwaited(incident_id=prompt.incident_id, person_id=prompt.person_id))


PROMPT = LiveMessage(
    effect=SendPrompt,
    purpose="prompt",
    subject=lambda effect: effect.prompt_id,
    load=_load,
    render=_render,
    place=_place,
    on_shown=_shown,
    on_dropped=_not_shown,
)

FEATURE = Feature(name="prompts", live_messages=(PROMPT,))
