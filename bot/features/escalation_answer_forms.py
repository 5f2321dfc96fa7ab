"""The small forms that answer an escalation, and the one that adds to its packet."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.features.escalation_fields import FIELDS, name_of
from bot.features.escalation_form import TARGET, packet_inputs
from bot.slack import blocks as b
from bot.slack import mentions as m
from incidents.completeness import rate
from incidents.escalation_policy import EscalationTemplate
from incidents.escalation_views import EscalationView
from incidents.read_models import IncidentView

MORE: Final = "escalation_more"
REDIRECT: Final = "escalation_redirect"
DECLINE: Final = "escalation_decline"
STEP: Final = "escalation_step"
WITHDRAW: Final = "escalation_withdraw"
ADD: Final = "escalation_add"

_LONGEST_REASON: Final = 400

# Quicker than typing at 3 a.m.; none of them asks for an excuse.
REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unavailable": "Not able to work on it now",
        "busy": "Busy with another incident",
        "not_mine": "Not mine, and I don't know whose",
        "other": "",
    }
)


def more_form(
    view: EscalationView,
    incident: IncidentView,
    template: EscalationTemplate,
    *,
    metadata: str,
) -> b.View:
    """Return the form that asks the author for one field; what is missing comes first."""
    missing = rate(view.packet, template).missing
    keys = (*missing, *FIELDS, *(question.key for question in template.questions))
    options = [
        b.option(
            name_of(key, template),
            value=key,
            description="Not known yet" if key in missing else None,
        )
        for key in dict.fromkeys(keys)
    ]
    return b.modal(
        "What do you need?",
        blocks=(
            _about(view, incident),
            b.select("field", label="Ask the author for", options=options, initial=str(keys[0])),
            b.context("They are asked at once. The next step is still called in time."),
        ),
        callback_id=MORE,
        submit="Ask",
        private_metadata=metadata,
    )


def redirect_form(view: EscalationView, incident: IncidentView, *, metadata: str) -> b.View:
    """Return the form that passes the escalation on with everything in it."""
    return b.modal(
        "Pass it on",
        blocks=(
            _about(view, incident),
            b.user_select("person", label="To whom", optional=True),
            b.external_select(
                "target",
                label="Or a service, role or group",
                action_id=TARGET,
                optional=True,
                hint="One of the two. They are called at once, with the same packet.",
            ),
            _reason("What should they know?"),
        ),
        callback_id=REDIRECT,
        submit="Pass on",
        private_metadata=metadata,
    )


def decline_form(view: EscalationView, incident: IncidentView, *, metadata: str) -> b.View:
    """Return the form that says why somebody can't take it."""
    options = [b.option(text or "Something else", value=key) for key, text in REASONS.items()]
    return b.modal(
        "Can't take it",
        blocks=(
            _about(view, incident),
            b.radio("why", label="Why", options=options, initial="unavailable"),
            _reason("In your words"),
        ),
        callback_id=DECLINE,
        submit="Next, please",
        private_metadata=metadata,
    )


def step_form(
    view: EscalationView, incident: IncidentView, *, names: Mapping[str, str], metadata: str
) -> b.View:
    """Return the form that calls a chosen step at once; `names` of people by id or address."""
    options = [
        b.option(", ".join(names.get(name, name) for name in step.reach), value=str(step.id))
        for step in view.waiting_steps
    ]
    return b.modal(
        "Call next step now",
        blocks=(
            _about(view, incident),
            b.select("step", label="Whom", options=options, initial=options[0].value),
            b.context("Whoever was called before stays called, and can still answer."),
        ),
        callback_id=STEP,
        submit="Call now",
        private_metadata=metadata,
    )


def withdraw_form(view: EscalationView, incident: IncidentView, *, metadata: str) -> b.View:
    """Return the form that takes an escalation back."""
    return b.modal(
        "Withdraw",
        blocks=(
            _about(view, incident),
            b.section("Nobody is called any more, and those who were called are told so."),
            _reason("Why"),
        ),
        callback_id=WITHDRAW,
        submit="Withdraw",
        private_metadata=metadata,
    )


def add_form(
    view: EscalationView,
    incident: IncidentView,
    template: EscalationTemplate,
    *,
    metadata: str,
) -> b.View:
    """Return the whole packet to add to, with what is known so far."""
    return b.modal(
        f"Add to escalation {view.number}",
        blocks=(_about(view, incident), *packet_inputs(view.packet, template)),
        callback_id=ADD,
        submit="Add",
        private_metadata=metadata,
    )


def _about(view: EscalationView, incident: IncidentView) -> b.Block:
    title = m.escape_line(incident.title)
    return b.context(f"{incident.reference} {title}, escalation {view.number}")


def _reason(label: str) -> b.Block:
    return b.text_input(
        "reason", label=label, multiline=True, optional=True, max_length=_LONGEST_REASON
    )
