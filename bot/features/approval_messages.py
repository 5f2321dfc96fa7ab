"""How proposals read: the card with its buttons, what is said as they go on, and what people are told."""

from bot.features.role_messages import about, actor_of_entry, named_in
from bot.features.update_messages import instant_of
from bot.refusals import say
from bot.slack import blocks as b
from bot.slack import mentions as m
from incidents.approval_policy import Need
from incidents.approval_views import ApprovalView
from incidents.approvals import ApprovalStatus, ProposalWords
from incidents.objections import PollView
from incidents.policy import COMMANDER
from incidents.read_models import EntryView, IncidentView, PersonView
from incidents.unit_of_work import Outcome

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
            return f"*Break-glass* by {answered}, without approval. Reason:{answer}"
        case _S.DECLINED:
            return f"Declined by {answered}.{answer}"
        case _S.CARRIED_OUT:
            is_approved = approval.answered_by is not None and not approval.is_glass_broken
            by = f" (approved by {answered})" if is_approved else ""
            result = f" Result:{ending}" if ending else ""
            return f"Carried out, says {settled}{by}.{result}"
        case _S.ABANDONED:
            return f"Abandoned by {settled}.{ending}"
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
    if not approval.is_incident_open and not approval.is_command:
        return ()
    first: list[b.ButtonElement] = []
    if approval.status is _S.PENDING:
        first += [*answer_buttons(value)]
    else:
        first.append(done_button(value, is_command=approval.is_command))
    if approval.poll is not None and approval.poll.is_open:
        first.append(b.button("Object…", action_id="approval_object_open", value=value))
    else:
        first.append(b.button("Strong objections?", action_id="approval_objections", value=value))
    second: list[b.ButtonElement] = []
    if not approval.is_command and approval.status is not _S.BREAK_GLASS:
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


# -- entries ----------------------------------------------------------------------------------


def proposed_entry(entry: EntryView, _incident: IncidentView) -> b.Message:
    """Return that something was proposed."""
    return say(f"{actor_of_entry(entry)} proposes ({entry.text('number')}): {_text(entry)}")


def approved_entry(entry: EntryView, _incident: IncidentView) -> b.Message:
    """Return that a proposal was agreed to."""
    return say(f"*{_name(entry)} approved* by {actor_of_entry(entry)}: {_text(entry)}{_why(entry)}")


def approved_directly(entry: EntryView, incident: IncidentView) -> b.Message:
    """Return what whoever asked is told: agreed to, until when, and the button that goes on."""
    until = instant_of(entry.content.get("expires_at"))
    holds = f" It holds until {m.date(until, '{time}')}." if until else ""
    text = (
        f"{about(incident)}: {actor_of_entry(entry)} agrees to {_text(entry)}{_why(entry)}{holds}"
    )
    is_command = bool(entry.content.get("is_command"))
    button = done_button(_value(entry, incident), is_command=is_command)
    return b.Message(text=text, blocks=(*b.paragraphs(text), b.actions(button)))


def declined_entry(entry: EntryView, _incident: IncidentView) -> b.Message:
    """Return that a proposal was declined, and why."""
    return say(f"*{_name(entry)} declined* by {actor_of_entry(entry)}: {_text(entry)}{_why(entry)}")


def lapsed_entry(entry: EntryView, incident: IncidentView) -> b.Message:
    """Return that an agreement no longer counts."""
    text = (
        f"*{_name(entry)} waits for an answer again*: whoever approved it no longer can. "
        f"Nothing was carried out. {_text(entry)}"
    )
    return _answerable(text, entry, incident)


def unanswered_entry(entry: EntryView, incident: IncidentView) -> b.Message:
    """Return that a proposal still waits, more loudly each time."""
    minutes = max(int(entry.content.get("minutes") or 0), 1)
    waited = "1 minute" if minutes == 1 else f"{minutes} minutes"
    match entry.text("step"):
        case "1":
            text = (
                f"*{_name(entry)}* has waited {waited} for an answer: {_text(entry)}\nWho agrees?"
            )
        case "2":
            text = (
                f"*{_name(entry)}* has waited {waited} for an answer: {_text(entry)}\n"
                "It is escalated now, to somebody who decides."
            )
        case _:
            lead = ", ".join(m.mention(p.external_id) for p in incident.holders(COMMANDER))
            text = (
                f"*Nobody has answered {_name(entry).lower()} for {waited}: it is "
                f"not approved.*\n*What* {_text(entry)}\n{lead or 'Whoever can decide'}: please decide now. "
                "If it can't wait, *Break glass* goes ahead with a reason, and tells everybody."
            )
    message = _answerable(text, entry, incident)
    if entry.text("step") in {"1", "2"}:
        return message
    buttons = (*answer_buttons(_value(entry, incident)), break_button(_value(entry, incident)))
    return b.Message(text=text, blocks=(*b.paragraphs(text), b.actions(*buttons)))


