"""Declaring: the command, the form, the shortcuts, and the question about a similar incident."""

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from bot.features.escalation.card import OnEscalation
from bot.features.lifecycle import declare_form as form
from bot.features.lifecycle.by_hand import declare_by_hand
from bot.features.lifecycle.severity_words import looks_like_severity, said_severity
from bot.features.record.references import plain_text
from bot.framework.arguments import OnIncident, from_view, known_id, to_value
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import Options, Reply, Request, Say, ShowView
from bot.framework.slash_commands import Flag, Repeat
from bot.framework.verbs import AskFirst, Form, Verb
from bot.slack import blocks, mentions
from bot.slack.ids import permalink
from bot.slack.message_content import text_of
from incidents.core.errors import InvalidInput
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import ById, Incident, find_incident
from incidents.lifecycle.declare import Declaration, check_title, declare
from incidents.lifecycle.similarity import find_alike
from incidents.paging.adoption import find_page_link
from incidents.policy.policy import Policy

_MOST_WAITING = 200
_MOST_NAMED = 10
_AROUND = "[](){}<>:;,.!-\u2013\u2014"


def typed_declaration(request: Request) -> Declaration | AskFirst[Declaration]:
    """Parse `declare [sev2] title…`; open the form if something is missing or doubtful."""
    words = request.words
    said = said_severity(words.text, request.policy)
    severity = said.severity
    given = Declaration(
        # Mentions in a typed title are markup (`<@U1|bob>`); the record keeps what people read.
        title=mentions.plain(words.text if said.is_word else said.rest),
        severity_key=severity.key if severity else None,
        services=_services_named(words.flags.get("service", ""), request.policy),
        is_private=words.has("private"),
        no_call=words.has("no-call"),
        is_drill=words.has("drill"),
    )
    # Without the flag, people who may not know about the incident could see it or be called.
    is_doubtful = said.is_word or bool(_flag_meant(given))
    return AskFirst(given) if is_doubtful or not given.title.strip() else given


def _services_named(typed: str, policy: Policy) -> tuple[str, ...]:
    """Return the keys of the services typed by key or name. Raises: InvalidInput."""
    by_word = {word.casefold(): one.key for one in policy.services for word in (one.key, one.name)}
    named = [one for one in map(str.strip, typed.split(",")) if one]
    for one in named:
        if one.casefold() not in by_word:
            known = ", ".join(service.key for service in policy.services[:_MOST_NAMED])
            raise InvalidInput("service", "unknown", known, one)
    return tuple(dict.fromkeys(by_word[one.casefold()] for one in named))


async def show_form(request: Request, given: Declaration) -> blocks.View:
    """Return the form; if the typed title starts with a flag's word, tick that flag."""
    meant = _flag_meant(given) if request.words.text else ""
    filled = given
    if meant:
        filled = replace(given, is_private=meant == "private", is_drill=meant == "drill")
    notice = form.flag_meant_text(meant) if meant else _severity_notice(request, given)
    alike = await _alike(request, filled)
    return form.declaration_form(request.policy, filled, notice=notice, alike=alike)


async def _alike(request: Request, given: Declaration) -> Sequence[Incident]:
    """Return open incidents of the same services, or with such a title; none for nothing."""
    if not (given.services or given.title.strip()):
        return ()
    return await request.read(
        find_alike, title=given.title, services=given.services, policy=request.policy
    )


async def show_alike(request: Request) -> Reply:
    """Show open incidents of the chosen services or with such a title; what is filled in stays."""
    filled = form.filled_in(request, from_view(Declaration, request.view))
    view = form.declaration_form(request.policy, filled, alike=await _alike(request, filled))
    await DECLARE.show_again(request, Form(view, filled))
    return None


