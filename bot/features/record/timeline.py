"""Notes and the timeline: commands, forms, buttons, and the message about a note."""

import re
import uuid
from dataclasses import replace
from datetime import datetime
from functools import partial

from bot.features.record import timeline_messages as messages
from bot.features.record.redaction import (
    delete_files,
    erase_message,
    erase_title,
    redacted,
    revealed,
)
from bot.features.record.timeline_messages import OnEntry, TimelinePage
from bot.framework.arguments import OnIncident, to_value
from bot.framework.entry_messages import shown
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import FieldErrors, Reply, Request, Say
from bot.framework.slash_commands import Flag, Repeat
from bot.framework.verbs import AskFirst, Verb, view_for_form
from bot.slack import blocks, mentions
from incidents.core.errors import AlreadySo, InvalidInput
from incidents.core.moments import (
    MOMENT_EXAMPLE,
    moment_at_the_end,
    parse_moment,
    split_moment,
)
from incidents.core.times import zone_of
from incidents.engine.effects import DeleteFiles, EraseEntryMessage, EraseTitle
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import ById
from incidents.policy.policy import Action
from incidents.record.corrections import MAX_TEXT
from incidents.record.entries import Note
from incidents.record.hiding import destroy_entry, hide_entry, reveal_entry
from incidents.record.notes import add_note, amend_note, undo, withdraw_entry
from incidents.record.timeline_view import TimelineItem, find_item, get_timeline
from incidents.registry.entries import ENTRY_TYPES

MAX_LAST = 50
# -- notes ------------------------------------------------------------------------------------


class NewNote(OnIncident):
    """What happened, and when; None means now."""

    note: str = ""
    moment: datetime | None = None
    # The typed text whose time isn't clear: the form asks for it.
    unclear: str = ""


# A time of day without a day before it: `14:05`, `(14:05)`, `2pm`.
_BEGINS_WITH_A_CLOCK = re.compile(r"\W{0,3}\d{1,2}(?:[:.h]\d{2}(?!\.)|\s?[ap]\.?m)", re.IGNORECASE)


def typed_note(request: Request) -> NewNote | AskFirst[NewNote]:
    """Parse `note [-10m|14:05|yesterday 14:05] text`; open the form if the time isn't clear."""
    ref, words = request.incident_ref(), mentions.plain(request.words.text)
    try:
        moment, text = split_moment(words, now=request.now, zone=request.actor.zone)
        if moment is not None and moment > request.now:
            raise InvalidInput("time", "future", MOMENT_EXAMPLE)
    except InvalidInput:
        if len(words) > messages.MAX_IN_FORM:
            raise
        return AskFirst(NewNote(ref, unclear=words))
    return NewNote(ref, note=text, moment=moment)


def read_note(request: Request, given: NewNote) -> NewNote:
    """Return the form's note with its time parsed; it may begin with one, as in a command.

    Raises: InvalidInput if it begins like a time that isn't clear, and *When* is empty.
    """
    typed, now, zone = request.form.text("time"), request.now, request.actor.zone
    if typed:
        return replace(given, moment=parse_moment(typed, now=now, zone=zone))
    try:
        moment, text = split_moment(given.note, now=now, zone=zone)
    except InvalidInput:
        raise InvalidInput("time", "has_to_be_said", f"{MOMENT_EXAMPLE}, or now") from None
    return replace(given, moment=moment, note=text)


def noted(request: Request, outcome: Outcome) -> str:
    """Return the reply to a note's author."""
    occurred_at = datetime.fromisoformat(outcome.data["occurred_at"])
    when = mentions.date(occurred_at)
    if _BEGINS_WITH_A_CLOCK.match(request.words.text) and _is_to_come(request, occurred_at):
        when = f"{when} (yesterday, because that time is still to come today)"
    text = (
        f"Noted for {when} in *{outcome.data['reference']}*. "
        f"To take it back: `{request.policy.command} undo`"
    )
    text = f"{text}{_if_it_was_then(request)}"
    if outcome.data["is_cut"]:
        text = (
            f"{text}\nIt was longer than {MAX_TEXT:,} characters, so I cut its end. "
            "Share the rest as a file in the channel: that goes on the timeline, too."
        )
    return text


def _if_it_was_then(request: Request) -> str:
    """Return how to date a note that ends with a time, which may say when it happened."""
    words, now, zone = mentions.plain(request.words.text), request.now, request.actor.zone
    said = moment_at_the_end(words, now=now, zone=zone)
    if not said or split_moment(words, now=now, zone=zone)[0] is not None:
        return ""
    rest = words[: -len(said)].rstrip(" ,;(")
    ready = mentions.code(f"{request.policy.command} note {said} {rest}")
    return f" Did it happen {mentions.escape_line(said)}? Withdraw it, then send {ready}"


