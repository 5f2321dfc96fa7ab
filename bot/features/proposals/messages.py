"""How proposals read: the card with its buttons, and what people are told who acted."""

from bot.framework.phrases import about
from bot.slack import blocks as b
from bot.slack import mentions as m
from incidents.engine.unit_of_work import Outcome
from incidents.incident.views import IncidentView, PersonView
from incidents.policy.proposals import Need
from incidents.proposals.objections import PollView
from incidents.proposals.tables import ApprovalStatus, ProposalWords
from incidents.proposals.views import ApprovalView

_S = ApprovalStatus
_NOT_SAID = "_not said_"


# -- the card, kept current in place ----------------------------------------------------------


def approval_card(approval: ApprovalView, incident: IncidentView, *, is_direct: bool) -> b.Message:
    """Return a proposal as it is now, with the buttons that fit; none once it is over."""
    where = f"{about(incident)}\n" if is_direct else ""
    parts = [f"{where}{_head(approval)}", _details(approval), status_text(approval)]
    if approval.poll is not None:
        parts.append(_poll_text(approval.poll))
    parts = [part for part in parts if part]
    blocks: list[b.Block] = []
    for part in parts:
        blocks += b.paragraphs(part)
    rows = _button_rows(approval) if approval.is_live else ()
    return b.Message(text="\n".join(parts), blocks=(*blocks, *rows))


def asked_lines(approval: ApprovalView | None) -> tuple[str, ...]:
    """Return what a proposal says, where an answer to it is asked for elsewhere; none without one."""
    return (_head(approval), *_details(approval).splitlines()) if approval is not None else ()


def answer_row(approval: ApprovalView | None) -> tuple[b.Block, ...]:
    """Return the buttons that answer a proposal, while it waits."""
    if approval is None or approval.status is not _S.PENDING:
        return ()
    return (b.actions(*answer_buttons(value_of(approval))),)


def _head(approval: ApprovalView) -> str:
    version = f" (version {approval.version})" if approval.version > 1 else ""
    what = _NOT_SAID if approval.words is None else m.escape(approval.words.text)
    if approval.words is None:
        what = "its words were redacted"
    who = m.mention(approval.requester.external_id)
    return f"*Proposal {approval.number}*{version} by {who}: {what}"


def _details(approval: ApprovalView) -> str:
    lines = [f"*Class* {m.escape_line(approval.class_name)}"]
    if approval.words is not None and not approval.is_command:
        lines += _labelled(approval.words)
    return "\n".join(lines)


def _labelled(words: ProposalWords) -> list[str]:
    labels = (("Risk", words.risk), ("To undo", words.undo), ("How we'll know", words.check))
    return [f"*{label}* {m.escape(text) or _NOT_SAID}" for label, text in labels]


def status_text(approval: ApprovalView) -> str:
    """Return where a proposal stands, who answered, and what can happen next."""
    until = f" until {m.date(approval.expires_at, '{time}')}" if approval.expires_at else ""
    answered, settled = _named(approval.answered_by), _named(approval.settled_by)
    answer = f" {m.escape(approval.answer)}" if approval.answer else ""
    ending = f" {m.escape(approval.ending)}" if approval.ending else ""
    match approval.status:
        case _S.PENDING:
            return f"Waits for somebody's agreement{until}. Please don't start yet."
        case _S.CLEARED:
            return "Needs nobody's agreement: it may be carried out."
        case _S.APPROVED:
            return f"*Approved* by {answered}.{answer} It holds{until}."
        case _S.BREAK_GLASS:
            return (
                f"*Break-glass* by {answered}, without approval. Reason:{answer}\n"
                "What came of it? *Carried out…* puts it on the record."
            )
        case _S.DECLINED:
            return f"Declined by {answered}.{answer}"
        case _S.CARRIED_OUT:
            is_approved = approval.answered_by is not None and not approval.is_glass_broken
            by = f" (approved by {answered})" if is_approved else ""
            result = f" Result:{ending}" if ending else ""
            return f"Carried out, says {settled}{by}.{result}"
        case _S.ABANDONED:
            return f"Abandoned by {settled}.{ending}"
        case _S.EXPIRED if approval.ended_with_incident:
            return "Ended: the incident was over before this was carried out."
        case _S.EXPIRED if approval.answered_by is not None:
            return "Ended: it was approved, but not carried out in time. Propose it anew if needed."
        case _S.EXPIRED:
            return "Ended without being carried out. Propose it anew if it is still needed."
        case _S.DRAFT:
            return ""


