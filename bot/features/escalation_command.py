"""`/incident escalation`: how the escalations stand, and every answer without a button."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from bot.feature import Command, Feature
from bot.features.escalation_card import button_value, next_line, state_line
from bot.features.escalation_fields import field_of, names_of
from bot.features.escalation_form import fields_of, template_of
from bot.features.escalation_shown import escalations_shown, pick
from bot.features.escalation_targets import meant_by
from bot.features.escalation_told import answered_text, completed_message
from bot.refusals import say
from bot.replies import Reply, Say
from bot.requests import Request
from bot.slack import blocks as b
from bot.slack import mentions as m
from incidents.completeness import rate
from incidents.errors import InvalidInput, Superseded
from incidents.escalation_answers import (
    ask_for_more,
    call_step,
    complete,
    decline,
    redirect,
    take,
    withdraw,
)
from incidents.escalation_policy import EscalationTemplate
from incidents.escalation_views import EscalationView, find_scores
from incidents.escalations import EscalationStatus
from incidents.packet import PacketField
from incidents.read_models import IncidentView
from incidents.unit_of_work import UseCase

_MOST_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class _Words:
    """What follows the verb: which escalation, and the rest as typed."""

    view: EscalationView
    rest: str


async def escalation_command(request: Request) -> Reply:
    """Show how the incident's escalations stand, or answer one: `escalation take`, and so on."""
    first, rest = request.words.split_first()
    views, incident = await escalations_shown(request, request.incident_ref())
    verb = _VERBS.get(first.casefold())
    if verb is None:
        if first:
            raise InvalidInput("answer", "unknown", "escalation take")
        return Say(await _list(request, views, incident))
    number, rest = _number(rest)
    return await verb(request, _Words(pick(views, number), rest))


def _number(rest: str) -> tuple[int | None, str]:
    first, _, after = rest.partition(" ")
    return (int(first), after.strip()) if first.isdecimal() else (None, rest.strip())


# -- showing --------------------------------------------------------------------------------


async def _list(
    request: Request, views: tuple[EscalationView, ...], incident: IncidentView
) -> b.Message:
    slash = request.policy.command
    if not views:
        return say(
            f"Nothing was escalated in *{incident.reference}* yet. `{slash} escalate` opens the form."
        )
    blocks: list[b.Block] = []
    texts: list[str] = [f"*{incident.reference}*, escalations, the newest first:"]
    for view in views[:_MOST_SHOWN]:
        text = await _summary(request, view)
        texts.append(text)
        blocks += (*b.paragraphs(text), *_row(view))
    tail = f"`{slash} escalate` starts a new one."
    if not all(view.is_ended for view in views):
        tail = (
            f"By command, each after `{slash} escalation`: `take`, `decline why`, "
            "`redirect @someone`, `more scope`, `next`, `add scope 12 %`, `withdraw why`; with "
            "several, the number after the word."
        )
    return b.Message(
        text="\n".join([*texts, tail]),
        blocks=(b.section(texts[0]), *blocks, b.context(tail)),
    )


async def _summary(request: Request, view: EscalationView) -> str:
    lines = [f"*{view.number}* ({m.escape_line(view.template_name)}): {state_line(view)}"]
    lines.append(next_line(view))
    if view.packet.ask:
        lines.append(m.escape_line(view.packet.ask)[:300])
    # What the bot sent on somebody's behalf isn't theirs to be measured by.
    is_own = view.author is not None and view.author.id == request.actor.person_id
    if is_own and not view.is_automatic:
        lines.append(await _own_score(request, view))
    return "\n".join(line for line in lines if line)


async def _own_score(request: Request, view: EscalationView) -> str:
    """Return the completeness of the viewer's own packet, which nobody else is shown."""
    async with request.services.database.reading() as session:
        scores = await find_scores(session, view.id)
    template = template_of(view.template_key, request.policy)
    missing = rate(view.packet, template).missing
    listed = f" Still missing: {m.escape_line(names_of(missing, template))}." if missing else ""
    return f"Yours: completeness {scores.now if scores else 0} of 100.{listed}"


def _row(view: EscalationView) -> tuple[b.Block, ...]:
    if not view.is_unanswered:
        return ()
    value = button_value(view)
    return (
        b.actions(
            b.button("I'm on it", action_id="escalation_take", value=value, style="primary"),
            b.button("Need more…", action_id="escalation_more_open", value=value),
            b.button("Redirect…", action_id="escalation_redirect_open", value=value),
            b.button("Can't, next please…", action_id="escalation_decline_open", value=value),
            b.button("Add to it", action_id="escalation_add_open", value=value),
        ),
    )


# -- answering ------------------------------------------------------------------------------


async def _take(request: Request, words: _Words) -> Reply:
    return await _carry_out(request, partial(take, escalation_id=words.view.id))


