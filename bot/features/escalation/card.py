"""The escalation card in the channel: the packet, who was called, and what comes next."""

import uuid
from collections.abc import Iterator, Sequence
from typing import Final

from bot.features.escalation.packet import fitted, names_of, packet_lines
from bot.features.escalation.pages import page_lines, wake_note
from bot.features.proposals.messages import answer_row, asked_lines
from bot.framework.arguments import Arguments, on_incident, to_value
from bot.slack import blocks, mentions
from bot.slack.ids import is_user_id
from bot.slack.truncation import shorten
from incidents.escalation.entries import WHY_SKIPPED, standstill
from incidents.escalation.packet import most_useful, rate
from incidents.escalation.tables import CallStatus, EscalationStatus, Medium, StepStatus
from incidents.escalation.views import CallView, EscalationView, StepView
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.views import IncidentView
from incidents.policy.escalation import EscalationTemplate
from incidents.policy.policy import Policy
from incidents.proposals.views import ProposalView

_MOST_CALLS: Final = 12
_LONGEST_NAME: Final = 80
_LONGEST_REASON: Final = 200
# Leaves room for the rest of the message (12,000 characters) and of its fallback (4,000).
_PACKET_ROOM: Final = 8_000
_FALLBACK_ROOM: Final = 2_600


def template_of(view: EscalationView, policy: Policy) -> EscalationTemplate | None:
    """Return the escalation's kind, or None if the policy no longer has it."""
    return policy.escalation.find_template(view.template_key)


def escalation_card(
    view: EscalationView,
    incident: IncidentView,
    policy: Policy,
    *,
    proposal: ProposalView | None = None,
) -> blocks.Message:
    """Return the current card, with the buttons that apply.

    `proposal` is the unanswered proposal behind this escalation, if there is one.
    """
    template = template_of(view, policy)
    lines = (*asked_lines(proposal), *packet_lines(view.packet, template))
    head = f"{_head(view)}\n{state_line(view)}"
    following = next_line(view)
    calls = "\n".join((*_call_lines(view), *page_lines(view)))
    wanted = "\n".join(_wanted_lines(view, template))
    buttons = (*_buttons(view), *private_offer(incident, template))
    parts = (head, following, wanted, calls)
    return blocks.Message(
        text="\n".join(
            part
            for part in (
                f"{incident.reference} {_short(incident.title, _LONGEST_REASON)}",
                *parts[:2],
                fitted(lines, limit=_FALLBACK_ROOM),
                *parts[2:],
                wake_note(view),
            )
            if part
        ),
        blocks=(
            *_marks(incident),
            *blocks.paragraphs("\n".join(part for part in (head, following) if part)),
            *(blocks.paragraphs(fitted(lines, limit=_PACKET_ROOM)) if lines else ()),
            *(blocks.paragraphs(wanted) if wanted else ()),
            *(blocks.paragraphs(calls) if calls else ()),
            *((blocks.context(note),) if (note := wake_note(view)) else ()),
            *answer_row(proposal),
            *((blocks.actions(*buttons),) if buttons else ()),
        ),
    )


def _marks(incident: IncidentView) -> tuple[blocks.Block, ...]:
    if not incident.is_drill:
        return ()
    return (blocks.section("*This is a drill.* Practice only; nothing is broken."),)


def _head(view: EscalationView) -> str:
    by = ""
    if view.author is not None and not view.is_automatic:
        # An automatic escalation names nobody: it may be for somebody who is still learning.
        by = f": help for {mentions.mention(view.author.external_id)}"
    urgent = ", urgent" if view.is_urgent else ""
    return f"*Escalation {view.number}* ({mentions.escape_line(view.template_name)}{urgent}){by}"


