"""How updates, their reminders and misses read; each fallback text says all that the blocks say."""

from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.entry_messages import Ending, ended_with
from bot.framework.phrases import instant_of
from bot.slack import blocks, mentions
from incidents.core.times import spoken_duration
from incidents.incident.timeline import EntryKind
from incidents.incident.views import EntryView, IncidentView, find_next_entry


def update_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return a stakeholder update as it is posted in the incident channel."""
    number, who = entry.text("number"), mentions.escape_line(entry.actor_name)
    severity = mentions.escape_line(entry.text("severity"))
    title = f"*Update {number}* by {who}: {entry.text('status')}, {severity}"
    parts = [title, *update_parts(entry.content)]
    due_at = instant_of(entry.content.get("next_update_due_at"))
    next_due = f"Next update {mentions.date(due_at, '{time}')}" if due_at else ""
    text = "\n".join([*parts, *([next_due] if next_due else [])])
    return blocks.Message(
        text=f"{incident.reference}: {text}",
        blocks=(
            *blocks.paragraphs("\n".join(parts)),
            *((blocks.context(next_due),) if next_due else ()),
        ),
    )


def update_parts(content: dict[str, Any]) -> list[str]:
    """Return the texts of an update as mrkdwn, those that were given."""
    labels = (("", "text"), ("Impact", "impact"), ("Doing", "actions"), ("Next", "next_steps"))
    given = ((label, str(content.get(name) or "")) for label, name in labels)
    return [
        f"*{label}* {mentions.escape(text)}" if label else mentions.escape(text)
        for label, text in given
        if text
    ]


def reminder_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the reminder that an update is due, or late, with what to press."""
    due_at = instant_of(entry.content.get("due_at")) or entry.occurred_at
    if entry.text("step") == "late":
        late = spoken_duration(entry.occurred_at - due_at)
        text = (
            f"The stakeholder update on *{incident.reference}* {mentions.escape_line(incident.title)} is "
            f"{late} late (it was due {mentions.date(due_at, '{time}')}). Even “nothing new” is news to "
            "those who wait."
        )
        return _with_buttons(text, _post_button(incident))
    people = [mentions.mention(person["external_id"]) for person in entry.content.get("to", ())]
    whom = f"{', '.join(people)}: a" if people else "Whoever is free: a"
    text = (
        f"{whom} stakeholder update is due (since {mentions.date(due_at, '{time}')}). One line will do: "
        "who is affected, what we are doing, when the next one comes."
    )
    return _with_buttons(text, _post_button(incident), _snooze_button(entry, incident))


def missed_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return that an update was missed; one that the bot slept through is said to be its own."""
    due_at = instant_of(entry.content.get("due_at")) or entry.occurred_at
    next_due_at = instant_of(entry.content.get("next_due_at"))
    due, count = mentions.date(due_at, "{time}"), int(entry.content.get("count", 1))
    if entry.content.get("is_bots"):
        text = (
            f"I wasn't running when the stakeholder update of {due} was due, so nobody was "
            "reminded. That is my miss, not yours: it stays out of figures. An update now would "
            "help."
        )
    else:
        which = (
            f"The last {count} stakeholder updates were"
            if count > 1
            else (f"The stakeholder update of {due} was")
        )
        text = f"{which} missed; it is on the record. A line now helps those who wait."
    if entry.content.get("is_last_call"):
        text += " I won't ask again here before the next update; further misses are only recorded."
    elif next_due_at is not None and next_due_at > entry.recorded_at:
        text += f" The next one is due {mentions.date(next_due_at, '{time}')}."
    return _with_buttons(text, _post_button(incident))


def snoozed_entry(entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return that the next update was put off, by whom, until when and why."""
    delay = spoken_duration(timedelta(seconds=int(entry.content.get("delay_seconds", 0))))
    until = instant_of(entry.content.get("until")) or entry.occurred_at
    reason = mentions.escape_line(entry.text("reason"))
    text = (
        f"{mentions.escape_line(entry.actor_name)} put the next update off by {delay}, to "
        f"{mentions.date(until, '{time}')}{f': {reason}' if reason else '.'}"
    )
    return blocks.Message(text=f"{incident.reference}: {text}", blocks=(blocks.context(text),))


async def reminder_ending(
    session: AsyncSession, entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return what came of the update that was due: posted, put off, or missed."""
    kinds = [EntryKind.UPDATE_POSTED, EntryKind.UPDATE_SNOOZED]
    if entry.kind == EntryKind.UPDATE_REMINDED:
        kinds.append(EntryKind.UPDATE_MISSED)
    later = await find_next_entry(session, entry, incident, *kinds)
    if later is None:
        return ended_with(incident)
    who, at = mentions.escape_line(later.actor_name), mentions.date(later.recorded_at, "{time}")
    match later.kind:
        case EntryKind.UPDATE_POSTED:
            return Ending(f"{who} posted update {later.text('number')} at {at}.")
        case EntryKind.UPDATE_SNOOZED:
            until = instant_of(later.content.get("until")) or later.recorded_at
            return Ending(f"{who} put the update off to {mentions.date(until, '{time}')}.")
    return Ending("No update came.")


def post_button(incident_id: str) -> blocks.ButtonElement:
    """Return the button that opens the form for an update."""
    return blocks.button("Post update", action_id="update_open", value=incident_id, style="primary")


def _post_button(incident: IncidentView) -> blocks.ButtonElement:
    return post_button(str(incident.id))


def _snooze_button(entry: EntryView, incident: IncidentView) -> blocks.ButtonElement:
    delay = timedelta(seconds=int(entry.content.get("snooze_seconds", 900)))
    minutes = int(delay / timedelta(minutes=1))
    # The due time is the version: pressed on an old message, the button does nothing.
    value = f"{incident.id}|{minutes}|{entry.text('due_at')}"
    return blocks.button(f"Snooze {spoken_duration(delay)}", action_id="update_snooze", value=value)


def _with_buttons(text: str, *buttons: blocks.ButtonElement) -> blocks.Message:
    return blocks.Message(text=text, blocks=(blocks.section(text), blocks.actions(*buttons)))
