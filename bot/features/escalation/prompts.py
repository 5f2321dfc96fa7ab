"""Private prompts about a packet: one missing item at a time, and a rating of the packet."""

import uuid
from dataclasses import replace
from functools import partial
from typing import Final

from bot.features.escalation.card import OnField
from bot.features.escalation.forms import template_of
from bot.features.escalation.packet import (
    block_of,
    field_of,
    inputs_for,
    name_of,
    question_for,
    read_changes,
)
from bot.features.escalation.replies import shown_escalation
from bot.framework.arguments import Arguments, OnPrompt, to_value
from bot.framework.feature import Feature
from bot.framework.reading import own_prompt
from bot.framework.refusals import invalid_text, say
from bot.framework.requests import FieldErrors, Reply, Request
from bot.framework.verbs import Form, Verb
from bot.slack import blocks, mentions
from incidents.core.errors import AlreadySo, InvalidInput, Superseded
from incidents.engine.prompts import PromptStatus, PromptView
from incidents.escalation.packet import FIELDS
from incidents.escalation.questions import (
    SKIPPED,
    answer_question,
    answer_rating,
    complete,
    skip_question,
)
from incidents.escalation.tables import PacketRating
from incidents.escalation.views import EscalationView
from incidents.incident.incident import ById
from incidents.incident.views import IncidentView
from incidents.policy.escalation import EscalationTemplate
from incidents.policy.policy import Policy

_RATINGS: Final = (
    (PacketRating.CLEAR, "Yes"),
    (PacketRating.USABLE, "Mostly"),
    (PacketRating.UNCLEAR, "No"),
)
_RATED: Final = {
    PacketRating.CLEAR: "there was enough to start at once",
    PacketRating.USABLE: "there was mostly enough to start, after a question",
    PacketRating.UNCLEAR: "there wasn't enough to start",
}


# -- how they read --------------------------------------------------------------------------


def question_prompt(prompt: PromptView, incident: IncidentView, policy: Policy) -> blocks.Message:
    """Return the question to the author about a missing item, or how it was settled."""
    template = template_of(str(prompt.data.get("template_key", "")), policy)
    missing = str(prompt.data.get("missing", ""))
    head = f"{_about(incident)}, escalation {_number(prompt)}"
    name = mentions.escape_line(name_of(missing, template))
    if not prompt.is_open:
        became = {PromptStatus.WITHDRAWN: "no longer needed"}.get(prompt.status, "thank you")
        if prompt.answer == SKIPPED:
            became = "skipped. You can still add it with *Add details* on the card"
        text = f"{head}: {name}: {became}."
        return blocks.Message(text=text, blocks=(blocks.context(text),))
    text = (
        f"{head} is on its way. What would help them next:\n"
        f"*{mentions.escape(question_for(missing, template))}*\n"
        "Only if you have a moment: the answer goes on the card."
    )
    answer = blocks.button(
        "Answer…", action_id="escalation_question_open", value=str(prompt.id), style="primary"
    )
    skip = blocks.button("Skip", action_id="escalation_question_skip", value=str(prompt.id))
    return blocks.Message(
        text=text, blocks=(*blocks.paragraphs(text), blocks.actions(answer, skip))
    )


def rating_prompt(prompt: PromptView, incident: IncidentView, _policy: Policy) -> blocks.Message:
    """Ask the person on it whether the packet was enough to start; one tap answers."""
    head = f"{_about(incident)}, escalation {_number(prompt)}"
    if not prompt.is_open:
        thanks = "thank you. Only the author and their mentors see your answer"
        is_answered = prompt.status is PromptStatus.ANSWERED
        text = f"{head}: {thanks if is_answered else 'no longer needed'}."
        return blocks.Message(text=text, blocks=(blocks.context(text),))
    text = (
        f"{head}: was there enough to start? One tap helps the next packet. Only the author "
        "and their mentors see it."
    )
    buttons = (
        blocks.button(
            label,
            action_id=f"escalation_rate_{rating}",
            value=to_value(OnRating(prompt.id, rating)),
        )
        for rating, label in _RATINGS
    )
    return say(text, *buttons)


