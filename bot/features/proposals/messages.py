"""Wording of proposals: the card with its buttons, and the replies to people who act."""

from dataclasses import replace

from bot.framework.arguments import to_value
from bot.framework.phrases import about
from bot.framework.proposal_offer import OnProposal
from bot.slack import blocks, mentions
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import ById
from incidents.incident.views import IncidentView, PersonView
from incidents.policy.proposals import Need
from incidents.proposals.objections import PollView
from incidents.proposals.tables import ProposalStatus, ProposalWords
from incidents.proposals.views import ProposalView

_NOT_SAID = "_not said_"


# -- the card, kept current in place ----------------------------------------------------------


def proposal_card(
    proposal: ProposalView, incident: IncidentView, *, is_direct: bool, is_copy: bool = True
) -> blocks.Message:
    """Return the current card; its buttons depend on the status, none once it is over.

    A direct `is_copy` goes to people who may decide; otherwise somebody asked to see it.
    """
    where = f"{about(incident)}\n" if is_direct else ""
    parts = [f"{where}{_head(proposal)}", _details(proposal), status_text(proposal)]
    if is_direct and is_copy and proposal.status is ProposalStatus.PENDING:
        parts.append("You get this because you may decide it.")
    if proposal.poll is not None:
        parts.append(_poll_text(proposal.poll))
    parts = [part for part in parts if part]
    body: list[blocks.Block] = []
    for part in parts:
        body += blocks.paragraphs(part)
    rows = _button_rows(proposal) if proposal.is_live else ()
    return blocks.Message(text="\n".join(parts), blocks=(*body, *rows))


def asked_lines(proposal: ProposalView | None) -> tuple[str, ...]:
    """Return the lines of a proposal for use on another card; none without a proposal."""
    return (_head(proposal), *_details(proposal).splitlines()) if proposal is not None else ()


def answer_row(proposal: ProposalView | None) -> tuple[blocks.Block, ...]:
    """Return a row with the buttons to answer a proposal, while it is pending."""
    if proposal is None or proposal.status is not ProposalStatus.PENDING:
        return ()
    return (blocks.actions(*answer_buttons(value_of(proposal))),)


def _head(proposal: ProposalView) -> str:
    version = f" (version {proposal.version})" if proposal.version > 1 else ""
    what = _NOT_SAID if proposal.words is None else mentions.escape(proposal.words.text)
    if proposal.words is None:
        what = "its words were redacted"
    who = mentions.mention(proposal.requester.external_id)
    return f"*Proposal {proposal.number}*{version} by {who}: {what}"


def _details(proposal: ProposalView) -> str:
    lines = [f"*Class* {mentions.escape_line(proposal.class_name)}"]
    if proposal.words is not None and not proposal.is_command:
        lines += _labelled(proposal.words)
    return "\n".join(lines)


def _labelled(words: ProposalWords) -> list[str]:
    labels = (("Risk", words.risk), ("To undo", words.undo), ("How we'll know", words.check))
    return [f"*{label}* {mentions.escape(text) or _NOT_SAID}" for label, text in labels]


def status_line(proposal: ProposalView) -> str:
    """Return a proposal's status without the reasons that people gave."""
    if proposal.status is ProposalStatus.BREAK_GLASS:
        return f"*Break-glass* by {_named(proposal.answered_by)}, without approval."
    return status_text(replace(proposal, answer="", ending=""))


def status_text(proposal: ProposalView) -> str:
    """Return a proposal's status, who answered with which reason, and what can happen next."""
    until = f" until {mentions.date(proposal.expires_at, '{time}')}" if proposal.expires_at else ""
    answered, settled = _named(proposal.answered_by), _named(proposal.settled_by)
    answer = f' "{mentions.escape(proposal.answer)}".' if proposal.answer else ""
    ending = f" {mentions.escape(proposal.ending)}" if proposal.ending else ""
    match proposal.status:
        case ProposalStatus.PENDING:
            return f"Waiting for approval{until}. Please don't start yet."
        case ProposalStatus.CLEARED:
            return "Needs no approval: go ahead."
        case ProposalStatus.APPROVED:
            return f"*Approved* by {answered}.{answer} Valid{until}."
        case ProposalStatus.BREAK_GLASS:
            return (
                f"*Break-glass* by {answered}, without approval. Reason:{answer}\n"
                "What was the result? *Carried out…* puts it on the record."
            )
        case ProposalStatus.DECLINED:
            return f"Declined by {answered}.{answer}"
        case ProposalStatus.CARRIED_OUT:
            is_approved = proposal.answered_by is not None and not proposal.is_glass_broken
            by = f" (approved by {answered})" if is_approved else ""
            result = f" Result:{ending}" if ending else ""
            return f"Carried out, says {settled}{by}.{result}"
        case ProposalStatus.ABANDONED:
            return f"Abandoned by {settled}.{ending}"
        case ProposalStatus.EXPIRED if proposal.ended_with_incident:
            return "Ended: the incident was over before this was carried out."
        case ProposalStatus.EXPIRED if proposal.answered_by is not None:
            return (
                "Ended: it was approved, but not carried out in time. Propose it again if needed."
            )
        case ProposalStatus.EXPIRED:
            return "Ended without being carried out. Propose it again if it is still needed."
        case ProposalStatus.DRAFT:
            return ""


