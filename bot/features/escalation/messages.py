"""Messages about an escalation: the call with its packet and buttons, and news for the author."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.escalation.card import (
    OnField,
    button_value,
    next_line,
    state_line,
    template_of,
)
from bot.features.escalation.packet import fitted, names_of, packet_lines
from bot.features.escalation.reasons import why_called
from bot.features.proposals.messages import answer_row, asked_lines
from bot.framework.arguments import known_id, on_incident, to_value
from bot.framework.entry_messages import Ending, ended_with, told_message
from bot.framework.phrases import about, actor_of_entry
from bot.framework.refusals import say
from bot.slack import blocks, mentions
from bot.slack.truncation import shorten
from incidents.core.people import Person
from incidents.core.sentences import Who
from incidents.escalation.entries import (
    STANDS,
    EscalationCompleted,
    EscalationExhausted,
    EscalationQuestioned,
    EscalationTaken,
    EscalationWithdrawn,
)
from incidents.escalation.packet import FIELDS, Packet, most_useful, rate
from incidents.escalation.tables import CallStatus, Escalation, EscalationStatus
from incidents.escalation.views import CallView, EscalationView
from incidents.incident.incident import ById
from incidents.incident.views import EntryView, IncidentView, find_next_entry
from incidents.policy.policy import Policy
from incidents.proposals.views import ProposalView

_LONGEST_TITLE: Final = 200
_LONGEST_ASK: Final = 300
# Read within seconds, and short enough for the fallback, too (4,000 characters).
_PACKET_ROOM: Final = 2_200


def call_message(
    view: EscalationView,
    call: CallView,
    incident: IncidentView,
    policy: Policy,
    *,
    proposal: ProposalView | None = None,
) -> blocks.Message:
    """Return the current message to a called person; once settled, it has no buttons to answer."""
    is_asked = view.is_unanswered and call.status is CallStatus.OPEN
    head = (
        _ask(view, call, incident, policy)
        if is_asked
        else f"{_lead(incident)}\n{_settled(view, call, incident)}"
    )
    lines = (*asked_lines(proposal), *_known(view, incident, policy, is_asked=is_asked))
    unknown = _unknown(view, policy, is_asked=is_asked)
    packet = fitted(lines, limit=_PACKET_ROOM)
    if packet != "\n".join(lines):
        packet += "\nCut here; the card in the channel has all of it."
    packet = packet or ("" if unknown else "Nothing more is known yet.")
    tail = "\n".join(part for part in (unknown, _links(view, policy)) if part)
    return blocks.Message(
        text="\n".join(part for part in (head, packet, tail) if part),
        blocks=(
            *blocks.paragraphs(head),
            *(blocks.paragraphs(packet) if packet else ()),
            *(blocks.paragraphs(tail) if tail else ()),
            *(answer_row(proposal) if is_asked or _is_theirs(view, call) else ()),
            *((blocks.actions(*_buttons(view, call)),) if is_asked else ()),
        ),
    )


def _known(
    view: EscalationView, incident: IncidentView, policy: Policy, *, is_asked: bool
) -> tuple[str, ...]:
    """Return what the packet says, impact first; what the first line says is left out, if asked."""
    packet, template = view.packet, template_of(view, policy)
    impact = packet_lines(Packet(impact=packet.impact), template)
    if not is_asked:
        return packet_lines(packet, template)
    ask = "" if len(packet.ask) <= _LONGEST_ASK else packet.ask
    symptoms = "" if packet.symptoms == incident.title else packet.symptoms
    rest = replace(packet, ask=ask, answer_by=None, impact="", symptoms=symptoms)
    return (*impact, *packet_lines(rest, template))


def _unknown(view: EscalationView, policy: Policy, *, is_asked: bool) -> str:
    template = template_of(view, policy)
    missing = rate(view.packet, template).missing if template is not None and is_asked else ()
    named = names_of(most_useful(missing), template)
    return f"*Not known yet:* {mentions.escape_line(named)}" if missing else ""


def _lead(incident: IncidentView) -> str:
    return f"{_drill(incident)}{_fault(incident)}"


def _drill(incident: IncidentView) -> str:
    return "*This is a drill.* " if incident.is_drill else ""


def _fault(incident: IncidentView) -> str:
    where = f" in {mentions.channel_link(incident.channel_id)}" if incident.channel_id else ""
    return (
        f"*{incident.reference}* {mentions.escape_line(incident.severity_name)} "
        f"{mentions.escape_line(shorten(incident.title, _LONGEST_TITLE))}{where}"
    )


def _ask(view: EscalationView, call: CallView, incident: IncidentView, policy: Policy) -> str:
    """Return who needs them, for what, the ask and its time; why them; and what comes next."""
    if view.author is None or view.is_automatic:  # names nobody: it may be for a learner
        lead = f"{_lead(incident)} *needs you:*"
    else:
        author = mentions.mention(view.author.external_id)
        lead = f"{_drill(incident)}*{author} needs you* for {_fault(incident)}:"
    ask = mentions.escape_line(shorten(view.packet.ask, _LONGEST_ASK)) or "can you take it?"
    answer_by = view.packet.answer_by
    by = f" Answer by {mentions.date(answer_by, '{time}')}." if answer_by is not None else ""
    why = why_called(view, call, incident, policy)
    following = " ".join(part for part in (why, next_line(view)) if part)
    return "\n".join(part for part in (f"{lead} {ask}{by}", following) if part)


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
            return f"*You are on it*{since}. I've stopped calling others. The work is in {where}."
        case EscalationStatus.TAKEN if view.taken_by is not None:
            responder = mentions.mention(view.taken_by.external_id)
            return f"*{responder} is on it.* Nothing for you to do; thank you."
        case EscalationStatus.WITHDRAWN:
            return "*It was withdrawn.* Nothing for you to do."
        case EscalationStatus.OVER:
            return "*The incident is over.* Nothing for you to do."
    if call.status is CallStatus.REDIRECTED:
        return "*You passed it on*, with everything below. Nothing more for you to do."
    if view.status is EscalationStatus.EXHAUSTED:
        return (
            "*Noted: you can't take it.* I have nobody left to call, and said so in the channel. If "
            "you know who could help, tell them there."
        )
    return "*Noted: you can't take it.* I'm calling others."


def _is_theirs(view: EscalationView, call: CallView) -> bool:
    return view.taken_by is not None and view.taken_by.id == call.person.id


def _links(view: EscalationView, policy: Policy) -> str:
    """Return links to the runbooks and dashboards of the service."""
    service = policy.find_service(view.service_key) if view.service_key else None
    if service is None:
        return ""
    links = (*service.all_runbooks, *service.all_dashboards)
    return " · ".join(mentions.link(link.url, link.title) for link in links)


def _buttons(view: EscalationView, call: CallView) -> tuple[blocks.ButtonElement, ...]:
    value = button_value(view, call_id=call.id)
    return (
        blocks.button("I'm on it", action_id="escalation_take", value=value, style="primary"),
        blocks.button("Need more…", action_id="escalation_more_open", value=value),
        blocks.button("Redirect…", action_id="escalation_redirect_open", value=value),
        blocks.button("Can't, next please…", action_id="escalation_decline_open", value=value),
        blocks.button("Why me?", action_id="escalation_why", value=value),
    )


def mention_message(
    view: EscalationView, call: CallView, incident: IncidentView, policy: Policy, *, card_link: str
) -> blocks.Message:
    """Return the mention in the channel for a person who gets no direct message.

    It only says that they are called: the card in the same channel has the rest.
    """
    if not (view.is_unanswered and call.status is CallStatus.OPEN):
        name = mentions.escape_line(call.person.name)
        text = f"{name} was called for {incident.reference} here. {state_line(view)}"
        return blocks.Message(text=text, blocks=(blocks.context(text),))
    card = f"the {mentions.link(card_link, 'card')}" if card_link else "the card"
    # Others read the channel, and the bot's reason may say that somebody is learning.
    reason = "" if view.is_automatic else why_called(view, call, incident, policy)
    why = f" {reason}" if reason else ""
    text = (
        f"{mentions.mention(call.person.external_id)}: you are called for {incident.reference}, and no "
        f"direct message reaches you.{why} What is known, and the buttons, are on {card} of "
        f"escalation {view.number} in this channel."
    )
    take = blocks.button(
        "I'm on it",
        action_id="escalation_take",
        value=button_value(view, call_id=call.id),
        style="primary",
    )
    return say(text, take)


def taken_entry(taken: EscalationTaken, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Say under the card who is on it, to its author if there is one."""
    author = taken.author
    asks = f"{_mention(author)}: stay with them until they have what they need." if author else ""
    return told_message(entry, incident, asks=asks)