def _is_to_come(request: Request, occurred_at: datetime) -> bool:
    """Tell whether that time of day is still to come today, in the author's zone."""
    zone = zone_of(request.actor.zone)
    was, now = occurred_at.astimezone(zone), request.now.astimezone(zone)
    return was.date() < now.date() and was.time() > now.time()


class Undo(OnIncident):
    """The entry to withdraw; None means the newest, or with `again` the one before."""

    entry_id: uuid.UUID | None = None
    again: bool = False


_LAST_ONE = frozenset({"", "it", "that", "this", "last", "last note", "my last note"})


async def take_back(request: Request, given: Undo) -> Reply:
    """Withdraw the person's newest note or mark; ask before an older one."""
    if given.entry_id is not None:
        use_case = partial(withdraw_entry, ref=given.ref, entry_id=given.entry_id)
        return Say(_withdrawn(await request.transact(use_case)), replaces=True)
    typed = request.words.text.casefold().strip(".!")
    if typed not in {*_LAST_ONE, "again"}:
        timeline = f"`{request.policy.command} timeline`"
        text = (
            "`undo` takes back only your newest note or mark. Nothing changed. "
            f"For another, open {timeline} and choose *Withdraw* beside it."
        )
        return Say(say(text))
    outcome = await request.transact(partial(undo, ref=given.ref, again=typed == "again"))
    return Say(_older(request, outcome) if outcome.kind == "older" else _withdrawn(outcome))


def _older(request: Request, outcome: Outcome) -> blocks.Message:
    what, when = _what_and_when(outcome)
    text = (
        "You've already withdrawn your last one. Nothing changed. The one before is your "
        f"{what} of {when} in *{outcome.data['reference']}*. To withdraw that too: "
        f"`{request.policy.command} {outcome.data['reference']} undo again`"
    )
    incident_id, entry_id = outcome.incident_id, uuid.UUID(outcome.data["entry_id"])
    if incident_id is None:
        return say(text)
    value = to_value(Undo(ById(incident_id), entry_id=entry_id))
    button = blocks.button("Withdraw that one too", action_id="note_undo", value=value)
    return blocks.Message(text=text, blocks=(blocks.section(text), blocks.actions(button)))


def _what_and_when(outcome: Outcome) -> tuple[str, str]:
    what = "note" if outcome.data["entry_kind"] == Note.kind else "mark"
    return what, mentions.date(datetime.fromisoformat(outcome.data["occurred_at"]))


def _withdrawn(outcome: Outcome) -> blocks.Message:
    what, when = _what_and_when(outcome)
    return say(
        f"Your {what} of {when} in *{outcome.data['reference']}* is withdrawn. "
        "It stays on the record, struck out."
    )


# -- the timeline -----------------------------------------------------------------------------


def typed_page(request: Request) -> TimelinePage:
    """Parse `timeline [--last 20]`."""
    typed = request.words.flags.get("last") or request.words.text or str(messages.DEFAULT_LAST)
    if not typed.isdecimal() or not 1 <= int(typed) <= MAX_LAST:
        raise InvalidInput("last", f"takes a number from 1 to {MAX_LAST}", "timeline --last 20")
    return TimelinePage(request.incident_ref(), count=int(typed))


async def show_page(request: Request, given: TimelinePage) -> Reply:
    """Show the newest entries; turning the page replaces the message."""
    timeline = await request.read(get_timeline, given.ref, entry_types=ENTRY_TYPES)
    message = messages.page(timeline, count=min(max(given.count, 1), MAX_LAST), skip=given.skip)
    is_turned = given.skip != 0 or request.action.get("action_id") == "timeline_later"
    return Say(message, replaces=is_turned)


# -- corrections ------------------------------------------------------------------------------


class Correction(OnEntry):
    """A note's new text and time, or why an entry is hidden or destroyed."""

    note: str = ""
    time: datetime | None = None
    reason: str = ""


async def correct(request: Request, given: Correction) -> Reply:
    """Amend, withdraw, hide, reveal or destroy an entry, as the person chose in its menu."""
    match given.choice:
        case "withdraw":
            use_case = partial(withdraw_entry, ref=given.ref, entry_id=given.entry_id)
            return Say(_withdrawn(await request.transact(use_case)))
        case "hide":
            return await HIDE.ask(request, given)
        case "destroy":
            return await DESTROY.ask(request, given)
        case "reveal":
            use_case = partial(reveal_entry, ref=given.ref, entry_id=given.entry_id)
            return Say(revealed(await request.transact(use_case)))
    return await AMEND.ask(request, given)


