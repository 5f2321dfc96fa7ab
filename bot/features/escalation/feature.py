"""`escalate`: the command, its form, and the shortcut on a message."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from bot.features.escalation import messages
from bot.features.escalation.buttons import BOTH
from bot.features.escalation.evidence import (
    MARKED,
    chosen_evidence,
    evidence_line,
    find_evidence,
    suggest_evidence,
    ticked_in,
    with_evidence,
)
from bot.features.escalation.forms import (
    DETAILS,
    SHORT,
    TARGET,
    TEMPLATE,
    Escalating,
    EscalationForm,
    escalation_form,
    fields_of,
    template_of,
)
from bot.features.escalation.packet import block_of, read_changes, read_packet
from bot.features.escalation.replies import (
    is_it_a_target,
    near_message,
    sent_message,
    shown_escalation,
    unknown_target,
)
from bot.features.escalation.targets import (
    Meant,
    find_handle,
    name_that_begins,
    names_two,
    near_targets,
    option_of,
    suggest_targets,
    target_in,
    target_of,
    target_typed,
    text_of,
)
from bot.features.lifecycle.by_hand import call_by_hand
from bot.features.record.references import plain_text
from bot.framework.arguments import from_view
from bot.framework.entry_messages import ends, shown
from bot.framework.feature import Feature
from bot.framework.refusals import invalid_text, say
from bot.framework.requests import FieldErrors, Reply, Request, Say
from bot.framework.slack_refusals import with_silence
from bot.framework.slash_commands import Flag, Repeat
from bot.framework.verbs import Form, Verb, view_for_form
from bot.slack import blocks, mentions, message_content
from incidents.core.errors import DomainError, IncidentNotFound, InvalidInput
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.escalation.entries import (
    EscalationCompleted,
    EscalationExhausted,
    EscalationQuestioned,
    EscalationTaken,
    EscalationWithdrawn,
)
from incidents.escalation.escalate import EscalationDraft, escalate
from incidents.escalation.packet import Packet
from incidents.escalation.prefill import prefill
from incidents.escalation.targets import PersonTarget, Target
from incidents.incident.incident import ById, Incident, IncidentRef, lock_incident
from incidents.policy.escalation import EscalationTemplate
from incidents.policy.policy import Action, Policy

_EXAMPLES = (
    "escalate @alice Is it safe to fail over the orders database?",
    "escalate --to checkout Payments fail since 14:02, please look at the last deploy",
    "escalate",
)


# -- by command -----------------------------------------------------------------------------


async def perform(request: Request, given: Escalating) -> Reply:
    """Escalate at once if the text names a target and an ask; otherwise ask, or open the form."""
    if request.is_form:
        return await send(request, given)
    if request.is_button:
        return await _send_at_once(request, given.ref, _carried(given, request.policy))
    to = request.words.flags.get("to", "")
    meant = target_typed(given.typed, to=to, policy=request.policy)
    if meant.unknown.startswith("@"):
        target = await find_handle(request, meant.unknown)
        meant = Meant(target=target, rest=meant.rest) if target is not None else meant
    question = await _question(request, given, meant)
    if question is not None:
        return Say(question)
    if meant.is_named and meant.rest:
        return await _send_at_once(request, given.ref, meant)
    ask = mentions.plain(meant.rest)
    return await ESCALATE.ask(request, Escalating(given.ref, ask=ask, to=text_of(meant)))


async def _question(request: Request, given: Escalating, meant: Meant) -> blocks.Message | None:
    """Return what to ask before anybody is called; None if the target is clear."""
    doubtful = Meant() if meant.is_named else name_that_begins(meant.rest, request.policy)
    if not (meant.unknown or meant.second or doubtful.is_named):
        return None
    incident = await view_for_form(request, given.ref, action=Action.ESCALATE)
    if doubtful.is_named and not meant.unknown:
        return is_it_a_target(request, doubtful, incident=incident, words=meant.rest)
    near = await near_targets(request, meant.unknown) if meant.unknown else ()
    if near:
        sure = tuple(replace(one, rest=meant.rest) for one in near)
        before = "escalate" if meant.unknown.startswith("@") else "escalate --to"
        return near_message(
            request, sure, before=before, incident=incident, words=meant.rest, typed=meant.unknown
        )
    return unknown_target(meant, incident=incident)


def _carried(given: Escalating, policy: Policy) -> Meant:
    """Return the target that a button or form carries."""
    kind, _, key = given.to.partition(":")
    template = template_of(key, policy) if kind == "kind" else None
    return Meant(target=target_in(given.to), template=template, rest=given.ask)


async def _send_at_once(request: Request, ref: IncidentRef, meant: Meant) -> Reply:
    ask = mentions.plain(meant.rest) if not request.is_button else meant.rest
    template = template_of(meant.template.key if meant.template else "", request.policy)
    draft = EscalationDraft(target=meant.target, template_key=template.key, is_urgent=True)
    use_case = partial(_escalate_prefilled, ref=ref, draft=draft, said={"ask": ask})
    return await _sent(request, await request.transact(use_case), template)


async def _escalate_prefilled(
    uow: UnitOfWork, *, ref: IncidentRef, draft: EscalationDraft, said: Mapping[str, Any]
) -> Outcome:
    """Escalate with what the author said, and otherwise with the facts already on the record."""
    incident = await lock_incident(
        uow.session, ref, workspace_id=uow.workspace_id, viewer=uow.actor
    )
    known = await prefill(uow.session, incident)
    return await escalate(uow, ById(incident.id), replace(draft, packet=replace(known, **said)))


# -- the form -------------------------------------------------------------------------------


async def open_form(request: Request, given: Escalating) -> Form[Escalating]:
    """Return the form, prefilled from the record and the typed words."""
    meant = _carried(given, request.policy)
    view = await view_for_form(request, given.ref, action=Action.ESCALATE)
    known = await _known(request, view.id)
    target: Target | None = meant.target
    form = EscalationForm(
        incident=view,
        packet=replace(known, ask=meant.rest, evidence=given.evidence),
        template=template_of(meant.template.key if meant.template else "", request.policy),
        person=target.external_id if isinstance(target, PersonTarget) else None,
        target=option_of(target, request.policy),
        recorded=await find_evidence(request, ById(view.id)),
    )
    return remembering(form, request.policy)


async def _known(request: Request, incident_id: uuid.UUID) -> Packet:
    async with request.services.database.reading() as session:
        return await prefill(session, await session.get_one(Incident, incident_id))


def remembering(form: EscalationForm, policy: Policy) -> Form[Escalating]:
    """Return the form with the arguments that `show_details` needs to rebuild it."""
    known = Escalating(ById(form.incident.id), shown=form.template.key, is_full=form.is_full)
    return Form(escalation_form(form, policy), known)


async def show_details(request: Request) -> Reply:
    """Show all fields, and the questions of the chosen kind; what is already filled in stays."""
    given, state = from_view(Escalating, request.view), request.form
    view = await view_for_form(request, given.ref, action=Action.ESCALATE)
    packet = Packet() if given.is_full else await _known(request, view.id)
    form = EscalationForm(
        incident=view,
        packet=read_packet(state, packet, fields=_asked(given, request.policy)),
        template=template_of(state.choice("template") or given.shown, request.policy),
        person=state.user("person"),
        target=option_of(target_of(state), request.policy),
        recorded=await find_evidence(request, ById(view.id)),
        ticked=ticked_in(state),
        is_urgent=state.checked("urgent"),
        is_full=True,
    )
    await ESCALATE.show_again(request, remembering(form, request.policy))
    return None


def _asked(given: Escalating, policy: Policy) -> tuple[str, ...]:
    """Return the fields of the packet that the form asked for."""
    return fields_of(template_of(given.shown, policy)) if given.is_full else SHORT


async def send(request: Request, given: Escalating) -> Reply:
    """Escalate with the values of the form."""
    form = request.form
    if names_two(form):
        return FieldErrors({"person": BOTH})
    template = template_of(form.choice("template") or given.shown, request.policy)
    said = read_changes(form, Packet(), fields=_asked(given, request.policy))
    answer_by = said.get("answer_by")
    if answer_by is not None and answer_by <= request.now:
        return FieldErrors(
            {"answer_by": "That time has passed. Leave it empty for “as soon as possible”."}
        )
    lines = await chosen_evidence(request, given.ref, ticked_in(form))
    said["evidence"] = with_evidence(said["evidence"], lines)
    draft = EscalationDraft(
        target=target_of(form), template_key=template.key, is_urgent=form.checked("urgent")
    )
    use_case = partial(_escalate_prefilled, ref=given.ref, draft=draft, said=said)
    return await _sent(request, await request.transact(use_case), template)


async def _sent(request: Request, outcome: Outcome, template: EscalationTemplate) -> Reply:
    """Tell the author who is called when, and what the packet still lacks."""
    escalation_id = uuid.UUID(outcome.data["escalation_id"])
    view, incident = await shown_escalation(request, escalation_id)
    slash = request.policy.command
    is_alarm = bool(outcome.data.get("is_exhausted"))
    answer = Say(
        sent_message(outcome, incident, template, view=view, slash=slash), is_needed=is_alarm
    )
    return await with_silence(request, answer, outcome)


def _explain(request: Request, error: DomainError) -> Mapping[str, str] | None:
    """Return the error text under the input that the refused value came from."""
    if not isinstance(error, InvalidInput):
        return None
    match error.field:
        case "target":
            block = "person" if request.form.user("person") is not None else "target"
        case "service" | "role":
            block = "target"
        case "template":
            block = "template"
        case field:
            block = block_of(field)
    block = block if block in request.form.values else "person"
    return {block: invalid_text(error.field, error.problem, error.example)}


# -- from a message -------------------------------------------------------------------------


async def escalate_from_message(request: Request) -> Reply:
    """Open the form with a message from the incident channel as evidence."""
    raw, channel_id = request.message, request.channel_id or ""
    said = message_content.text_of(raw)
    text = await plain_text(request.services, said, within=request.ask_seconds)
    link = await request.services.gateway.permalink(channel_id, str(raw["ts"]))
    try:
        evidence = evidence_line(text, link)
        return await ESCALATE.ask(request, Escalating(request.incident_ref(), evidence=evidence))
    except IncidentNotFound:
        slash = request.policy.command
        text = (
            "This channel doesn't belong to an incident, so nobody was called. In its channel, or "
            f"with its reference: `{slash} INC-12 escalate`. For a new one: `{slash} declare`."
        )
        return Say(say(text))


ESCALATE = Verb(
    Escalating,
    usage="escalate [@person|@group|--to service or role] [what you need]",
    summary="Call somebody who can help, with the facts; alone, opens the form.",
    aliases=("esc",),
    flags=(Flag("to", "A service, role or kind of escalation, by its key.", "checkout"),),
    examples=_EXAMPLES,
    repeat=Repeat.WORDS,
    typed=lambda request: Escalating(request.incident_ref(), typed=request.words.text),
    buttons=("escalate_now",),
    form="escalation_form",
    opened_by=("escalate_open", "escalate_words_open", "prompt_escalate"),
    open=open_form,
    perform=perform,
    explain=_explain,
    is_echoed=True,
)

FEATURE = Feature(
    name="escalation",
    by_hand=call_by_hand,
    verbs=(ESCALATE,),
    choices={TEMPLATE: show_details, DETAILS: show_details},
    options={TARGET: suggest_targets, MARKED: suggest_evidence},
    shortcuts={"escalate_from_message": escalate_from_message},
    entries=(
        shown(EscalationExhausted, messages.exhausted_entry),
        shown(EscalationTaken, messages.taken_entry),
    ),
    direct_entries=(
        shown(EscalationTaken, messages.taken_directly),
        shown(EscalationExhausted, messages.exhausted_directly),
        shown(EscalationQuestioned, messages.questioned_directly),
        shown(EscalationCompleted, messages.completed_directly),
        shown(EscalationWithdrawn, messages.withdrawn_directly),
    ),
    endings=(
        ends(EscalationExhausted, messages.exhausted_ending),
        ends(EscalationQuestioned, messages.questioned_ending),
        ends(EscalationWithdrawn, messages.withdrawn_ending),
    ),
)
