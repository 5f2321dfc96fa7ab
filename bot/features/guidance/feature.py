"""Guidance in Slack: answers to private prompts, notes from them, and switching them off."""

import contextlib
from functools import partial

from bot.features.escalation.feature import ESCALATE
from bot.features.escalation.forms import Escalating
from bot.features.guidance import messages
from bot.framework.arguments import OnPrompt, Words
from bot.framework.feature import Feature
from bot.framework.reading import own_prompt
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.verbs import Verb
from bot.slack import blocks
from incidents.core.errors import AlreadySo, InvalidInput, Superseded
from incidents.guidance.answers import (
    add_answer,
    answer_step,
    quiet,
    report_progress,
    say_stuck,
    switch_prompts,
)
from incidents.incident.incident import ById
from incidents.incident.views import IncidentView, get_incident_view

_EXAMPLE = "prompts off"


async def open_words(request: Request, given: OnPrompt) -> blocks.View:
    """Return the form for a note in the person's own words."""
    return messages.words_form(await _incident(request, given))


async def open_progress(request: Request, given: OnPrompt) -> blocks.View:
    """Return the form for one line about progress."""
    return messages.progress_form(await _incident(request, given))


async def be_stuck(request: Request, given: OnPrompt) -> Reply:
    """Record that they are stuck and open the escalation form, even if the prompt is settled."""
    incident = await _incident(request, given)
    with contextlib.suppress(AlreadySo, Superseded):
        await request.transact(partial(say_stuck, prompt_id=given.prompt_id))
    return await ESCALATE.ask(request, Escalating(ById(incident.id)))


async def switch(request: Request, given: Words) -> Reply:
    """Switch the actor's prompts in an incident off, or on again."""
    word = given.text.strip().casefold()
    if word not in {"on", "off"}:
        raise InvalidInput("word", "isn't `on` or `off`", _EXAMPLE)
    await request.transact(partial(switch_prompts, ref=given.ref, on=word == "on"))
    if word == "on":
        return Say(say("I'll ask you again in this incident, by direct message. Only you see it."))
    return Say(say(off_text(request)))


def off_text(request: Request) -> str:
    """Return the reply to a person who switched the prompts off."""
    back = f"`{request.policy.command} prompts on` in its channel brings me back"
    return f"I won't ask you more in this incident; {back}. Nobody else hears of it."


async def _incident(request: Request, given: OnPrompt) -> IncidentView:
    """Return the incident of the person's own prompt."""
    prompt = await own_prompt(request, given.prompt_id)
    return await request.read(get_incident_view, ById(prompt.incident_id))


FEATURE = Feature(
    name="guidance",
    verbs=(
        Verb(
            Words,
            usage="prompts on|off",
            family="learn",
            summary="Switch off, or on again, what Sitrep asks you alone in this incident.",
            examples=(_EXAMPLE,),
            words=("text",),
            perform=switch,
        ),
        # The message itself shows the answer, so there is no reply.
        Verb(
            messages.OnStep,
            buttons=(
                "prompt_step_done",
                "prompt_step_runbook_failed",
                "prompt_step_no_runbook",
                "prompt_step_blast_radius_unclear",
                "prompt_step_data_or_security",
                "prompt_step_skip",
            ),
            use_case=answer_step,
        ),
        Verb(
            OnPrompt,
            buttons=("prompt_note",),
            form="prompt_words_submit",
            opened_by=("prompt_words_open",),
            open=open_words,
            use_case=add_answer,
            inputs={"": "text"},
        ),
        Verb(
            OnPrompt,
            form="prompt_progress_submit",
            opened_by=("prompt_progress_open",),
            open=open_progress,
            use_case=report_progress,
            inputs={"": "text"},
        ),
        Verb(OnPrompt, buttons=("prompt_stuck",), perform=be_stuck),
        Verb(
            OnPrompt,
            buttons=("prompt_quiet",),
            use_case=quiet,
            tell=lambda request, _: off_text(request),
        ),
    ),
)
