"""Asked in private: what a packet still lacks, one thing at a time, and whether it was enough."""

import json
import uuid
from functools import partial
from typing import Final

from bot.features.escalation.forms import template_of
from bot.features.escalation.packet import (
    FIELDS,
    block_of,
    field_of,
    inputs_for,
    name_of,
    question_for,
    read_changes,
)
from bot.features.escalation.replies import id_of, shown_escalation
from bot.framework.feature import Feature
from bot.framework.refusals import invalid_text
from bot.framework.replies import FieldErrors, Reply
from bot.framework.requests import Request
from bot.slack import blocks, mentions
from incidents.core.errors import AlreadySo, InvalidInput, Superseded
from incidents.engine.prompts import Prompt, PromptStatus, PromptView
from incidents.escalation.answers import complete
from incidents.escalation.private_answers import answer_question, answer_rating
from incidents.escalation.questions import SKIPPED, skip_question
from incidents.escalation.tables import PacketRating
from incidents.escalation.views import EscalationView
from incidents.incident.views import IncidentView
from incidents.policy.escalation import EscalationTemplate
from incidents.policy.policy import Policy

FIELD_FORM: Final = "escalation_field"

_RATINGS: Final = (
    (PacketRating.CLEAR, "Yes"),
    (PacketRating.USABLE, "Mostly"),
    (PacketRating.UNCLEAR, "No"),
)
_RATED: Final = {
    PacketRating.CLEAR: "there was enough to start at once",
    PacketRating.USABLE: "there was mostly enough to start; something had to be asked",
    PacketRating.UNCLEAR: "there wasn't enough to start",
}


# -- how they read --------------------------------------------------------------------------


def question_prompt(prompt: PromptView, incident: IncidentView, policy: Policy) -> blocks.Message:
    """Return a question to the author for what is missing, or what became of it."""
    template = template_of(str(prompt.data.get("template_key", "")), policy)
    missing = str(prompt.data.get("missing", ""))
    head = f"{_about(incident)}, escalation {_number(prompt)}"
    name = mentions.escape_line(name_of(missing, template))
    if not prompt.is_open:
        became = {PromptStatus.WITHDRAWN: "no longer asked"}.get(prompt.status, "thank you")
        if prompt.answer == SKIPPED:
            became = "skipped; while it goes on, *Add to it* on the card adds it"
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
    """Ask whoever is on it whether the packet was enough to start, with one tap."""
    head = f"{_about(incident)}, escalation {_number(prompt)}"
    if not prompt.is_open:
        thanks = "thank you. Only who escalated and their mentors see what you said"
        is_answered = prompt.status is PromptStatus.ANSWERED
        text = f"{head}: {thanks if is_answered else 'no longer asked'}."
        return blocks.Message(text=text, blocks=(blocks.context(text),))
    text = (
        f"{head}: was there enough to start? One tap helps the next packet. Only who escalated "
        "and their mentors see it."
    )
    buttons = (
        blocks.button(label, action_id=f"escalation_rate_{rating}", value=f"{prompt.id}|{rating}")
        for rating, label in _RATINGS
    )
    return blocks.Message(text=text, blocks=(blocks.section(text), blocks.actions(*buttons)))


def rated_prompt(prompt: PromptView, incident: IncidentView, _policy: Policy) -> blocks.Message:
    """Tell the author, or a mentor, what whoever took it said of the packet."""
    said = _RATED.get(PacketRating(str(prompt.data.get("rating"))), "")
    whose = "Your packet" if prompt.data.get("is_author") else "The packet"
    text = (
        f"{_about(incident)}, escalation {_number(prompt)}. {whose}, in the words of "
        f"{mentions.escape_line(str(prompt.data.get('by', '')))}: {said}. "
        "Nobody else sees this."
    )
    return blocks.Message(text=text, blocks=(blocks.section(text),))


def _about(incident: IncidentView) -> str:
    return f"*{incident.reference}* {mentions.escape_line(incident.title)}"


