"""Renders handoffs of command: the offer with its brief, how it ended, and the forms."""

import uuid
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.roles.messages import take_command_button
from bot.framework.arguments import NOBODY, Arguments, OnIncident, on_incident, to_value
from bot.framework.entry_messages import Ending, ended_with
from bot.framework.phrases import about, named
from bot.framework.refusals import say
from bot.framework.requests import Request
from bot.framework.verbs import Form
from bot.slack import blocks, mentions
from bot.slack.truncation import shorten_mrkdwn
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.role_entries import CommanderChanged, Move
from incidents.incident.views import EntryView, IncidentView, PersonView
from incidents.people.assignable import Named
from incidents.policy.policy import COMMANDER
from incidents.roles.entries import HandoffUnanswered
from incidents.roles.handoff_brief import Brief, BriefLine
from incidents.roles.handoffs import (
    HandoffKind,
    HandoffStatus,
    HandoffView,
    get_handoff_view,
)

_LONGEST_LINE = 300
_LONGEST_WORDS = 1000


class OnHandoff(Arguments, gone="handoff_withdrawn"):
    """The handoff of command that a button answers."""

    ref: IncidentRef
    handoff_id: uuid.UUID


class Offer(OnIncident):
    """Who is offered command, and what they should know."""

    person: Named = NOBODY
    words: str = ""


class TakeOver(OnIncident):
    """Why somebody takes over command, and who the commander was when the form opened."""

    seen_commander_id: str = ""
    reason: str = ""


# -- the handoff as a live message --------------------------------------------------------------


def handoff_message(
    handoff: HandoffView, incident: IncidentView, *, is_direct: bool
) -> blocks.Message:
    """Return the pending handoff with its brief and buttons, or how it ended."""
    where = f"{about(incident)}: " if is_direct else ""
    if handoff.status is not HandoffStatus.PENDING:
        is_over = handoff.status is HandoffStatus.WITHDRAWN and not incident.is_open
        why = f" {incident.reference} is {incident.status}." if is_over else ""
        return say(f"{where}{settled_text(handoff)}{why}")
    leads = bool(incident.holders(COMMANDER))
    head = f"{where}{_proposal(handoff, leads=leads)}"
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


def _proposal(handoff: HandoffView, *, leads: bool) -> str:
    """Return who is asked for what. `leads` tells if somebody has command by now."""
    commander, nominee = _mention(handoff.from_person), _mention(handoff.to_person)
    if handoff.kind is HandoffKind.REQUEST:
        return f"{_asker(handoff)} {commander} for command. {commander} leads until then."
    if leads:
        return f"{commander} wants to hand {nominee} command. {commander} leads until {nominee} accepts."
    left = f"{commander} has stepped down" if commander else "Nobody is in command"
    return f"{left}. {nominee}, please take command: nobody leads until you accept."


def _asker(handoff: HandoffView) -> str:
    """Return who asks for command: the nominee, or somebody on their behalf."""
    nominee, by = handoff.to_person, handoff.proposed_by
    if by is None or by.id == nominee.id:
        return f"{_mention(nominee)} asks"
    return f"{mentions.escape_line(by.name)} proposes {mentions.escape_line(nominee.name)} and asks"


def _buttons(
    handoff: HandoffView, incident: IncidentView, *, is_direct: bool
) -> Sequence[blocks.ButtonElement]:
    value = to_value(OnHandoff(ById(incident.id), handoff.id))
    answers = (
        blocks.button("Accept", action_id="handoff_accept", value=value, style="primary"),
        blocks.button("Decline", action_id="handoff_decline", value=value),
    )
    if is_direct:
        return answers  # the nominee answers here; others take over in the channel
    if not incident.holders(COMMANDER):
        return (*answers, take_command_button(incident, style=None))
    return (*answers, _take_over_button(incident))


def settled_text(handoff: HandoffView) -> str:
    """Return how a handoff ended, naming both people."""
    old, new = _mention(handoff.from_person), _mention(handoff.to_person)
    when = f" at {mentions.date(handoff.settled_at, '{time}')}" if handoff.settled_at else ""
    by = _mention(handoff.settled_by)
    match handoff.status:
        case HandoffStatus.ACCEPTED:
            moved = f"passed from {old} to {new}" if old else f"went to {new}"
            return f"Command {moved}{when}: accepted by {by or new}."
        case HandoffStatus.AGREED:
            return f"{by or old} agreed{when}: {new} has been asked to take command."
        case HandoffStatus.DECLINED:
            return f"{by} declined{when}{f': {old} stays in command' if old else ''}."
        case HandoffStatus.WITHDRAWN:
            return f"{by or 'Sitrep'} ended this handoff{when}."
        case HandoffStatus.PENDING:
            return _proposal(handoff, leads=old != "")


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
    said = mentions.escape_line(line.text) or "(removed from the record)"
    return f"{mentions.date(line.at, '{time}')} {mentions.escape_line(line.author_name)}: {said}"


