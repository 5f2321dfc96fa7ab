"""What people are told privately about an escalation: who was called, and what is still missing."""

from collections.abc import Sequence

from bot.features.escalation_card import next_line, private_offer
from bot.features.escalation_fields import names_of
from bot.slack import blocks as b
from bot.slack import mentions as m
from incidents.escalation_policy import EscalationTemplate
from incidents.escalation_views import EscalationView
from incidents.escalations import EscalationStatus
from incidents.read_models import IncidentView
from incidents.unit_of_work import Outcome


def sent_message(
    outcome: Outcome,
    incident: IncidentView,
    template: EscalationTemplate,
    *,
    view: EscalationView,
    slash: str,
) -> b.Message:
    """Return what the author is told once it is sent, with its completeness: theirs alone."""
    data = outcome.data
    called = [m.escape_line(str(name)) for name in data.get("called") or ()]
    parts = [f"*{data['reference']}* escalated ({data['number']}). {_called(called, view)}"]
    parts.append(completeness_text(data, template))
    missing = data.get("missing") or ()
    if missing and view.is_urgent:
        parts.append("I ask you for it by direct message, one thing at a time. Skip what you like.")
    if data.get("is_exhausted"):
        again = f"`{slash} {data['reference']} escalate @someone What you need`"
        parts.append(f"Name somebody: {again}, or phone somebody.")
    offer = private_offer(incident, template)
    if offer:
        parts.append("Better handled by a few? *Move to private…* says what stays readable.")
    text = "\n".join(part for part in parts if part)
    value = f"{outcome.incident_id}|{data['escalation_id']}|{data['score']}"
    add = b.button("Add to it", action_id="escalation_add_open", value=value)
    withdraw = b.button("Withdraw…", action_id="escalation_withdraw_open", value=value)
    return b.Message(text=text, blocks=(b.section(text), b.actions(add, withdraw, *offer)))


def _called(called: Sequence[str], view: EscalationView) -> str:
    if called:
        return f"Calling {', '.join(called)}. {next_line(view)}".rstrip()
    if view.status is EscalationStatus.EXHAUSTED:
        return "*There was nobody to call.*"
    return "Looking up whom to call; the card in the channel shows it."


def completeness_text(data: object, template: EscalationTemplate) -> str:
    """Return how complete a packet is and what is missing, for its author alone."""
    known = data if isinstance(data, dict) else {}
    missing = tuple(str(item) for item in known.get("missing") or ())
    if not missing:
        return "The packet is complete."
    listed = m.escape_line(names_of(missing, template))
    return f"Completeness {known.get('score', 0)} of 100. Still missing: {listed}."


def completed_message(
    outcome: Outcome, template: EscalationTemplate, *, is_author: bool
) -> b.Message:
    """Return what whoever added to a packet is told; its completeness only if it is theirs."""
    data = outcome.data
    lead = (
        f"Added to escalation {data['number']} of *{data['reference']}*: version {data['version']}."
    )
    text = f"{lead}\n{completeness_text(data, template)}" if is_author else lead
    return b.Message(text=text, blocks=(b.section(text),))


def answered_text(outcome: Outcome, *, slash: str) -> str:
    """Return what somebody is told who answered an escalation, or did something with it."""
    data = outcome.data
    which = f"escalation {data['number']} of *{data['reference']}*"
    called = ", ".join(m.escape_line(str(name)) for name in data.get("called") or ())
    is_at_end = data.get("status") == EscalationStatus.EXHAUSTED
    match outcome.kind:
        case "escalation_taken":
            return f"You are on {which}. Nobody else is called, and its author is told."
        case "escalation_questioned":
            return f"Asked, for {which}. You hear when the answer is there."
        case "escalation_declined" if is_at_end:
            return (
                f"Noted for {which}. Nobody else is left to call, and the channel is told. If you "
                "know who could help, say so there."
            )
        case "escalation_declined":
            return f"Noted for {which}. Others are called. Thank you for saying so."
        case "escalation_redirected" if is_at_end:
            return (
                f"They can't be called, and nobody else is left to call for {which}. The channel "
                "is told. Phone somebody, or escalate to somebody else."
            )
        case "escalation_redirected":
            return f"Passed on: {called or 'being looked up'}, with all of {which}."
        case "escalation_step_called":
            whom = f"Calling {called} now" if called else "Nobody of that step could be called"
            return f"{whom}, for {which}. The card in the channel shows it."
        case "escalation_withdrawn":
            return f"Withdrawn: {which}. Those who were called see it in their messages."
    return f"Done, for {which}. `{slash} escalation` shows how it stands."