def taken_directly(
    taken: EscalationTaken, _entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Tell the author who is on it."""
    text = (
        f"{about(incident)}: *{_mention(taken.person)} is on it* ({taken.name}). "
        "Stay with them until they have what they need."
    )
    return say(text)


def exhausted_entry(
    exhausted: EscalationExhausted, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Alert the channel: nobody is on it, why, and what to do now."""
    called = ", ".join(
        f"{one.person.name} ({STANDS.get(one.how, one.how)})" for one in exhausted.called
    )
    lines = (
        f"{mentions.here()} *{_standstill(exhausted)}.*",
        f"Called so far: {mentions.escape_line(called)}." if called else "",
        f"*Do this now.* {_what_now(exhausted)} If you can take it yourself, press *I'm on it*.",
        "A Slack message may not wake anybody. *Show phone numbers* has what I know.",
    )
    text = "\n".join(line for line in lines if line)
    value = f"{incident.id}|{exhausted.escalation_id}|{entry.sequence}"
    take = blocks.button("I'm on it", action_id="escalation_take", value=value, style="primary")
    phones = blocks.button("Show phone numbers", action_id="escalation_phones", value=value)
    return blocks.Message(
        text=f"{incident.reference}: {text}",
        blocks=(*blocks.paragraphs(text), blocks.actions(take, _again(incident), phones)),
    )


def exhausted_directly(
    exhausted: EscalationExhausted, _entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Tell the commander and the author that nobody is on it, why, and what to do now."""
    text = f"{about(incident)}. *{_standstill(exhausted)}.* {_what_now(exhausted)}"
    return say(text, _again(incident))


def questioned_directly(
    questioned: EscalationQuestioned, _entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Ask the author what a called person wants to know, with a button to answer."""
    field = questioned.field
    what = (
        FIELDS[field].question
        if field in FIELDS
        else mentions.escape_line(questioned.question or field.replace("_", " "))
    )
    text = (
        f"{about(incident)}: {_mention(questioned.person)} needs one more thing for "
        f"{questioned.name}: *{what}*\nA short answer will do, also that it isn't known."
    )
    value = to_value(OnField(ById(incident.id), known_id(questioned.escalation_id), field))
    answer = blocks.button(
        "Answer…", action_id="escalation_field_open", value=value, style="primary"
    )
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(answer)))


