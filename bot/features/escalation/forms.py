"""The escalation form, short until somebody adds details, and the smaller forms."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bot.features.escalation.evidence import evidence_inputs
from bot.features.escalation.packet import inputs_for, name_of, names_of
from bot.framework.arguments import OnIncident
from bot.slack import blocks, mentions
from incidents.escalation.packet import FIELDS, READING_ORDER, Packet, rate
from incidents.escalation.views import EscalationView
from incidents.incident.views import IncidentView
from incidents.policy.escalation import EscalationTemplate
from incidents.policy.packet_fields import PacketField
from incidents.policy.policy import Policy
from incidents.record.timeline_view import TimelineItem

TEMPLATE: Final = "escalation_template"
TARGET: Final = "escalation_target"
DETAILS: Final = "escalation_details"


class Escalating(OnIncident):
    """The start of an escalation: typed words or an ask, and evidence to add to the record's.

    `shown` is the key of the kind whose questions the form shows, `is_full`: with all details; `to`
    is the target, as in `service:checkout`.
    """

    ask: str = ""
    evidence: str = ""
    typed: str = ""
    shown: str = ""
    is_full: bool = False
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationForm:
    """The form's current values: what the person chose, and what the record filled in.

    `ticked` is the chosen evidence out of `recorded`; None: nobody has chosen yet.
    """

    incident: IncidentView
    packet: Packet
    template: EscalationTemplate
    person: str | None = None
    target: blocks.Option | None = None
    recorded: Sequence[TimelineItem] = ()
    ticked: Collection[str] | None = None
    is_urgent: bool = False
    is_full: bool = False


def escalation_form(form: EscalationForm, policy: Policy) -> blocks.View:
    """Return the form: who, the ask, urgent and evidence; with all fields once it `is_full`.

    Every field of the packet is optional.
    """
    incident, packet, template = form.incident, form.packet, form.template
    recorded = evidence_inputs(form.recorded, ticked=form.ticked, is_full=form.is_full)
    return blocks.modal(
        f"Escalate {incident.reference}",
        blocks=[
            blocks.context(
                f"{mentions.escape_line(incident.severity_name)} {mentions.escape_line(incident.title)}. "
                "Nothing missing delays a call."
            ),
            *_target_inputs(form, policy),
            *_private_hint(form),
            *inputs_for(PacketField.ASK, packet, template=template),
            _urgent(is_urgent=form.is_urgent),
            *recorded,
            *(_details(form) if form.is_full else _fewer(form)),
        ],
        submit="Escalate",
    )


def _target_inputs(form: EscalationForm, policy: Policy) -> tuple[blocks.Block, ...]:
    person = blocks.user_select("person", label="Who to call", initial=form.person, optional=True)
    target = blocks.external_select(
        "target",
        label="Or a service, role or group",
        action_id=TARGET,
        initial=form.target,
        optional=True,
        hint=f"One of the two. With neither, I call those that the policy names for {form.template.name}.",
    )
    if not form.is_full:
        return (person, target)
    kind = blocks.select(
        "template",
        label="Kind",
        options=[
            blocks.option(item.name, value=item.key, description=item.meaning)
            for item in policy.escalation.templates
        ],
        initial=form.template.key,
        action_id=TEMPLATE,
        dispatch=True,
        hint="Each kind asks for what its people need first.",
    )
    return (person, target, kind)


def _private_hint(form: EscalationForm) -> tuple[blocks.Block, ...]:
    if not form.template.may_move_to_private or form.incident.is_private:
        return ()
    return (
        blocks.context(
            "What you write here is shown in the incident's channel. Better in private? Send it "
            "first with little in it, then press *Move to private…*: its form says what stays "
            "readable, and there is no way back."
        ),
    )


def _urgent(*, is_urgent: bool) -> blocks.Block:
    return blocks.checkboxes(
        "urgent",
        label="Urgent?",
        options=[
            blocks.option(
                "Send now, complete after",
                value="urgent",
                description="I ask you for what is missing by direct message.",
            )
        ],
        initial=["urgent"] if is_urgent else [],
    )


def _fewer(form: EscalationForm) -> tuple[blocks.Block, ...]:
    """Return a message's text as evidence, what the record adds by itself, and the way to more."""
    known = [name for name in READING_ORDER if name not in SHORT and form.packet.has(name)]
    sent = f"Sent with it, from the record: {names_of(known, form.template)}." if known else ""
    return (
        *(
            inputs_for(PacketField.EVIDENCE, form.packet, template=form.template)
            if form.packet.evidence
            else ()
        ),
        *((blocks.context(sent),) if sent else ()),
        blocks.actions(blocks.button("Add details", action_id=DETAILS)),
    )