def rated_prompt(prompt: PromptView, incident: IncidentView, _policy: Policy) -> blocks.Message:
    """Tell the author or a mentor how the person who took it rated the packet."""
    said = _RATED.get(PacketRating(str(prompt.data.get("rating"))), "")
    whose = "Your packet" if prompt.data.get("is_author") else "The packet"
    text = (
        f"{_about(incident)}, escalation {_number(prompt)}. {whose}, in the words of "
        f"{mentions.escape_line(str(prompt.data.get('by', '')))}: {said}. "
        "Nobody else sees this."
    )
    return say(text)


def _about(incident: IncidentView) -> str:
    return f"*{incident.reference}* {mentions.escape_line(incident.title)}"


def _number(prompt: PromptView) -> str:
    return mentions.escape_line(str(prompt.data.get("number", "")))


# -- answering ------------------------------------------------------------------------------


class OnRating(Arguments, gone="prompt"):
    """The rating prompt of a packet, and the chosen rating."""

    prompt_id: uuid.UUID
    rating: PacketRating


async def open_question(request: Request, given: OnPrompt) -> Reply:
    """Open the form for the field that the prompt asks for."""
    prompt = await own_prompt(request, given.prompt_id)
    if not prompt.is_open:
        raise Superseded("prompt")
    escalation_id = uuid.UUID(str(prompt.data["escalation_id"]))
    missing = str(prompt.data["missing"])
    return await FIELD.ask(
        request, OnField(ById(prompt.incident_id), escalation_id, missing, prompt.id)
    )


async def open_field(request: Request, given: OnField) -> Form[OnField]:
    """Return the form for one field of the escalation's packet, with its arguments."""
    view, _ = await shown_escalation(request, given.escalation_id)
    template = template_of(view.template_key, request.policy)
    field = field_of(given.field)
    return Form(field_form(view, given.field, template), replace(given, field=field))


async def fill_in(request: Request, given: OnField) -> Reply:
    """Save one answer in the packet."""
    view, _ = await shown_escalation(request, given.escalation_id)
    changes = read_changes(request.form, view.packet, fields=(given.field,))
    block_id = block_of(given.field)
    if not any(changes.values()):
        return FieldErrors({block_id: "Nothing is filled in. Close this to leave it open."})
    use_case = (
        partial(answer_question, prompt_id=given.prompt_id, changes=changes)
        if given.prompt_id
        else partial(complete, escalation_id=given.escalation_id, changes=changes)
    )
    try:
        await request.transact(use_case)
    except InvalidInput as error:
        return FieldErrors({block_id: invalid_text(error.field, error.problem, error.example)})
    except AlreadySo as error:
        if error.what == "packet":
            return FieldErrors({block_id: "That is what it says already."})
        raise
    return None


def field_form(view: EscalationView, missing: str, template: EscalationTemplate) -> blocks.View:
    """Return the form for one field, prefilled with its current value."""
    asked = mentions.escape_line(question_for(missing, template))
    return blocks.modal(
        f"Escalation {view.number}",
        blocks=(
            blocks.context(view.reference if missing in FIELDS else f"{view.reference}: {asked}"),
            *inputs_for(field_of(missing), view.packet, template=template, is_alone=True),
        ),
        submit="Add",
    )


FIELD = Verb(
    OnField,
    form="escalation_field",
    opened_by=("escalation_field_open",),
    open=open_field,
    perform=fill_in,
)

FEATURE = Feature(
    name="escalation_prompts",
    verbs=(
        FIELD,
        Verb(OnPrompt, buttons=("escalation_question_open",), perform=open_question),
        Verb(OnPrompt, buttons=("escalation_question_skip",), use_case=skip_question),
        Verb(
            OnRating,
            buttons=("escalation_rate_clear", "escalation_rate_usable", "escalation_rate_unclear"),
            use_case=answer_rating,
        ),
    ),
)
