"""How handoffs of command read: the proposal with its brief, how it ended, and its forms."""

from collections.abc import Sequence

from bot.features.roles.messages import take_command_button
from bot.framework.phrases import about, actor_of_entry, named_in
from bot.framework.refusals import say
from bot.slack import blocks, mentions
from bot.slack.truncation import shorten_mrkdwn
from incidents.incident.views import EntryView, IncidentView, PersonView
from incidents.roles.handoff_brief import Brief, BriefLine
from incidents.roles.handoffs import HandoffKind, HandoffStatus, HandoffView

OFFER_FORM = "handoff_offer"
TAKE_OVER_FORM = "handoff_take_over"

_LONGEST_LINE = 300
_LONGEST_WORDS = 1000


# -- the handoff itself, kept current in place --------------------------------------------------


def handoff_message(
    handoff: HandoffView, incident: IncidentView, *, is_direct: bool
) -> blocks.Message:
    """Return the proposal with its brief and buttons, or, once settled, how it ended."""
    where = f"{about(incident)}: " if is_direct else ""
    if handoff.status is not HandoffStatus.PENDING:
        is_over = handoff.status is HandoffStatus.WITHDRAWN and not incident.is_open
        why = f" {incident.reference} is {incident.status}." if is_over else ""
        return say(f"{where}{settled_text(handoff)}{why}")
    head = f"{where}{_proposal(handoff)}"
    words = f"\n{mentions.escape(handoff.words)}" if handoff.words else ""
    brief = brief_text(handoff.brief)
    return blocks.Message(
        text=f"{head}{words}\n{brief}",
        blocks=(
            *blocks.paragraphs(f"{head}{words}"),
            *blocks.paragraphs(brief),
            blocks.actions(*_buttons(handoff, incident, is_direct=is_direct)),
        ),
    )


def _proposal(handoff: HandoffView) -> str:
    commander = _mention(handoff.from_person)
    by = _by_when(handoff)
    match handoff.kind:
        case HandoffKind.OFFER:
            return (
                f"{commander} offers command to {_mention(handoff.to_person)}. Without an answer "
                f"{by} it moves to them."
            )
        case HandoffKind.REQUEST:
            return (
                f"{_asker(handoff)} {commander} for command. Without an answer {by} it moves to "
                f"{_mention(handoff.to_person)}."
            )
        case HandoffKind.SUCCESSOR:
            return f"{commander} wants to hand off command. Who takes it? Until then they have it."


def _asker(handoff: HandoffView) -> str:
    """Return who asks: the one who wants command, or somebody for them."""
    nominee, by = handoff.to_person, handoff.proposed_by
    if by is None or nominee is None or by.id == nominee.id:
        return f"{_mention(nominee)} asks"
    return f"{mentions.escape_line(by.name)} proposes {_mention(nominee)} and asks"


def _by_when(handoff: HandoffView) -> str:
    if handoff.expires_at is None:
        return "in time"
    return f"by {mentions.date(handoff.expires_at, '{time_secs}')}"


def _buttons(
    handoff: HandoffView, incident: IncidentView, *, is_direct: bool
) -> Sequence[blocks.ButtonElement]:
    if handoff.kind is HandoffKind.SUCCESSOR:
        return (take_command_button(incident),)
    value = f"{incident.id}|{handoff.id}"
    answers = (
        blocks.button("Accept", action_id="handoff_accept", value=value, style="primary"),
        blocks.button("Decline", action_id="handoff_decline", value=value),
    )
    if is_direct:
        return answers  # who is asked answers; taking over is for the others in the channel
    return (*answers, blocks.button("Take over…", action_id="handoff_take_over_open", value=value))


def settled_text(handoff: HandoffView) -> str:
    """Return how a handoff ended, naming both."""
    old, new = _mention(handoff.from_person), _mention(handoff.to_person)
    when = f" at {mentions.date(handoff.settled_at, '{time}')}" if handoff.settled_at else ""
    by = _mention(handoff.settled_by)
    match handoff.status:
        case HandoffStatus.ACCEPTED:
            return f"Command passed from {old} to {new}{when}: accepted by {by or new}."
        case HandoffStatus.UNANSWERED:
            return f"Command passed from {old} to {new}{when}: nobody answered in time."
        case HandoffStatus.TAKEN_OVER:
            return f"{by} took over command from {old}{when}."
        case HandoffStatus.DECLINED:
            return f"{by} declined{when}: {old} stays in command."
        case HandoffStatus.WITHDRAWN:
            return f"The handoff was withdrawn{when}."
        case HandoffStatus.PENDING:
            return _proposal(handoff)


