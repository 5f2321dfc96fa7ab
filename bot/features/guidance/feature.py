"""Guidance in Slack: answers to private prompts, notes made of them, and switching them off."""

import contextlib
import json
import uuid
from functools import partial

from bot.features.escalation.feature import open_escalation
from bot.features.guidance import messages
from bot.framework.feature import Feature
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request
from bot.framework.slash_commands import Command
from incidents.core.errors import AlreadySo, InvalidInput, Superseded
from incidents.engine.prompts import Prompt
from incidents.engine.unit_of_work import UseCase
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


# -- the first minutes ----------------------------------------------------------------------


async def step_pressed(request: Request) -> Reply:
    """Keep the answer to a step; its message shows it in place, so nothing else is said."""
    answer = messages.answer_of(str(request.action.get("action_id", "")))
    if answer is None:
        raise Superseded("prompt")
    prompt_id = _prompt_id(request.value)
    await request.transact(partial(answer_step, prompt_id=prompt_id, answer=answer))
    return None


async def note_pressed(request: Request) -> Reply:
    """Put the plain fact behind an answer on the timeline."""
    await request.transact(partial(add_answer, prompt_id=_prompt_id(request.value)))
    return None


async def open_words_form(request: Request) -> Reply:
    """Open the form for a note in one's own words."""
    view, metadata = await _form_of(request)
    await request.open_view(messages.words_form(view, metadata=metadata))
    return None


async def words_submitted(request: Request) -> Reply:
    """Put the words on the timeline."""
    prompt_id, text = _submitted(request)
    return await _submit(request, partial(add_answer, prompt_id=prompt_id, text=text))


# -- the time box ---------------------------------------------------------------------------


async def open_progress_form(request: Request) -> Reply:
    """Open the form for a line about progress."""
    view, metadata = await _form_of(request)
    await request.open_view(messages.progress_form(view, metadata=metadata))
    return None


async def progress_submitted(request: Request) -> Reply:
    """Note that it goes on, with the line if there is one."""
    prompt_id, text = _submitted(request)
    return await _submit(request, partial(report_progress, prompt_id=prompt_id, text=text))


async def stuck_pressed(request: Request) -> Reply:
    """Keep that they are stuck, and open the packet; that also where the question is over."""
    prompt_id = _prompt_id(request.value)
    incident = (await _own_prompt(request, prompt_id))[1]
    with contextlib.suppress(AlreadySo, Superseded):
        await request.transact(partial(say_stuck, prompt_id=prompt_id))
    return await open_escalation(request, ById(incident.id))


async def escalate_pressed(request: Request) -> Reply:
    """Open the packet."""
    return await open_escalation(request, request.incident_of_value())


# -- off and on -----------------------------------------------------------------------------


async def quiet_pressed(request: Request) -> Reply:
    """Switch the prompts off for this incident."""
    await request.transact(partial(quiet, prompt_id=_prompt_id(request.value)))
    return _switched(request, on=False)


async def prompts_command(request: Request) -> Reply:
    """Switch one's own prompts in an incident off, or on again: `/incident prompts off`."""
    word = request.words.text.strip().casefold()
    if word not in {"on", "off"}:
        raise InvalidInput("word", "isn't `on` or `off`", _EXAMPLE)
    is_on = word == "on"
    await request.transact(partial(switch_prompts, ref=request.incident_ref(), on=is_on))
    return _switched(request, on=is_on)


def _switched(request: Request, *, on: bool) -> Reply:
    if on:
        return Say(say("I ask you again in this incident, by direct message. Only you see it."))
    back = f"`{request.policy.command} prompts on` in its channel brings me back"
    return Say(say(f"I ask you nothing more in this incident; {back}. Nobody is told."))


# -- what they share ------------------------------------------------------------------------


async def _form_of(request: Request) -> tuple[IncidentView, str]:
    prompt_id = _prompt_id(request.value)
    incident = (await _own_prompt(request, prompt_id))[1]
    return incident, json.dumps({"prompt_id": str(prompt_id)})


async def _own_prompt(request: Request, prompt_id: uuid.UUID) -> tuple[Prompt, IncidentView]:
    """Return a prompt of the person's own. Raises: Superseded, also when it isn't theirs."""
    workspace_id = request.services.workspace.id
    async with request.services.database.reading() as session:
        prompt = await session.get(Prompt, prompt_id)
        is_own = prompt is not None and prompt.person_id == request.actor.person_id
        if prompt is None or not is_own or prompt.workspace_id != workspace_id:
            raise Superseded("prompt")
        view = await get_incident_view(
            session, ById(prompt.incident_id), workspace_id=workspace_id, viewer=request.actor
        )
    return prompt, view


async def _submit(request: Request, use_case: UseCase) -> Reply:
    try:
        await request.transact(use_case)
    except InvalidInput as error:
        return FieldErrors({"text": invalid_text(error.field, error.problem, error.example)})
    return None


def _submitted(request: Request) -> tuple[uuid.UUID, str]:
    return _prompt_id(str(request.metadata.get("prompt_id", ""))), request.form.text("text")


def _prompt_id(value: str) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except ValueError:
        raise Superseded("prompt") from None


FEATURE = Feature(
    name="guidance",
    commands=(
        Command(
            name="prompts",
            usage="prompts on|off",
            summary="Switch off, or on again, what Sitrep asks you alone in this incident.",
            handler=prompts_command,
            examples=(_EXAMPLE,),
        ),
    ),
    actions={
        "prompt_step_done": step_pressed,
        "prompt_step_runbook_failed": step_pressed,
        "prompt_step_no_runbook": step_pressed,
        "prompt_step_blast_radius_unclear": step_pressed,
        "prompt_step_data_or_security": step_pressed,
        "prompt_step_skip": step_pressed,
        "prompt_note": note_pressed,
        "prompt_words_open": open_words_form,
        "prompt_progress_open": open_progress_form,
        "prompt_stuck": stuck_pressed,
        "prompt_escalate": escalate_pressed,
        "prompt_quiet": quiet_pressed,
    },
    views={
        messages.WORDS_FORM: words_submitted,
        messages.PROGRESS_FORM: progress_submitted,
    },
)
