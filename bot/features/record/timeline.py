"""Notes and the timeline: commands, forms, presses, and how notes read in the channel."""

import re
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.record import timeline_messages as shown
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.feature import Command, Feature, Flag
from bot.framework.incident_forms import view_for_form
from bot.framework.reading import read_incident
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request
from bot.slack import blocks, mentions
from bot.slack.errors import SlackPermanent
from incidents.core.errors import AlreadySo, InvalidInput
from incidents.core.ids import derived_id
from incidents.core.times import parse_moment, split_moment, zone_of
from incidents.engine.effects import EraseEntryMessage, PostEntry, TellPerson
from incidents.engine.outbox import EffectRow
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.timeline import EntryKind, TimelineEntry
from incidents.policy.policy import Action
from incidents.record.corrections import MAX_TEXT
from incidents.record.notes import add_note, amend_note, redact_entry, undo, withdraw_entry
from incidents.record.timeline_view import TimelineItem, TimelineView, find_item, get_timeline

DEFAULT_LAST = 20
MAX_LAST = 50

# Phones make a long dash of the minus in `-10m`, which the grammar takes for `--`.
_LONG_MINUS = re.compile(r"^--(?=\d)")

# The incident's id, how many entries, how many newer ones to leave out.
_PAGE = re.compile(r"[^|]+\|(\d{1,4})\|(\d{1,9})")


# -- notes ------------------------------------------------------------------------------------


async def note_command(request: Request) -> Reply:
    """Add a note from `/incident note [-10m|14:05] text`; without a text, open the form."""
    written = _LONG_MINUS.sub("-", mentions.plain(request.words.text))
    if not written:
        return await _open_note_form(request, request.incident_ref())
    moment, text = split_moment(written, now=request.now, zone=request.actor.zone)
    use_case = partial(add_note, ref=request.incident_ref(), text=text, occurred_at=moment)
    outcome = await request.transact(use_case)
    was_clock_time = moment is not None and written[0].isdigit()
    return Say(_noted(request, outcome, was_clock_time=was_clock_time))


async def note_open(request: Request) -> Reply:
    """Open the note form from a button."""
    return await _open_note_form(request, request.incident_of_value())


async def note_submitted(request: Request) -> Reply:
    """Add the note from the form; a time that can't be read is told in its field."""
    form = request.form
    try:
        typed = form.text("time")
        moment = parse_moment(typed, now=request.now, zone=request.actor.zone) if typed else None
        use_case = partial(
            add_note,
            ref=request.incident_of_metadata(),
            text=form.text("note"),
            occurred_at=moment,
        )
        await request.transact(use_case)
    except InvalidInput as error:
        return FieldErrors({error.field: invalid_text(error.field, error.problem, error.example)})
    return None


async def _open_note_form(request: Request, ref: IncidentRef) -> Reply:
    view = await view_for_form(request, ref, action=Action.ADD_NOTE)
    await request.open_view(shown.note_form(view))
    return None


def _noted(request: Request, outcome: Outcome, *, was_clock_time: bool) -> blocks.Message:
    occurred_at = datetime.fromisoformat(outcome.data["occurred_at"])
    when = mentions.date(occurred_at)
    if was_clock_time and _is_to_come(request, occurred_at):
        when = f"{when}, yesterday, as that time is yet to come today,"
    text = (
        f"Noted for {when} in *{outcome.data['reference']}*. "
        f"`{request.policy.command} undo` takes it back."
    )
    if outcome.data["is_cut"]:
        text = (
            f"{text}\nIt was longer than {MAX_TEXT:,} characters, so its end was cut. "
            "Share the rest as a file in the channel: that lands on the timeline, too."
        )
    return say(text)


def _is_to_come(request: Request, occurred_at: datetime) -> bool:
    """Tell whether the author's clock shows that time only later today."""
    zone = zone_of(request.actor.zone)
    was, now = occurred_at.astimezone(zone), request.now.astimezone(zone)
    return was.date() < now.date() and was.time() > now.time()


async def undo_command(request: Request) -> Reply:
    """Take back one's own last note or mark; which one can't be said by command."""
    if request.words.text:
        timeline = f"`{request.policy.command} timeline`"
        text = (
            "`undo` takes back your newest one only, so nothing was changed. "
            f"For another, open {timeline} and choose *Withdraw* beside it."
        )
        return Say(say(text))
    outcome = await request.transact(partial(undo, ref=request.incident_ref()))
    return Say(_withdrawn(outcome))


