"""Buttons and forms that answer an escalation, and those that its author uses."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from bot.features.escalation import forms
from bot.features.escalation.card import OnEscalation
from bot.features.escalation.forms import fields_of, template_of
from bot.features.escalation.packet import block_of, field_of, read_changes
from bot.features.escalation.replies import (
    answered_text,
    completed_message,
    names_in_steps,
    shown_escalation,
)
from bot.features.escalation.targets import names_two, target_of
from bot.framework.feature import Feature
from bot.framework.refusals import invalid_text, say
from bot.framework.requests import FieldErrors, Reply, Request, Say
from bot.framework.verbs import Form, Verb
from bot.slack import blocks
from incidents.core.errors import DomainError, InvalidInput, Superseded
from incidents.escalation.answers import (
    ask_for_more,
    call_step,
    decline,
    redirect,
    take,
    withdraw,
)
from incidents.escalation.questions import complete
from incidents.escalation.targets import Target
from incidents.escalation.views import EscalationView
from incidents.incident.incident import ById
from incidents.incident.views import IncidentView
from incidents.policy.policy import Action

NEITHER: Final = "Choose a person, or a service, role or group."
BOTH: Final = "Choose a person, or a service, role or group; not both."


class Answer(OnEscalation):
    """An answer: the missing field, the new target, the reason, or the step to call."""

    field: str = ""
    to: Target | None = None
    reason: str = ""
    step: uuid.UUID | int = 0
    # The packet version that the form showed.
    seen: int = 0


@dataclass(frozen=True, slots=True)
class OpenForm:
    """Opens a form about an escalation if the person may see it and perform `action`."""

    build: Callable[[Request, EscalationView, IncidentView], blocks.View]
    action: Action = Action.VIEW

    async def __call__(self, request: Request, given: Answer) -> Form[Answer]:
        """Return the form, which remembers the packet version that it shows."""
        view, incident = await shown_escalation(request, given.escalation_id, action=self.action)
        seen = Answer(ById(incident.id), view.id, seen=view.packet_version)
        return Form(self.build(request, view, incident), seen)


async def open_step(request: Request, given: Answer) -> blocks.View:
    """Return the form that calls a chosen step at once."""
    view, incident = await shown_escalation(request, given.escalation_id, action=Action.ESCALATE)
    if not view.waiting_steps:
        raise Superseded("escalation_steps")
    return forms.step_form(view, incident, names=await names_in_steps(request, view))


def read_decline(request: Request, given: Answer) -> Answer:
    """Return the answer with the chosen reason and the typed words joined in `reason`."""
    why = forms.REASONS.get(request.form.choice("why") or "", "")
    return replace(given, reason=": ".join(part for part in (why, given.reason) if part))


async def pass_on(request: Request, given: Answer) -> Reply:
    """Redirect the escalation to the person or target chosen in the form."""
    if given.to is None:
        return FieldErrors({"person": BOTH if names_two(request.form) else NEITHER})
    use_case = partial(
        redirect, escalation_id=given.escalation_id, target=given.to, reason=given.reason
    )
    return Say(say(answered_text(request, await request.transact(use_case))))


async def add(request: Request, given: Answer) -> Reply:
    """Save the fields changed in the form as a new packet version; the rest stays."""
    view, _ = await shown_escalation(request, given.escalation_id, action=Action.ESCALATE)
    template = template_of(view.template_key, request.policy)
    fields = fields_of(template)
    read = read_changes(request.form, view.packet, fields=fields)
    changes = {key: value for key, value in read.items() if getattr(view.packet, key) != value}
    fallback = block_of(fields[0])
    if not changes:
        return FieldErrors({fallback: "Nothing was changed. Close this to leave it as it is."})
    if given.seen != view.packet_version:
        return FieldErrors(
            {fallback: "Somebody added to it meanwhile. Close this, open it again, and add yours."}
        )
    outcome = await request.transact(partial(complete, escalation_id=view.id, changes=changes))
    is_author = view.author is not None and view.author.id == request.actor.person_id
    return Say(completed_message(outcome, template, is_author=is_author))


def in_its_block(_: Request, error: DomainError) -> Mapping[str, str] | None:
    """Return the error text under the input of the refused packet field."""
    if not isinstance(error, InvalidInput):
        return None
    return {block_of(error.field): invalid_text(error.field, error.problem, error.example)}


TAKE = Verb(Answer, buttons=("escalation_take",), use_case=take, tell=answered_text, is_quiet=True)
MORE = Verb(
    Answer,
    form="escalation_more",
    opened_by=("escalation_more_open",),
    open=OpenForm(
        lambda request, view, incident: forms.more_form(
            view, incident, template_of(view.template_key, request.policy)
        )
    ),
    do=lambda uow, given: ask_for_more(uow, given.escalation_id, field=field_of(given.field)),
    tell=answered_text,
    inputs={"": "field"},
)
REDIRECT = Verb(
    Answer,
    form="escalation_redirect",
    opened_by=("escalation_redirect_open",),
    open=OpenForm(lambda _, view, incident: forms.redirect_form(view, incident)),
    read=lambda request, given: replace(given, to=target_of(request.form)),
    perform=pass_on,
    inputs={"target": "person", "": "person"},
)
DECLINE = Verb(
    Answer,
    form="escalation_decline",
    opened_by=("escalation_decline_open",),
    open=OpenForm(lambda _, view, incident: forms.decline_form(view, incident)),
    read=read_decline,
    use_case=decline,
    tell=answered_text,
    inputs={"": "reason"},
)
STEP = Verb(
    Answer,
    form="escalation_step",
    opened_by=("escalation_step_open",),
    open=open_step,
    use_case=call_step,
    tell=answered_text,
    inputs={"": "step"},
)
WITHDRAW = Verb(
    Answer,
    form="escalation_withdraw",
    opened_by=("escalation_withdraw_open",),
    open=OpenForm(lambda _, view, incident: forms.withdraw_form(view, incident)),
    use_case=withdraw,
    tell=answered_text,
    inputs={"": "reason"},
)
ADD = Verb(
    Answer,
    form="escalation_add",
    opened_by=("escalation_add_open",),
    open=OpenForm(
        lambda request, view, incident: forms.add_form(
            view, incident, template_of(view.template_key, request.policy)
        ),
        action=Action.ESCALATE,
    ),
    perform=add,
    explain=in_its_block,
)

FEATURE = Feature(
    name="escalation_answers", verbs=(TAKE, MORE, REDIRECT, DECLINE, STEP, WITHDRAW, ADD)
)
