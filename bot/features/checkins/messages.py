"""How check-ins read: asked in channel and directly, at the end of the box, and answered."""

import uuid
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.entry_messages import Ending, ended_with
from bot.framework.phrases import instant_of
from bot.slack import blocks, mentions
from incidents.checkins.checkins import Checkin, CheckinStatus
from incidents.core.times import spoken_duration
from incidents.incident.timeline import EntryKind
from incidents.incident.views import EntryView, IncidentView, find_next_entry


def asked_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the task as the channel sees it."""
    text = (
        f"{_person(entry)}, {mentions.escape_line(entry.actor_name)} asks you, for the next {_box(entry)}"
        f" (until {_due(entry)}): {_question(entry)}"
    )
    return _with_buttons(text, _understood_button(entry, incident))


def asked_directly(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the task as the person gets it by direct message."""
    where = f" in {mentions.channel_link(incident.channel_id)}" if incident.channel_id else ""
    text = (
        f"*{incident.reference}* {mentions.escape_line(incident.title)}{where}: "
        f"{mentions.escape_line(entry.actor_name)} asks you: {_question(entry)}\n"
        f"You have {_box(entry)}, until {_due(entry)}; then I ask you how it went. No progress by "
        "then is news, too."
    )
    return _with_buttons(text, _understood_button(entry, incident))


def understood_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return that the person took the task on."""
    text = f"{mentions.escape_line(entry.text('person_name'))} is on it, until {_due(entry)}."
    return blocks.Message(text=f"{incident.reference}: {text}", blocks=(blocks.context(text),))


def due_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the question how it went, to the person and to the commander."""
    name = mentions.escape_line(entry.text("person_name"))
    unseen = "" if entry.content.get("is_understood") else " (they haven't pressed *Understood*)"
    text = (
        f"*{incident.reference}* {mentions.escape_line(incident.title)}: the {_box(entry)} for {name} are "
        f"over{unseen}. How did it go?\nThe task: {_question(entry)}"
    )
    value = _value(entry, incident)
    return _with_buttons(
        text,
        blocks.button("Done", action_id="checkin_done", value=value, style="primary"),
        blocks.button(f"Need {_box(entry)} more", action_id="checkin_more_time", value=value),
        blocks.button("Stuck", action_id="checkin_stuck", value=value),
        blocks.button("Answer in words…", action_id="checkin_answer_open", value=value),
    )


def answered_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return how it went."""
    name, who = (
        mentions.escape_line(entry.text("person_name")),
        mentions.escape_line(entry.actor_name),
    )
    is_own = str(entry.actor_id) == entry.text("person_id")
    by = "" if is_own else f" (says {who})"
    match entry.text("answer"):
        case "done":
            text = f"{name} is done{by}."
        case "stuck":
            text = f"{name} is stuck{by}: who can help?"
        case _:
            text = f"{name} needs {_box(entry)} more{by}, until {_due(entry)}."
    words = mentions.escape(entry.text("text"))
    text = f"{text}\n{words}" if words else text
    return blocks.Message(text=f"{incident.reference}: {text}", blocks=blocks.paragraphs(text))


def answered_directly(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return how it went as the asker and the commander get it by direct message."""
    where = f" in {mentions.channel_link(incident.channel_id)}" if incident.channel_id else ""
    said = answered_entry(entry, incident).text.removeprefix(f"{incident.reference}: ")
    text = f"*{incident.reference}* {mentions.escape_line(incident.title)}{where}: {said}"
    return blocks.Message(text=text, blocks=blocks.paragraphs(text))


# -- how it ended ---------------------------------------------------------------------------


async def asked_ending(
    session: AsyncSession, entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return how the task stands since it was understood, its time was up, or it was answered."""
    checkin = await session.get_one(Checkin, uuid.UUID(entry.text("checkin_id")))
    ended = _answered(checkin) or ended_with(incident)
    if ended is not None:
        return ended
    if checkin.answered_at is not None:
        return _more_time(checkin, is_final=False)
    asked_at_end = await find_next_entry(
        session, entry, incident, EntryKind.CHECKIN_DUE, is_about_it=True
    )
    if asked_at_end is not None:
        return Ending("The time is up. I asked how it went.", is_final=False)
    if checkin.understood_at is not None:
        at = mentions.date(checkin.understood_at, "{time}")
        return Ending(f"*Understood* at {at}.", is_final=False)
    return None


async def due_ending(
    session: AsyncSession, entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return what was answered to the question how it went."""
    checkin = await session.get_one(Checkin, uuid.UUID(entry.text("checkin_id")))
    if str(checkin.round) != entry.text("round"):
        return _more_time(checkin, is_final=True)
    return _answered(checkin) or ended_with(incident)


def _answered(checkin: Checkin) -> Ending | None:
    if checkin.status not in {CheckinStatus.DONE, CheckinStatus.STUCK}:
        return None
    at = mentions.date(checkin.answered_at, "{time}") if checkin.answered_at else ""
    by = mentions.escape_line(checkin.answered_by or "")
    return Ending(f"*{checkin.status.capitalize()}*, said {by} at {at}.")


def _more_time(checkin: Checkin, *, is_final: bool) -> Ending:
    until = mentions.date(checkin.due_at, "{time}")
    by = mentions.escape_line(checkin.answered_by or "")
    return Ending(f"*More time*, said {by}: until {until}.", is_final=is_final)


def _understood_button(entry: EntryView, incident: IncidentView) -> blocks.ButtonElement:
    value = _value(entry, incident)
    return blocks.button("Understood", action_id="checkin_understood", value=value, style="primary")


def _value(entry: EntryView, incident: IncidentView) -> str:
    return f"{incident.id}|{entry.text('checkin_id')}|{entry.text('round')}"


def _person(entry: EntryView) -> str:
    return mentions.mention(entry.text("person_external_id"))


def _box(entry: EntryView) -> str:
    return spoken_duration(timedelta(seconds=int(entry.content.get("box_seconds", 0))))


def _due(entry: EntryView) -> str:
    return mentions.date(instant_of(entry.content.get("due_at")) or entry.occurred_at, "{time}")


def _question(entry: EntryView) -> str:
    return mentions.escape(entry.text("question"))


def _with_buttons(text: str, *buttons: blocks.ButtonElement) -> blocks.Message:
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(*buttons)))
