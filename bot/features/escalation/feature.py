"""Escalating: `escalate`, its form, the shortcut on a message, and the answers' command."""

from dataclasses import replace
from functools import partial

from bot.features.escalation import messages as escalation_entries
from bot.features.escalation.buttons import BOTH
from bot.features.escalation.forms import (
    FORM,
    MARKED,
    TARGET,
    TEMPLATE,
    EscalationForm,
    chosen_evidence,
    escalation_form,
    evidence_line,
    find_marked,
    packet_of,
    suggest_evidence,
    template_of,
    with_evidence,
)
from bot.features.escalation.packet import block_of
from bot.features.escalation.replies import id_of, sent_message, shown_escalation
from bot.features.escalation.targets import (
    Meant,
    meant_by,
    names_two,
    near_message,
    near_targets,
    option_of,
    suggest_targets,
    target_of,
)
from bot.features.record.marked_messages import plain_text
from bot.framework.feature import Command, Feature
from bot.framework.incident_forms import view_for_form
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request
from bot.slack import mentions
from incidents.core.errors import IncidentNotFound, InvalidInput
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.escalate import EscalationDraft, escalate
from incidents.escalation.packet import Packet
from incidents.escalation.prefill import prefill
from incidents.escalation.targets import PersonTarget, Target
from incidents.incident.incident import ById, Incident, IncidentRef, lock_incident
from incidents.incident.timeline import EntryKind
from incidents.policy.escalation import EscalationTemplate
from incidents.policy.policy import Action

_EXAMPLES = (
    "escalate @alice Is it safe to fail over the orders database?",
    "escalate checkout Payments fail since 14:02, please look at the last deploy",
    "escalate",
)


# -- by command -----------------------------------------------------------------------------


async def escalate_command(request: Request) -> Reply:
    """Send at once to whom is named, with the words as the ask; without words open the form."""
    meant = meant_by(request.words.text, request.policy)
    ref = request.incident_ref()
    if not meant.is_sure:
        near = await near_targets(request, request.words.text)
        if near:
            incident = await view_for_form(request, ref, action=Action.ESCALATE)
            words = request.words.text
            return Say(
                near_message(request, near, before="escalate", incident=incident, words=words)
            )
    if meant.is_named and meant.rest:
        return await _send_at_once(request, ref, meant)
    return await _open(request, ref, meant)


async def _send_at_once(request: Request, ref: IncidentRef, meant: Meant) -> Reply:
    ask = mentions.plain(meant.rest)
    template = template_of(meant.template.key if meant.template else "", request.policy)
    draft = EscalationDraft(
        target=meant.target, template_key=template.key, packet=Packet(ask=ask), is_urgent=True
    )
    outcome = await request.transact(partial(_escalate_prefilled, ref=ref, draft=draft))
    return await _sent(request, outcome, template)


async def _escalate_prefilled(
    uow: UnitOfWork, *, ref: IncidentRef, draft: EscalationDraft
) -> Outcome:
    """Escalate with what the record says, besides what was typed."""
    incident = await lock_incident(
        uow.session, ref, workspace_id=uow.workspace_id, viewer=uow.actor
    )
    known = await prefill(uow.session, incident)
    packet = replace(known, ask=draft.packet.ask)
    return await escalate(uow, ById(incident.id), replace(draft, packet=packet))


# -- the form -------------------------------------------------------------------------------


async def open_escalation(
    request: Request, ref: IncidentRef, *, evidence: str = "", is_urgent: bool = False
) -> Reply:
    """Open the form, filled in from the record; `evidence` is added to what the record has.

    Raises: IncidentNotFound; NotPermitted.
    """
    return await _open(request, ref, Meant(), evidence=evidence, is_urgent=is_urgent)


async def open_pressed(request: Request) -> Reply:
    """Open the form from a button."""
    return await open_escalation(request, request.incident_of_value())


async def open_words(request: Request) -> Reply:
    """Open the form with the words of a command as the ask: they name nobody after all."""
    words = request.value.partition("|")[2]
    return await _open(request, request.incident_of_value(), Meant(rest=words))


async def _open(
    request: Request,
    ref: IncidentRef,
    meant: Meant,
    *,
    evidence: str = "",
    is_urgent: bool = False,
) -> Reply:
    view = await view_for_form(request, ref, action=Action.ESCALATE)
    async with request.services.database.reading() as session:
        known = await prefill(session, await session.get_one(Incident, view.id))
    target: Target | None = meant.target
    packet = replace(
        known,
        ask=mentions.plain(meant.rest) or known.ask,
        evidence=with_evidence(known.evidence, [evidence]),
    )
    form = EscalationForm(
        incident=view,
        packet=packet,
        template=template_of(meant.template.key if meant.template else "", request.policy),
        person=target.external_id if isinstance(target, PersonTarget) else None,
        target=option_of(target, request.policy),
        has_marked=bool(await find_marked(request, ById(view.id))),
        is_urgent=is_urgent,
    )
    await request.open_view(escalation_form(form, request.policy))
    return None


