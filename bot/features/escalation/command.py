"""`/incident escalation`: list the escalations, and answer one without pressing buttons."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from bot.features.escalation.buttons import (
    ADD,
    DECLINE,
    MORE,
    REDIRECT,
    STEP,
    TAKE,
    WITHDRAW,
    Answer,
)
from bot.features.escalation.card import button_value, next_line, state_line
from bot.features.escalation.forms import fields_of, template_of
from bot.features.escalation.packet import field_of
from bot.features.escalation.replies import (
    completed_message,
    escalations_shown,
    example_line,
    find_meant,
    names_in_steps,
    near_text,
    useful_text,
)
from bot.features.escalation.targets import find_handle, meant_by, near_targets
from bot.framework.arguments import Words
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.slash_commands import split_first
from bot.framework.verbs import Verb, as_typed
from bot.slack import blocks, mentions
from incidents.core.errors import InvalidInput, Superseded
from incidents.escalation.packet import FIELDS, rate
from incidents.escalation.questions import complete
from incidents.escalation.tables import EscalationStatus
from incidents.escalation.views import EscalationView
from incidents.incident.incident import ById
from incidents.incident.views import IncidentView
from incidents.policy.escalation import EscalationTemplate
from incidents.policy.packet_fields import PacketField

_MOST_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class _Words:
    """The verb, the escalation, and the rest as typed; `before` is the command up to `rest`."""

    verb: str
    view: EscalationView
    rest: str
    before: str


async def escalation(request: Request, given: Words) -> Reply:
    """List the incident's escalations, or answer one (`escalation take` and so on)."""
    leading, rest = _number(given.text)
    first, rest = split_first(rest)
    views, incident = await escalations_shown(request, given.ref)
    word = first.casefold()
    if word not in _VERBS:
        if first:
            raise _unknown_verb(request, first)
        return Say(await _list(request, views, incident))
    verb, read = _VERBS[word]
    number, rest = (leading, rest) if leading is not None else _number(rest)
    if number is None and verb is TAKE and (held := _held(request, views)):
        return Say(held)
    view = find_meant(views, number, viewer_id=request.actor.person_id)
    if view is None:
        raise _unknown_escalation(request, views, word)
    before = " ".join(["escalation", word, *([str(number)] if number else [])])
    words = _Words(word, view, rest, before)
    if verb is ADD:
        return await _add(request, words)
    answer = await read(request, words)
    if not isinstance(answer, Answer):
        return answer
    try:
        return await verb.carry_out(request, answer)
    except InvalidInput as error:
        if not error.example:
            raise
        raise InvalidInput(error.field, error.problem, _example(request, words)) from None


def _held(request: Request, views: tuple[EscalationView, ...]) -> blocks.Message | None:
    """Return the reply for a person who already took one: `take` twice must not take a second."""
    mine = [
        view
        for view in views
        if not view.is_ended
        and view.taken_by is not None
        and view.taken_by.id == request.actor.person_id
    ]
    if not mine:
        return None
    numbers = [view.number for view in views if view.is_unanswered]
    also = (
        f" Others are waiting, too ({', '.join(map(str, numbers))}): "
        f"`{request.policy.command} escalation take {numbers[0]}`"
        if numbers
        else ""
    )
    return say(f"You are on escalation {mine[0].number} already.{also}")


def _unknown_verb(request: Request, word: str) -> InvalidInput:
    near = get_close_matches(word.casefold(), _EXAMPLES, n=1)
    example = f"escalation {near[0]} {_EXAMPLES[near[0]]}".rstrip() if near else "escalation take"
    return InvalidInput("answer", "unknown", example_line(request, example))


def _unknown_escalation(
    request: Request, views: tuple[EscalationView, ...], verb: str
) -> InvalidInput:
    if not views:
        example = example_line(request, "escalate @someone What you need from them")
        return InvalidInput("escalation", "doesn't exist: nobody has escalated here yet", example)
    known = ", ".join(str(view.number) for view in reversed(views))
    example = f"escalation {verb} {views[0].number} {_EXAMPLES.get(verb, '')}".rstrip()
    problem = f"doesn't exist. There is {known}"
    return InvalidInput("escalation", problem, example_line(request, example))


def _number(rest: str) -> tuple[int | None, str]:
    first, after = split_first(rest)
    return (int(first), after) if first.isdecimal() else (None, rest)


# -- showing --------------------------------------------------------------------------------


