"""Messages about timeline entries of a proposal, for the channel and for direct messages."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.proposals.messages import (
    answer_buttons,
    break_button,
    done_button,
    status_line,
)
from bot.framework.arguments import known_id, to_value
from bot.framework.entry_messages import Ending, told_directly, told_lines, told_message
from bot.framework.phrases import about, actor_of_entry, named
from bot.framework.proposal_offer import OnProposal
from bot.slack import blocks, mentions
from incidents.incident.incident import ById
from incidents.incident.views import EntryView, IncidentView, find_next_entry
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
from incidents.proposals.tables import ProposalStatus
from incidents.proposals.views import get_proposal_view


def approved_directly(
    approved: ProposalApproved, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Tell the author that it is approved, until when, and offer the button to carry it out."""
    button = done_button(_value(approved, incident), is_command=approved.is_command)
    return told_directly(entry, incident, button, asks=_now(approved))


def _now(approved: ProposalApproved) -> str:
    until = approved.expires_at
    holds = f" Valid until {mentions.date(until, '{time}')}." if until else ""
    now = "Press *Carry out*." if approved.is_command else "Go ahead, then report the result."
    return f"{now}{holds}"


def approved_entry(
    approved: ProposalApproved, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Say under the card that it is approved, and until when, to its author; the card has buttons."""
    return told_message(entry, incident, asks=_to_author(approved, entry, _now(approved)))


def ended_entry(step: ProposalStep, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Say under the card how a proposal ended, to its author if it was somebody else's doing."""
    return told_message(entry, incident, asks=_to_author(step, entry, "this was your proposal."))


def _to_author(step: ProposalStep, entry: EntryView, words: str) -> str:
    author = step.requester
    is_own = author.id is not None and author.id == entry.actor_id
    return "" if is_own or not author.external_id else f"{named(author)}: {words}"


def lapsed_entry(
    lapsed: ApprovalLapsed, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Tell the channel that an approval no longer counts, with the buttons to answer again."""
    return told_message(entry, incident, *answer_buttons(_value(lapsed, incident)))


def unanswered_entry(
    unanswered: ProposalUnanswered, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Tell the channel that a proposal still waits; the last call mentions the commander."""
    value = _value(unanswered, incident)
    if not unanswered.is_last_call:
        return told_message(entry, incident, *answer_buttons(value), asks="Who agrees?")
    # Nobody decides on their own proposal, not even a commander.
    author = unanswered.requester.id
    lead = ", ".join(
        mentions.mention(one.external_id) for one in incident.holders(COMMANDER) if one.id != author
    )
    asks = (
        f"{lead or 'Anybody who can decide'}: please decide now. If it can't wait, *Break glass* goes "
        "ahead with a reason, and tells everybody."
    )
    return told_message(entry, incident, *answer_buttons(value), break_button(value), asks=asks)


def unanswered_directly(
    unanswered: ProposalUnanswered, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Ask a person who may approve, for the second time."""
    minutes = max(unanswered.minutes, 1)
    text = (
        f"{about(incident)}: {named(unanswered.requester)} has waited {minutes} min for an answer to "
        f"{unanswered.name}: {_text(unanswered)}\nYou may decide it. A *no* with a reason helps, too."
    )
    buttons = answer_buttons(_value(unanswered, incident))
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(*buttons)))


def broken_entry(broken: BreakGlass, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Alert the channel that somebody goes ahead without approval."""
    text = "\n".join(told_lines(entry))
    return blocks.Message(
        text=text, blocks=(blocks.header("Break-glass"), *blocks.paragraphs(text))
    )


def result_asked_directly(
    asked: ResultAsked, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Ask the person who went ahead without approval what the result was."""
    text = (
        f"{about(incident)}: you went ahead with {asked.name} without approval: {_text(asked)}\n"
        "What was the result? Press *Carried out…*, or *Abandon…* if you didn't do it after "
        "all. I ask only once."
    )
    value = _value(asked, incident)
    buttons = (
        done_button(value, is_command=False),
        blocks.button("Abandon…", action_id="proposal_abandon_open", value=value),
    )
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(*buttons)))


def asked_entry(asked: ObjectionsAsked, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Ask the channel for strong objections."""
    until = mentions.date(asked.until or entry.occurred_at, "{time_secs}")
    asks = f"{actor_of_entry(entry)} decides after {until}. Silence is consent."
    value = _value(asked, incident)
    button = blocks.button("Object…", action_id="proposal_object_open", value=value)
    return told_message(entry, incident, button, asks=asks)


def poll_ended_entry(
    ended: ObjectionsEnded, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Tell the channel the result of the call for objections, and who decides."""
    commanders = (mentions.mention(one.external_id) for one in incident.holders(COMMANDER))
    return told_message(
        entry, incident, asks=f"{', '.join(commanders) or 'The commander'} decides."
    )


def _value(step: ProposalStep, incident: IncidentView) -> str:
    proposal_id = known_id(step.proposal_id)
    return to_value(OnProposal(ById(incident.id), proposal_id, step.version))


# -- how it ended -----------------------------------------------------------------------------

# The message's buttons work while the proposal has this status.
_ASKED_WHILE: Mapping[str, ProposalStatus] = MappingProxyType(
    {
        ProposalUnanswered.kind: ProposalStatus.PENDING,
        ApprovalLapsed.kind: ProposalStatus.PENDING,
        ProposalApproved.kind: ProposalStatus.APPROVED,
        ResultAsked.kind: ProposalStatus.BREAK_GLASS,
    }
)


async def proposal_ending(
    step: ProposalStep, session: AsyncSession, entry: EntryView, _incident: IncidentView
) -> Ending | None:
    """Return the proposal's status once the message's question is settled."""
    proposal = await get_proposal_view(session, known_id(step.proposal_id))
    if proposal.version != step.version:
        return Ending(f"This proposal has changed. Version {proposal.version} is on the card.")
    if entry.kind == ProposalApproved.kind and entry.id != proposal.answer_entry_id:
        return Ending(f"{mentions.escape_line(entry.actor_name)}'s approval no longer counts.")
    if proposal.status is _ASKED_WHILE.get(entry.kind):
        return None
    return Ending(status_line(proposal), is_final=not proposal.is_live)


async def poll_ending(
    asked: ObjectionsAsked, session: AsyncSession, entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return who objected, once the time for objections is over."""

    def is_its_end(content: Mapping[str, Any]) -> bool:
        ended = ObjectionsEnded.read(content)
        return ended is not None and ended.poll_id == asked.poll_id

    later = await find_next_entry(
        session, entry, incident, ObjectionsEnded.kind, matches=is_its_end
    )
    ended = ObjectionsEnded.read(later.content) if later is not None else None
    if ended is not None:
        names = ", ".join(mentions.escape_line(one.name) for one in ended.people)
        return Ending(f"Strong objections by {names}." if names else "No strong objections.")
    proposal = await get_proposal_view(session, known_id(asked.proposal_id))
    return None if proposal.is_live else Ending(status_line(proposal))


def _text(step: ProposalStep) -> str:
    said = mentions.escape(step.text or "")
    return said if said.endswith((".", "!", "?", "…")) or not said else f"{said}."
