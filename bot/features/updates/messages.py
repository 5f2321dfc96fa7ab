"""Renders updates, their reminders and misses; each fallback text says what the blocks say."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.arguments import Arguments, OnIncident, on_incident, to_value
from bot.framework.entry_messages import Ending, ended_with
from bot.framework.refusals import say
from bot.slack import blocks, mentions
from bot.slack.sentences import SlackText
from incidents.core.hash_chain import instant_text
from incidents.core.sentences import Telling, details_of
from incidents.core.times import spoken_duration
from incidents.incident.entries import UpdateMissed, UpdatePosted
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.views import EntryView, IncidentView, find_next_entry
from incidents.updates.entries import LATE, UpdateReminded, UpdateSnoozed


class Snooze(Arguments):
    """How long to snooze (None: the policy's time), and which update: the one due at `due_at`."""

    ref: IncidentRef
    delay: timedelta | None = None
    due_at: str = ""
    reason: str = ""


class NoChange(Arguments):
    """That nothing has changed since the last update; the next one comes after `next_in`."""

    ref: IncidentRef
    next_in: timedelta
    due_at: str
    is_sure: bool = False


def update_entry(update: UpdatePosted, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return a stakeholder update as a message for the incident channel."""
    medium = SlackText()
    title = f"*Update {update.number}* by {mentions.escape_line(entry.actor_name)}: "
    title += f"{update.status}, {mentions.escape_line(update.severity)}"
    told = Telling((), tuple(one for one in update.said() if one is not None))
    parts = [title, *details_of(told, medium)]
    due_at = update.next_update_due_at
    next_due = f"Next update {mentions.date(due_at, '{time}')}" if due_at else ""
    text = "\n".join([*parts, *([next_due] if next_due else [])])
    return blocks.Message(
        text=f"{incident.reference}: {text}",
        blocks=(
            *blocks.paragraphs("\n".join(parts)),
            *((blocks.context(next_due),) if next_due else ()),
        ),
    )


def reminder_entry(
    reminded: UpdateReminded, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return the reminder that an update is due or late, with its buttons."""
    due_at = reminded.due_at or entry.occurred_at
    if reminded.step == LATE:
        late = spoken_duration(entry.occurred_at - due_at)
        text = (
            f"The stakeholder update on *{incident.reference}* {mentions.escape_line(incident.title)} is "
            f"{late} late (it was due {mentions.date(due_at, '{time}')}). People are "
            "waiting: even “nothing new” helps them."
        )
        return say(text, _post_button(incident), _no_change_button(reminded, incident))
    people = [mentions.mention(person.external_id) for person in reminded.to]
    lead = f"{', '.join(people)}: a" if people else "If you're free: a"
    text = (
        f"{lead} stakeholder update is due (since {mentions.date(due_at, '{time}')}). One line is "
        "enough: who is affected, what you're doing, when you'll write next."
    )
    no_change, snooze = _no_change_button(reminded, incident), _snooze_button(reminded, incident)
    return say(text, _post_button(incident), no_change, snooze)


def missed_entry(missed: UpdateMissed, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return that an update was missed; if the bot wasn't running, it takes the blame."""
    due = mentions.date(missed.due_at or entry.occurred_at, "{time}")
    if missed.is_bots:
        text = (
            f"I wasn't running when the stakeholder update of {due} was due, so I reminded "
            "nobody. That is my miss, not yours: it stays out of the figures. An update now would "
            "help."
        )
    else:
        which = (
            f"The last {missed.count} stakeholder updates were"
            if missed.count > 1
            else (f"The stakeholder update of {due} was")
        )
        text = f"{which} missed; that's on the record. People are waiting: one line now helps them."
    if missed.is_last_call:
        text += " I won't ask again here before the next update; further misses are only recorded."
    elif missed.next_due_at is not None and missed.next_due_at > entry.recorded_at:
        text += f" The next one is due {mentions.date(missed.next_due_at, '{time}')}."
    return say(text, _post_button(incident))


async def reminder_ending(
    session: AsyncSession, entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return what happened to the due update: posted, snoozed or missed."""
    kinds = [UpdatePosted.kind, UpdateSnoozed.kind]
    if entry.kind == UpdateReminded.kind:
        kinds.append(UpdateMissed.kind)
    later = await find_next_entry(session, entry, incident, *kinds)
    if later is None:
        return ended_with(incident)
    by, at = mentions.escape_line(later.actor_name), mentions.date(later.recorded_at, "{time}")
    if later.kind == UpdateMissed.kind:
        return Ending("No update came.")
    if later.is_redacted:
        return Ending(f"{by} answered at {at}.")
    posted = UpdatePosted.read(later.content) if later.kind == UpdatePosted.kind else None
    if posted is not None:
        return Ending(f"{by} posted update {posted.number} at {at}.")
    snoozed = UpdateSnoozed.read(later.content)
    until = (snoozed.until if snoozed is not None else None) or later.recorded_at
    return Ending(f"{by} put the update off to {mentions.date(until, '{time}')}.")


def _post_button(incident: IncidentView) -> blocks.ButtonElement:
    value = on_incident(incident)
    return blocks.button("Post update", action_id="update_open", value=value, style="primary")


def no_change_doubted(given: NoChange, reference: str) -> blocks.Message:
    """Return the question after two updates in a row that said nothing has changed."""
    sure = replace(given, is_sure=True)
    text = (
        f"The last two updates on *{reference}* said that nothing has changed. Is that still so? "
        "What was tried and ruled out is news, too."
    )
    return say(
        text,
        blocks.button(
            "Post update",
            action_id="update_open",
            value=to_value(OnIncident(given.ref)),
            style="primary",
        ),
        blocks.button("Yes, no change", action_id="update_no_change_sure", value=to_value(sure)),
    )


def _no_change_button(reminded: UpdateReminded, incident: IncidentView) -> blocks.ButtonElement:
    next_in = timedelta(seconds=reminded.next_seconds)
    due_at = instant_text(reminded.due_at) if reminded.due_at else ""
    value = to_value(NoChange(ById(incident.id), next_in, due_at))
    label = f"No change, next in {spoken_duration(next_in)}"
    return blocks.button(label, action_id="update_no_change", value=value)


def _snooze_button(reminded: UpdateReminded, incident: IncidentView) -> blocks.ButtonElement:
    delay = timedelta(seconds=reminded.snooze_seconds)
    # The due time serves as the version, so a button on an old message does nothing.
    due_at = instant_text(reminded.due_at) if reminded.due_at else ""
    value = to_value(Snooze(ById(incident.id), delay, due_at))
    return blocks.button(f"Snooze {spoken_duration(delay)}", action_id="update_snooze", value=value)