def _severity_notice(request: Request, given: Declaration) -> str:
    """Return the notice that a word such as `critical` set the severity and stayed in the title."""
    said = said_severity(request.words.text, request.policy)
    if not said.is_word or said.severity is None or given.severity_key != said.severity.key:
        return ""
    return form.severity_meant_text(request.words.split_first()[0], said.severity.name)


def _flag_meant(given: Declaration) -> str:
    """Return `private` or `drill` if the title starts with it and neither flag was set, else ""."""
    first = given.title.partition(" ")[0].strip(_AROUND).casefold()
    is_flagged = given.is_private or given.is_drill
    return first if first in {"private", "drill"} and not is_flagged else ""


async def perform(request: Request, given: Declaration) -> Reply:
    """Declare; if a similar incident was just declared, ask first whether this is another."""
    outcome = await request.transact(partial(declare, declaration=given))
    if outcome.kind != "similar":
        return await _declared(request, outcome, given)
    data = outcome.data
    text = form.similar_text(data["reference"], data["title"], data["channel_id"])
    anyway = replace(given, title=check_title(given.title), even_if_similar=True)
    if request.is_form:
        view = form.declaration_form(request.policy, given, similar=text)
        return ShowView(DECLARE.named(Form(view, anyway)))
    button = blocks.button("Declare anyway", action_id="declare_anyway", value=to_value(anyway))
    return Say(say(text, button))


async def _declared(request: Request, outcome: Outcome, given: Declaration) -> Reply:
    """Answer with the incident; once its channel is open, with the link, too."""
    incident_id = known_id(outcome.incident_id)
    channel_id = None
    if outcome.is_repeat:
        incident = await request.read(find_incident, ById(incident_id))
        channel_id = incident.channel_id if incident is not None else None
    message = partial(declared_message, outcome, given, request.policy)
    if not outcome.is_repeat:
        # Slack edits the answer to a press, not the one to a command.
        told = message if request.is_press else partial(_opened, outcome)
        _answer_when_open(request, incident_id, told)
    return Say(message(channel_id), replaces=request.is_button)


def _answer_when_open(
    request: Request, incident_id: uuid.UUID, message: Callable[[str], blocks.Message]
) -> None:
    """Answer once more when the incident's channel is open: `message` takes its id."""
    view_id = str(request.view["id"]) if request.is_form else ""

    async def answer(channel_id: str) -> None:
        gateway, told = request.services.gateway, message(channel_id)
        if view_id:
            await gateway.update_view(view_id=view_id, view=blocks.answered(told))
        elif request.response_url:
            await gateway.respond(request.response_url, told, replace_original=request.is_button)

    waiting = request.services.waiting
    waiting[incident_id] = view_id, answer
    while len(waiting) > _MOST_WAITING:
        waiting.pop(next(iter(waiting)))


def _opened(outcome: Outcome, channel_id: str) -> blocks.Message:
    return say(
        f"*{outcome.data['reference']}* has its channel: {mentions.channel_link(channel_id)}."
    )


def declared_message(
    outcome: Outcome, given: Declaration, policy: Policy, channel_id: str | None
) -> blocks.Message:
    """Return the reply to the declarer; names the assumed severity if they gave none."""
    slash = policy.command
    reference, title = outcome.data["reference"], mentions.escape_line(outcome.data["title"])
    lead = "was already declared by you" if outcome.is_repeat else "is declared"
    severity = outcome.data.get("severity")
    assumed = (
        f" {_what_was_named(given.title, policy)}, so it begins as {mentions.escape_line(severity)}: "
        f"`{slash} {reference} severity` changes it."
        if severity and given.severity_key is None
        else ""
    )
    how, seen = (" in private", " Only its own people see it.") if given.is_private else ("", "")
    where = (
        f"Its channel: {mentions.channel_link(channel_id)}."
        if channel_id
        else "I'm opening its channel and inviting you."
    )
    value = to_value(OnIncident(ById(known_id(outcome.incident_id))))
    return say(
        f"*{reference}* {lead}{how}: {title}.{seen} {where}{assumed}{_calling(outcome, given, policy)}",
        blocks.button("Take command", action_id="role_take_command", value=value, style="primary"),
        blocks.button("Add details", action_id="edit_open", value=value),
        *_stop(outcome),
    )