def completed_directly(
    completed: EscalationCompleted, _entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Tell the person who asked for more that it was added."""
    text = (
        f"{about(incident)}: what you asked for is there ({completed.name}). "
        "The message that called you shows it."
    )
    return say(text)


def withdrawn_directly(
    withdrawn: EscalationWithdrawn, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Tell the author that somebody else withdrew it, why, and how to escalate again."""
    reason = withdrawn.reason
    why = f"\n*Reason* {mentions.escape(reason)}" if reason else ""
    text = (
        f"{about(incident)}: {actor_of_entry(entry)} has withdrawn {withdrawn.name}. I've "
        f"stopped calling.{why}\nDo you still need somebody? Escalate again."
    )
    again = () if not incident.is_open else (blocks.actions(_again(incident)),)
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), *again))


# -- how it ended ---------------------------------------------------------------------------


async def exhausted_ending(
    exhausted: EscalationExhausted, session: AsyncSession, _entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return who took it after all, or that it was withdrawn or the incident ended."""
    escalation = await session.get_one(Escalation, exhausted.escalation_id)
    if escalation.status == EscalationStatus.TAKEN and escalation.taken_by_id is not None:
        responder = await session.get_one(Person, escalation.taken_by_id)
        return Ending(f"{mentions.mention(responder.external_id)} is on it.")
    return _withdrawn(escalation) or ended_with(incident)


async def questioned_ending(
    questioned: EscalationQuestioned,
    session: AsyncSession,
    entry: EntryView,
    incident: IncidentView,
) -> Ending | None:
    """Return that the question was answered or replaced, or the escalation withdrawn."""

    def is_its_answer(content: Mapping[str, Any]) -> bool:
        completed = EscalationCompleted.read(content)
        return (
            completed is not None
            and completed.escalation_id == questioned.escalation_id
            and questioned.field in completed.changed
        )

    def is_newer_question(content: Mapping[str, Any]) -> bool:
        newer = EscalationQuestioned.read(content)
        return newer is not None and newer.escalation_id == questioned.escalation_id

    if await find_next_entry(
        session, entry, incident, EscalationCompleted.kind, matches=is_its_answer
    ):
        return Ending("Answered.")
    escalation = await session.get_one(Escalation, questioned.escalation_id)
    over = _withdrawn(escalation) or ended_with(incident)
    if over is None and await find_next_entry(
        session, entry, incident, EscalationQuestioned.kind, matches=is_newer_question
    ):
        return Ending("Another question replaced this one.", is_final=False)
    return over


async def withdrawn_ending(
    _withdrawn: EscalationWithdrawn,
    _session: AsyncSession,
    _entry: EntryView,
    incident: IncidentView,
) -> Ending | None:
    """Return that the incident is over, once it is."""
    return ended_with(incident)


def _withdrawn(escalation: Escalation) -> Ending | None:
    if escalation.status != EscalationStatus.WITHDRAWN:
        return None
    return Ending("It was withdrawn. I've stopped calling.")


def _standstill(exhausted: EscalationExhausted) -> str:
    return f"Escalation {exhausted.number}: {exhausted.why}"


def _what_now(exhausted: EscalationExhausted) -> str:
    if not exhausted.called:
        return "Phone somebody who can help, or press *Escalate to somebody else…* and name them."
    return "Phone somebody who can help. Or escalate again and name somebody else."


def _mention(person: Who) -> str:
    return mentions.mention(person.external_id) if person.external_id else "somebody"


def _again(incident: IncidentView) -> blocks.ButtonElement:
    value = on_incident(incident)
    return blocks.button("Escalate to somebody else…", action_id="escalate_open", value=value)
