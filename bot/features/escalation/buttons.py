"""Answering an escalation by buttons and forms, and what its author can do with it."""

import json
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from bot.features.escalation import forms
from bot.features.escalation.forms import fields_of, template_of
from bot.features.escalation.packet import block_of, field_of, read_changes
from bot.features.escalation.replies import (
    answered_text,
    completed_message,
    escalation_of_value,
    id_of,
    names_in_steps,
    shown_escalation,
)
from bot.features.escalation.targets import names_two, target_of
from bot.framework.feature import Feature
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request
from incidents.core.errors import InvalidInput, Superseded
from incidents.engine.unit_of_work import UseCase
from incidents.escalation.answers import (
    ask_for_more,
    call_step,
    decline,
    redirect,
    take,
    withdraw,
)
from incidents.escalation.questions import complete
from incidents.escalation.views import EscalationView
from incidents.incident.views import IncidentView
from incidents.policy.policy import Action

NEITHER: Final = "Choose a person, or a service, role or group."
BOTH: Final = "Choose a person, or a service, role or group; not both."


async def take_pressed(request: Request) -> Reply:
    """Say "I'm on it"."""
    escalation_id = escalation_of_value(request.value)
    outcome = await request.transact(partial(take, escalation_id=escalation_id))
    return Say(say(answered_text(outcome, slash=request.policy.command)))


# -- opening forms --------------------------------------------------------------------------


async def open_more(request: Request) -> Reply:
    """Open the form that asks the author for one more thing."""
    view, incident, metadata = await _for_form(request, action=Action.VIEW)
    template = template_of(view.template_key, request.policy)
    await request.open_view(forms.more_form(view, incident, template, metadata=metadata))
    return None


async def open_redirect(request: Request) -> Reply:
    """Open the form that passes it on."""
    view, incident, metadata = await _for_form(request, action=Action.VIEW)
    await request.open_view(forms.redirect_form(view, incident, metadata=metadata))
    return None


async def open_decline(request: Request) -> Reply:
    """Open the form that asks why they can't."""
    view, incident, metadata = await _for_form(request, action=Action.VIEW)
    await request.open_view(forms.decline_form(view, incident, metadata=metadata))
    return None


async def open_step(request: Request) -> Reply:
    """Open the form that calls a chosen step at once."""
    view, incident, metadata = await _for_form(request, action=Action.ESCALATE)
    if not view.waiting_steps:
        raise Superseded("escalation_steps")
    names = await names_in_steps(request, view)
    await request.open_view(forms.step_form(view, incident, names=names, metadata=metadata))
    return None


async def open_withdraw(request: Request) -> Reply:
    """Open the form that takes it back."""
    view, incident, metadata = await _for_form(request, action=Action.VIEW)
    await request.open_view(forms.withdraw_form(view, incident, metadata=metadata))
    return None


async def open_add(request: Request) -> Reply:
    """Open the packet to add to it."""
    view, incident, metadata = await _for_form(request, action=Action.ESCALATE)
    template = template_of(view.template_key, request.policy)
    await request.open_view(forms.add_form(view, incident, template, metadata=metadata))
    return None


async def _for_form(
    request: Request, *, action: Action
) -> tuple[EscalationView, IncidentView, str]:
    escalation_id = escalation_of_value(request.value)
    view, incident = await shown_escalation(request, escalation_id, action=action)
    known = {
        "incident_id": str(incident.id),
        "escalation_id": str(view.id),
        "version": view.packet_version,
    }
    return view, incident, json.dumps(known)


# -- forms submitted ------------------------------------------------------------------------


async def more_submitted(request: Request) -> Reply:
    """Ask the author for the field that was chosen."""
    field = field_of(request.form.choice("field") or "")
    use_case = partial(ask_for_more, escalation_id=_escalation_id(request), field=field)
    return await _submit(request, use_case, fallback="field")


async def redirect_submitted(request: Request) -> Reply:
    """Pass it on to whom the form names."""
    form = request.form
    target = target_of(form)
    if target is None:
        return FieldErrors({"person": BOTH if names_two(form) else NEITHER})
    use_case = partial(
        redirect,
        escalation_id=_escalation_id(request),
        target=target,
        reason=form.text("reason"),
    )
    return await _submit(request, use_case, fallback="person")


async def decline_submitted(request: Request) -> Reply:
    """Say that they can't, and why."""
    form = request.form
    why, words = forms.REASONS.get(form.choice("why") or "", ""), form.text("reason")
    reason = ": ".join(part for part in (why, words) if part)
    use_case = partial(decline, escalation_id=_escalation_id(request), reason=reason)
    return await _submit(request, use_case, fallback="reason")


async def step_submitted(request: Request) -> Reply:
    """Call the chosen step at once."""
    step = id_of(request.form.choice("step") or "")
    use_case = partial(call_step, escalation_id=_escalation_id(request), step=step)
    return await _submit(request, use_case, fallback="step")


async def withdraw_submitted(request: Request) -> Reply:
    """Take it back."""
    use_case = partial(
        withdraw, escalation_id=_escalation_id(request), reason=request.form.text("reason")
    )
    return await _submit(request, use_case, fallback="reason")


async def add_submitted(request: Request) -> Reply:
    """Make a new version of the packet of what was changed in the form; the rest stays."""
    view, _ = await shown_escalation(request, _escalation_id(request), action=Action.ESCALATE)
    template = template_of(view.template_key, request.policy)
    fields = fields_of(template)
    changes = _differences(read_changes(request.form, view.packet, fields=fields), view)
    fallback = block_of(fields[0])
    if not changes:
        return FieldErrors({fallback: "Nothing was changed. Close this to leave it as it is."})
    seen = request.metadata.get("version")
    if seen != view.packet_version:
        return FieldErrors(
            {fallback: "Somebody added to it meanwhile. Close this, open it again, and add yours."}
        )
    try:
        use_case = partial(complete, escalation_id=view.id, changes=changes)
        outcome = await request.transact(use_case)
    except InvalidInput as error:
        block = block_of(error.field)
        return FieldErrors({block: invalid_text(error.field, error.problem, error.example)})
    is_author = view.author is not None and view.author.id == request.actor.person_id
    return Say(completed_message(outcome, template, is_author=is_author))


def _differences(changes: Mapping[str, Any], view: EscalationView) -> dict[str, Any]:
    """Return what differs from the packet as it stands."""
    return {key: value for key, value in changes.items() if getattr(view.packet, key) != value}


def _escalation_id(request: Request) -> uuid.UUID:
    return id_of(str(request.metadata.get("escalation_id", "")))


async def _submit(request: Request, use_case: UseCase, *, fallback: str) -> Reply:
    """Carry it out; wrong input is answered in its field, the rest in the form's place."""
    try:
        outcome = await request.transact(use_case)
    except InvalidInput as error:
        return FieldErrors({fallback: invalid_text(error.field, error.problem, error.example)})
    return Say(say(answered_text(outcome, slash=request.policy.command)))


FEATURE = Feature(
    name="escalation_answers",
    actions={
        "escalation_take": take_pressed,
        "escalation_more_open": open_more,
        "escalation_redirect_open": open_redirect,
        "escalation_decline_open": open_decline,
        "escalation_step_open": open_step,
        "escalation_withdraw_open": open_withdraw,
        "escalation_add_open": open_add,
    },
    views={
        forms.MORE: more_submitted,
        forms.REDIRECT: redirect_submitted,
        forms.DECLINE: decline_submitted,
        forms.STEP: step_submitted,
        forms.WITHDRAW: withdraw_submitted,
        forms.ADD: add_submitted,
    },
)