async def _decline(request: Request, words: _Words) -> Reply:
    reason = m.plain(words.rest)
    return await _carry_out(request, partial(decline, escalation_id=words.view.id, reason=reason))


async def _redirect(request: Request, words: _Words) -> Reply:
    meant = meant_by(words.rest, request.policy)
    if meant.target is None:
        raise InvalidInput("target", "unknown", "escalation redirect @alice she owns it now")
    use_case = partial(
        redirect, escalation_id=words.view.id, target=meant.target, reason=m.plain(meant.rest)
    )
    return await _carry_out(request, use_case)


async def _more(request: Request, words: _Words) -> Reply:
    template = template_of(words.view.template_key, request.policy)
    field, rest = _field_named(words.rest, template)
    if not field or rest:
        raise _unknown_field(template)
    return await _carry_out(
        request, partial(ask_for_more, escalation_id=words.view.id, field=field)
    )


async def _next(request: Request, words: _Words) -> Reply:
    waiting = words.view.waiting_steps
    if not waiting:
        raise Superseded("escalation_steps")
    step = _step_named(words) if words.rest else waiting[0].id
    return await _carry_out(request, partial(call_step, escalation_id=words.view.id, step=step))


def _step_named(words: _Words) -> uuid.UUID:
    wanted = m.plain(words.rest).removeprefix("@").casefold()
    for step in words.view.waiting_steps:
        names = {name.removeprefix("@").casefold() for name in step.reach}
        if wanted in names or wanted == str(step.position):
            return step.id
    known = ", ".join(name for step in words.view.waiting_steps for name in step.reach)
    raise InvalidInput("step", "unknown", known)


async def _withdraw(request: Request, words: _Words) -> Reply:
    reason = m.plain(words.rest)
    return await _carry_out(request, partial(withdraw, escalation_id=words.view.id, reason=reason))


async def _add(request: Request, words: _Words) -> Reply:
    """Add to one field of the packet: what is there stays, the words follow it."""
    view, template = words.view, template_of(words.view.template_key, request.policy)
    if view.is_ended:
        is_withdrawn = view.status is EscalationStatus.WITHDRAWN
        raise Superseded("escalation_withdrawn" if is_withdrawn else "escalation_over")
    field, text = _field_named(words.rest, template)
    if not field or not text:
        raise _unknown_field(template)
    use_case = partial(
        complete, escalation_id=view.id, changes=_addition(view, field, m.plain(text))
    )
    outcome = await request.transact(use_case)
    is_author = view.author is not None and view.author.id == request.actor.person_id
    return Say(completed_message(outcome, template, is_author=is_author))


def _addition(view: EscalationView, field: str, text: str) -> dict[str, Any]:
    if field not in tuple(PacketField):
        return {"answers": {field: _joined(view.packet.answers.get(field, ""), text)}}
    if field == PacketField.ANSWER_BY:
        raise InvalidInput("answer_by", "can be set in the form: press *Add to it* on the card")
    if field == PacketField.CONFIDENCE:
        return {field: text.casefold()}
    if field == PacketField.CHANGES and text.casefold().startswith(("none", "checked")):
        return {"changes_checked": True}
    return {field: _joined(str(getattr(view.packet, field)), text)}


def _joined(before: str, text: str) -> str:
    return f"{before.rstrip()}\n{text}" if before.strip() else text


def _field_named(rest: str, template: EscalationTemplate) -> tuple[str, str]:
    """Return the field or question that the words begin with, and what follows; "" for none."""
    first, _, after = rest.strip().partition(" ")
    wanted = field_of(first.rstrip(":").casefold().replace("-", "_"))
    known = fields_of(template)
    return (wanted, after.strip()) if wanted in known else ("", rest)


def _unknown_field(template: EscalationTemplate) -> InvalidInput:
    known = ", ".join(str(key) for key in fields_of(template))
    return InvalidInput("field", f"has to come first, as one of: {known}")


async def _carry_out(request: Request, use_case: UseCase) -> Reply:
    outcome = await request.transact(use_case)
    return Say(say(answered_text(outcome, slash=request.policy.command)))


_Verb = Callable[[Request, _Words], Awaitable[Reply]]
_VERBS: Final[Mapping[str, _Verb]] = MappingProxyType(
    {
        "take": _take,
        "mine": _take,
        "decline": _decline,
        "can't": _decline,
        "redirect": _redirect,
        "more": _more,
        "next": _next,
        "withdraw": _withdraw,
        "add": _add,
    }
)

FEATURE = Feature(
    name="escalation_command",
    commands=(
        Command(
            name="escalation",
            usage="escalation [take|more|redirect|decline|next|add|withdraw] [number] [words]",
            summary="How the escalations stand; answer one, add to it, call the next step, withdraw it.",
            handler=escalation_command,
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
        ),
    ),
)