def state_line(view: EscalationView) -> str:
    """Return one sentence: who is on it, or who is being called."""
    match view.status:
        case EscalationStatus.TAKEN if view.taken_by is not None and view.is_ended:
            responder = mentions.mention(view.taken_by.external_id)
            return f"*{responder} was on it.* The incident is over. I've stopped calling."
        case EscalationStatus.TAKEN if view.taken_by is not None:
            since = f", since {mentions.date(view.taken_at, '{time}')}" if view.taken_at else ""
            return f"*{mentions.mention(view.taken_by.external_id)} is on it*{since}."
        case EscalationStatus.EXHAUSTED:
            return _at_end(view)
        case EscalationStatus.WITHDRAWN:
            return f"Withdrawn{_at(view)}. I've stopped calling."
        case EscalationStatus.OVER:
            return f"Ended{_at(view)}: the incident is over. I've stopped calling."
    waited_for = _waited_for(view)
    if not waited_for:
        return "Nobody is on it yet: looking up who is called next."
    return f"Calling {waited_for}. Nobody is on it yet."


def _at_end(view: EscalationView) -> str:
    why = standstill(_stand(call, view) for call in view.calls)
    others = "somebody else" if view.calls else "somebody"
    return (
        f"*{why[:1].upper()}{why[1:]}.* Phone somebody now, name {others} by escalating again, or "
        "take it with *I'm on it*."
    )


def _stand(call: CallView, view: EscalationView) -> str:
    """Return the key in `STANDS` that says how a called person responded."""
    if call.status is CallStatus.OPEN:
        has_asked = view.asked_by is not None and view.asked_by.id == call.person.id
        return "asked" if has_asked else "no_answer"
    return "declined" if call.status is CallStatus.DECLINED else "passed_on"


def _at(view: EscalationView) -> str:
    return f" at {mentions.date(view.ended_at, '{time}')}" if view.ended_at else ""


def _waited_for(view: EscalationView) -> str:
    people = [call.person for call in view.calls if call.status is CallStatus.OPEN]
    named = list(dict.fromkeys(mentions.mention(person.external_id) for person in people))
    more = f" and {len(named) - _MOST_CALLS} more" if len(named) > _MOST_CALLS else ""
    return ", ".join(named[:_MOST_CALLS]) + more


def next_line(view: EscalationView) -> str:
    """Return what happens next if nobody answers, and when; "" if nothing will."""
    if view.status is not EscalationStatus.CALLING or view.due_at is None:
        return ""
    at = mentions.date(view.due_at, "{time}")
    unless = f"If nobody answers by {at}" if _waited_for(view) else f"If I find nobody by {at}"
    following = next(iter(view.waiting_steps), None)
    if following is None:
        return f"{unless}, nobody is left to call, and I say so in the channel."
    return f"{unless}, I call {_listed(following.reach)}."


def _listed(names: Sequence[str]) -> str:
    """Return the names of a step as mrkdwn, user ids as mentions."""
    return ", ".join(mentions.mention(name) if is_user_id(name) else _short(name) for name in names)


def _short(text: str, limit: int = _LONGEST_NAME) -> str:
    return mentions.escape_line(shorten(text, limit))


def _wanted_lines(view: EscalationView, template: EscalationTemplate | None) -> Iterator[str]:
    if view.is_ended:  # the packet can no longer change
        return
    if view.asked_field and view.asked_by is not None:
        what = mentions.escape_line(names_of((view.asked_field,), template))
        yield f"*{mentions.mention(view.asked_by.external_id)} asks for:* {what}. *Add details* answers."
    missing = rate(view.packet, template).missing if template is not None else ()
    if missing:
        yield f"*Not known yet:* {mentions.escape_line(names_of(most_useful(missing), template))}"


# -- who was called -------------------------------------------------------------------------


def _call_lines(view: EscalationView) -> Iterator[str]:
    lines = [line for step in view.steps for line in _step_lines(step, view)]
    if lines:
        yield "*Called*"
    yield from lines[-_MOST_CALLS:]
    if len(lines) > _MOST_CALLS:
        yield f"… and {len(lines) - _MOST_CALLS} before"


