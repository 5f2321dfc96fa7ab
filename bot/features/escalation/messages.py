"""The direct message to whoever is called: the whole packet, and four buttons to answer with."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.escalation.card import (
    MAY_NOT_WAKE,
    button_value,
    next_line,
    state_line,
    template_of,
)
from bot.features.escalation.packet import FIELDS, FieldWords, fitted, names_of, packet_lines
from bot.features.proposals.messages import answer_row, asked_lines
from bot.framework.entry_messages import Ending, ended_with
from bot.framework.phrases import actor_of_entry
from bot.slack import blocks, mentions
from bot.slack.truncation import shorten
from incidents.core.people import Person
from incidents.escalation.completeness import rate
from incidents.escalation.tables import CallStatus, Escalation, EscalationStatus
from incidents.escalation.views import CallView, EscalationView
from incidents.escalation.words import called_so_far, standstill
from incidents.incident.timeline import EntryKind
from incidents.incident.views import EntryView, IncidentView
from incidents.policy.packet_fields import PacketField
from incidents.policy.policy import Policy

_LONGEST_TITLE: Final = 200
_PACKET_ROOM: Final = 9_000
_FALLBACK_ROOM: Final = 3_000


def call_message(
    view: EscalationView, call: CallView, incident: IncidentView, policy: Policy
) -> blocks.Message:
    """Return the message as things are now: answered, it says by whom and has no buttons."""
    template = template_of(view, policy)
    lines = (*asked_lines(view.proposal), *packet_lines(view.packet, template))
    is_asked = view.is_unanswered and call.status is CallStatus.OPEN
    head = f"{_lead(view, incident)}\n{_ask(view) if is_asked else _settled(view, call, incident)}"
    missing = rate(view.packet, template).missing if template is not None and is_asked else ()
    unknown = (
        f"*Not known yet:* {mentions.escape_line(names_of(missing, template))}" if missing else ""
    )
    links = _links(view, policy)
    tail = "\n".join(part for part in (unknown, links) if part)
    packet = fitted(lines, limit=_PACKET_ROOM) or "Nothing more is known yet."
    short = fitted(lines, limit=_FALLBACK_ROOM) or "Nothing more is known yet."
    return blocks.Message(
        text="\n".join(part for part in (head, short, tail) if part),
        blocks=(
            *blocks.paragraphs(head),
            *blocks.paragraphs(packet),
            *(blocks.paragraphs(tail) if tail else ()),
            *(answer_row(view.proposal) if is_asked or _is_theirs(view, call) else ()),
            *((blocks.actions(*_buttons(view, call)),) if is_asked else ()),
        ),
    )


def _lead(view: EscalationView, incident: IncidentView) -> str:
    drill = "*This is a drill.* " if incident.is_drill else ""
    where = f" in {mentions.channel_link(incident.channel_id)}" if incident.channel_id else ""
    return (
        f"{drill}*{incident.reference}* {mentions.escape_line(incident.severity_name)} "
        f"{mentions.escape_line(shorten(incident.title, _LONGEST_TITLE))}{where}"
    )


def _ask(view: EscalationView) -> str:
    if view.author is None or view.is_automatic:  # for whom isn't said: it may be for who learns
        lead = f"*{view.reference} is escalated to you.*"
    else:
        lead = f"*{mentions.mention(view.author.external_id)} escalates to you.*"
    return f"{lead} Can you take it? {next_line(view)}".rstrip()


def _settled(view: EscalationView, call: CallView, incident: IncidentView) -> str:
    where = (
        mentions.channel_link(incident.channel_id)
        if incident.channel_id
        else "the incident channel"
    )
    is_own = _is_theirs(view, call)
    match view.status:
        case EscalationStatus.TAKEN if view.is_ended:
            return "*The incident is over.* Nothing for you to do; thank you."
        case EscalationStatus.TAKEN if is_own:
            since = f" since {mentions.date(view.taken_at, '{time}')}" if view.taken_at else ""
            return f"*You are on it*{since}. Nobody else is called. The work is in {where}."
        case EscalationStatus.TAKEN if view.taken_by is not None:
            responder = mentions.mention(view.taken_by.external_id)
            return f"*{responder} is on it.* Nothing for you to do; thank you."
        case EscalationStatus.WITHDRAWN:
            return "*It was withdrawn.* Nothing for you to do."
        case EscalationStatus.OVER:
            return "*The incident is over.* Nothing for you to do."
    if call.status is CallStatus.REDIRECTED:
        return "*You passed it on*, with all that is below. Nothing more for you to do."
    if view.status is EscalationStatus.EXHAUSTED:
        return (
            "*You can't take it: noted.* Nobody else is left to call, and the channel was told. If "
            "you know who could help, tell them there."
        )
    return "*You can't take it: noted.* Others are called."


def _is_theirs(view: EscalationView, call: CallView) -> bool:
    return view.taken_by is not None and view.taken_by.id == call.person.id


def _links(view: EscalationView, policy: Policy) -> str:
    """Return the runbooks and dashboards of the service, to start from."""
    service = policy.find_service(view.service_key) if view.service_key else None
    if service is None:
        return ""
    links = (*service.all_runbooks, *service.all_dashboards)
    return " · ".join(mentions.link(link.url, link.title) for link in links)


def _buttons(view: EscalationView, call: CallView) -> tuple[blocks.ButtonElement, ...]:
    value = f"{button_value(view)}|{call.id}"
    return (
        blocks.button("I'm on it", action_id="escalation_take", value=value, style="primary"),
        blocks.button("Need more…", action_id="escalation_more_open", value=value),
        blocks.button("Redirect…", action_id="escalation_redirect_open", value=value),
        blocks.button("Can't, next please…", action_id="escalation_decline_open", value=value),
    )


def mention_message(
    view: EscalationView, call: CallView, incident: IncidentView, *, card_link: str
) -> blocks.Message:
    """Return the mention in the channel for somebody whom no direct message reaches.

    It says no more than that they are called: who else reads it knows the channel's own card.
    """
    if not (view.is_unanswered and call.status is CallStatus.OPEN):
        name = mentions.escape_line(call.person.name)
        text = f"{name} was called for {incident.reference} here. {state_line(view)}"
        return blocks.Message(text=text, blocks=(blocks.context(text),))
    card = f"the {mentions.link(card_link, 'card')}" if card_link else "the card"
    text = (
        f"{mentions.mention(call.person.external_id)}: you are called for {incident.reference}, and no "
        f"direct message reaches you. What is known, and the buttons, are on {card} of "
        f"escalation {view.number} in this channel."
    )
    take = blocks.button(
        "I'm on it",
        action_id="escalation_take",
        value=f"{button_value(view)}|{call.id}",
        style="primary",
    )
    return blocks.Message(text=text, blocks=(blocks.section(text), blocks.actions(take)))


def taken_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return that somebody is on it, as the channel hears it."""
    text = f"*{_mention(entry, 'person')} is on it* ({_escalation(entry)}). Nobody else is called."
    return blocks.Message(text=f"{incident.reference}: {text}", blocks=(blocks.section(text),))