async def undo_pressed(request: Request) -> Reply:
    """Take back one's own last note or mark, by button."""
    outcome = await request.transact(partial(undo, ref=request.incident_of_value()))
    return Say(_withdrawn(outcome))


def _withdrawn(outcome: Outcome) -> blocks.Message:
    what = "note" if outcome.data["entry_kind"] == EntryKind.NOTE else "mark"
    when = mentions.date(datetime.fromisoformat(outcome.data["occurred_at"]))
    return say(
        f"Your {what} of {when} in *{outcome.data['reference']}* is withdrawn. "
        "It stays on the record, struck out."
    )


# -- the timeline -----------------------------------------------------------------------------


async def timeline_command(request: Request) -> Reply:
    """Show the newest entries, from `/incident timeline [--last 20]`."""
    typed = request.words.flags.get("last") or request.words.text or str(DEFAULT_LAST)
    if not typed.isdecimal() or not 1 <= int(typed) <= MAX_LAST:
        raise InvalidInput("last", f"takes a number from 1 to {MAX_LAST}", "timeline --last 20")
    timeline = await _timeline(request, request.incident_ref())
    return Say(shown.page(timeline, count=int(typed), skip=0))


async def timeline_turned(request: Request) -> Reply:
    """Show another page in place of this one, or the first one from elsewhere."""
    count, skip = _page_of(request.value)
    timeline = await _timeline(request, request.incident_of_value())
    message = shown.page(timeline, count=count, skip=skip)
    return Say(message, replaces=skip != 0 or request.action.get("action_id") == "timeline_later")


def _page_of(value: str) -> tuple[int, int]:
    """Return how many entries a button asks for, and how many newer ones to leave out."""
    found = _PAGE.fullmatch(value)
    if found is None:
        return DEFAULT_LAST, 0
    return min(max(int(found[1]), 1), MAX_LAST), int(found[2])


async def _timeline(request: Request, ref: IncidentRef) -> TimelineView:
    async with request.services.database.reading() as session:
        return await get_timeline(
            session, ref, workspace_id=request.services.workspace.id, viewer=request.actor
        )


# -- corrections ------------------------------------------------------------------------------


async def correct_chosen(request: Request) -> Reply:
    """Amend, withdraw or redact an entry, as chosen in its menu."""
    ref = request.incident_of_value()
    entry_id, choice = _entry_of(request.value)
    if choice == "withdraw":
        return Say(
            _withdrawn(await request.transact(partial(withdraw_entry, ref=ref, entry_id=entry_id)))
        )
    action = Action.REDACT_ENTRY if choice == "redact" else Action.ADD_NOTE
    view = await view_for_form(request, ref, action=action)
    item = await _item(request, ref, entry_id, verb=choice)
    if choice == "redact":
        await request.open_view(shown.redact_form(view, item))
        return None
    if len(item.entry.text("text")) > shown.MAX_IN_FORM:
        text = (
            "This note is too long for a form, so nothing was changed. "
            "Withdraw it, and write a shorter one."
        )
        return Say(say(text))
    await request.open_view(shown.amend_form(view, item))
    return None


async def amend_submitted(request: Request) -> Reply:
    """Amend the note from the form."""
    entry_id, _ = _entry_of(str(request.metadata.get("entry", "")))
    ref = request.incident_of_metadata()
    item = await _item(request, ref, entry_id, verb="amend")
    use_case = partial(
        amend_note,
        ref=ref,
        entry_id=entry_id,
        text=request.form.text("note"),
        occurred_at=_to_the_second(request.form.instant("time"), item.entry.occurred_at),
    )
    try:
        await request.transact(use_case)
    except AlreadySo as error:
        if error.what != "note":
            raise
        return FieldErrors({"note": "Nothing is different yet. Change it, or press Cancel."})
    except InvalidInput as error:
        return FieldErrors({error.field: invalid_text(error.field, error.problem, error.example)})
    return None


async def redact_submitted(request: Request) -> Reply:
    """Redact the entry from the form."""
    entry_id, _ = _entry_of(str(request.metadata.get("entry", "")))
    use_case = partial(
        redact_entry,
        ref=request.incident_of_metadata(),
        entry_id=entry_id,
        reason=request.form.text("reason"),
    )
    await request.transact(use_case)
    return None


def _entry_of(value: str) -> tuple[uuid.UUID, str]:
    parts = value.split("|")
    try:
        return uuid.UUID(parts[1]), parts[2]
    except (IndexError, ValueError):
        raise InvalidInput("entry", "unknown") from None