async def template_chosen(request: Request) -> Reply:
    """Show the questions of the kind that was chosen; what was filled in stays."""
    ref = request.incident_of_metadata()
    view = await view_for_form(request, ref, action=Action.ESCALATE)
    state = request.form
    before = template_of(str(request.metadata.get("template", "")), request.policy)
    form = EscalationForm(
        incident=view,
        packet=packet_of(state, Packet(), template=before),
        template=template_of(state.choice("template") or "", request.policy),
        person=state.user("person"),
        target=option_of(target_of(state), request.policy),
        has_marked=bool(request.metadata.get("has_marked")),
        is_urgent=state.checked("urgent"),
    )
    await request.services.gateway.update_view(
        view_id=str(request.view["id"]),
        view=escalation_form(form, request.policy),
        if_hash=str(request.view.get("hash") or "") or None,
    )
    return None


async def form_submitted(request: Request) -> Reply:
    """Send from the form; wrong input is answered in its field."""
    form, ref = request.form, request.incident_of_metadata()
    if names_two(form):
        return FieldErrors({"person": BOTH})
    template = template_of(form.choice("template") or "", request.policy)
    packet = packet_of(form, Packet(), template=template)
    if packet.answer_by is not None and packet.answer_by <= request.now:
        return FieldErrors({"answer_by": "This is over already. Empty means as soon as possible."})
    lines = await chosen_evidence(request, ref, form.choices("marked"))
    draft = EscalationDraft(
        target=target_of(form),
        template_key=template.key,
        packet=replace(packet, evidence=with_evidence(packet.evidence, lines)),
        is_urgent=form.checked("urgent"),
    )
    try:
        outcome = await request.transact(partial(escalate, ref=ref, draft=draft))
    except InvalidInput as error:
        text = invalid_text(error.field, error.problem, error.example)
        return FieldErrors({_block_with(error.field, form.user("person") is not None): text})
    return await _sent(request, outcome, template)


async def _sent(request: Request, outcome: Outcome, template: EscalationTemplate) -> Reply:
    """Tell the author what was sent, who is called when, and what it still lacks."""
    escalation_id = id_of(str(outcome.data["escalation_id"]))
    view, incident = await shown_escalation(request, escalation_id)
    slash = request.policy.command
    return Say(sent_message(outcome, incident, template, view=view, slash=slash))


def _block_with(field: str, is_person: bool) -> str:  # noqa: FBT001
    """Return the input that a refused value came from."""
    match field:
        case "target":
            return "person" if is_person else "target"
        case "service" | "role":
            return "target"
        case "template":
            return "template"
    return block_of(field)


# -- from a message -------------------------------------------------------------------------


async def escalate_from_message(request: Request) -> Reply:
    """Open the form with a message of the incident channel as evidence."""
    raw, channel_id = request.message, request.channel_id or ""
    text = await plain_text(request.services, str(raw.get("text") or ""))
    link = await request.services.gateway.permalink(channel_id, str(raw["ts"]))
    try:
        return await open_escalation(
            request, request.incident_ref(), evidence=evidence_line(text, link)
        )
    except IncidentNotFound:
        slash = request.policy.command
        text = (
            "This channel doesn't belong to an incident, so nobody was called. In its channel, or "
            f"with its reference: `{slash} INC-12 escalate`. For a new one: `{slash} declare`."
        )
        return Say(say(text))


FEATURE = Feature(
    name="escalation",
    commands=(
        Command(
            name="escalate",
            usage="escalate [@person|service|role|@group] [what you need]",
            summary="Call somebody who can help, with the facts; alone, opens the form.",
            handler=escalate_command,
            aliases=("esc",),
            examples=_EXAMPLES,
            is_once_a_minute=True,
        ),
    ),
    actions={
        "escalate_open": open_pressed,
        "escalate_words_open": open_words,
        TEMPLATE: template_chosen,
    },
    views={FORM: form_submitted},
    options={TARGET: suggest_targets, MARKED: suggest_evidence},
    shortcuts={"escalate_from_message": escalate_from_message},
    entries={
        EntryKind.ESCALATION_TAKEN: escalation_entries.taken_entry,
        EntryKind.ESCALATION_EXHAUSTED: escalation_entries.exhausted_entry,
    },
    direct_entries={
        EntryKind.ESCALATION_TAKEN: escalation_entries.taken_directly,
        EntryKind.ESCALATION_EXHAUSTED: escalation_entries.exhausted_directly,
        EntryKind.ESCALATION_QUESTIONED: escalation_entries.questioned_directly,
        EntryKind.ESCALATION_COMPLETED: escalation_entries.completed_directly,
        EntryKind.ESCALATION_WITHDRAWN: escalation_entries.withdrawn_directly,
    },
    endings={
        EntryKind.ESCALATION_EXHAUSTED: escalation_entries.escalation_ending,
        EntryKind.ESCALATION_QUESTIONED: escalation_entries.escalation_ending,
        EntryKind.ESCALATION_WITHDRAWN: escalation_entries.withdrawn_ending,
    },
)