def taken_directly(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return that somebody is on it, as the author hears it."""
    text = (
        f"{_about(incident)}: *{_mention(entry, 'person')} is on it* ({_escalation(entry)}). "
        "Stay with them until they have what they need."
    )
    return blocks.Message(text=text, blocks=(blocks.section(text),))


def exhausted_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Say loudly that nobody is on it, why, and what to do now."""
    called = _called(entry)
    lines = (
        f"{mentions.here()} *{_standstill(entry)}.*",
        f"Called so far: {mentions.escape_line(called_so_far(called))}." if called else "",
        f"*Do this now.* {_what_now(entry)} If you can take it yourself, press *I'm on it*.",
        MAY_NOT_WAKE,
    )
    text = "\n".join(line for line in lines if line)
    return blocks.Message(
        text=f"{incident.reference}: {text}",
        blocks=(*blocks.paragraphs(text), blocks.actions(_take(entry, incident), _again(incident))),
    )


def exhausted_directly(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Say to commander and author that nobody is on it, why, and what to do now."""
    text = f"{_about(incident)}. *{_standstill(entry)}.* {_what_now(entry)}"
    return blocks.Message(
        text=text, blocks=(blocks.section(text), blocks.actions(_again(incident)))
    )


def questioned_directly(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Ask the author for what whoever is called wants to know, with a button to answer."""
    who, field = _mention(entry, "person"), entry.text("field")
    what = _question(entry, field)
    text = (
        f"{_about(incident)}: {who} needs one more thing for {_escalation(entry)}: *{what}*\n"
        "A short answer will do, also that it isn't known."
    )
    value = f"{incident.id}|{entry.text('escalation_id')}|{field}"
    answer = blocks.button(
        "Answer…", action_id="escalation_field_open", value=value, style="primary"
    )
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(answer)))