def _calling(outcome: Outcome, given: Declaration, policy: Policy) -> str:
    """Return who is being called now; "" if nobody is."""
    if given.no_call:
        return "\nI'm calling nobody, as you asked."
    if "escalation_id" not in outcome.data:
        return ""
    names = [mentions.escape_line(str(one)) for one in outcome.data["called"]]
    unnamed = "" if given.services or not policy.services else "You named no service, so "
    return f"\n{unnamed}I'm calling {' and '.join(names) or 'the person on call, and looking up who that is'}."


def _stop(outcome: Outcome) -> tuple[blocks.ButtonElement, ...]:
    if "escalation_id" not in outcome.data:
        return ()
    given = OnEscalation(
        ById(known_id(outcome.incident_id)), uuid.UUID(outcome.data["escalation_id"])
    )
    return (blocks.button("Stop calling", action_id="call_stop", value=to_value(given)),)


def _what_was_named(title: str, policy: Policy) -> str:
    first = title.partition(" ")[0].strip(_AROUND)
    if looks_like_severity(first, policy):
        known = ", ".join(mentions.escape_line(one.name) for one in policy.severities)
        return f"There's no severity {mentions.escape_line(first)} here, only {known}"
    return "You named no severity"


async def open_from_message(request: Request) -> Reply:
    """Open the form filled from a message: its first line is the title, and its link is kept."""
    message = request.message
    text = await plain_text(request.services, text_of(message), within=request.ask_seconds)
    first_line = next((line for line in text.splitlines() if line.strip()), "")
    link = _link_to(request, message)
    said = said_severity(first_line, request.policy)
    given = Declaration(
        title=first_line if said.is_word else said.rest,
        severity_key=said.severity.key if said.severity else None,
        source_link=link,
        page_link=find_page_link(json.dumps(message)),
    )
    return await DECLARE.ask(request, given)


def _link_to(request: Request, message: Any) -> str:
    ts = str(message.get("ts") or "")
    if not ts or not request.channel_id:
        return ""
    return permalink(
        request.services.workspace.url,
        channel_id=request.channel_id,
        ts=ts,
        thread_ts=message.get("thread_ts"),
    )


async def suggest_services(request: Request) -> Reply:
    """Suggest services of the policy whose name or key contains the typed text."""
    typed = str(request.payload.get("value") or "").casefold()
    found = [
        blocks.option(service.name, value=service.key)
        for service in request.policy.services
        if typed in service.name.casefold() or typed in service.key.casefold()
    ]
    return Options(blocks.options_within(found) if found else ())


DECLARE = Verb(
    Declaration,
    usage="declare [sev2] [title…] [--service checkout] [--private] [--drill] [--no-call]",
    summary="Declare an incident; without a title, opens the form.",
    aliases=("new",),
    flags=(
        Flag("service", "what is affected; several with commas", "checkout"),
        Flag("private", "only you and the people the policy names"),
        Flag("drill", "practice: announced nowhere, out of all figures"),
        Flag("no-call", "call nobody now, whatever the policy says"),
    ),
    examples=("declare sev2 Checkout errors for some customers",),
    repeat=Repeat.WORDS,
    words=("title",),
    typed=typed_declaration,
    buttons=("declare_anyway",),
    form="declare_submit",
    opened_by=("declare_open",),
    open=show_form,
    read=form.read_form,
    perform=perform,
)

FEATURE = Feature(
    name="declaration",
    by_hand=declare_by_hand,
    verbs=(DECLARE,),
    choices={"services": show_alike, "severity": show_alike},
    options={"services": suggest_services},
    shortcuts={"declare": DECLARE.by_opener, "declare_from_message": open_from_message},
)