def _poll_text(poll: PollView) -> str:
    said = [
        f"• *Objection* by {mentions.mention(one.external_id)}: {mentions.escape(one.reason) or _NOT_SAID}"
        for one in poll.objections
    ]
    if poll.is_open:
        until = mentions.date(poll.ends_at, "{time_secs}")
        head = f"*Strong objections?* Until {until}. Silence is consent."
        return "\n".join([head, *said])
    head = "Asked for strong objections:" if said else "Asked for strong objections: none."
    return "\n".join([head, *said])


def _button_rows(proposal: ProposalView) -> tuple[blocks.Block, ...]:
    value = value_of(proposal)
    is_forced = proposal.status is ProposalStatus.BREAK_GLASS
    # After the incident, only a command or the result of a break-glass can still be recorded.
    if not proposal.is_incident_open and not proposal.is_command and not is_forced:
        return ()
    first: list[blocks.ButtonElement] = []
    if proposal.status is ProposalStatus.PENDING:
        first += [*answer_buttons(value)]
    else:
        first.append(done_button(value, is_command=proposal.is_command))
    if proposal.poll is not None and proposal.poll.is_open:
        first.append(blocks.button("Object…", action_id="proposal_object_open", value=value))
    elif proposal.is_incident_open or not is_forced:
        first.append(
            blocks.button("Strong objections?", action_id="proposal_objections", value=value)
        )
    second: list[blocks.ButtonElement] = []
    if not proposal.is_command and not is_forced:
        second.append(blocks.button("Change…", action_id="proposal_revise_open", value=value))
    second.append(blocks.button("Abandon…", action_id="proposal_abandon_open", value=value))
    if proposal.status is ProposalStatus.PENDING:
        second.append(break_button(value))
    return (blocks.actions(*first), blocks.actions(*second))


def answer_buttons(value: str) -> tuple[blocks.ButtonElement, blocks.ButtonElement]:
    """Return the buttons to approve and decline."""
    return (
        blocks.button("Approve", action_id="proposal_approve", value=value, style="primary"),
        blocks.button("Decline…", action_id="proposal_decline_open", value=value),
    )


def done_button(value: str, *, is_command: bool) -> blocks.ButtonElement:
    """Return the button to report a step as carried out, or to have the bot carry out a command."""
    if is_command:
        return blocks.button(
            "Carry out", action_id="proposal_carry_out", value=value, style="primary"
        )
    return blocks.button(
        "Carried out…", action_id="proposal_carried_out_open", value=value, style="primary"
    )


def break_button(value: str) -> blocks.ButtonElement:
    """Return the button to go ahead without approval."""
    return blocks.button(
        "Break glass…", action_id="proposal_break_open", value=value, style="danger"
    )


def value_of(proposal: ProposalView) -> str:
    """Return what a proposal's buttons carry: incident, proposal, and the version seen."""
    ref = ById(proposal.incident_id)
    return to_value(OnProposal(ref, proposal.id, proposal.version))


def _named(person: PersonView | None) -> str:
    return mentions.mention(person.external_id) if person is not None else "Sitrep"


# -- replies to the person who acts -----------------------------------------------------------


def outcome_text(outcome: Outcome, *, slash: str) -> str:
    """Return the reply after a step: the result, and what comes next."""
    data = outcome.data
    name = f"Proposal {data['number']}"
    match outcome.kind:
        case "proposed" if data["needs"] == Need.NOBODY:
            return f"{name} is on the timeline. It needs nobody's agreement: go ahead, then report the result."
        case "proposed":
            told = data["told"]
            who = (
                f"{told} {'person' if told == 1 else 'people'} who may agree got a direct message"
                if told
                else "Its card in the channel asks people who may agree"
            )
            minutes = max(round(data["wait_seconds"] / 60), 1)
            return f"{name} waits for an answer. {who}; without one I ask again in {minutes} min."
        case "approved":
            return f"{name} is approved. I'm telling the person who proposed it."
        case "declined":
            return f"{name} is declined. I'm telling the person who proposed it, with your reason."
        case "glass_broken":
            return f"{name} goes ahead without approval. I'm telling everybody. Report the result afterwards."
        case "carried_out":
            return f"{name}: carried out, on the timeline."
        case "approval_lapsed":
            return f"{name} was not carried out: the person who approved it no longer may. I'm asking again."
        case "proposal_expired":
            return f"{name} was not carried out: its time is over. `{slash} propose` asks again."
        case "abandoned":
            return f"{name} is abandoned, on the timeline."
        case "objections_asked":
            return (
                f"I'm asking in the channel. The result follows in {data['box_seconds'] // 60} min."
            )
        case "objected":
            return "Your objection is on the card, with your name. I'm telling the commander."
    return f"{name}: noted."