def completed_directly(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return to who had asked for more that it is there now."""
    text = (
        f"{_about(incident)}: what you asked for is there ({_escalation(entry)}). "
        "The message that called you shows it."
    )
    return blocks.Message(text=text, blocks=(blocks.section(text),))


def withdrawn_directly(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Tell the author that somebody else took it back, why, and how to call again."""
    reason = entry.text("reason")
    why = f"\n*Reason* {mentions.escape(reason)}" if reason else ""
    text = (
        f"{_about(incident)}: {actor_of_entry(entry)} has withdrawn {_escalation(entry)}, so nobody "
        f"is called for it any more.{why}\nDo you still need somebody? Escalate again."
    )
    again = () if not incident.is_open else (blocks.actions(_again(incident)),)
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), *again))


# -- how it ended ---------------------------------------------------------------------------


async def escalation_ending(
    session: AsyncSession, entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return who is on it after all, that it was withdrawn, or that a question was answered."""
    escalation = await session.get_one(Escalation, uuid.UUID(entry.text("escalation_id")))
    if entry.kind == EntryKind.ESCALATION_QUESTIONED:
        if escalation.asked_field == "":
            return Ending("Answered.")
    elif escalation.status == EscalationStatus.TAKEN and escalation.taken_by_id is not None:
        responder = await session.get_one(Person, escalation.taken_by_id)
        return Ending(f"{mentions.mention(responder.external_id)} is on it.")
    if escalation.status == EscalationStatus.WITHDRAWN:
        return Ending("It was withdrawn. Nobody is called any more.")
    return ended_with(incident)


async def withdrawn_ending(
    _session: AsyncSession, _entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return that nobody needs to be called any more, once the incident is over."""
    return ended_with(incident)


def _called(entry: EntryView) -> list[Mapping[str, Any]]:
    return [one for one in entry.content.get("called") or () if isinstance(one, Mapping)]


def _standstill(entry: EntryView) -> str:
    why = standstill(str(one["how"]) for one in _called(entry))
    return f"Escalation {mentions.escape_line(entry.text('number'))}: {why}"


def _what_now(entry: EntryView) -> str:
    if not _called(entry):
        return "Phone somebody who can help, or press *Escalate to somebody else…* and name them."
    return "Phone somebody who can help. Or escalate again and name somebody else."


def _question(entry: EntryView, field: str) -> str:
    if field in tuple(PacketField):
        words: FieldWords = FIELDS[PacketField(field)]
        return words.label
    return mentions.escape_line(entry.text("question") or field.replace("_", " "))


def _escalation(entry: EntryView) -> str:
    return f"escalation {mentions.escape_line(entry.text('number'))}"


def _about(incident: IncidentView) -> str:
    where = f" in {mentions.channel_link(incident.channel_id)}" if incident.channel_id else ""
    return f"*{incident.reference}* {mentions.escape_line(incident.title)}{where}"


def _mention(entry: EntryView, name: str) -> str:
    person = entry.content.get(name)
    external_id = person.get("external_id") if isinstance(person, dict) else None
    return mentions.mention(str(external_id)) if external_id else "somebody"


def _take(entry: EntryView, incident: IncidentView) -> blocks.ButtonElement:
    value = f"{incident.id}|{entry.text('escalation_id')}|{entry.sequence}"
    return blocks.button("I'm on it", action_id="escalation_take", value=value, style="primary")


def _again(incident: IncidentView) -> blocks.ButtonElement:
    value = f"{incident.id}|{incident.version}"
    return blocks.button("Escalate to somebody else…", action_id="escalate_open", value=value)
