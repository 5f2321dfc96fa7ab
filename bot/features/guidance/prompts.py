"""Prompts: private questions by direct message, kept current in place. `RENDERERS` has each kind.

A prompt goes to its owner alone. Whatever keeps it from arriving is kept with the prompt and said
nowhere: that somebody is asked at all is theirs.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from bot.features.escalation.prompts import question_prompt, rated_prompt, rating_prompt
from bot.features.guidance.messages import mentor_call_prompt, step_prompt, time_box_prompt
from bot.features.learning.shadow_messages import decision_prompt
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.framework.feature import Feature
from bot.framework.live_messages import LOST, Standing
from bot.framework.requests import Services
from bot.slack import blocks
from bot.slack.errors import SlackPermanent
from incidents.core.people import Person, actor_of
from incidents.engine.effects import SendPrompt
from incidents.engine.posted_messages import PostedMessage, find_posted
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

PURPOSE = "prompt"
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
class _Loaded:
    """A prompt with whom it is for, what it is about, and where it stands if it was sent."""

    prompt: Prompt
    person: Person
    incident: IncidentView
    posted: PostedMessage | None


async def send_prompt(context: EffectContext) -> Settlement:
    """Show a prompt to its owner, or bring it up to date; never to anybody else."""
    services = context.services
    loaded = await _load(services, context.get(SendPrompt).prompt_id)
    if loaded is None:
        return Dropped("nobody to ask")
    prompt, posted = loaded.prompt, loaded.posted
    render = RENDERERS[PromptKind(prompt.kind)]
    message = render(prompt_view(prompt), loaded.incident, services.policy)
    try:
        if posted is not None:
            await services.gateway.update(posted.channel_id, posted.message_ts, message)
            return Done()
        return await _post(context, loaded, message)
    except SlackPermanent as error:
        if posted is not None and error.error in LOST:
            return Dropped(error.error)
        return _undeliverable(prompt, error.error)


async def _post(context: EffectContext, loaded: _Loaded, message: blocks.Message) -> Settlement:
    gateway, prompt = context.services.gateway, loaded.prompt
    place = await gateway.open_direct(loaded.person.external_id)
    if context.is_uncertain:
        oldest = context.created_at - timedelta(minutes=1)
        found = await gateway.find_posted(place, effect_id=str(context.effect_id), oldest=oldest)
        if found is not None:
            # It may have been answered since that attempt.
            await gateway.update(place, found, message)
            return _shown(loaded, place, found)
    if not prompt.is_wanted:
        return Dropped("asked no longer")
    if context.services.clock.now() - prompt.asked_at > TOO_LATE:
        return _undeliverable(prompt, "too_late")
    return _shown(loaded, *await post_once(context, channel_id=place, message=message))


async def _load(services: Services, prompt_id: uuid.UUID) -> _Loaded | None:
    async with services.database.reading() as session:
        prompt = await session.get(Prompt, prompt_id)
        person = await session.get(Person, prompt.person_id) if prompt is not None else None
        if prompt is None or person is None or not person.is_active:
            return None
        # As its owner: whoever may no longer see the incident isn't asked about it.
        incident = await find_incident_view(
            session,
            ById(prompt.incident_id),
            workspace_id=services.workspace.id,
            viewer=actor_of(person),
        )
        posted = await find_posted(session, purpose=PURPOSE, subject_id=prompt.id)
    return None if incident is None else _Loaded(prompt, person, incident, posted)


def _shown(loaded: _Loaded, channel_id: str, ts: str) -> Done:
    standing = Standing(
        purpose=PURPOSE, subject_id=loaded.prompt.id, incident_id=loaded.incident.id
    )

    async def remember(uow: UnitOfWork) -> None:
        await standing.remember(channel_id, ts)(uow)
        await mark_delivered(uow, loaded.prompt.id)
        await _go_on(uow, loaded.prompt)

    return Done(remember)


def _undeliverable(prompt: Prompt, error: str) -> Dropped:
    async def keep(uow: UnitOfWork) -> None:
        await mark_undeliverable(uow, prompt.id, error=error)
        await _go_on(uow, prompt)

    return Dropped(error, keep)


async def _go_on(uow: UnitOfWork, prompt: Prompt) -> None:
    """Go on with what waited for the word to its owner, now that it was said or can't be."""
    if prompt.kind == PromptKind.MENTOR_CALLED:
        uow.emit(GuidanceAwaited(incident_id=prompt.incident_id, person_id=prompt.person_id))


FEATURE = Feature(name="prompts", effects={SendPrompt: send_prompt})