async def _list(
    request: Request, views: tuple[EscalationView, ...], incident: IncidentView
) -> blocks.Message:
    slash = request.policy.command
    if not views:
        return say(
            f"Nobody has escalated in *{incident.reference}* yet. To do it: `{slash} escalate`"
        )
    body: list[blocks.Block] = []
    texts: list[str] = [f"*{incident.reference}*, escalations, the newest first:"]
    for view in views[:_MOST_SHOWN]:
        text = _summary(request, view)
        texts.append(text)
        body += (*blocks.paragraphs(text), *_row(view, viewer_id=request.actor.person_id))
    tail = f"`{slash} escalate` starts a new one."
    if not all(view.is_ended for view in views):
        tail = (
            f"By command, each after `{slash} escalation`: `take`, `decline why`, "
            "`redirect @someone`, `more scope`, `next`, `add scope 12 %`, `withdraw why`; with "
            "several, the number after the word."
        )
    return blocks.Message(
        text="\n".join([*texts, tail]),
        blocks=(blocks.section(texts[0]), *body, blocks.context(tail)),
    )


def _summary(request: Request, view: EscalationView) -> str:
    lines = [f"*{view.number}* ({mentions.escape_line(view.template_name)}): {state_line(view)}"]
    lines.append(next_line(view))
    if view.packet.ask:
        lines.append(mentions.escape_line(view.packet.ask)[:300])
    # A packet that the bot sent on somebody's behalf doesn't count as their work.
    is_own = view.author is not None and view.author.id == request.actor.person_id
    if is_own and not view.is_automatic:
        template = template_of(view.template_key, request.policy)
        lines.append(useful_text(rate(view.packet, template).missing, template))
    return "\n".join(line for line in lines if line)


def _row(view: EscalationView, *, viewer_id: uuid.UUID | None) -> tuple[blocks.Block, ...]:
    if not view.is_unanswered:
        return ()
    value = button_value(view)
    add = blocks.button("Add details", action_id="escalation_add_open", value=value)
    if view.author is not None and view.author.id == viewer_id:
        # Authors can't answer their own escalation, even if the bot sent it for them.
        return (
            blocks.actions(
                add, blocks.button("Withdraw…", action_id="escalation_withdraw_open", value=value)
            ),
        )
    return (
        blocks.actions(
            blocks.button("I'm on it", action_id="escalation_take", value=value, style="primary"),
            blocks.button("Need more…", action_id="escalation_more_open", value=value),
            blocks.button("Redirect…", action_id="escalation_redirect_open", value=value),
            blocks.button("Can't, next please…", action_id="escalation_decline_open", value=value),
            add,
        ),
    )


# -- answering ------------------------------------------------------------------------------


async def _answer(_: Request, words: _Words) -> Answer:
    """Return the answer, with the typed words as its reason."""
    return replace(_on(words), reason=mentions.plain(words.rest))


async def _redirect(request: Request, words: _Words) -> Answer | Reply:
    meant = meant_by(words.rest, request.policy)
    if meant.is_guessed:
        known = await find_handle(request, words.rest.split(maxsplit=1)[0])
        meant = replace(meant, target=known, is_guessed=False)
    if meant.target is None:
        near = await near_targets(request, words.rest, with_kinds=False)
        if near:
            return Say(say(near_text(request, near, before=words.before, words=words.rest)))
    if meant.target is None:
        problem = "unknown" if words.rest.strip() else "empty"
        raise InvalidInput("target", problem, _example(request, words))
    return replace(_on(words), to=meant.target, reason=mentions.plain(meant.rest))


async def _more(request: Request, words: _Words) -> Answer:
    template = template_of(words.view.template_key, request.policy)
    field, rest = _field_named(words.rest, template)
    if not field or rest:
        raise _unknown_field(request, words, template)
    return replace(_on(words), field=field)


async def _next(request: Request, words: _Words) -> Answer:
    waiting = words.view.waiting_steps
    if not waiting:
        raise Superseded("escalation_steps")
    step = await _step_named(request, words) if words.rest else waiting[0].id
    return replace(_on(words), step=step)


def _on(words: _Words) -> Answer:
    return Answer(ById(words.view.incident_id), words.view.id)


async def _step_named(request: Request, words: _Words) -> uuid.UUID:
    wanted = mentions.plain(words.rest).removeprefix("@").casefold()
    names = await names_in_steps(request, words.view)
    known: dict[str, uuid.UUID] = {}
    for step in words.view.waiting_steps:
        shown = {names[name] for name in step.reach}
        if wanted == str(step.position) or wanted in {
            _bare(name) for name in {*shown, *step.reach}
        }:
            return step.id
        known |= dict.fromkeys(sorted(shown), step.id)
    near = get_close_matches(wanted, [_bare(name) for name in known], n=1)
    named = next((name for name in known if _bare(name) in near), next(iter(known)))
    problem = f"isn't waiting. These are: {mentions.escape_line(', '.join(known))}"
    raise InvalidInput("step", problem, example_line(request, f"{words.before} {named}"))


def _bare(name: str) -> str:
    return name.removeprefix("@").casefold()