def brief_text(brief: Brief) -> str:
    """Return the brief: state, impact, last update, open questions, notes, roles."""
    lines = [f"*Now* {mentions.escape_line(brief.severity)}, {mentions.escape_line(brief.status)}"]
    if brief.impact.strip():
        lines.append(f"*Impact* {mentions.escape_line(brief.impact)}")
    due = brief.next_update_due_at
    next_due = f" (next due {mentions.date(due, '{time}')})" if due else ""
    update = _line(brief.last_update) if brief.last_update else "none yet"
    lines.append(f"*Last update* {update}{next_due}")
    lines += [f"*Open question* {_line(line)}" for line in brief.questions]
    lines += [f"*Note* {_line(line)}" for line in brief.notes]
    held = " · ".join(
        f"{mentions.escape_line(role)}: {mentions.escape_line(name)}" for role, name in brief.roles
    )
    lines.append(f"*Roles* {held or 'none taken'}")
    return "\n".join(shorten_mrkdwn(line, _LONGEST_LINE) for line in lines)


def _line(line: BriefLine) -> str:
    said = mentions.escape_line(line.text) or "(no longer on the record)"
    return f"{mentions.date(line.at, '{time}')} {mentions.escape_line(line.author_name)}: {said}"


def _mention(person: PersonView | None) -> str:
    return mentions.mention(person.external_id) if person is not None else ""


# -- entries --------------------------------------------------------------------------------


def offered_entry(entry: EntryView, _incident: IncidentView) -> blocks.Message:
    """Return that command was offered."""
    return say(f"{named_in(entry, 'from')} offered command to {named_in(entry, 'to')}.")


def requested_entry(entry: EntryView, _incident: IncidentView) -> blocks.Message:
    """Return that command was asked for."""
    return say(f"{named_in(entry, 'from')} was asked to hand command to {named_in(entry, 'to')}.")


def declined_entry(entry: EntryView, _incident: IncidentView) -> blocks.Message:
    """Return that a handoff was declined, and who stays."""
    return say(
        f"{actor_of_entry(entry)} declined the handoff of command to {named_in(entry, 'to')}: "
        f"{named_in(entry, 'from')} stays in command."
    )


def declined_directly(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return what is told to who proposed the handoff."""
    return say(f"{about(incident)}: {declined_entry(entry, incident).text}")


def withdrawn_entry(entry: EntryView, _incident: IncidentView) -> blocks.Message:
    """Return that a handoff was withdrawn, and who stays."""
    return say(f"The handoff was withdrawn: {named_in(entry, 'from')} stays in command.")


def successor_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the question who takes command next."""
    text = f"{named_in(entry, 'from')} wants to hand off command. Who takes it?"
    return blocks.Message(
        text=text, blocks=(blocks.section(text), blocks.actions(take_command_button(incident)))
    )


def moved_entry(entry: EntryView, _incident: IncidentView) -> blocks.Message:
    """Return that command moved, naming both."""
    old, new = named_in(entry, "from"), named_in(entry, "to")
    return say(f"*Command* passed from {old} to {new}{_why(entry)}.")


def moved_directly(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return what the commander before is told."""
    new = named_in(entry, "to")
    return say(
        f"{about(incident)}: {new} has command now, you don't any more{_why(entry)}. "
        "Tell them what you know that isn't on the record."
    )


def _why(entry: EntryView) -> str:
    match entry.text("how"):
        case "unanswered":
            return " (the handoff wasn't answered in time)"
        case "taken_over":
            return f" (taken over: {mentions.escape_line(entry.text('reason'))})"
        case "successor":
            return " (a successor had been asked for)"
        case "accepted":
            return " (accepted)"
    return ""


# -- forms ----------------------------------------------------------------------------------


def offer_form(view: IncidentView, brief: Brief, *, metadata: str) -> blocks.View:
    """Return the form that offers command, with the brief that goes along."""
    return blocks.modal(
        f"Hand off {view.reference}",
        blocks=[
            blocks.user_select("person", label="Who takes command?"),
            blocks.text_input(
                "words",
                label="What should they know besides?",
                multiline=True,
                optional=True,
                max_length=_LONGEST_WORDS,
                hint="Open questions, what is being tried, what you would do next.",
            ),
            blocks.section("*This goes along*"),
            *blocks.paragraphs(brief_text(brief)),
        ],
        callback_id=OFFER_FORM,
        submit="Offer",
        private_metadata=metadata,
    )


def take_over_form(
    view: IncidentView, *, commander: PersonView | None, metadata: str
) -> blocks.View:
    """Return the form that takes command at once, with the reason."""
    who = mentions.escape_line(commander.name) if commander else "Nobody"
    return blocks.modal(
        f"Take over {view.reference}",
        blocks=[
            blocks.section(
                f"{who} has command now. They are told, with your reason, on the record."
            ),
            blocks.text_input(
                "reason",
                label="Why now?",
                max_length=500,
                placeholder="No answer since 14:05, a decision is due",
            ),
        ],
        callback_id=TAKE_OVER_FORM,
        submit="Take over",
        private_metadata=metadata,
    )
