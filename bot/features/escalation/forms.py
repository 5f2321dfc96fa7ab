"""The escalation form, whose questions depend on the chosen kind, and the smaller forms."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bot.features.escalation.packet import inputs_for, name_of, read_packet
from bot.framework.arguments import OnIncident, from_view
from bot.framework.requests import Options, Reply, Request
from bot.slack import blocks, mentions
from bot.slack.truncation import shorten
from incidents.escalation.packet import FIELDS, READING_ORDER, Packet, rate
from incidents.escalation.prefill import EVIDENCE, evidence_text
from incidents.escalation.views import EscalationView
from incidents.incident.incident import IncidentRef
from incidents.incident.views import IncidentView
from incidents.policy.escalation import EscalationTemplate
from incidents.policy.packet_fields import PacketField
from incidents.policy.policy import Policy
from incidents.record.timeline_view import TimelineItem, get_timeline
from incidents.registry.entries import ENTRY_TYPES

TEMPLATE: Final = "escalation_template"
TARGET: Final = "escalation_target"
MARKED: Final = "escalation_marked"


class Escalating(OnIncident):
    """The start of an escalation: typed words or an ask, and evidence to add to the record's.

    `shown` is the key of the kind whose questions the form shows; `to` is the target, as in
    `service:checkout`.
    """

    ask: str = ""
    evidence: str = ""
    typed: str = ""
    shown: str = ""
    has_marked: bool = False
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationForm:
    """The form's current values: what the person chose, and what the record filled in."""

    incident: IncidentView
    packet: Packet
    template: EscalationTemplate
    person: str | None = None
    target: blocks.Option | None = None
    has_marked: bool = False
    is_urgent: bool = False


def escalation_form(form: EscalationForm, policy: Policy) -> blocks.View:
    """Return the form; every field of the packet is optional."""
    incident = form.incident
    return blocks.modal(
        f"Escalate {incident.reference}",
        blocks=[
            blocks.context(
                f"{mentions.escape_line(incident.severity_name)} {mentions.escape_line(incident.title)}. "
                "Filled in from the record as far as it goes. Nothing missing holds up a call."
            ),
            *_target_inputs(form, policy),
            *_private_hint(form),
            _urgent(is_urgent=form.is_urgent),
            *packet_inputs(form.packet, form.template, has_marked=form.has_marked),
        ],
        submit="Escalate",
    )


def _target_inputs(form: EscalationForm, policy: Policy) -> tuple[blocks.Block, ...]:
    kinds = [
        blocks.option(item.name, value=item.key, description=item.meaning)
        for item in policy.escalation.templates
    ]
    person = blocks.user_select("person", label="Who to call", initial=form.person, optional=True)
    target = blocks.external_select(
        "target",
        label="Or a service, role or group",
        action_id=TARGET,
        initial=form.target,
        optional=True,
        hint="One of the two. With neither, it goes to the people that the kind below calls.",
    )
    kind = blocks.select(
        "template",
        label="Kind",
        options=kinds,
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
        label="No time to fill this in?",
        options=[
            blocks.option(
                "Send now, complete after",
                value="urgent",
                description="I am asked for what is missing by direct message.",
            )
        ],
        initial=["urgent"] if is_urgent else [],
    )


def packet_inputs(
    packet: Packet, template: EscalationTemplate, *, has_marked: bool = False
) -> tuple[blocks.Block, ...]:
    """Return an input for each field of a packet and each question of its kind."""
    body: list[blocks.Block] = []
    for key in READING_ORDER:
        if key is PacketField.EVIDENCE and has_marked:
            body.append(_marked())
        body += inputs_for(key, packet, template=template)
        if key is PacketField.ANSWER_BY:
            for question in template.questions:
                body += inputs_for(question.key, packet, template=template)
    return tuple(body)


def _marked() -> blocks.Block:
    return blocks.multi_external_select(
        "marked",
        label="Marked messages as evidence",
        action_id=MARKED,
        optional=True,
        placeholder="Choose from the timeline",
    )


def fields_of(template: EscalationTemplate) -> tuple[str, ...]:
    """Return every field and question key of this kind's form."""
    return (*FIELDS, *(question.key for question in template.questions))


def template_of(key: str, policy: Policy) -> EscalationTemplate:
    """Return the kind with this key, or the default if the policy doesn't have it."""
    escalation = policy.escalation
    found = escalation.find_template(key) or escalation.find_template(escalation.default_template)
    return found or escalation.templates[0]


def packet_of(form: blocks.FormState, packet: Packet, *, template: EscalationTemplate) -> Packet:
    """Return the packet with the form's current values."""
    return read_packet(form, packet, fields=fields_of(template))


def with_evidence(evidence: str, lines: Sequence[str]) -> str:
    """Return the evidence followed by the lines that it doesn't contain yet."""
    known = evidence.strip()
    fresh = [line for line in dict.fromkeys(lines) if line and line not in known]
    return "\n".join(part for part in (known, *fresh) if part)


_MOST = 100
_LONGEST_LINE = 400


async def suggest_evidence(request: Request) -> Reply:
    """Offer marked timeline entries that contain the typed text, newest first."""
    typed = str(request.payload.get("value") or "").casefold()
    items = await find_marked(request, from_view(Escalating, request.view).ref)
    options = [_option(item) for item in reversed(items) if typed in _text(item).casefold()]
    return Options(options=options[:_MOST])


async def find_marked(request: Request, ref: IncidentRef) -> Sequence[TimelineItem]:
    """Return the marked messages and files of an incident that this person may see."""
    timeline = await request.read(get_timeline, ref, entry_types=ENTRY_TYPES)
    return [
        item
        for item in timeline.items
        if item.entry.kind in EVIDENCE
        and not item.entry.is_withdrawn
        and not item.entry.is_redacted
    ]


async def chosen_evidence(request: Request, ref: IncidentRef, ids: Iterable[str]) -> list[str]:
    """Return the chosen entries as lines for the packet, each with its link."""
    wanted = {uuid.UUID(one) for one in ids}
    if not wanted:
        return []
    return [
        evidence_line(_text(item), item.link)
        for item in await find_marked(request, ref)
        if item.entry.id in wanted
    ]


def evidence_line(text: str, link: str) -> str:
    """Return one piece of evidence: its text on one line, and its link."""
    said = shorten(" ".join(text.split()), _LONGEST_LINE)
    return f"{said} {link}".strip()


def _text(item: TimelineItem) -> str:
    return evidence_text(item.entry)


def _option(item: TimelineItem) -> blocks.Option:
    at, by = item.entry.occurred_at, item.entry.actor_name
    return blocks.option(
        _text(item), value=str(item.entry.id), description=f"{at:%H:%M} UTC, marked by {by}"
    )


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
            blocks.context("They are asked at once. The next step is still called in time."),
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
            blocks.section("Nobody is called any more, and those who were called are told so."),
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