def _step_lines(step: StepView, view: EscalationView) -> Iterator[str]:
    for call in step.calls:
        at = mentions.date(call.called_at, "{time}")
        said = ", ".join(part for part in (_answer(call, view), _way(call), _away(call)) if part)
        yield f"• {at} {mentions.mention(call.person.external_id)}: {said}"
    if step.called_at is None or step.calls:
        return
    at = mentions.date(step.called_at, "{time}")
    if step.status is StepStatus.LOOKING_UP:
        yield f"• {at} {_listed(step.names)}: being looked up"
    elif not step.skipped:
        yield f"• {at} {_listed(step.names)}: nobody to call"
    for name, why in step.skipped:
        shown = mentions.mention(name) if is_user_id(name) else _short(name)
        yield f"• {at} {shown}: {mentions.escape_line(WHY_SKIPPED.get(why, why))}"


def _answer(call: CallView, view: EscalationView) -> str:
    match call.status:
        case CallStatus.TAKEN:
            is_theirs = view.taken_by is not None and view.taken_by.id == call.person.id
            return "is on it" if is_theirs else "was on it"
        case CallStatus.DECLINED:
            return f"can't ({_short(call.reason, _LONGEST_REASON)})" if call.reason else "can't"
        case CallStatus.REDIRECTED:
            return "passed it on"
        case CallStatus.OPEN:
            return "no answer yet" if view.is_unanswered else "no answer"


def _way(call: CallView) -> str:
    """Return how they were reached; "" for a direct message."""
    match call.medium:
        case Medium.DIRECT_MESSAGE:
            return ""
        case Medium.CHANNEL:
            return "mentioned here, as no direct message reaches them"
    return mentions.escape_line(call.medium.replace("_", " "))


def _away(call: CallView) -> str:
    return f"may not notice: {_short(call.away, _LONGEST_REASON)}" if call.away else ""


# -- buttons --------------------------------------------------------------------------------


def private_offer(
    incident: IncidentView, template: EscalationTemplate | None
) -> tuple[blocks.ButtonElement, ...]:
    """Return the *Move to private…* button, or nothing if it isn't offered here."""
    is_offered = template is not None and template.may_move_to_private
    if not is_offered or incident.is_private or not incident.is_open:
        return ()
    value = on_incident(incident)
    return (blocks.button("Move to private…", action_id="private_open", value=value),)


class OnEscalation(Arguments, gone="escalation_withdrawn"):
    """An escalation, its state when the button was rendered, and the call that the button is on."""

    ref: IncidentRef
    escalation_id: uuid.UUID
    stood: str = ""
    call_id: uuid.UUID | None = None


class OnField(Arguments, gone="escalation_withdrawn"):
    """A packet field that somebody asked for; `prompt_id` is the prompt that asked, if one did."""

    ref: IncidentRef
    escalation_id: uuid.UUID
    field: str = ""
    prompt_id: uuid.UUID | None = None


def button_value(view: EscalationView, *, call_id: uuid.UUID | None = None) -> str:
    """Return the value of an escalation's buttons; `call_id` is the call that they are on."""
    stood = f"{view.status}-{len(view.calls)}-{view.packet_version}-{view.redirects}"
    return to_value(OnEscalation(ById(view.incident_id), view.id, stood, call_id))


def _buttons(view: EscalationView) -> tuple[blocks.ButtonElement, ...]:
    if view.is_ended:
        return ()
    value = button_value(view)
    add = blocks.button("Add details", action_id="escalation_add_open", value=value)
    if view.status is EscalationStatus.TAKEN:
        redirect = blocks.button("Pass it on…", action_id="escalation_redirect_open", value=value)
        return (add, redirect)
    take = blocks.button("I'm on it", action_id="escalation_take", value=value, style="primary")
    call = blocks.button("Call next step now…", action_id="escalation_step_open", value=value)
    withdraw = blocks.button("Withdraw…", action_id="escalation_withdraw_open", value=value)
    return (take, add, *((call,) if view.waiting_steps else ()), withdraw)