def _mention(person: PersonView | None) -> str:
    return mentions.mention(person.external_id) if person is not None else ""


# -- entries --------------------------------------------------------------------------------


def moved_directly(
    moved: CommanderChanged, _entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return the message to the previous commander."""
    return say(
        f"{about(incident)}: {named(moved.incoming)} has command now, in place of you"
        f"{_why(moved)}. Pass on what you know that isn't on the record."
    )


def _why(moved: CommanderChanged) -> str:
    match moved.how:
        case Move.TAKEN_OVER:
            return f" (taken over: {mentions.escape_line(moved.reason)})"
        case Move.ACCEPTED:
            return " (accepted)"
    return ""


def unanswered_entry(
    waiting: HandoffUnanswered, _entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return that command stays where it is, and who is called; anybody may take over."""
    commander, asked = named(waiting.outgoing), named(waiting.asked)
    what = "hasn't agreed to hand command over" if commander == asked else "hasn't answered"
    called = (
        f"{named(waiting.backup)}, you're the backup: please help."
        if waiting.backup
        else "No backup is set: ask somebody else."
    )
    text = f"{asked} {what}. {commander} still has command. {called}"
    return blocks.Message(
        text=text, blocks=(blocks.section(text), blocks.actions(_take_over_button(incident)))
    )


async def unanswered_ending(
    session: AsyncSession, entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return how a handoff ended that nobody answered in time."""
    waiting = HandoffUnanswered.read(entry.content)
    if waiting is None or waiting.handoff_id is None:
        return ended_with(incident)
    handoff = await get_handoff_view(session, waiting.handoff_id)
    if handoff.status is HandoffStatus.PENDING:
        return ended_with(incident)
    return Ending(settled_text(handoff))


def unanswered_directly(
    waiting: HandoffUnanswered, _entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return the message to the commander, to the person who asked, and to the backup."""
    lead = f"{about(incident)} ({mentions.escape_line(incident.severity_name)}, {incident.status})"
    commander, asked = named(waiting.outgoing), named(waiting.asked)
    what = (
        f"{commander} hasn't agreed to hand over command"
        if waiting.asked == waiting.outgoing
        else f"{asked} hasn't answered the offer of command"
    )
    called = (
        f"{named(waiting.backup)}, the backup, has been called."
        if waiting.backup
        else "No backup is set: ask somebody else."
    )
    text = f"{lead}: {what}. {commander} still leads. {called}"
    return blocks.Message(
        text=text, blocks=(blocks.section(text), blocks.actions(_take_over_button(incident)))
    )


def _take_over_button(incident: IncidentView) -> blocks.ButtonElement:
    return blocks.button(
        "Take over…", action_id="handoff_take_over_open", value=on_incident(incident)
    )


# -- forms ----------------------------------------------------------------------------------


def offer_form(view: IncidentView, brief: Brief) -> blocks.View:
    """Return the form that offers command, with a preview of the brief."""
    return blocks.modal(
        f"Hand off {view.reference}",
        blocks=[
            blocks.user_select("person", label="Who takes command?"),
            blocks.text_input(
                "words",
                label="What else should they know?",
                multiline=True,
                optional=True,
                max_length=_LONGEST_WORDS,
                hint="Open questions, what is being tried, what you would do next.",
            ),
            blocks.section("*The brief that goes with it*"),
            *blocks.paragraphs(brief_text(brief)),
        ],
        submit="Offer",
    )


def take_over_form(_: Request, view: IncidentView, given: TakeOver) -> Form[TakeOver]:
    """Return the form that takes over command at once, and asks why."""
    commander = next(iter(view.holders(COMMANDER)), None)
    now = (
        f"{mentions.escape_line(commander.name)} has command now. I'll tell them your reason; it goes on the record."
        if commander
        else "Nobody has command now. Your reason goes on the record."
    )
    form = blocks.modal(
        f"Take over {view.reference}",
        blocks=[
            blocks.section(now),
            blocks.text_input(
                "reason",
                label="Why now?",
                max_length=500,
                placeholder="No answer since 14:05, a decision is due",
            ),
        ],
        submit="Take over",
    )
    return Form(form, replace(given, seen_commander_id=str(commander.id) if commander else ""))