def _details(form: EscalationForm) -> tuple[blocks.Block, ...]:
    return packet_inputs(form.packet, form.template, without=(PacketField.ASK,))


def packet_inputs(
    packet: Packet, template: EscalationTemplate, *, without: Collection[PacketField] = ()
) -> tuple[blocks.Block, ...]:
    """Return an input for each field of a packet and each question of its kind."""
    body: list[blocks.Block] = []
    for key in READING_ORDER:
        if key not in without:
            body += inputs_for(key, packet, template=template)
        if key is PacketField.ANSWER_BY:
            for question in template.questions:
                body += inputs_for(question.key, packet, template=template)
    return tuple(body)


# The fields of the packet that the short form asks for.
SHORT: Final = (PacketField.ASK, PacketField.EVIDENCE)


def fields_of(template: EscalationTemplate) -> tuple[str, ...]:
    """Return every field and question key of this kind's form."""
    return (*FIELDS, *(question.key for question in template.questions))


def template_of(key: str, policy: Policy) -> EscalationTemplate:
    """Return the kind with this key, or the default if the policy doesn't have it."""
    escalation = policy.escalation
    found = escalation.find_template(key) or escalation.find_template(escalation.default_template)
    return found or escalation.templates[0]


_LONGEST_REASON: Final = 400

# Quicker than typing at 3 a.m.; none demands an excuse.
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
) -> blocks.View:
    """Return the form that asks the author for one field; missing fields come first."""
    missing = rate(view.packet, template).missing
    keys = (*missing, *FIELDS, *(question.key for question in template.questions))
    options = [
        blocks.option(
            name_of(key, template),
            value=key,
            description="Not known yet" if key in missing else None,
        )
        for key in dict.fromkeys(keys)
    ]
    return blocks.modal(
        "What do you need?",
        blocks=(
            _about(view, incident),
            blocks.select(
                "field", label="Ask the author for", options=options, initial=str(keys[0])
            ),
            blocks.context("I ask the author at once, and still call the next step in time."),
        ),
        submit="Ask",
    )


def redirect_form(view: EscalationView, incident: IncidentView) -> blocks.View:
    """Return the form that redirects the escalation with its whole packet."""
    return blocks.modal(
        "Pass it on",
        blocks=(
            _about(view, incident),
            blocks.user_select("person", label="To", optional=True),
            blocks.external_select(
                "target",
                label="Or a service, role or group",
                action_id=TARGET,
                optional=True,
                hint="One of the two. They are called at once, with the same packet.",
            ),
            _reason("What should they know?"),
        ),
        submit="Pass on",
    )


def decline_form(view: EscalationView, incident: IncidentView) -> blocks.View:
    """Return the form that says why somebody can't take it."""
    options = [blocks.option(text or "Something else", value=key) for key, text in REASONS.items()]
    return blocks.modal(
        "Can't take it",
        blocks=(
            _about(view, incident),
            blocks.radio("why", label="Why", options=options, initial="unavailable"),
            _reason("In your words"),
        ),
        submit="Next, please",
    )


def step_form(
    view: EscalationView, incident: IncidentView, *, names: Mapping[str, str]
) -> blocks.View:
    """Return the form that calls a chosen step at once; `names` maps ids and addresses to names."""
    options = [
        blocks.option(", ".join(names.get(name, name) for name in step.reach), value=str(step.id))
        for step in view.waiting_steps
    ]
    return blocks.modal(
        "Call next step now",
        blocks=(
            _about(view, incident),
            blocks.select("step", label="Who to call", options=options, initial=options[0].value),
            blocks.context("People called before stay called, and can still answer."),
        ),
        submit="Call now",
    )


def withdraw_form(view: EscalationView, incident: IncidentView) -> blocks.View:
    """Return the form that withdraws an escalation."""
    return blocks.modal(
        "Withdraw",
        blocks=(
            _about(view, incident),
            blocks.section("I call nobody else, and tell the people I called."),
            _reason("Why"),
        ),
        submit="Withdraw",
    )


def add_form(
    view: EscalationView,
    incident: IncidentView,
    template: EscalationTemplate,
) -> blocks.View:
    """Return the form to add to the packet, prefilled with what is known."""
    return blocks.modal(
        f"Add to escalation {view.number}",
        blocks=(_about(view, incident), *packet_inputs(view.packet, template)),
        submit="Add",
    )


def _about(view: EscalationView, incident: IncidentView) -> blocks.Block:
    title = mentions.escape_line(incident.title)
    return blocks.context(f"{incident.reference} {title}, escalation {view.number}")


def _reason(label: str) -> blocks.Block:
    return blocks.text_input(
        "reason", label=label, multiline=True, optional=True, max_length=_LONGEST_REASON
    )
