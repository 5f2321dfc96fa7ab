"""Wording of check-ins: asked in channel and directly, due, and answered."""

import uuid
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.arguments import Arguments, known_id, to_value
from bot.framework.entry_messages import Ending, ended_with, told_directly, told_message
from bot.framework.phrases import about
from bot.slack import blocks, mentions
from incidents.checkins.checkins import Checkin, CheckinStatus
from incidents.checkins.entries import (
    CheckinAnswer,
    CheckinAnswered,
    CheckinAsked,
    CheckinDue,
    CheckinEntry,
)
from incidents.core.times import spoken_duration
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.views import EntryView, IncidentView, find_next_entry
from incidents.policy.policy import COMMANDER


class OnCheckin(Arguments, gone="checkin"):
    """A check-in, the round (time box) that its buttons are for, and the answer."""

    ref: IncidentRef
    checkin_id: uuid.UUID
    round: int
    answer: CheckinAnswer = CheckinAnswer.DONE
    text: str = ""


def asked_entry(asked: CheckinAsked, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the task for the channel."""
    text = (
        f"{mentions.mention(asked.person.external_id)}, {mentions.escape_line(entry.actor_name)} asks "
        f"you: {mentions.escape(asked.question)}\nYou have {_box(asked)}, until {_due(asked, entry)}."
    )
    return _with_buttons(text, _understood_button(asked, incident))


def asked_directly(asked: CheckinAsked, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the task for the person, by direct message."""
    text = (
        f"{about(incident)}: {mentions.escape_line(entry.actor_name)} asks you: "
        f"{mentions.escape(asked.question)}\n"
        f"You have {_box(asked)}, until {_due(asked, entry)}; then I ask you how it went. No "
        "progress by then is news, too."
    )
    return _with_buttons(text, _understood_button(asked, incident))


def due_entry(due: CheckinDue, _entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Ask the person and the commander how it went, under the status card."""
    people = [due.person.external_id]
    people += [one.external_id for one in incident.holders(COMMANDER)]
    asked = ", ".join(mentions.mention(one) for one in dict.fromkeys(people))
    return _ask_how_it_went(due, incident, lead=f"{asked}: ")


def due_directly(due: CheckinDue, _entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Ask the person or the commander by direct message how it went."""
    lead = f"*{incident.reference}* {mentions.escape_line(incident.title)}: "
    return _ask_how_it_went(due, incident, lead=lead)


def _ask_how_it_went(due: CheckinDue, incident: IncidentView, *, lead: str) -> blocks.Message:
    name = mentions.escape_line(due.person.name)
    unseen = "" if due.is_understood else f" {name} hasn't pressed *Understood*."
    text = (
        f"{lead}{name}'s time is up ({_box(due)}). How did it go?{unseen}\n"
        f"The task: {mentions.escape(due.question)}"
    )
    asked = _on(due, incident)
    more = replace(asked, answer=CheckinAnswer.MORE_TIME)
    stuck = replace(asked, answer=CheckinAnswer.STUCK)
    return _with_buttons(
        text,
        blocks.button("Done", action_id="checkin_done", value=to_value(asked), style="primary"),
        blocks.button(
            f"Need {_box(due)} more", action_id="checkin_more_time", value=to_value(more)
        ),
        blocks.button("Stuck", action_id="checkin_stuck", value=to_value(stuck)),
        blocks.button("Answer in words…", action_id="checkin_answer_open", value=to_value(asked)),
    )


def answered_entry(
    answered: CheckinAnswered, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Tell the channel how it went; if the person is stuck, ask who can help."""
    leads = (mentions.mention(one.external_id) for one in incident.holders(COMMANDER))
    asks = _asks(answered)
    return told_message(entry, incident, asks=f"{', '.join(leads)} {asks}".strip() if asks else "")


def answered_directly(
    answered: CheckinAnswered, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Tell the asker or the commander how it went, by direct message."""
    return told_directly(entry, incident, asks=_asks(answered))


# -- how it ended ---------------------------------------------------------------------------


async def asked_ending(
    asked: CheckinAsked, session: AsyncSession, entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return the task's state: answered, more time, time is up, or understood."""
    checkin = await session.get_one(Checkin, asked.checkin_id)
    ended = _answered(checkin) or ended_with(incident)
    if ended is not None:
        return ended
    if checkin.answered_at is not None:
        return _more_time(checkin, is_final=False)
    asked_at_end = await find_next_entry(
        session, entry, incident, CheckinDue.kind, is_about_it=True
    )
    if asked_at_end is not None:
        return Ending("The time is up. I asked how it went.", is_final=False)
    if checkin.understood_at is not None:
        at = mentions.date(checkin.understood_at, "{time}")
        return Ending(f"*Understood* at {at}.", is_final=False)
    return None


async def due_ending(
    due: CheckinDue, session: AsyncSession, _entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return the answer to "How did it go?"."""
    checkin = await session.get_one(Checkin, due.checkin_id)
    if checkin.round != due.round:
        return _more_time(checkin, is_final=True)
    return _answered(checkin) or ended_with(incident)


def _answered(checkin: Checkin) -> Ending | None:
    if checkin.status not in {CheckinStatus.DONE, CheckinStatus.STUCK}:
        return None
    at = mentions.date(checkin.answered_at, "{time}") if checkin.answered_at else ""
    by = mentions.escape_line(checkin.answered_by or "")
    return Ending(f"*{checkin.status.capitalize()}* (answered by {by} at {at}).")


def _more_time(checkin: Checkin, *, is_final: bool) -> Ending:
    until = mentions.date(checkin.due_at, "{time}")
    by = mentions.escape_line(checkin.answered_by or "")
    return Ending(f"*More time* until {until} (answered by {by}).", is_final=is_final)


def _asks(answered: CheckinAnswered) -> str:
    return "Who can help?" if answered.answer == CheckinAnswer.STUCK else ""


def _understood_button(asked: CheckinAsked, incident: IncidentView) -> blocks.ButtonElement:
    value = to_value(_on(asked, incident))
    return blocks.button("Understood", action_id="checkin_understood", value=value, style="primary")


def _on(checkin: CheckinEntry, incident: IncidentView) -> OnCheckin:
    return OnCheckin(ById(incident.id), known_id(checkin.checkin_id), checkin.round)


def _box(checkin: CheckinEntry) -> str:
    return spoken_duration(checkin.box)


def _due(checkin: CheckinEntry, entry: EntryView) -> str:
    return mentions.date(checkin.due_at or entry.occurred_at, "{time}")


def _with_buttons(text: str, *buttons: blocks.ButtonElement) -> blocks.Message:
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(*buttons)))