def _poll_text(poll: PollView) -> str:
    said = [
        f"• *Objection* by {m.mention(one.external_id)}: {m.escape(one.reason) or _NOT_SAID}"
        for one in poll.objections
    ]
    if poll.is_open:
        until = m.date(poll.ends_at, "{time_secs}")
        head = f"*Strong objections?* Until {until}. Silence is consent."
        return "\n".join([head, *said])
    head = "Asked for strong objections:" if said else "Asked for strong objections: none."
    return "\n".join([head, *said])


def _button_rows(approval: ApprovalView) -> tuple[b.Block, ...]:
    value = value_of(approval)
    is_forced = approval.status is _S.BREAK_GLASS
    # What somebody went ahead with can be told of at any time; nothing else is done afterwards.
    if not approval.is_incident_open and not approval.is_command and not is_forced:
        return ()
    first: list[b.ButtonElement] = []
    if approval.status is _S.PENDING:
        first += [*answer_buttons(value)]
    else:
        first.append(done_button(value, is_command=approval.is_command))
    if approval.poll is not None and approval.poll.is_open:
        first.append(b.button("Object…", action_id="approval_object_open", value=value))
    elif approval.is_incident_open or not is_forced:
        first.append(b.button("Strong objections?", action_id="approval_objections", value=value))
    second: list[b.ButtonElement] = []
    if not approval.is_command and not is_forced:
        second.append(b.button("Change…", action_id="approval_revise_open", value=value))
    second.append(b.button("Abandon…", action_id="approval_abandon_open", value=value))
    if approval.status is _S.PENDING:
        second.append(break_button(value))
    return (b.actions(*first), b.actions(*second))


def answer_buttons(value: str) -> tuple[b.ButtonElement, b.ButtonElement]:
    """Return the buttons that agree and decline."""
    return (
        b.button("Approve", action_id="approval_approve", value=value, style="primary"),
        b.button("Decline…", action_id="approval_decline_open", value=value),
    )


def done_button(value: str, *, is_command: bool) -> b.ButtonElement:
    """Return the button that says it is carried out, or lets the bot carry out a command."""
    if is_command:
        return b.button("Carry out", action_id="approval_carry_out", value=value, style="primary")
    return b.button(
        "Carried out…", action_id="approval_carried_out_open", value=value, style="primary"
    )


def break_button(value: str) -> b.ButtonElement:
    """Return the button that goes ahead without agreement."""
    return b.button("Break glass…", action_id="approval_break_open", value=value, style="danger")


def value_of(approval: ApprovalView) -> str:
    """Return what a proposal's buttons carry: incident, proposal, and the version seen."""
    return f"{approval.incident_id}|{approval.id}|{approval.version}"


def _named(person: PersonView | None) -> str:
    return m.mention(person.external_id) if person is not None else "Sitrep"


# -- what the person is told who acted --------------------------------------------------------


def outcome_text(outcome: Outcome, *, slash: str) -> str:
    """Return what came of a step, and what comes next."""
    data = outcome.data
    name = f"Proposal {data['number']}"
    match outcome.kind:
        case "proposed" if data["needs"] == Need.NOBODY:
            return f"{name} is on the timeline. It needs nobody's agreement: go ahead, then say what came of it."
        case "proposed":
            told = data["told"]
            who = (
                f"{told} {'person' if told == 1 else 'people'} who may agree got a direct message"
                if told
                else "It is in the channel for whoever may agree"
            )
            minutes = max(round(data["wait_seconds"] / 60), 1)
            return f"{name} waits for an answer. {who}; without one I ask again in {minutes} min."
        case "approved":
            return f"{name} is approved. Whoever proposed it is told."
        case "declined":
            return f"{name} is declined. Whoever proposed it is told, with your reason."
        case "glass_broken":
            return f"{name} goes ahead without approval. Everybody is told. Say what comes of it."
        case "carried_out":
            return f"{name}: carried out, on the timeline."
        case "approval_lapsed":
            return (
                f"{name} was not carried out: whoever approved it no longer can. It is asked again."
            )
        case "approval_expired":
            return f"{name} was not carried out: its time is over. `{slash} propose` asks anew."
        case "abandoned":
            return f"{name} is abandoned, on the timeline."
        case "objections_asked":
            return f"Asked in the channel. The result follows in {data['box_seconds'] // 60} min."
        case "objected":
            return "Your objection is on the card, with your name. The commander hears of it."
    return f"{name}: noted."
