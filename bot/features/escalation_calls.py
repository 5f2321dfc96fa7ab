"""The direct message to whoever is called: the whole packet, and four buttons to answer with."""

from typing import Final

from bot.features.approval_messages import answer_row, asked_lines
from bot.features.escalation_card import button_value, next_line, state_line, template_of
from bot.features.escalation_fields import names_of
from bot.features.escalation_packet import fitted, packet_lines
from bot.slack import blocks as b
from bot.slack import mentions as m
from bot.slack.truncation import shorten
from incidents.completeness import rate
from incidents.escalation_views import CallView, EscalationView
from incidents.escalations import CallStatus, EscalationStatus
from incidents.policy import Policy
from incidents.read_models import IncidentView

_LONGEST_TITLE: Final = 200
_PACKET_ROOM: Final = 9_000
_FALLBACK_ROOM: Final = 3_000


def call_message(
    view: EscalationView, call: CallView, incident: IncidentView, policy: Policy
) -> b.Message:
    """Return the message as things are now: answered, it says by whom and has no buttons."""
    template = template_of(view, policy)
    lines = (*asked_lines(view.proposal), *packet_lines(view.packet, template))
    is_asked = view.is_unanswered and call.status is CallStatus.OPEN
    head = f"{_lead(view, incident)}\n{_ask(view) if is_asked else _settled(view, call, incident)}"
    missing = rate(view.packet, template).missing if template is not None and is_asked else ()
    unknown = f"*Not known yet:* {m.escape_line(names_of(missing, template))}" if missing else ""
    links = _links(view, policy)
    tail = "\n".join(part for part in (unknown, links) if part)
    packet = fitted(lines, limit=_PACKET_ROOM) or "Nothing more is known yet."
    short = fitted(lines, limit=_FALLBACK_ROOM) or "Nothing more is known yet."
    return b.Message(
        text="\n".join(part for part in (head, short, tail) if part),
        blocks=(
            *b.paragraphs(head),
            *b.paragraphs(packet),
            *(b.paragraphs(tail) if tail else ()),
            *(answer_row(view.proposal) if is_asked or _is_theirs(view, call) else ()),
            *((b.actions(*_buttons(view, call)),) if is_asked else ()),
        ),
    )


def _lead(view: EscalationView, incident: IncidentView) -> str:
    drill = "*This is a drill.* " if incident.is_drill else ""
    where = f" in {m.channel_link(incident.channel_id)}" if incident.channel_id else ""
    return (
        f"{drill}*{incident.reference}* {m.escape_line(incident.severity_name)} "
        f"{m.escape_line(shorten(incident.title, _LONGEST_TITLE))}{where}"
    )


def _ask(view: EscalationView) -> str:
    if view.author is None or view.is_automatic:  # for whom isn't said: it may be for who learns
        lead = f"*{view.reference} is escalated to you.*"
    else:
        lead = f"*{m.mention(view.author.external_id)} escalates to you.*"
    return f"{lead} Can you take it? {next_line(view)}".rstrip()


def _settled(view: EscalationView, call: CallView, incident: IncidentView) -> str:
    where = m.channel_link(incident.channel_id) if incident.channel_id else "the incident channel"
    is_own = _is_theirs(view, call)
    match view.status:
        case EscalationStatus.TAKEN if view.is_ended:
            return "*The incident is over.* Nothing for you to do; thank you."
        case EscalationStatus.TAKEN if is_own:
            since = f" since {m.date(view.taken_at, '{time}')}" if view.taken_at else ""
            return f"*You are on it*{since}. Nobody else is called. The work is in {where}."
        case EscalationStatus.TAKEN if view.taken_by is not None:
            taker = m.mention(view.taken_by.external_id)
            return f"*{taker} is on it.* Nothing for you to do; thank you."
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
    return " · ".join(m.link(link.url, link.title) for link in links)


def _buttons(view: EscalationView, call: CallView) -> tuple[b.ButtonElement, ...]:
    value = f"{button_value(view)}|{call.id}"
    return (
        b.button("I'm on it", action_id="escalation_take", value=value, style="primary"),
        b.button("Need more…", action_id="escalation_more_open", value=value),
        b.button("Redirect…", action_id="escalation_redirect_open", value=value),
        b.button("Can't, next please…", action_id="escalation_decline_open", value=value),
    )


def mention_message(
    view: EscalationView, call: CallView, incident: IncidentView, *, card_link: str
) -> b.Message:
    """Return the mention in the channel for somebody whom no direct message reaches.

    It says no more than that they are called: who else reads it knows the channel's own card.
    """
    if not (view.is_unanswered and call.status is CallStatus.OPEN):
        name = m.escape_line(call.person.name)
        text = f"{name} was called for {incident.reference} here. {state_line(view)}"
        return b.Message(text=text, blocks=(b.context(text),))
    card = f"the {m.link(card_link, 'card')}" if card_link else "the card"
    text = (
        f"{m.mention(call.person.external_id)}: you are called for {incident.reference}, and no "
        f"direct message reaches you. What is known, and the buttons, are on {card} of "
        f"escalation {view.number} in this channel."
    )
    take = b.button(
        "I'm on it",
        action_id="escalation_take",
        value=f"{button_value(view)}|{call.id}",
        style="primary",
    )
    return b.Message(text=text, blocks=(b.section(text), b.actions(take)))


def hidden_message(incident: IncidentView) -> b.Message:
    """Return what is left of a call for somebody whom the incident is hidden from by now."""
    text = f"{incident.reference} is handled privately now. Nothing for you to do; thank you."
    return b.Message(text=text, blocks=(b.context(text),))
