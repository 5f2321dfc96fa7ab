"""What is said of proposals as they go on: in the channel, and directly to those it concerns."""

from bot.features.proposals.messages import answer_buttons, break_button, done_button
from bot.framework.arguments import known_id, to_value
from bot.framework.entry_messages import told_directly, told_lines, told_message
from bot.framework.phrases import about, actor_of_entry, named
from bot.framework.proposal_offer import OnProposal
from bot.slack import blocks, mentions
from incidents.incident.incident import ById
from incidents.incident.views import EntryView, IncidentView
from incidents.policy.policy import COMMANDER
from incidents.proposals.entries import (
    ApprovalLapsed,
    BreakGlass,
    ObjectionsAsked,
    ObjectionsEnded,
    ProposalApproved,
    ProposalStep,
    ProposalUnanswered,
    ResultAsked,
)


def approved_directly(
    approved: ProposalApproved, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return what the author is told: agreed to, until when, and the button that goes on."""
    until = approved.expires_at
    holds = f" It holds until {mentions.date(until, '{time}')}." if until else ""
    now = "*Carry out* does it." if approved.is_command else "Go ahead, then say what came of it."
    button = done_button(_value(approved, incident), is_command=approved.is_command)
    return told_directly(entry, incident, button, asks=f"{now}{holds}")


def lapsed_entry(
    lapsed: ApprovalLapsed, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return that an agreement no longer counts, and the buttons that answer anew."""
    return told_message(entry, incident, *answer_buttons(_value(lapsed, incident)))


def unanswered_entry(
    unanswered: ProposalUnanswered, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return that a proposal still waits, more loudly each time."""
    value = _value(unanswered, incident)
    if not unanswered.is_last_call:
        return told_message(entry, incident, *answer_buttons(value), asks="Who agrees?")
    # Nobody decides on their own proposal: the commander's is for others.
    author = unanswered.requester.id
    lead = ", ".join(
        mentions.mention(one.external_id) for one in incident.holders(COMMANDER) if one.id != author
    )
    asks = (
        f"{lead or 'Whoever can decide'}: please decide now. If it can't wait, *Break glass* goes "
        "ahead with a reason, and tells everybody."
    )
    return told_message(entry, incident, *answer_buttons(value), break_button(value), asks=asks)


def unanswered_directly(
    unanswered: ProposalUnanswered, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return the question put again to those who may agree."""
    minutes = max(unanswered.minutes, 1)
    text = (
        f"{about(incident)}: {named(unanswered.requester)} has waited {minutes} min for an answer to "
        f"{unanswered.name}: {_text(unanswered)}\nA *no* with its reason helps, too."
    )
    buttons = answer_buttons(_value(unanswered, incident))
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(*buttons)))


def broken_entry(broken: BreakGlass, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return, loudly, that somebody goes ahead without agreement."""
    text = "\n".join(told_lines(entry))
    return blocks.Message(
        text=text, blocks=(blocks.header("Break-glass"), *blocks.paragraphs(text))
    )


def result_asked_directly(
    asked: ResultAsked, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return the question to who went ahead without approval, with the ways to answer it."""
    text = (
        f"{about(incident)}: you went ahead with {asked.name} without approval: {_text(asked)}\n"
        "What came of it? *Carried out…* puts it on the record, *Abandon…* if "
        "it wasn't done after all. I ask only once."
    )
    value = _value(asked, incident)
    buttons = (
        done_button(value, is_command=False),
        blocks.button("Abandon…", action_id="proposal_abandon_open", value=value),
    )
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(*buttons)))


def asked_entry(asked: ObjectionsAsked, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the question for strong objections."""
    until = mentions.date(asked.until or entry.occurred_at, "{time_secs}")
    asks = f"{actor_of_entry(entry)} decides after {until}. Silence is consent."
    value = _value(asked, incident)
    button = blocks.button("Object…", action_id="proposal_object_open", value=value)
    return told_message(entry, incident, button, asks=asks)


def poll_ended_entry(
    ended: ObjectionsEnded, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return what the question for objections came to, and who decides."""
    commanders = (mentions.mention(one.external_id) for one in incident.holders(COMMANDER))
    return told_message(
        entry, incident, asks=f"{', '.join(commanders) or 'The commander'} decides."
    )


def _value(step: ProposalStep, incident: IncidentView) -> str:
    proposal_id = known_id(step.proposal_id)
    return to_value(OnProposal(ById(incident.id), proposal_id, step.version))


def _text(step: ProposalStep) -> str:
    said = mentions.escape(step.text or "")
    return said if said.endswith((".", "!", "?", "…")) or not said else f"{said}."