async def _add(request: Request, words: _Words) -> Reply:
    """Append the words to one field of the packet."""
    view, template = words.view, template_of(words.view.template_key, request.policy)
    if view.is_ended:
        is_withdrawn = view.status is EscalationStatus.WITHDRAWN
        raise Superseded("escalation_withdrawn" if is_withdrawn else "escalation_over")
    field, text = _field_named(words.rest, template)
    if not field or not text:
        raise _unknown_field(request, words, template)
    changes = _addition(view, field, mentions.plain(text))
    outcome = await request.transact(partial(complete, escalation_id=view.id, changes=changes))
    is_author = view.author is not None and view.author.id == request.actor.person_id
    return Say(completed_message(outcome, template, is_author=is_author))


def _addition(view: EscalationView, field: str, text: str) -> dict[str, Any]:
    if field not in FIELDS:
        return {"answers": {field: _joined(view.packet.answers.get(field, ""), text)}}
    if field == PacketField.ANSWER_BY:
        raise InvalidInput("answer_by", "can be set in the form: press *Add details* on the card")
    if field == PacketField.CONFIDENCE:
        return {field: text.casefold()}
    if field == PacketField.CHANGES and text.casefold().startswith(("none", "checked")):
        return {"changes_checked": True}
    return {field: _joined(str(getattr(view.packet, field)), text)}


def _joined(before: str, text: str) -> str:
    return f"{before.rstrip()}\n{text}" if before.strip() else text


def _field_named(rest: str, template: EscalationTemplate) -> tuple[str, str]:
    """Return the field or question named first, and the words after it; "" if none is named."""
    first, _, after = rest.strip().partition(" ")
    wanted = field_of(first.rstrip(":").casefold().replace("-", "_"))
    known = fields_of(template)
    return (wanted, after.strip()) if wanted in known else ("", rest)


def _unknown_field(request: Request, words: _Words, template: EscalationTemplate) -> InvalidInput:
    known = ", ".join(str(key) for key in fields_of(template))
    problem = f"has to come first, as one of: {known}"
    return InvalidInput("field", problem, _example(request, words))


def _example(request: Request, words: _Words) -> str:
    """Return an example of the whole command line for this verb."""
    return example_line(request, f"{words.before} {_EXAMPLES.get(words.verb, '')}".rstrip())


_Read = Callable[[Request, _Words], Awaitable[Answer | Reply]]
_VERBS: Final[Mapping[str, tuple[Verb[Answer], _Read]]] = MappingProxyType(
    {
        "take": (TAKE, _answer),
        "mine": (TAKE, _answer),
        "decline": (DECLINE, _answer),
        "can't": (DECLINE, _answer),
        "redirect": (REDIRECT, _redirect),
        "more": (MORE, _more),
        "next": (STEP, _next),
        "withdraw": (WITHDRAW, _answer),
        "add": (ADD, _answer),
    }
)

# Example words after each verb.
_EXAMPLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "take": "",
        "more": "evidence",
        "redirect": "@someone who owns it",
        "decline": "I'm on a train until six",
        "next": "",
        "add": "scope 12 % of logins",
        "withdraw": "It was the cache",
    }
)

# What follows tells an answer from what somebody is called for: `take 2`, but not `take a look`.
_FIELD: Final = rf"(?:\d+\s+)?(?:{'|'.join(PacketField)})(?![\w-])"
# The number stands before the answer or behind it.
_ANSWERED: Final = (
    r"(?P<rest>(?:\d+\s+)?(?:(?:take|mine|decline|can't|withdraw|more|redirect|add)(?:\s+\d+)?"
    r"|next(?:\s+\d+)?(?:\s+[@<]\S+)?|redirect\s+(?:\d+\s+)?(?:@|<@|<!).*"
    rf"|more\s+{_FIELD}|add\s+{_FIELD}.*)"
    r"|(?:decline|can't|withdraw)\s+\d{1,2}\s+.*|\d+\s+(?:decline|withdraw)\s+.*)|list"
)
_PERHAPS_ANSWERED: Final = (
    r"(?:decline|can't|withdraw|redirect)(?=\s).*|\d+\s+(?:can't|redirect)(?=\s).*"
    r"|(?:\d+\s+)?(?:take|mine)\s+(?:it|this|that|over|it over)"
)

FEATURE = Feature(
    name="escalation_command",
    verbs=(
        Verb(
            Words,
            usage="escalation [take|more|redirect|decline|next|add|withdraw] [number] [words]",
            family="escalate",
            when=_ANSWERED,
            doubt=_PERHAPS_ANSWERED,
            inside="escalate list|take|more|redirect|decline|next|add|withdraw [number] [words]",
            summary="How the escalations stand; answer one, add to it, call the next step, withdraw it.",
            aliases=("escalations",),
            examples=(
                "escalation",
                "escalation take",
                "escalation more evidence",
                "escalation redirect @bob he knows the payment provider",
                "escalation decline I'm on a train until six",
                "escalation add scope 12 % of logins in EU",
                "escalation next",
            ),
            typed=as_typed,
            perform=escalation,
        ),
    ),
)
