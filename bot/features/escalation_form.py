"""The form that escalates, and the small ones beside it; its questions follow the kind chosen."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.features.escalation_fields import FIELDS, inputs_for, read_packet
from bot.slack import blocks as b
from bot.slack import mentions as m
from incidents.escalation_policy import EscalationTemplate
from incidents.packet import Packet, PacketField
from incidents.policy import Policy
from incidents.read_models import IncidentView

FORM: Final = "escalation_form"
TEMPLATE: Final = "escalation_template"
TARGET: Final = "escalation_target"
MARKED: Final = "escalation_marked"

_F = PacketField
# In this order somebody can answer who has just woken up: first what is wanted, then what is known.
_ORDER: Final = (
    *(_F.ASK, _F.ANSWER_BY, _F.SYMPTOMS, _F.SINCE, _F.SCOPE, _F.IMPACT),
    *(_F.EVIDENCE, _F.CHANGES, _F.TRIED, _F.HYPOTHESIS, _F.CONFIDENCE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationForm:
    """What the form shows: chosen so far, and filled in from the record."""

    incident: IncidentView
    packet: Packet
    template: EscalationTemplate
    person: str | None = None
    target: b.Option | None = None
    has_marked: bool = False
    is_urgent: bool = False


def escalation_form(form: EscalationForm, policy: Policy) -> b.View:
    """Return the form; nothing in it but whom to call is required."""
    incident = form.incident
    metadata = {
        "incident_id": str(incident.id),
        "template": form.template.key,
        "has_marked": form.has_marked,
    }
    return b.modal(
        f"Escalate {incident.reference}",
        blocks=[
            b.context(
                f"{m.escape_line(incident.severity_name)} {m.escape_line(incident.title)}. "
                "Filled in from the record as far as it goes. Nothing missing holds up a call."
            ),
            *_whom(form, policy),
            *_private_hint(form),
            _urgent(is_urgent=form.is_urgent),
            *packet_inputs(form.packet, form.template, has_marked=form.has_marked),
        ],
        callback_id=FORM,
        submit="Escalate",
        private_metadata=json.dumps(metadata),
    )


def _whom(form: EscalationForm, policy: Policy) -> tuple[b.Block, ...]:
    kinds = [
        b.option(item.name, value=item.key, description=item.meaning)
        for item in policy.escalation.templates
    ]
    person = b.user_select("person", label="Whom to call", initial=form.person, optional=True)
    target = b.external_select(
        "target",
        label="Or a service, role or group",
        action_id=TARGET,
        initial=form.target,
        optional=True,
        hint="One of the two. With neither, it goes to whom the kind below reaches.",
    )
    kind = b.select(
        "template",
        label="Kind",
        options=kinds,
        initial=form.template.key,
        action_id=TEMPLATE,
        dispatch=True,
        hint="Each kind asks for what its people need first.",
    )
    return (person, target, kind)


def _private_hint(form: EscalationForm) -> tuple[b.Block, ...]:
    if not form.template.may_move_to_private or form.incident.is_private:
        return ()
    return (
        b.context(
            "What you write here is shown in the incident's channel. Better in private? Send it "
            "first with little in it, then press *Move to private…*: its form says what stays "
            "readable, and there is no way back."
        ),
    )


def _urgent(*, is_urgent: bool) -> b.Block:
    return b.checkboxes(
        "urgent",
        label="No time to fill this in?",
        options=[
            b.option(
                "Send now, complete after",
                value="urgent",
                description="I am asked for what is missing by direct message.",
            )
        ],
        initial=["urgent"] if is_urgent else [],
    )


def packet_inputs(
    packet: Packet, template: EscalationTemplate, *, has_marked: bool = False
) -> tuple[b.Block, ...]:
    """Return an input for each field of a packet and each question of its kind."""
    blocks: list[b.Block] = []
    for key in _ORDER:
        if key is _F.EVIDENCE and has_marked:
            blocks.append(_marked())
        blocks += inputs_for(key, packet, template=template)
        if key is _F.ANSWER_BY:
            for question in template.questions:
                blocks += inputs_for(question.key, packet, template=template)
    return tuple(blocks)


def _marked() -> b.Block:
    return b.multi_external_select(
        "marked",
        label="Marked messages as evidence",
        action_id=MARKED,
        optional=True,
        placeholder="Choose from the timeline",
    )


def fields_of(template: EscalationTemplate) -> tuple[str, ...]:
    """Return every field that the form has for this kind."""
    return (*FIELDS, *(question.key for question in template.questions))


def template_of(key: str, policy: Policy) -> EscalationTemplate:
    """Return the kind with this key; one that the policy doesn't have (any more) is the default."""
    escalation = policy.escalation
    found = escalation.find_template(key) or escalation.find_template(escalation.default_template)
    return found or escalation.templates[0]


def packet_of(form: b.FormState, packet: Packet, *, template: EscalationTemplate) -> Packet:
    """Return the packet as the form has it now."""
    return read_packet(form, packet, fields=fields_of(template))


def with_evidence(evidence: str, lines: Sequence[str]) -> str:
    """Return the evidence with chosen entries below it, each once."""
    known = evidence.strip()
    fresh = [line for line in dict.fromkeys(lines) if line and line not in known]
    return "\n".join(part for part in (known, *fresh) if part)