async def open_amend(request: Request, given: Correction) -> blocks.View | Say:
    """Return the form that corrects a note, or a reply if the note is too long for it."""
    item = await _item(request, given, action=Action.ADD_NOTE)
    if len(item.entry.words) > messages.MAX_IN_FORM:
        text = (
            "This note is too long for a form. Nothing changed. "
            "Withdraw it, and write a shorter one."
        )
        return Say(say(text))
    return messages.amend_form(item)


async def open_hide(request: Request, given: Correction) -> blocks.View:
    """Return the form that asks whether to hide an entry."""
    item = await _item(request, given, action=Action.VIEW)
    if item.entry.actor_id != request.actor.person_id:
        await _item(request, given, action=Action.HIDE_ENTRY)
    return messages.hide_form(item)


async def open_destroy(request: Request, given: Correction) -> blocks.View:
    """Return the form that asks whether to destroy a hidden entry."""
    return messages.destroy_form(await _item(request, given, action=Action.REDACT_ENTRY))


async def amend(request: Request, given: Correction) -> Reply:
    """Correct a note."""
    item = await _item(request, given, action=Action.VIEW)
    use_case = partial(
        amend_note,
        ref=given.ref,
        entry_id=given.entry_id,
        text=given.note,
        occurred_at=_to_the_second(given.time, item.entry.occurred_at),
    )
    try:
        await request.transact(use_case)
    except AlreadySo as error:
        if error.what != "note":
            raise
        return FieldErrors(
            {"note": "You haven't changed anything yet. Change it, or press Cancel."}
        )
    return None


def _to_the_second(chosen: datetime | None, before: datetime) -> datetime:
    """Return the chosen moment; keep the old seconds if the minute is unchanged."""
    if chosen is None or chosen == before.replace(second=0, microsecond=0):
        return before
    return chosen


async def _item(request: Request, given: OnEntry, *, action: Action) -> TimelineItem:
    incident = await view_for_form(request, given.ref, action=action)
    item = await request.read(find_item, incident.id, given.entry_id, entry_types=ENTRY_TYPES)
    if item is None:
        raise InvalidInput("entry", "unknown")
    if item.entry.is_redacted and not (item.entry.is_hidden and given.choice == "destroy"):
        raise AlreadySo("entry", "hidden" if item.entry.is_hidden else "redacted")
    if item.entry.is_withdrawn and given.choice not in {"hide", "destroy"}:
        raise AlreadySo("entry", "withdrawn")
    return item


AMEND = Verb(Correction, form="amend_submit", open=open_amend, perform=amend)
HIDE = Verb(
    Correction,
    form="hide_submit",
    open=open_hide,
    do=lambda uow, given: hide_entry(uow, given.ref, entry_id=given.entry_id, reason=given.reason),
    tell=redacted,
)
DESTROY = Verb(
    Correction,
    form="destroy_submit",
    open=open_destroy,
    do=lambda uow, given: destroy_entry(
        uow, given.ref, entry_id=given.entry_id, reason=given.reason
    ),
    tell=redacted,
)

FEATURE = Feature(
    name="timeline",
    verbs=(
        Verb(
            NewNote,
            usage="note [-10m|14:05|yesterday 14:05] text",
            repeat=Repeat.WORDS,
            summary="Add a note to the timeline, backdated if you like.",
            examples=("note Rolled back the checkout deploy", "note -10m Error rate is falling"),
            typed=typed_note,
            form="note_submit",
            opened_by=("note_open",),
            needs=Action.ADD_NOTE,
            show=lambda _, view, given: messages.note_form(view, unclear=given.unclear),
            read=read_note,
            do=lambda uow, given: add_note(
                uow, given.ref, text=given.note, occurred_at=given.moment
            ),
            tell=noted,
            is_quiet=True,
        ),
        Verb(
            Undo,
            usage="undo [again]",
            family="note",
            when=r"undo(?P<rest>(?:\s+again)?)",
            repeat=Repeat.WORDS,
            summary="Withdraw your own last note or mark; `again`, the one before.",
            buttons=("note_undo",),
            perform=take_back,
        ),
        Verb(
            TimelinePage,
            usage="timeline [--last 20]",
            family="show",
            repeat=Repeat.HARMLESS,
            summary="Show the newest entries of the timeline.",
            flags=(Flag("last", f"how many, up to {MAX_LAST}", metavar="N"),),
            examples=("timeline --last 50",),
            typed=typed_page,
            buttons=("timeline_open", "timeline_earlier", "timeline_later"),
            perform=show_page,
        ),
        Verb(Correction, buttons=("timeline_correct",), perform=correct),
        AMEND,
        HIDE,
        DESTROY,
    ),
    effects={
        EraseEntryMessage: erase_message,
        EraseTitle: erase_title,
        DeleteFiles: delete_files,
    },
    entries=(shown(Note, messages.note_entry),),
)