def _number(prompt: PromptView) -> str:
    return mentions.escape_line(str(prompt.data.get("number", "")))


# -- answering ------------------------------------------------------------------------------


async def open_question(request: Request) -> Reply:
    """Open the form for the one thing that is asked."""
    prompt = await _own_prompt(request, request.value)
    escalation_id = uuid.UUID(str(prompt.data["escalation_id"]))
    missing = str(prompt.data["missing"])
    await _open(request, escalation_id, missing, prompt_id=str(prompt.id))
    return None


async def open_field(request: Request) -> Reply:
    """Open the form for what whoever is called asked for."""
    _, escalation_id, field, *_ = [*request.value.split("|"), "", ""]
    await _open(request, id_of(escalation_id), field)
    return None


async def skip_pressed(request: Request) -> Reply:
    """Leave a question unanswered; the next one follows."""
    await request.transact(partial(skip_question, prompt_id=id_of(request.value)))
    return None


async def field_submitted(request: Request) -> Reply:
    """Put one answer into the packet."""
    known = request.metadata
    escalation_id, field = id_of(str(known.get("escalation_id"))), str(known.get("field"))
    view, _ = await shown_escalation(request, escalation_id)
    changes = read_changes(request.form, view.packet, fields=(field,))
    block_id = block_of(field)
    if not any(changes.values()):
        return FieldErrors({block_id: "Nothing is filled in. Close this to leave it open."})
    prompt_id = str(known.get("prompt_id") or "")
    use_case = (
        partial(answer_question, prompt_id=id_of(prompt_id), changes=changes)
        if prompt_id
        else partial(complete, escalation_id=escalation_id, changes=changes)
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


async def rate_pressed(request: Request) -> Reply:
    """Keep whether the packet was enough to start."""
    prompt_id, _, rating = request.value.partition("|")
    use_case = partial(answer_rating, prompt_id=id_of(prompt_id), rating=PacketRating(rating))
    await request.transact(use_case)
    return None


async def _open(
    request: Request, escalation_id: uuid.UUID, missing: str, *, prompt_id: str = ""
) -> None:
    view, _ = await shown_escalation(request, escalation_id)
    template = template_of(view.template_key, request.policy)
    metadata = {
        "incident_id": str(view.incident_id),
        "escalation_id": str(view.id),
        "field": field_of(missing),
        "prompt_id": prompt_id,
    }
    await request.open_view(field_form(view, missing, template, metadata=json.dumps(metadata)))


def field_form(
    view: EscalationView, missing: str, template: EscalationTemplate, *, metadata: str
) -> blocks.View:
    """Return the form for one field, with what is known of it so far."""
    asked = mentions.escape_line(question_for(missing, template))
    return blocks.modal(
        f"Escalation {view.number}",
        blocks=(
            blocks.context(view.reference if missing in FIELDS else f"{view.reference}: {asked}"),
            *inputs_for(field_of(missing), view.packet, template=template, is_alone=True),
        ),
        callback_id=FIELD_FORM,
        submit="Add",
        private_metadata=metadata,
    )


async def _own_prompt(request: Request, prompt_id: str) -> Prompt:
    """Return a question of the person's own. Raises: Superseded when there is none."""
    async with request.services.database.reading() as session:
        prompt = await session.get(Prompt, id_of(prompt_id))
    is_own = prompt is not None and prompt.person_id == request.actor.person_id
    if prompt is None or not is_own or not prompt.is_open:
        raise Superseded("prompt")
    return prompt


FEATURE = Feature(
    name="escalation_prompts",
    actions={
        "escalation_question_open": open_question,
        "escalation_question_skip": skip_pressed,
        "escalation_field_open": open_field,
        "escalation_rate_clear": rate_pressed,
        "escalation_rate_usable": rate_pressed,
        "escalation_rate_unclear": rate_pressed,
    },
    views={FIELD_FORM: field_submitted},
)
