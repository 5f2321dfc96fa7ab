"""Renders notes and the timeline: messages, pages and forms."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.framework.arguments import Arguments, OnIncident, to_value
from bot.slack import blocks, mentions
from bot.slack.blocks import Message
from bot.slack.ids import is_user_id
from bot.slack.sentences import SlackText
from bot.slack.truncation import shorten_mrkdwn, split_mrkdwn
from incidents.core.sentences import as_line
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.views import EntryView, IncidentView
from incidents.record.corrections import WITHDRAWABLE, CorrectedEntry
from incidents.record.entries import Note
from incidents.record.timeline_view import TimelineItem, TimelineView

DEFAULT_LAST = 20
MAX_IN_FORM = 3_000
LATE = timedelta(minutes=1)

# A message takes 50 blocks; a line with a menu needs its own block, and so do those between.
_MOST_MENUS = 12
# A message takes 12,000 characters, including markup that nobody sees.
_PAGE_CHARACTERS = 7_500
_TIME_AND_NAME = 90
_MAX_NAME = 30
_DATE = re.compile(r"<!date[^>]*>")

_LABELS = {
    "amend": "Amend…",
    "withdraw": "Withdraw",
    "hide": "Hide…",
    "reveal": "Reveal",
    "destroy": "Destroy…",
}
_NOTE_CHOICES = ("amend", "withdraw", "hide")
_MARK_CHOICES = ("withdraw", "hide")
_HIDDEN_CHOICES = ("reveal", "destroy")


class TimelinePage(OnIncident):
    """How many timeline entries to show, and how many newer ones to skip."""

    count: int = DEFAULT_LAST
    skip: int = 0


class OnEntry(Arguments, gone="entry"):
    """A timeline entry, and what to do with it."""

    ref: IncidentRef
    entry_id: uuid.UUID
    choice: str = ""


def note_entry(note: Note, entry: EntryView, incident: IncidentView) -> Message:
    """Return a note as a channel message, with a menu to correct it."""
    who, when = mentions.escape_line(entry.actor_name), _for_when(entry)
    text = f"*Note* by {who}{when}: {mentions.escape(note.text)}"
    first, *rest = split_mrkdwn(text, 3_000)
    menu = _menu(incident, entry.id, _NOTE_CHOICES)
    return Message(
        text=text,
        blocks=(blocks.section(first, accessory=menu), *(blocks.section(one) for one in rest)),
    )


def page(timeline: TimelineView, *, count: int, skip: int) -> Message:
    """Return the newest entries in order of time, with buttons to turn the page."""
    incident, items = timeline.incident, timeline.newest(count, skip=skip)
    total = len(timeline.items)
    until = total - skip
    title = f"*Timeline of {incident.reference}*, {until - len(items) + 1} to {until} of {total}"
    limit = max(60, _PAGE_CHARACTERS // max(len(items), 1) - _TIME_AND_NAME)
    lines = [(item, line_of(item, limit=limit)) for item in items]
    value = to_value(OnIncident(ById(incident.id), total))
    buttons = [
        *_turning(incident, count=count, skip=skip, total=total),
        blocks.button("Add a note", action_id="note_open", value=value),
        blocks.button("Export", action_id="export_start", value=value),
    ]
    return Message(
        text="\n".join([title, *(line for _, line in lines)]),
        blocks=(blocks.section(title), *_line_blocks(incident, lines), blocks.actions(*buttons)),
    )


def line_of(item: TimelineItem, *, limit: int) -> str:
    """Return one timeline line; cut its text to about `limit` characters."""
    entry = item.entry
    when = mentions.date(entry.occurred_at, "{date_short_pretty} {time}")
    what = _fitted(" ".join(as_line(item.told, SlackText()).split()), limit)
    if entry.is_withdrawn:
        what = f"~{what.replace('~', '∼')}~ (withdrawn)"
    elif entry.is_amended and not entry.is_redacted:
        what = f"{what} (amended)"
    if item.link and not entry.is_redacted:
        what = f"{what} {mentions.link(item.link, 'link')}"
    who = (
        mentions.mention(item.who)
        if is_user_id(item.who)
        else shorten_mrkdwn(mentions.escape_line(item.who), _MAX_NAME)
    )
    return f"{when}  *{who}*  {what}{_recorded_when(entry)}"


def note_form(view: IncidentView, *, unclear: str = "") -> blocks.View:
    """Return the form for a note; `unclear` is typed text whose time isn't clear."""
    notice = "*Not noted yet:* I can't tell when this was. Fill in *When*; your text is kept."
    return blocks.modal(
        f"Note on {view.reference}",
        blocks=[
            *([blocks.section(notice)] if unclear else []),
            blocks.text_input(
                "note",
                label="What happened?",
                initial=unclear or None,
                multiline=True,
                max_length=MAX_IN_FORM,
            ),
            blocks.text_input(
                "time",
                label="When? (Empty: now)",
                placeholder="-10m, 14:05 or yesterday 14:05",
                hint="How long ago, or a time on your clock; I take the latest one that has passed.",
                optional=True,
                max_length=40,
            ),
        ],
        submit="Add",
    )