def unanswered_directly(entry: EntryView, incident: IncidentView) -> b.Message:
    """Return the question put again to those who may agree."""
    requester = named_in(entry, "requester")
    minutes = max(int(entry.content.get("minutes") or 0), 1)
    text = (
        f"{about(incident)}: {requester} has waited {minutes} min for an answer to "
        f"{_name(entry).lower()}: {_text(entry)}\nA *no* with its reason helps, too."
    )
    return _answerable(text, entry, incident)


def expired_entry(entry: EntryView, _incident: IncidentView) -> b.Message:
    """Return that a proposal ended by itself."""
    if entry.content.get("is_incident_over"):
        why = "the incident is over"
    elif entry.content.get("was_answered"):
        why = "it wasn't carried out in time"
    else:
        why = "nobody answered, so it is not approved"
    return say(f"*{_name(entry)} has ended*: {why}.\n*What* {_text(entry)}")


def broken_entry(entry: EntryView, _incident: IncidentView) -> b.Message:
    """Return, loudly, that somebody goes ahead without agreement."""
    text = (
        f"*Break-glass: {actor_of_entry(entry)} goes ahead without approval.*\n"
        f"{_name(entry)}: {_text(entry)}\n*Reason* {m.escape(entry.text('reason'))}"
    )
    return b.Message(text=text, blocks=(b.header("Break-glass"), *b.paragraphs(text)))


def carried_out_entry(entry: EntryView, _incident: IncidentView) -> b.Message:
    """Return that a proposal was carried out, with its result."""
    result = m.escape(entry.text("result"))
    said = f"\n*Result* {result}" if result else ""
    return say(f"*{_name(entry)} carried out*, says {actor_of_entry(entry)}: {_text(entry)}{said}")


def abandoned_entry(entry: EntryView, _incident: IncidentView) -> b.Message:
    """Return that a proposal was given up, and why."""
    return say(
        f"*{_name(entry)} abandoned* by {actor_of_entry(entry)}: {_text(entry)}{_why(entry)}"
    )


def asked_entry(entry: EntryView, incident: IncidentView) -> b.Message:
    """Return the question for strong objections."""
    until = instant_of(entry.content.get("until")) or entry.occurred_at
    text = (
        f"*Any strong objections to {_name(entry).lower()}?*\n*What* {_text(entry)}\n"
        f"{actor_of_entry(entry)} decides after {m.date(until, '{time_secs}')}. Silence is consent."
    )
    button = b.button("Object…", action_id="approval_object_open", value=_value(entry, incident))
    return b.Message(text=text, blocks=(*b.paragraphs(text), b.actions(button)))


def objected_entry(entry: EntryView, _incident: IncidentView) -> b.Message:
    """Return an objection with its reason."""
    reason = m.escape(entry.text("reason"))
    return say(f"*Objection* by {actor_of_entry(entry)} to {_name(entry).lower()}: {reason}")


def poll_ended_entry(entry: EntryView, incident: IncidentView) -> b.Message:
    """Return what the question for objections came to."""
    people = entry.content.get("people") or []
    names = ", ".join(m.escape_line(str(one.get("name", ""))) for one in people)
    lead = (
        ", ".join(m.mention(p.external_id) for p in incident.holders(COMMANDER)) or "The commander"
    )
    if not names:
        return say(f"No strong objections to {_name(entry).lower()}. {lead} decides.")
    return say(f"Strong objections to {_name(entry).lower()} by {names}. {lead} decides.")


def directly(entry: EntryView, incident: IncidentView) -> b.Message:
    """Return what a direct message says of an entry that the channel hears in the same words."""
    renderers = {
        "proposal_declined": declined_entry,
        "proposal_expired": expired_entry,
        "approval_lapsed": lapsed_entry,
        "proposal_carried_out": carried_out_entry,
        "proposal_abandoned": abandoned_entry,
        "objection_raised": objected_entry,
        "break_glass": broken_entry,
    }
    return say(f"{about(incident)}: {renderers[entry.kind](entry, incident).text}")


def _answerable(text: str, entry: EntryView, incident: IncidentView) -> b.Message:
    buttons = answer_buttons(_value(entry, incident))
    return b.Message(text=text, blocks=(*b.paragraphs(text), b.actions(*buttons)))


def _value(entry: EntryView, incident: IncidentView) -> str:
    return f"{incident.id}|{entry.text('approval_id')}|{entry.text('version')}"


def _name(entry: EntryView) -> str:
    return f"Proposal {entry.text('number')}"


def _text(entry: EntryView) -> str:
    said = m.escape(entry.text("text"))
    return said if said.endswith((".", "!", "?", "…")) or not said else f"{said}."


def _why(entry: EntryView) -> str:
    reason = m.escape(entry.text("reason"))
    return f"\n*Reason* {reason}" if reason else ""


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