def _to_the_second(chosen: datetime | None, before: datetime) -> datetime:
    """Return the moment chosen; in the minute that stands already it keeps its seconds."""
    if chosen is None or chosen == before.replace(second=0, microsecond=0):
        return before
    return chosen


async def _item(request: Request, ref: ById, entry_id: uuid.UUID, *, verb: str) -> TimelineItem:
    async with request.services.database.reading() as session:
        item = await find_item(
            session,
            ref.id,
            entry_id,
            workspace_id=request.services.workspace.id,
            viewer=request.actor,
        )
    if item is None:
        raise InvalidInput("entry", "unknown")
    if item.entry.is_redacted:
        raise AlreadySo("entry", "redacted")
    if item.entry.is_withdrawn and verb != "redact":
        raise AlreadySo("entry", "withdrawn")
    return item


# -- erasing ----------------------------------------------------------------------------------


async def erase_message(context: EffectContext) -> Settlement:
    """Take a redacted entry's text, and its amendments', out of the messages that said them."""
    effect = context.get(EraseEntryMessage)
    async with context.services.database.reading() as session:
        view = await read_incident(session, effect, context.services)
        said = await _said_by(session, effect)
        places = {entry_id: await _posted_as(session, effect, entry_id) for entry_id in said}
    if view.channel_id is None:
        return Dropped("no channel")
    gateway, message = context.services.gateway, say("_This entry was redacted._")
    for entry_id, recorded_at in said.items():
        if not places[entry_id]:  # the effect that posted it was tidied away since
            posted_by = derived_id(entry_id, f"{PostEntry.kind}:")
            oldest = recorded_at - timedelta(minutes=1)
            found = await gateway.find_posted(
                view.channel_id, effect_id=str(posted_by), oldest=oldest
            )
            places[entry_id] = [(view.channel_id, found)] if found is not None else []
        for channel_id, ts in places[entry_id]:
            try:
                await gateway.update(channel_id, ts, message)
            except SlackPermanent as error:
                if error.error != "message_not_found":
                    raise
    return Done()


async def _posted_as(
    session: AsyncSession, effect: EraseEntryMessage, entry_id: uuid.UUID
) -> list[tuple[str, str]]:
    """Return where an entry was said: in a channel that the incident may have left, directly."""
    query = select(EffectRow.progress).where(
        EffectRow.entry_id == entry_id,
        EffectRow.incident_id == effect.incident_id,
        EffectRow.kind.in_((PostEntry.kind, TellPerson.kind)),
    )
    rows = (await session.execute(query)).scalars()
    return [(place[0], place[1]) for row in rows for place in row.get("posted", ())]


async def _said_by(
    session: AsyncSession, effect: EraseEntryMessage
) -> Mapping[uuid.UUID, datetime]:
    amends = (TimelineEntry.target_id == effect.entry_id) & (
        TimelineEntry.kind == EntryKind.AMENDED
    )
    query = select(TimelineEntry.id, TimelineEntry.recorded_at).where(
        TimelineEntry.incident_id == effect.incident_id,
        (TimelineEntry.id == effect.entry_id) | amends,
    )
    return {row.id: row.recorded_at for row in await session.execute(query)}


FEATURE = Feature(
    name="timeline",
    commands=(
        Command(
            name="note",
            usage="note [-10m|14:05] text",
            summary="Add a note to the timeline, dated back if you like.",
            handler=note_command,
            examples=("note Rolled back the checkout deploy", "note -10m Error rate is falling"),
        ),
        Command(
            name="undo",
            usage="undo",
            summary="Withdraw your own last note or mark.",
            handler=undo_command,
        ),
        Command(
            name="timeline",
            usage="timeline [--last 20]",
            summary="Show the newest entries of the timeline.",
            handler=timeline_command,
            flags=(Flag("last", f"how many, up to {MAX_LAST}", metavar="N"),),
            examples=("timeline --last 50",),
        ),
    ),
    actions={
        "note_open": note_open,
        "note_undo": undo_pressed,
        "timeline_open": timeline_turned,
        "timeline_earlier": timeline_turned,
        "timeline_later": timeline_turned,
        "timeline_correct": correct_chosen,
    },
    views={
        "note_submit": note_submitted,
        "amend_submit": amend_submitted,
        "redact_submit": redact_submitted,
    },
    effects={EraseEntryMessage: erase_message},
    entries={
        EntryKind.NOTE: shown.note_entry,
        EntryKind.AMENDED: shown.amended_entry,
        EntryKind.WITHDRAWN: shown.withdrawn_entry,
    },
)