def amend_form(item: TimelineItem) -> blocks.View:
    """Return the form that corrects a note."""
    return blocks.modal(
        "Amend the note",
        blocks=[
            blocks.context("The record keeps both the old text and your correction."),
            blocks.text_input(
                "note",
                label="What happened?",
                initial=item.entry.words,
                multiline=True,
                max_length=MAX_IN_FORM,
            ),
            blocks.datetime_input(
                "time", label="When?", initial=item.entry.occurred_at, optional=True
            ),
        ],
    )


def hide_form(item: TimelineItem) -> blocks.View:
    """Return the form that asks whether to hide an entry."""
    what = shorten_mrkdwn(as_line(item.told, SlackText()), 2_000)
    text = (
        "This hides the text *at once*, here, in my messages and in every later export. You can "
        "reveal it again. To delete it permanently, somebody else presses *Destroy…* afterwards. "
        "Who wrote something, and when, stays on the record. "
        "People's own messages stay in Slack: delete them there."
    )
    return _reason_form("Hide from the timeline", text, what, submit="Hide")


def destroy_form(item: TimelineItem) -> blocks.View:
    """Return the form that asks whether to destroy a hidden entry."""
    text = (
        "This deletes the hidden text *permanently*: nobody can reveal it again. Somebody other than "
        "the person who hid it has to do it. If nobody else may, you can, and I tell the channel."
    )
    what = shorten_mrkdwn(as_line(item.told, SlackText()), 2_000)
    return _reason_form("Destroy hidden text", text, what, submit="Destroy")


def _reason_form(title: str, text: str, what: str, *, submit: str) -> blocks.View:
    return blocks.modal(
        title,
        blocks=[
            blocks.section(text),
            blocks.section(what),
            blocks.text_input(
                "reason",
                label="Why?",
                placeholder="It held a password",
                hint="The reason stays on the record, so don't repeat the text.",
                max_length=300,
            ),
        ],
        submit=submit,
    )


def _fitted(text: str, limit: int) -> str:
    """Cut the text to `limit` visible characters; only the last part of a date token shows."""
    hidden = sum(len(token.partition("|")[0]) for token in _DATE.findall(text))
    return shorten_mrkdwn(text, limit + hidden)


def _for_when(entry: EntryView) -> str:
    is_late = entry.recorded_at - entry.occurred_at > LATE
    return f" for {mentions.date(entry.occurred_at)}" if is_late else ""


def _recorded_when(entry: CorrectedEntry) -> str:
    is_late = entry.recorded_at - entry.occurred_at > LATE
    return f" (recorded {mentions.date(entry.recorded_at)})" if is_late else ""


def _choices(entry: CorrectedEntry) -> Sequence[str]:
    """Return the possible actions on an entry; none if it holds no text by people."""
    if entry.is_hidden:
        return _HIDDEN_CHOICES
    if not entry.has_peoples_text:
        return ()
    if entry.is_withdrawn or entry.kind not in WITHDRAWABLE:
        return ("hide",)
    return _NOTE_CHOICES if entry.kind == Note.kind else _MARK_CHOICES


def _menu(
    incident: IncidentView, entry_id: uuid.UUID, choices: Sequence[str]
) -> blocks.OverflowMenuElement:
    options = [
        blocks.option(_LABELS[choice], value=to_value(OnEntry(ById(incident.id), entry_id, choice)))
        for choice in choices
    ]
    return blocks.overflow(action_id="timeline_correct", options=options)


def _line_blocks(
    incident: IncidentView, lines: list[tuple[TimelineItem, str]]
) -> tuple[blocks.Block, ...]:
    """Return the lines as blocks; the newest correctable ones get a menu, the others merge."""
    correctable = [item.entry.id for item, _ in lines if _choices(item.entry)]
    with_menu = set(correctable[-_MOST_MENUS:])
    made: list[blocks.Block] = []
    waiting: list[str] = []
    for item, line in lines:
        entry = item.entry
        if entry.id not in with_menu:
            waiting.append(line)
            continue
        made.extend(_merged(waiting))
        waiting = []
        made.append(blocks.section(line, accessory=_menu(incident, entry.id, _choices(entry))))
    return (*made, *_merged(waiting))


def _merged(lines: list[str]) -> tuple[blocks.Block, ...]:
    return blocks.paragraphs("\n".join(lines)) if lines else ()


def _turning(
    incident: IncidentView, *, count: int, skip: int, total: int
) -> list[blocks.ButtonElement]:
    here, buttons = TimelinePage(ById(incident.id), count=count), list[blocks.ButtonElement]()
    if skip + count < total:
        value = to_value(replace(here, skip=skip + count))
        buttons.append(blocks.button("Earlier", action_id="timeline_earlier", value=value))
    if skip > 0:
        value = to_value(replace(here, skip=max(skip - count, 0)))
        buttons.append(blocks.button("Later", action_id="timeline_later", value=value))
    return buttons
